"""Painting by optimisation: what it reaches in which time, what the region term keeps, and memory in tiles.

    python benchmarks/paint.py curve  [--size 512] [--steps 200] [--plain-steps 200] [--threads 2]
    python benchmarks/paint.py region [--size 256] [--steps 100] [--photos 12] [--threads 2]
    python benchmarks/paint.py memory [--size 2048] [--steps 8] [--threads 2]

On two quiet cores they take about three, ten and four minutes. Photographs, paintings and weights come from
$ARTRT_SHARED, or ../shared/data beside the repository. Times count the optimisation only, not the loading of networks
and pictures.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import torch
from _harness import SHARED, write

from artrt.engine.frame import Image, read_image, write_image
from artrt.models.evaluation.judge import EvaluationOptions, Judge
from artrt.models.painting.feature_terms import Style
from artrt.models.painting.networks import load_networks
from artrt.models.painting.objective import Networks, Objective
from artrt.models.painting.optimizers import Step
from artrt.models.painting.options import DEFAULT_WEIGHTS, PaintOptions
from artrt.models.painting.options import comparison as compared
from artrt.models.painting.painting import PaintProgress, paint
from artrt.models.tensors import image_from_tensor, resized, size_with_long_side, tensor_from_image

#: Seconds, painted, semantic.
Point = tuple[float, float, float]
STYLES = ("starry-night", "the-scream", "great-wave")
PLAIN_LEARNING_RATE = 0.02
#: Seconds between two points of a curve, and moments that the table shows.
EVERY_SECONDS = 2.0
MOMENTS_SECONDS = (5, 10, 20, 40, 80, 180)
#: Side of a tile, as `artrt paint --tile` takes it.
TILE_PX = 384
SCORES = ("painted", "semantic", "cam_correlation", "top1_kept")

#: Twelve photographs whose class SqueezeNet recognises: animals, vehicles, buildings, fruit.
PHOTOS = (
    "n01443537_goldfish", "n01518878_ostrich", "n01806143_peacock", "n01818515_macaw", "n02099601_golden_retriever",
    "n02123045_tabby", "n02391049_zebra", "n02510455_giant_panda", "n02980441_castle", "n03028079_church",
    "n04285008_sports_car", "n09472597_volcano",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", choices=["curve", "region", "memory", "memory-child"])
    parser.add_argument("--size", type=int)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--plain-steps", type=int, default=200)
    parser.add_argument("--photos", type=int, default=12)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--pictures", type=Path, help="folder to keep the paintings in")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.pictures:
        arguments.pictures.mkdir(parents=True, exist_ok=True)
    if arguments.part == "curve":
        curve(arguments.size or 512, arguments.steps or 200, arguments.plain_steps, arguments.pictures)
    elif arguments.part == "region":
        region(
            arguments.size or 256,
            arguments.steps or 100,
            arguments.photos,
            arguments.threads,
            arguments.pictures,
        )
    elif arguments.part == "memory":
        memory(arguments.size or 2048, arguments.steps or 8, arguments.threads)
    else:
        print(json.dumps(memory_child(arguments.size, arguments.steps)))


@cache
def networks() -> Networks:
    """What `artrt paint` takes: the best loss network at hand, SqueezeNet and the saliency network."""
    return load_networks(DEFAULT_WEIGHTS, directory=SHARED / "weights")


@cache
def judge() -> Judge:
    """What measures the region term."""
    return Judge.load(weights=SHARED / "weights")


def photo(name: str) -> Image:
    return read_image(SHARED / "photos" / f"{name}.jpg")


def painting(name: str) -> Image:
    return read_image(SHARED / "styles" / f"{name}.jpg")


def curve(size: int, steps: int, plain_steps: int, pictures: Path | None) -> None:
    """How painted it is over time, by `paint` and by the plain recipe (single scale, Adam on pixels)."""
    content, looking = photo("n02099601_golden_retriever"), networks()
    options = PaintOptions(size_px=size, steps=steps)
    objective, start = full_size_objective(content, painting("starry-night"), options, looking)
    full = (start.shape[2], start.shape[3])
    side = round(size * EvaluationOptions().style_long_side_px / EvaluationOptions().long_side_px)
    target = judge().style(SHARED / "styles" / "starry-night.jpg", long_side_px=side)
    seen = judge().look(image_from_tensor(start))
    ours = Contender(paint(content, painting("starry-night"), options, networks=looking))
    plain = Contender(plain_recipe(objective, start, plain_steps))
    while running := [one for one in (ours, plain) if not one.ended]:
        one = min(running, key=lambda one: one.spent)
        pixels = one.advance()
        if pixels is not None:
            image = image_from_tensor(resized(pixels, full))
            scores = judge().score(image_from_tensor(start), image, target, seen=seen)
            one.points.append((one.spent, float(scores["painted"]), float(scores["semantic"])))
    rows = [row("paint", ours.points, plain.spent), row("plain", plain.points, ours.spent)]
    curves = {"paint": ours.points, "plain": plain.points}
    facts = {"size_px": size, "threads": torch.get_num_threads(), "curves": curves}
    notes = (
        "`painted`, `semantic`: of the last picture; `in_same_time`: painted when the other recipe ends; `after_5_s`: "
        f"painted then, and so on. Plain recipe: full size from the start, Adam on the pixels, rate "
        f"{PLAIN_LEARNING_RATE}, same losses. Measuring is not counted in the seconds. The whole curves stand in the "
        "JSON. To be held: 512 px in at most 240 s on two cores."
    )
    write("paint_curve", title=f"Painting at {size} px over time", rows=rows, facts=facts, notes=notes)
    if pictures:
        write_image(pictures / "curve-paint.png", image_from_tensor(ours.pixels))
        write_image(pictures / "curve-plain.png", image_from_tensor(plain.pixels))


def row(recipe: str, points: list[Point], other_end: float) -> dict[str, object]:
    """One recipe's end, how painted it was when the other one ended, and at some moments on the way."""

    def painted_at(end: float) -> float:
        return [painted for seconds, painted, _ in points if seconds <= max(end, points[0][0])][-1]

    end, painted, semantic = points[-1]
    longest = max(end, other_end)
    moments = {f"after_{moment}_s": painted_at(moment) for moment in MOMENTS_SECONDS if moment <= longest}
    total = {"painted": painted, "semantic": semantic, "in_same_time": painted_at(other_end)}
    return {"recipe": recipe, "seconds": end, **total, **moments}


