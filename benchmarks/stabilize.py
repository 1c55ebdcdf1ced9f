"""Warping error with and without `--stabilize`, on Sintel pairs with true flow and on real clips.

    python benchmarks/stabilize.py [--styles starry-night udnie] [--frames 48] [--pictures FOLDER]

The warping error of two neighbouring pictures is the root mean square difference between one and the other carried
along by the flow, where nothing is covered (Lai et al., "Learning blind video temporal consistency", 2018). Where no
true flow is given it is that of OpenCV's DIS at full size and its medium preset, checked forwards and backwards; the
stabilizer itself looks at a small picture with the ultrafast preset. `in place` blends without any motion, gated by the
same differences: what the motion is for.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from _harness import SHARED, write

from artrt.engine.frame import read_image, write_image
from artrt.engine.looks.building import open_look
from artrt.engine.looks.look import NUMBERS, Look
from artrt.engine.looks.stabilizer import Stabilizer

AMOUNT = NUMBERS["stabilize"].default

CLIPS = ("blackswan", "car-roundabout", "dance-twirl", "kite-surf")
SIZE = (640, 360)


@dataclass(frozen=True)
class Flow:
    """Where each pixel of the later picture was in the earlier one (x, y), and where that is known."""

    places: np.ndarray
    known: np.ndarray


@dataclass(frozen=True)
class Clip:
    """Frames and the flows between neighbours."""

    name: str
    frames: list[np.ndarray]
    flows: list[Flow]


def grid(height: int, width: int) -> np.ndarray:
    return np.dstack(np.meshgrid(np.arange(width), np.arange(height))).astype(np.float32)


def inside(places: np.ndarray) -> np.ndarray:
    height, width = places.shape[:2]
    return ((places >= 0) & (places <= (width - 1, height - 1))).all(axis=2)


def measured_flow(before: np.ndarray, now: np.ndarray) -> Flow:
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    grey = [cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) for image in (before, now)]
    backward, forward = dis.calc(grey[1], grey[0], None), dis.calc(grey[0], grey[1], None)
    places = grid(*grey[0].shape) + backward
    there = cv2.remap(forward, places, None, cv2.INTER_LINEAR)
    miss = ((backward + there) ** 2).sum(2)
    limit = 0.01 * ((backward**2).sum(2) + (there**2).sum(2)) + 0.5
    return Flow(places, (miss <= limit) & inside(places))


def true_flow(folder: Path) -> Flow:
    """Sintel's flow leads from frame 2 to frame 3: the clip runs backwards, so that frame 2 is the later one."""
    with open(folder / "frame_0002.flo", "rb") as file:
        file.read(4)
        width, height = np.fromfile(file, np.int32, 2)
        flow = np.fromfile(file, np.float32).reshape(height, width, 2)
    scale = float(SIZE[0] / width)
    size = (SIZE[0], round(height * scale))
    covered = cv2.imread(str(folder / "occlusion_0002.png"), cv2.IMREAD_GRAYSCALE)
    covered = cv2.resize(covered, size, interpolation=cv2.INTER_NEAREST) > 0
    places = grid(size[1], size[0]) + cv2.resize(flow, size) * scale
    return Flow(places, ~covered & inside(places))


def clips(frames: int) -> list[Clip]:
    found = []
    for name in CLIPS:
        paths = sorted((SHARED / "video" / name).glob("*.jpg"))[:frames]
        images = [cv2.resize(read_image(path), SIZE, interpolation=cv2.INTER_AREA) for path in paths]
        pairs = itertools.pairwise(images)
        found.append(Clip(f"DAVIS {name}", images, [measured_flow(*pair) for pair in pairs]))
    for name in ("easy", "medium", "hard"):
        folder = SHARED / "flow" / name
        flow = true_flow(folder)
        size = flow.known.shape[::-1]
        images = [
            cv2.resize(read_image(folder / f"frame_000{k}.png"), size, interpolation=cv2.INTER_AREA)
            for k in (3, 2)
        ]
        found.append(Clip(f"Sintel {name}", images, [flow]))
    return found


def warping_error(images: Sequence[np.ndarray], flows: Sequence[Flow]) -> float:
    errors = []
    for before, now, flow in zip(images, images[1:], flows, strict=False):
        moved = cv2.remap(before, flow.places, None, cv2.INTER_LINEAR)
        difference = (now.astype(np.float32) - moved) / 255
        errors.append(np.sqrt((difference**2).mean(axis=2)[flow.known].mean()))
    return float(np.mean(errors))


class InPlace(Stabilizer):
    """Blends the pictures where they are."""

    def _flow(self, now: np.ndarray, before: np.ndarray) -> np.ndarray:
        return np.zeros((*now.shape[:2], 2), np.float32)


def steadied(
    clip: Clip, painted: Sequence[np.ndarray], stabilizer: Stabilizer, amount: float
) -> list[np.ndarray]:
    pairs = zip(clip.frames, painted, strict=True)
    return [stabilizer(frame, image, amount=amount) for frame, image in pairs]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--styles", nargs="+", default=["starry-night", "udnie"])
    parser.add_argument("--frames", type=int, default=48, help="of each clip, at most")
    parser.add_argument("--amounts", nargs="+", type=float, default=[0.5, AMOUNT, 0.9])
    parser.add_argument(
        "--pictures", type=Path, help="write frame, painting and steady painting of each clip here"
    )
    options = parser.parse_args()
    data = clips(options.frames)
    rows = []
    for style in options.styles:
        chain, controls = open_look(Look(style, provider="cpu"))
        values = {name: value for name, value in controls.values().items() if name in chain.controls}
        with chain:
            painted = {clip.name: [chain(frame, **values) for frame in clip.frames] for clip in data}
        for clip in data:
            plain = warping_error(painted[clip.name], clip.flows)
            row = {"style": style, "clip": clip.name, "without": round(plain, 4)}
            for amount in options.amounts:
                steady = steadied(clip, painted[clip.name], Stabilizer(), amount)
                error = warping_error(steady, clip.flows)
                row |= {
                    f"at {amount:g}": round(error, 4),
                    f"less at {amount:g} %": round(100 * (1 - error / plain), 1),
                }
                if options.pictures is not None and amount == AMOUNT:
                    sheet = np.hstack([clip.frames[-1], painted[clip.name][-1], steady[-1]])
                    write_image(options.pictures / f"{style}-{clip.name.replace(' ', '-')}.png", sheet)
            still = warping_error(steadied(clip, painted[clip.name], InPlace(), AMOUNT), clip.flows)
            rows.append(row | {"less in place %": round(100 * (1 - still / plain), 1)})
    mean = {
        "style": "mean",
        "clip": "",
        "without": round(float(np.mean([row["without"] for row in rows])), 4),
    }
    for name in list(rows[0])[3:]:
        mean[name] = round(float(np.mean([row[name] for row in rows])), 4 if name.startswith("at") else 1)
    title = "Warping error with and without --stabilize"
    notes = (
        f"The default is {AMOUNT:g}. {SIZE[0]} pixels wide; root mean square of values in 0 to 1. "
        "`in place`: at the default, without following the motion. The last line has the means of the columns."
    )
    write("stabilize", title=title, rows=[*rows, mean], facts={"default": AMOUNT}, notes=notes)


if __name__ == "__main__":
    main()
