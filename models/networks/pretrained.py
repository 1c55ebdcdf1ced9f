"""Pretrained loss and localization networks: finds and downloads their files.

Also the runtime of an exported web page. artrt ships none of these files. `locate` finds them on this machine. `pull`
downloads those with an address and keeps a file only if its sha256 is correct.
"""

from __future__ import annotations

import hashlib
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ...engine.errors import InputError, IntegrityError, MissingExtraError, UsageError, suggest

CHUNK_BYTES = 1 << 20
TIMEOUT_SECONDS = 30.0

#: Called with (downloaded bytes, total bytes) during a download.
Report = Callable[[int, int], None]


@dataclass(frozen=True)
class WeightsFile:
    """One file of weights, or the archive of a runtime.

    Attributes:
        name: File name, at its address and in the cache.
        sha256: Full hash of the file, 64 hex digits.
        size_bytes: Length of the file.
        source: Download address, or the project that a file without an address comes from.
        licence: Its terms.
    """

    name: str
    sha256: str
    size_bytes: int
    source: str
    licence: str

    @property
    def has_address(self) -> bool:
        """Whether `source` is an address that `pull` can download."""
        return "://" in self.source


def _torchvision(name: str, sha256: str, size_bytes: int) -> WeightsFile:
    url = f"https://download.pytorch.org/models/{name}"
    return WeightsFile(name, sha256, size_bytes, url, "torchvision (BSD-3-Clause), trained on ImageNet-1K")


_COMPACT_ENCODER = WeightsFile(
    "vgg19_compact_relu5_1.safetensors",
    "62c16cf6c53f9ef13e66ca4bcc3528434f8c1cf12f92bb4f04521fef831d0a0a",
    3_859_800,
    "the encoder of MingSun-Tse/Collaborative-Distillation on GitHub, as safetensors",
    "MIT",
)

#: Name -> alternatives, best first; an alternative is a tuple of the files that it needs.
CATALOGUE: dict[str, tuple[tuple[WeightsFile, ...], ...]] = {
    "vgg19": (
        (
            _torchvision(
                "vgg19-dcbb9e9d.pth",
                "dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44",
                574_673_361,
            ),
        ),
    ),
    "vgg16": (
        (
            _torchvision(
                "vgg16-397923af.pth",
                "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
                553_433_881,
            ),
        ),
    ),
    "wide": (
        (
            WeightsFile(
                "vgg19_conv1_1_to_conv3_4_bgr255.safetensors",
                "a096f76ac6bfd48efff4d30e68825e94e4ccb326e9a119c340ab9091e920f0b6",
                4_652_640,
                "DavidCai1993/vgg19-tensorflowjs-model on GitHub, conv1_1 to conv3_4 as safetensors in half precision",
                "MIT; VGG weights CC-BY-4.0",
            ),
            _COMPACT_ENCODER,
        ),
    ),
    "compact": (
        (
            WeightsFile(
                "vgg19_normalised_relu3_1.safetensors",
                "653175d3fa4e04ef614983b76dafbd60bd7d8d87403db4cd2b5306bf9a235785",
                2_222_296,
                "the encoder of the WCT release (jkbehne/GOTStyleTranfer on GitHub), as safetensors",
                "WCT MIT; VGG weights CC-BY-4.0",
            ),
            _COMPACT_ENCODER,
        ),
    ),
    "squeezenet1_1": (
        (
            WeightsFile(
                "squeezenet1_1.safetensors",
                "c573ca474dd55a8a25a9c32f6810bc763aa60a239b8c65bf3b92f29405bee80c",
                4_946_592,
                "the ONNX model zoo (fujunwei/webnn-samples on GitHub), as safetensors",
                "Apache-2.0",
            ),
        ),
        (
            _torchvision(
                "squeezenet1_1-b8a52dc0.pth",
                "b8a52dc049b60e4b6ab68ad0df457362afab8b6304b2febdc1650a5dab4d7e7b",
                4_958_839,
            ),
        ),
    ),
}

RUNTIME = "onnxruntime-web"
RUNTIME_VERSION = "1.30.0"

#: Other downloads, which are not networks.
OTHERS: dict[str, tuple[tuple[WeightsFile, ...], ...]] = {
    RUNTIME: (
        (
            WeightsFile(
                f"{RUNTIME}-{RUNTIME_VERSION}.tgz",
                "d2228df7e4616bc3348bf504ee888f3bec43789a273f0a63f3e68d203ce3bf71",
                33_106_585,
                f"https://registry.npmjs.org/{RUNTIME}/-/{RUNTIME}-{RUNTIME_VERSION}.tgz",
                "MIT",
            ),
        ),
    ),
}


def weights_directory() -> Path:
    """Folder of downloaded weights: `$ARTRT_CACHE_DIR`, or the user's cache folder (platformdirs).

    Raises:
        MissingExtraError: platformdirs is not installed and `ARTRT_CACHE_DIR` not set.
    """
    if chosen := os.environ.get("ARTRT_CACHE_DIR"):
        return Path(chosen) / "weights"
    try:
        import platformdirs
    except ImportError as error:
        feature = "the cache of weights (where ARTRT_CACHE_DIR is not set)"
        raise MissingExtraError(feature, package="platformdirs", extra="train") from error
    return Path(platformdirs.user_cache_dir("artrt", appauthor=False)) / "weights"


