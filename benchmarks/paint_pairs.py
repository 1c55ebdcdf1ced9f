"""Painting by optimisation judged: against the shipped network, the plain recipe and that of an enthusiasts' program.

    python benchmarks/paint_pairs.py [--size 256] [--steps 200] [--jobs 2] [--recipes paint,plain] [--pictures DIR]

Six photographs, each in two of four styles. All recipes look through the same networks. `plain` is Gatys' loop as it is
usually written (one size, Adam on the pixels) on our losses, for the same seconds of the processor; `shallow` has the
layers and shares of crowsonkb/style-transfer-pytorch, no region term and no salient content. On two quiet cores it
takes about fifteen minutes. Photographs, paintings and weights come from $ARTRT_SHARED, or ../shared/data beside the
repository.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from _harness import SHARED, write

import artrt
from artrt.engine.frame import Image, read_image, write_image
from artrt.models.evaluation.judge import EvaluationOptions, Judge
from artrt.models.painting.feature_terms import Style
from artrt.models.painting.networks import load_networks
from artrt.models.painting.objective import LossWeights, Networks, Objective
from artrt.models.painting.options import DEFAULT_WEIGHTS, PaintOptions
from artrt.models.painting.options import comparison as compared
from artrt.models.painting.painting import paint
from artrt.models.tensors import image_from_tensor, resized, size_with_long_side, tensor_from_image

PHOTOS = (
    "astronaut.jpg", "n02123045_tabby.jpg", "n02099601_golden_retriever.jpg", "n02980441_castle.jpg",
    "n04285008_sports_car.jpg", "n01818515_macaw.jpg",
)  # fmt: skip
STYLES = ("starry-night", "great-wave", "the-scream", "composition-vii")
#: The print judged under this name is not the one that the shipped network learned.
OTHER_PRINT = "great-wave"
SCORES = (
    "painted",
    "painted_full",
    "painted_half",
    "painted_quarter",
    "semantic",
    "cam_correlation",
    "top1_kept",
)
SHALLOW = {"relu1_1": 256.0, "relu2_1": 64.0, "relu3_1": 16.0, "relu4_1": 4.0, "relu5_1": 1.0}
SHALLOW_WEIGHTS = LossWeights(content=0.15, style=10.0, tv=1.0)
RECIPES = ("network", "paint", "paint --match", "plain", "shallow")
PLAIN_LEARNING_RATE = 0.02


@cache
def networks() -> Networks:
    """The best loss network at hand, SqueezeNet and the saliency network."""
    return load_networks(DEFAULT_WEIGHTS, directory=SHARED / "weights")


@cache
def shipped(style: str) -> artrt.Stylizer:
    """The shipped network."""
    return artrt.Stylizer(style, provider="cpu")


def pairs() -> list[tuple[str, str]]:
    """Every photograph in two styles, every style three times."""
    return [(photo, STYLES[(2 * index + turn) % 4]) for index, photo in enumerate(PHOTOS) for turn in (0, 1)]


def measured(
    photo: str, style: str, size: int, steps: int, recipes: tuple[str, ...], pictures: Path | None
) -> list[dict[str, Any]]:
    """The scores of the recipes for one pair."""
    torch.set_num_threads(1)
    content, painting = photograph(photo), read_image(SHARED / "styles" / f"{style}.jpg")
    small = image_from_tensor(
        resized(tensor_from_image(content), size_with_long_side(*content.shape[:2], size))
    )
    options = PaintOptions(size_px=size, steps=steps)
    results, seconds = {"network": shipped(style)(small)}, {"network": 0.0}
    for recipe, chosen in variants(options).items():
        if recipe not in (*recipes, "paint"):
            continue
        started = time.process_time()
        *_, last = paint(content, painting, chosen, networks=networks())
        results[recipe], seconds[recipe] = last.image, time.process_time() - started
    if "plain" in recipes:
        results["plain"] = plain(small, painting, options, seconds["paint"])
        seconds["plain"] = seconds["paint"]
    judge, sizes = Judge.load(weights=SHARED / "weights"), EvaluationOptions()
    side = round(size * sizes.style_long_side_px / sizes.long_side_px)
    target, seen = judge.style(SHARED / "styles" / f"{style}.jpg", long_side_px=side), judge.look(small)
    rows = []
    for recipe in results:
        scores = judge.score(small, results[recipe], target, seen=seen)
        facts = {"recipe": recipe, "photo": Path(photo).stem, "style": style, "seconds": seconds[recipe]}
        rows.append(facts | {name: scores[name] for name in SCORES})
        if pictures:
            write_image(
                pictures / f"{Path(photo).stem}-{style}-{recipe.replace(' ', '')}.png", results[recipe]
            )
    return rows


def variants(options: PaintOptions) -> dict[str, PaintOptions]:
    """The recipes that `paint` can paint."""
    shallow = replace(
        options, weights=SHALLOW_WEIGHTS, style_layers=SHALLOW, style_scales=(1,), salient_share=0.0
    )
    matching = replace(options, weights=replace(DEFAULT_WEIGHTS, match=1.0))
    return {"paint": options, "paint --match": matching, "shallow": shallow}


def photograph(name: str) -> Image:
    """A photograph of the shared data, or one of this repository."""
    own = Path(__file__).parents[1] / "docs" / "images" / name
    return read_image(own if own.is_file() else SHARED / "photos" / name)


def plain(content: Image, painting: Image, options: PaintOptions, seconds: float) -> Image:
    """Gatys' loop on our losses for so many seconds of the processor."""
    started, target = time.process_time(), tensor_from_image(content)
    style_size = size_with_long_side(*painting.shape[:2], options.size_px)
    styles = [Style(resized(tensor_from_image(painting), style_size).clamp(0, 1))]
    objective = Objective(networks(), target, styles, options.weights, comparison=compared(options))
    pixels = torch.nn.Parameter(target.clone())
    optimizer = torch.optim.Adam([pixels], lr=PLAIN_LEARNING_RATE)
    while time.process_time() - started < seconds:
        pixels.grad = objective(pixels.detach()).gradient
        optimizer.step()
        with torch.no_grad():
            pixels.clamp_(0, 1)
    return image_from_tensor(pixels.detach())