def full_size_objective(
    content: Image, style: Image, options: PaintOptions, looking: Networks
) -> tuple[Objective, torch.Tensor]:
    """What the plain recipe goes down, and the photograph at full size."""
    size = size_with_long_side(content.shape[0], content.shape[1], options.size_px)
    target = resized(tensor_from_image(content), size).clamp(0, 1)
    long_px = min(max(style.shape[:2]), options.size_px)
    style_size = size_with_long_side(style.shape[0], style.shape[1], long_px)
    styles = [Style(resized(tensor_from_image(style), style_size).clamp(0, 1))]
    return Objective(looking, target, styles, options.weights, comparison=compared(options)), target


class Contender:
    """A recipe on its way: the seconds that it has spent, and its picture.

    The two take turns, whoever has spent less, so that a busy machine slows both alike.
    """

    def __init__(self, walk: Iterator[PaintProgress | Step]) -> None:
        self._walk, self._shown = walk, -EVERY_SECONDS
        self.spent, self.ended = 0.0, False
        self.points: list[Point] = []
        self.pixels = torch.zeros(0)

    def advance(self) -> torch.Tensor | None:
        """Goes one step; gives the picture every few seconds and at the end, else None."""
        started = time.perf_counter()
        step = next(self._walk, None)
        self.spent += time.perf_counter() - started
        self.ended = step is None
        if step is not None:
            self.pixels = step.state.pixels if isinstance(step, PaintProgress) else step.pixels
        if not self.ended and self.spent - self._shown < EVERY_SECONDS:
            return None
        self._shown = self.spent
        return self.pixels


def plain_recipe(objective: Objective, start: torch.Tensor, steps: int) -> Iterator[Step]:
    """Gatys' loop as it is usually written: one scale, Adam on the pixels, clipped to [0, 1]."""
    pixels = torch.nn.Parameter(start.clone())
    optimizer = torch.optim.Adam([pixels], lr=PLAIN_LEARNING_RATE)
    for _ in range(steps):
        evaluation = objective(pixels.detach())
        pixels.grad = evaluation.gradient
        optimizer.step()
        with torch.no_grad():
            pixels.clamp_(0, 1)
        yield Step(pixels.detach().clone(), evaluation)


