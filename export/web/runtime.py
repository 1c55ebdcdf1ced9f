"""The files of onnxruntime-web for a site, read from a folder or an archive; each is checked by its sha256.

In the site's folder `ort/` they have the suffix .js in place of .mjs, because some hosts serve .mjs with a type that
browsers refuse.
"""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ...engine.errors import InputError, IntegrityError
from ...models.networks.pretrained import RUNTIME, RUNTIME_VERSION, locate

FOLDER = "ort"
PLACES = ("", "dist", "package/dist", "onnxruntime-web/dist", "node_modules/onnxruntime-web/dist")


@dataclass(frozen=True, slots=True)
class RuntimeFile:
    """One file of the package's folder `dist`."""

    name: str
    sha256: str
    size_bytes: int

    @property
    def site_name(self) -> str:
        """Its path in the site."""
        return (
            f"{FOLDER}/{self.name.removesuffix('.mjs') + '.js' if self.name.endswith('.mjs') else self.name}"
        )


#: WebAssembly with SIMD, and with threads where the page is isolated from other origins.
WASM = (
    RuntimeFile(
        "ort.wasm.min.mjs", "219e6a1fc8a9938268d18efca3c91d310bd2f4a59bbd13744df5b2b7fc6cee3b", 50_126
    ),
    RuntimeFile(
        "ort-wasm-simd-threaded.mjs",
        "e13f7f94fc51b4ca72b12faeb1ee95f4ace6dfbc8939bc718aabdc0a27c4299b",
        24_381,
    ),
    RuntimeFile(
        "ort-wasm-simd-threaded.wasm",
        "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
        14_239_897,
    ),
)

#: The same with WebGPU.
WEBGPU = (
    RuntimeFile(
        "ort.webgpu.min.mjs", "3dffff71811bc13a3a3d9591c57ca5ee5735b8f5f3eaf789510b02bb040ae3a0", 66_349
    ),
    RuntimeFile(
        "ort-wasm-simd-threaded.asyncify.mjs",
        "3d1c85995364bb643302fc6fd877a0c3ba5ae72401815e0f24828a53d9191e28",
        53_057,
    ),
    RuntimeFile(
        "ort-wasm-simd-threaded.asyncify.wasm",
        "39f9f0894d478800487ed9f7dbe92618498db320cf55c8e3d89adff8dce658da",
        26_781_914,
    ),
)


def runtime_files(*, webgpu: bool) -> tuple[RuntimeFile, ...]:
    """The files of a site."""
    return WASM + WEBGPU if webgpu else WASM


def runtime_builds(files: Iterable[str]) -> dict[str, list[str]]:
    """The builds of a site: name -> paths in the site.

    Args:
        files: Paths of the site's files.
    """
    there = set(files)
    builds = {"WebAssembly": WASM, "WebGPU": WEBGPU}
    names = {name: [file.site_name for file in build] for name, build in builds.items()}
    return {name: paths for name, paths in names.items() if there.issuperset(paths)}


def find_runtime(given: Path | None = None) -> Path:
    """Finds the archive, or the folder with the files of `dist`.

    Args:
        given: The .tgz of the package, or a folder that contains it; None searches the cache of `artrt models pull`.

    Raises:
        InputError: It is missing; the message says how to get it.
    """
    fix = f"run `artrt models pull {RUNTIME}`, or give the folder or .tgz of version {RUNTIME_VERSION} with --runtime"
    if given is None:
        with suppress(InputError):
            return locate(RUNTIME)[0]
        raise InputError(f"{RUNTIME} {RUNTIME_VERSION} is not on this machine: {fix}")
    if given.is_file():
        return given
    for place in PLACES:
        if (given / place / WASM[0].name).is_file():
            return given / place
    raise InputError(f"{given} is neither an archive of {RUNTIME} nor a folder with {WASM[0].name}: {fix}")


def read_runtime(source: Path, files: Iterable[RuntimeFile]) -> Iterator[tuple[RuntimeFile, bytes]]:
    """Reads files in the order of the source.

    Args:
        source: Result of `find_runtime`.
        files: The files to read.

    Raises:
        InputError: A file is missing, or the archive is unreadable.
        IntegrityError: A file differs from the pinned version.
    """
    pinned = tuple(files)
    for file, data in _from_folder(source, pinned) if source.is_dir() else _from_archive(source, pinned):
        if hashlib.sha256(data).hexdigest() != file.sha256:
            raise IntegrityError(
                f"{file.name} in {source} is not that of {RUNTIME} {RUNTIME_VERSION} (sha256 differs): "
                f"run `artrt models pull {RUNTIME}`"
            )
        yield file, data


def _from_folder(folder: Path, files: Iterable[RuntimeFile]) -> Iterator[tuple[RuntimeFile, bytes]]:
    for file in files:
        try:
            yield file, (folder / file.name).read_bytes()
        except OSError as error:
            raise InputError(f"cannot read {folder / file.name}: {error.strerror or error}") from error


def _from_archive(path: Path, files: Iterable[RuntimeFile]) -> Iterator[tuple[RuntimeFile, bytes]]:
    """Reads the archive once, without unpacking it, and never more of a file than its expected size."""
    missing = {f"package/dist/{file.name}": file for file in files}
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                if member.isfile() and member.name in missing and (stream := archive.extractfile(member)):
                    file = missing.pop(member.name)
                    yield file, stream.read(file.size_bytes + 1)
                if not missing:
                    return
    except (OSError, tarfile.TarError, EOFError) as error:
        raise InputError(f"{path} is no archive of {RUNTIME} {RUNTIME_VERSION}: {error}") from error
    raise InputError(f"{path} is no archive of {RUNTIME} {RUNTIME_VERSION}: it lacks {', '.join(missing)}")
