"""Makes docs/images/region-loss.jpg and benchmarks/results/region_loss.json: heat maps with and without region loss.

    python docs/make_region_loss.py PAINTING.jpg --weights-dir DIR [--size 256] [--steps 80]

The photograph is scikit-image's cat (Stefan van der Walt, public domain), painted by optimisation.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch
from skimage import data

import artrt
from artrt.engine.effects.saliency import heat_map
from artrt.models.losses import class_maps, correlation
from artrt.models.networks.localization import SQUEEZENET_FILE, LocalizationNetwork, load_localization_network
from artrt.models.painting.networks import load_networks
from artrt.models.painting.options import DEFAULT_WEIGHTS, PaintOptions
from artrt.models.painting.painting import paint
from artrt.models.tensors import tensor_from_image

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "images" / "region-loss.jpg"
RESULT = ROOT / "benchmarks" / "results" / "region_loss.json"
LABEL_PX = 26
GAP_PX = 4


def maps(network: LocalizationNetwork, image: np.ndarray) -> torch.Tensor:
    """Class activation maps float [1, 1000, h, w] of a picture."""
    with torch.no_grad():
        found: torch.Tensor = network(network.prepare(tensor_from_image(image)))
    return found


def column(image: np.ndarray, network: LocalizationNetwork, label: torch.Tensor, text: str) -> np.ndarray:
    """A picture, its heat map for the class, and a line of text."""
    heat = network.cam(maps(network, image), label)[0].numpy()
    line = np.full((LABEL_PX, image.shape[1], 3), 255, np.uint8)
    cv2.putText(line, text, (2, LABEL_PX - 9), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (40, 40, 40), 1, cv2.LINE_AA)
    return np.vstack([image, heat_map(image, heat.astype(np.float32)), line])


def main() -> None:
    """Paints twice, measures, and writes the picture and the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("painting")
    parser.add_argument("--weights-dir", type=Path, required=True)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--steps", type=int, default=80)
    options = parser.parse_args()
    photo = cv2.cvtColor(data.chelsea(), cv2.COLOR_RGB2BGR)
    scale = options.size / max(photo.shape[:2])
    photo = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    network = load_localization_network(options.weights_dir / SQUEEZENET_FILE)
    label = network.logits(maps(network, photo)).argmax(dim=1)
    columns, rows = [column(photo, network, label, "photograph")], []
    for name, weight in (("without", 0.0), ("with", DEFAULT_WEIGHTS.region)):
        weights = replace(DEFAULT_WEIGHTS, region=weight)
        networks = load_networks(weights, directory=options.weights_dir)
        settings = PaintOptions(size_px=options.size, steps=options.steps, weights=weights)
        *_, last = paint(photo, artrt.read_image(options.painting), settings, networks=networks)
        painted = maps(network, last.image)
        same = correlation(class_maps(painted, label), class_maps(maps(network, photo), label)).item()
        kept = bool(network.logits(painted).argmax() == label)
        rows.append(
            {"region loss": name, "weight": weight, "cam_correlation": round(same, 3), "top1_kept": kept}
        )
        columns.append(
            column(last.image, network, label, f"{name}: {same:.2f}, class {'kept' if kept else 'lost'}")
        )
    gap = np.full((columns[0].shape[0], GAP_PX, 3), 255, np.uint8)
    parts = [part for part in columns for part in (part, gap)][:-1]
    done, encoded = cv2.imencode(".jpg", np.hstack(parts), [cv2.IMWRITE_JPEG_QUALITY, 88])
    assert done
    PICTURE.write_bytes(encoded.tobytes())
    facts = {"painting": Path(options.painting).stem, "photograph": "chelsea", "class": int(label)}
    size = {"size_px": options.size, "steps": options.steps}
    RESULT.write_text(
        json.dumps({"title": "Region loss on one photograph", **facts, **size, "rows": rows}, indent=2) + "\n"
    )


if __name__ == "__main__":
    main()