def region(size: int, steps: int, photos: int, jobs: int, pictures: Path | None) -> None:
    """Class, activation map and style loss with the region term and without; one process for each core."""
    tasks = [(style, name, size, steps, pictures) for style in STYLES for name in PHOTOS[:photos]]
    rows = []
    context = get_context("spawn")
    with ProcessPoolExecutor(jobs, context, torch.set_num_threads, (1,)) as pool:
        for pair in pool.map(with_and_without, *zip(*tasks, strict=True)):
            rows += pair
            print("\n".join(map(json.dumps, pair)), flush=True)
    write_region(rows, size, steps)


def with_and_without(
    style: str, name: str, size: int, steps: int, pictures: Path | None
) -> list[dict[str, object]]:
    """The scores of one photograph in one style, with the region weight at 0 and at its default."""
    target = judge().style(SHARED / "styles" / f"{style}.jpg", long_side_px=size)
    content, rows = photo(name), []
    for weight in (0.0, DEFAULT_WEIGHTS.region):
        options = PaintOptions(size_px=size, steps=steps, weights=replace(DEFAULT_WEIGHTS, region=weight))
        *_, last = paint(content, painting(style), options, networks=networks())
        small = image_from_tensor(resized(tensor_from_image(content), last.size))
        scores = judge().score(small, last.image, target, seen=judge().look(small))
        rows.append({"photo": name, "style": style, "region": weight} | {key: scores[key] for key in SCORES})
        if pictures:
            write_image(pictures / f"{name}-{style}-{weight:g}.png", last.image)
    return rows


def write_region(rows: list[dict[str, object]], size: int, steps: int) -> None:
    """The means by style and over all."""
    table = []
    for style_name in (*STYLES, "all"):
        own = [row for row in rows if style_name in (row["style"], "all")]
        without, with_term = ([row for row in own if bool(row["region"]) is on] for on in (False, True))
        means = {
            key: [statistics.mean(float(str(row[key])) for row in group) for group in (without, with_term)]
            for key in SCORES
        }
        line: dict[str, object] = {"style": style_name, "photos": len(with_term)}
        for key, (off, on) in means.items():
            line |= {f"{key}_without": off, f"{key}_with": on}
        line["painted_change"] = means["painted"][1] - means["painted"][0]
        table.append(line)
    notes = (
        f"Measured on the 8-bit pictures; `without` has the region weight at 0, `with` at its default, "
        f"{DEFAULT_WEIGHTS.region:g}. To be held over all: `top1_kept` at least 0.6, `cam_correlation` at least 0.8, "
        "`painted_change` at least -0.03. Class and map are judged by SqueezeNet 1.1, which the term looks through "
        "too: what another classifier would say is not measured here."
    )
    facts = {"size_px": size, "steps": steps, "region_weight": DEFAULT_WEIGHTS.region, "each": rows}
    title = f"The region term on photographs at {size} px, {steps} steps"
    write("paint_region", title=title, rows=table, facts=facts, notes=notes)


def memory(size: int, steps: int, threads: int) -> None:
    """Peak memory of a process that paints in tiles."""
    command = [sys.executable, __file__, "memory-child", "--size", str(size), "--steps", str(steps)]
    answer = subprocess.run([*command, "--threads", str(threads)], check=True, capture_output=True, text=True)
    row = json.loads(answer.stdout.splitlines()[-1])
    notes = (
        f"Peak resident memory of the whole process, Python and networks included; tiles of {TILE_PX} px, `compact`, "
        "all terms at their defaults. To be held at 2048 px: below 3 GB."
    )
    write("paint_memory", title=f"Painting {size} px in tiles", rows=[row], notes=notes)


def memory_child(size: int, steps: int) -> dict[str, object]:
    """Paints the last level alone, the one that needs the most memory, long enough to fill that of L-BFGS."""
    options = PaintOptions(size_px=size, steps=steps, coarse_px=size, tile_px=TILE_PX)
    content, style = photo("n02980441_castle"), painting("starry-night")
    *_, last = paint(content, style, options, networks=networks())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    height, width = last.size
    return {"width": width, "height": height, "steps": steps, "seconds": last.seconds, "peak_gb": peak}


if __name__ == "__main__":
    main()