def alternatives(name: str) -> tuple[tuple[WeightsFile, ...], ...]:
    """Alternative sets of files for `name`, best first.

    Raises:
        UsageError: `name` is not in the catalogue.
    """
    known = CATALOGUE | OTHERS
    if name not in known:
        raise UsageError(f"no pretrained network is called '{name}'; {suggest(name, known)}")
    return known[name]


def search_path(directory: str | os.PathLike[str] | None = None) -> Iterator[Path]:
    """Folders to search, in order: `directory`, artrt's cache, and torch.hub's cache.

    Args:
        directory: Folder to look in first, or None.
    """
    if directory is not None:
        yield Path(directory)
    own = weights_directory()
    yield own
    yield own.parent
    yield Path(os.environ.get("TORCH_HOME", Path.home() / ".cache" / "torch")) / "hub" / "checkpoints"


def locate(name: str, *, directory: str | os.PathLike[str] | None = None) -> tuple[Path, ...]:
    """Finds the files of a pretrained network on this machine; never uses the network.

    Args:
        name: Name in `CATALOGUE` or `OTHERS`.
        directory: Folder to search before the caches.

    Returns:
        Paths of the network's files in the order of the catalogue, all in one folder.

    Raises:
        UsageError: Unknown name.
        InputError: The files are missing; the message gives file, source, hash and target folder.
    """
    for folder in (folders := list(search_path(directory))):
        for files in alternatives(name):
            paths = tuple(folder / file.name for file in files)
            if all(path.is_file() for path in paths):
                return paths
    raise InputError(_missing(name, folders[0]))


def is_installed(name: str, *, directory: str | os.PathLike[str] | None = None) -> bool:
    """Whether the files of a pretrained network are on this machine; see `locate`."""
    try:
        locate(name, directory=directory)
    except InputError:
        return False
    return True


def pull(
    name: str,
    *,
    directory: str | os.PathLike[str] | None = None,
    report: Report | None = None,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> tuple[Path, ...]:
    """Downloads a pretrained network, unless its files are already present and correct.

    Args:
        name: Name in `CATALOGUE` or `OTHERS`.
        directory: Target folder; `weights_directory()` by default.
        report: Called with downloaded and total bytes.
        timeout_seconds: Time-out for the server.

    Returns:
        Paths of the files.

    Raises:
        UsageError: Unknown name, or a network without an address.
        InputError: There is no connection, or the folder cannot be written; the message says how to do it by hand.
        IntegrityError: The downloaded file has a wrong sha256; nothing is kept.
    """
    folder = weights_directory() if directory is None else Path(directory)
    fetchable = [files for files in alternatives(name) if all(file.has_address for file in files)]
    if not fetchable:
        raise UsageError(f"{name} has no download address. {_missing(name, folder)}")
    return tuple(_fetch(file, folder, report, timeout_seconds) for file in fetchable[0])


def sha256_of(path: str | os.PathLike[str]) -> str:
    """Hash of a file, 64 hex digits."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _fetch(file: WeightsFile, folder: Path, report: Report | None, timeout_seconds: float) -> Path:
    target = folder / file.name
    if target.is_file() and sha256_of(target) == file.sha256:
        return target
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        digest = _download(file, part, report, timeout_seconds)
        if digest != file.sha256:
            raise IntegrityError(
                f"{file.source} has sha256 {digest}, expected {file.sha256}; nothing was kept"
            )
        part.replace(target)
    except OSError as error:  # URLError and time-outs are OSErrors, too
        raise InputError(
            f"cannot download {file.source}: {_reason(error)}. {_by_hand(file, folder)}"
        ) from error
    finally:
        with suppress(OSError):
            part.unlink()
    return target


def _download(file: WeightsFile, part: Path, report: Report | None, timeout_seconds: float) -> str:
    digest, done = hashlib.sha256(), 0
    with urllib.request.urlopen(file.source, timeout=timeout_seconds) as answer, part.open("wb") as stream:
        while chunk := answer.read(CHUNK_BYTES):
            stream.write(chunk)
            digest.update(chunk)
            done += len(chunk)
            if report is not None:
                report(done, file.size_bytes)
    return digest.hexdigest()


def _reason(error: OSError) -> str:
    return str(getattr(error, "reason", None) or error)


def _by_hand(file: WeightsFile, folder: Path) -> str:
    return f"By hand: put {file.name} (sha256 {file.sha256}) from {file.source} into {folder}"


def _missing(name: str, folder: Path) -> str:
    files = alternatives(name)
    ways = ", or ".join(" and ".join(_by_hand(file, folder) for file in group) for group in files)
    command = (
        f"run `artrt models pull {name}`. " if any(f.has_address for group in files for f in group) else ""
    )
    return f"the weights of {name} are not on this machine: {command}{ways}"
