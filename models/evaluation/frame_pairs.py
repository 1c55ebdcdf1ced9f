"""Pairs of video frames with optical flow, for the warping error.

True flow is read from .flo files (Middlebury's format, used by MPI-Sintel); for other clips, DIS optical flow is
computed from the frames (Kroeger et al., "Fast optical flow using dense inverse search", ECCV 2016).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ...engine.errors import InputError
from ...engine.files import in_order, is_hidden
from ...engine.frame import IMAGE_SUFFIXES, Image, read_image, reduced

Flow = NDArray[np.float32]
FLO_MAGIC = 202021.25
UNKNOWN_FLOW_PX = 1e6


@dataclass(frozen=True)
class FramePair:
    """Two frames and the motion from the first to the second.

    Attributes:
        name: Their origin.
        first: uint8 [H, W, 3], BGR.
        second: uint8 [H, W, 3], BGR.
        flow: float32 [H, W, 2], (x, y) in pixels.
        valid: bool [H, W], where the flow is reliable.
    """

    name: str
    first: Image
    second: Image
    flow: Flow
    valid: NDArray[np.bool_]


def find_frame_pairs(
    folder: str | Path, *, long_side_px: int = 512, per_clip: int = 8, flow: str = "auto"
) -> Iterator[FramePair]:
    """Pairs of consecutive frames below `folder`.

    A folder with a .flo file gives one pair with the true flow; every other folder with at least two pictures is a
    clip, from which `per_clip` pairs are taken at equal distances, with DIS flow.

    Args:
        folder: Such a folder, or a parent of such folders.
        long_side_px: Frames and flow are reduced to this long side.
        per_clip: Number of pairs per clip.
        flow: "auto" as described, "dis" for DIS everywhere, or the path of a single .flo file.

    Yields:
        The pairs, folder by folder.

    Raises:
        InputError: There is no pair, or a file cannot be read.
    """
    if flow not in ("auto", "dis"):
        yield true_pair(Path(folder), flow=Path(flow), long_side_px=long_side_px)
        return
    clips = [
        found
        for found in sorted({path.parent for path in _pictures(Path(folder))})
        if len(_frames(found)) > 1
    ]
    if not clips:
        raise InputError(f"no two consecutive frames below {folder}")
    for clip in clips:
        true = sorted(clip.glob("*.flo")) if flow == "auto" else []
        if true:
            yield true_pair(clip, flow=true[0], long_side_px=long_side_px)
        else:
            yield from _dis_pairs(clip, long_side_px=long_side_px, count=per_clip)


def true_pair(folder: Path, *, flow: Path, long_side_px: int = 512) -> FramePair:
    """The pair of frame_N.flo: frame_N.png, the next frame, and optionally occlusion_N.png (white: hidden).

    Raises:
        InputError: A file is missing or unreadable.
    """
    names = [path.stem for path in _frames(folder)]
    if flow.stem not in names or names[-1] == flow.stem:
        raise InputError(f"{flow} needs the frame of the same name and the next frame in its folder")
    first_path, second_path = _frames(folder)[names.index(flow.stem) :][:2]
    motion = read_flow(flow)
    valid = np.abs(motion).max(axis=2) < UNKNOWN_FLOW_PX
    hidden = folder / f"occlusion_{flow.stem.split('_')[-1]}.png"
    if hidden.is_file():
        valid &= read_image(hidden)[..., 0] < 128
    first, second = read_image(first_path), read_image(second_path)
    if first.shape[:2] != motion.shape[:2] or second.shape != first.shape:
        raise InputError(f"the frames of {flow} do not have its size {motion.shape[1]}x{motion.shape[0]}")
    return _reduced(FramePair(folder.name, first, second, motion, valid), long_side_px)


def dis_pair(name: str, first: Image, second: Image) -> FramePair:
    """A pair with DIS flow; valid where forward and backward flow agree.

    Source of the test: Sundaram et al., "Dense point trajectories", ECCV 2010.
    """
    there, back = _dis(first, second), _dis(second, first)
    height, width = first.shape[:2]
    x = np.arange(width, dtype=np.float32)[None] + there[..., 0]
    y = np.arange(height, dtype=np.float32)[:, None] + there[..., 1]
    returned = cv2.remap(back, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    gap = np.square(there + returned).sum(axis=2)
    allowed = 0.01 * (np.square(there).sum(axis=2) + np.square(returned).sum(axis=2)) + 0.5
    return FramePair(name, first, second, there, gap < allowed)


def read_flow(path: str | Path) -> Flow:
    """Reads a .flo file: float32 [H, W, 2].

    Raises:
        InputError: The file is missing or not a .flo file.
    """
    try:
        data = np.fromfile(path, np.uint8)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    if data.size < 12 or data[:4].view("<f4")[0] != np.float32(FLO_MAGIC):
        raise InputError(f"{path} is not a .flo file")
    width, height = (int(value) for value in data[4:12].view("<i4"))
    values = data[12:].view("<f4")
    if values.size != 2 * width * height:
        raise InputError(f"{path} should have {width}x{height} vectors but has {values.size // 2}")
    return np.asarray(values.reshape(height, width, 2), np.float32)


def _dis_pairs(clip: Path, *, long_side_px: int, count: int) -> Iterator[FramePair]:
    frames = _frames(clip)
    starts = np.unique(np.linspace(0, len(frames) - 2, min(count, len(frames) - 1)).round().astype(int))
    for start in starts:
        first, second = (
            reduced(read_image(path), long_side_px=long_side_px) for path in frames[start : start + 2]
        )
        yield dis_pair(f"{clip.name}/{frames[start].stem}", first, second)


def _reduced(pair: FramePair, long_side_px: int) -> FramePair:
    first, second = (reduced(image, long_side_px=long_side_px) for image in (pair.first, pair.second))
    size = first.shape[1::-1]
    scale = np.array([size[0] / pair.first.shape[1], size[1] / pair.first.shape[0]], np.float32)
    flow = (
        cv2.resize(np.where(pair.valid[..., None], pair.flow, 0), size, interpolation=cv2.INTER_AREA) * scale
    )
    valid = cv2.resize(pair.valid.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.999
    return FramePair(pair.name, first, second, flow.astype(np.float32), valid)


def _dis(first: Image, second: Image) -> Flow:
    method = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    grey = [cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) for image in (first, second)]
    start = np.zeros((*first.shape[:2], 2), np.float32)
    return np.asarray(method.calc(grey[0], grey[1], start), np.float32)


def _frames(folder: Path) -> list[Path]:
    """The pictures directly in `folder`, by name, without occlusion maps."""
    return in_order(path for path in folder.iterdir() if _is_frame(path))


def _pictures(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if _is_frame(path)]


def _is_frame(path: Path) -> bool:
    return (
        path.suffix.lower() in IMAGE_SUFFIXES
        and not path.name.startswith("occlusion")
        and not is_hidden(path)
    )