def table(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Means by recipe, and on how many pairs `paint` is painted higher."""
    ours = {(row["photo"], row["style"]): row["painted"] for row in rows if row["recipe"] == "paint"}
    lines = []
    for recipe in RECIPES:
        own = [row for row in rows if row["recipe"] == recipe]
        if not own:
            continue
        means = {name: statistics.mean(float(row[name]) for row in own) for name in ("seconds", *SCORES)}
        higher = sum(ours[row["photo"], row["style"]] > row["painted"] for row in own)
        lines.append({"recipe": recipe, "pairs": len(own)} | means | {"paint_higher": higher})
    return lines


def main() -> None:
    """Measures and writes benchmarks/results/paint_pairs.json."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--recipes", default=",".join(RECIPES), help="those to compare with `paint`")
    parser.add_argument("--pictures", type=Path, help="folder to keep the paintings in")
    asked = parser.parse_args()
    if asked.pictures:
        asked.pictures.mkdir(parents=True, exist_ok=True)
    rows, recipes = [], tuple(asked.recipes.split(","))
    tasks = [(*pair, asked.size, asked.steps, recipes, asked.pictures) for pair in pairs()]
    with ProcessPoolExecutor(asked.jobs, get_context("spawn")) as pool:
        for found in pool.map(measured, *zip(*tasks, strict=True)):
            rows += found
            print("\n".join(map(json.dumps, found)), flush=True)
    fair = {
        line["recipe"]: line["painted"]
        for line in table([row for row in rows if row["style"] != OTHER_PRINT])
    }
    notes = (
        "`network`: the shipped network. `plain`: one size, Adam on the pixels, the same losses and seconds. "
        "`shallow`: the layers and shares of crowsonkb/style-transfer-pytorch with our bounded distance instead of its "
        "Wasserstein distance. `seconds`: of one core. `paint_higher`: pairs on which `paint` is painted higher than "
        "the recipe. To be held: `painted` .15 above the network, `semantic` at least .65, higher than `plain` on at "
        "least 10 of 12. The weights of content and region were chosen on four of these pairs, so "
        "`semantic` is not that of unseen pictures. The network learned another print of the great wave than "
        f"the one judged here: on the other pairs it has {fair['network']:.3f} and `paint` {fair['paint']:.3f}. "
        "docs/metrics.md defines the scores."
    )
    facts = {"size_px": asked.size, "steps": asked.steps, "each": rows}
    title = f"Painting judged, {asked.size} px, {asked.steps} steps"
    write("paint_pairs", title=title, rows=table(rows), facts=facts, notes=notes)


if __name__ == "__main__":
    main()
