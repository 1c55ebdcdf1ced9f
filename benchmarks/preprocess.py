"""The quantize and superpixels stages against OpenCV, scikit-learn, Pillow and scikit-image, side by side.

    python benchmarks/preprocess.py [--shared DIR] [--part speed colors regions flicker] [--rounds 15]

Real pictures from the shared data folder; every part writes a table of its own under results/. SLIC of opencv-contrib
joins where it lies (benchmarks/_contrib.py says how to get it there).
"""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from _contrib import FOLDER, ITERATIONS, ContribSlic
from _harness import SHARED, interleaved, write
from numpy.typing import NDArray

from artrt.engine.effects.effect_stage import EffectStage, quantize_effect, superpixels_effect
from artrt.engine.effects.quantize import quantize
from artrt.engine.frame import read_image

Image = NDArray[Any]
SIZE = (640, 360)
CLIPS = ("blackswan", "car-roundabout", "dance-twirl", "kite-surf")
FRAMES = 24
COLORS = (16, 64, 256)
REGIONS = (200, 400, 1000)
TRACKED_PX, SAME_LEVELS, STILL_PX = 0.5, 2, 1.0


def frames(shared: Path, clip: str, count: int = FRAMES) -> list[Image]:
    paths = sorted((shared / "video" / clip).glob("*.jpg"))[:count]
    return [cv2.resize(read_image(path), SIZE, interpolation=cv2.INTER_AREA) for path in paths]


def psnr(first: Image, second: Image) -> float:
    return float(10 * np.log10(255**2 / np.square(first.astype(float) - second).mean()))


class Loop:
    """Runs a stage on frame after frame, forth and back, so that every frame is a warm one."""

    def __init__(self, effect: EffectStage, pictures: Sequence[Image]) -> None:
        self._effect = effect
        self._pictures = [*pictures, *pictures[-2:0:-1]]
        self._next = 0

    def __call__(self) -> None:
        self._effect(self._pictures[self._next % len(self._pictures)])
        self._next += 1


def speed(shared: Path, rounds: int, contrib: Path) -> None:
    from PIL import Image as Pillow
    from skimage.segmentation import slic
    from sklearn.cluster import MiniBatchKMeans

    pictures = frames(shared, "car-roundabout")
    picture = pictures[0]
    pixels = picture.reshape(-1, 3).astype(np.float32)
    criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 10, 1.0)
    colors, regions = (
        quantize_effect(16, provider="cpu", threads=2),
        superpixels_effect(900, provider="cpu", threads=2),
    )
    fresh_colors = quantize_effect(16, provider="cpu", threads=2)
    fresh_regions = superpixels_effect(900, provider="cpu", threads=2)

    def restarted(effect: EffectStage) -> Callable[[], object]:
        def run() -> object:
            effect.reset()
            return effect(picture)

        return run

    pillow = Pillow.fromarray(np.ascontiguousarray(picture[..., ::-1]))
    contenders: dict[str, Callable[[], object]] = {
        "quantize, warm": Loop(colors, pictures),
        "superpixels, warm": Loop(regions, pictures),
        "quantize, first frame": restarted(fresh_colors),
        "superpixels, first frame": restarted(fresh_regions),
        "skimage slic": lambda: slic(picture[..., ::-1], 900, compactness=10),
        "Pillow MEDIANCUT": lambda: pillow.quantize(16, method=Pillow.Quantize.MEDIANCUT),
    }
    with contextlib.ExitStack() as stack:
        if contrib.is_dir():
            other = stack.enter_context(ContribSlic(picture, 900, folder=contrib))
            contenders["opencv-contrib ximgproc SLIC"] = other
        fast = interleaved(contenders, rounds=rounds, warmup=2)
    slow = interleaved(
        {
            "quantize, warm ": Loop(colors, pictures),
            "cv2.kmeans": lambda: cv2.kmeans(pixels, 16, None, criteria, 1, cv2.KMEANS_PP_CENTERS),
            "MiniBatchKMeans": lambda: MiniBatchKMeans(16, random_state=0).fit(pixels).predict(pixels),
        },
        rounds=max(3, rounds // 4),
    )
    base = {"quantize": slow["quantize, warm "].median_ms, "superpixels": fast["superpixels, warm"].median_ms}
    rows = []
    for name, timing in {**fast, **{key: slow[key] for key in ("cv2.kmeans", "MiniBatchKMeans")}}.items():
        kind = "superpixels" if "super" in name or "slic" in name.lower() else "quantize"
        rows.append({"what": name, "timing": timing, "times_warm": round(timing.median_ms / base[kind], 1)})
    write(
        "preprocess-speed",
        title="Quantize (K = 16) and superpixels (N = 900), 640x360, two threads",
        rows=rows,
        notes="`times_warm`: how many times a warm frame's median, taken in turns with it in the same run.\n"
        "cv2.kmeans: one attempt, ten iterations, k-means++; MiniBatchKMeans: defaults, with the assignment.\n"
        f"ximgproc: {ITERATIONS} iterations, connectivity enforced, as skimage does. Pillow splits boxes of colours\n"
        "once; what that costs in quality stands in preprocess-colors.",
    )
    for effect in (colors, regions, fresh_colors, fresh_regions):
        effect.close()


def colors_quality(shared: Path, exact: bool) -> None:
    from PIL import Image as Pillow

    paths = sorted((shared / "photos").glob("*.*"))
    paths = paths[:: len(paths) // 12][:12]
    rows = []
    for count in COLORS:
        scores: dict[str, list[float]] = {}
        with quantize_effect(count, provider="cpu") as effect:
            for path in paths:
                image = read_image(path)
                effect.reset()
                scores.setdefault("stage, first frame", []).append(psnr(image, effect(image)))
                scores.setdefault("artrt.quantize", []).append(
                    psnr(image, quantize(image, count, effect=effect).image)
                )
                if exact:
                    learned = quantize(image, count, method="exact").image
                    scores.setdefault("scikit-learn KMeans", []).append(psnr(image, learned))
                pillow = Pillow.fromarray(image[..., ::-1])
                for method in ("MEDIANCUT", "FASTOCTREE"):
                    plain = pillow.quantize(
                        count, method=getattr(Pillow.Quantize, method), dither=Pillow.Dither.NONE
                    )
                    painted = np.asarray(plain.convert("RGB"))[..., ::-1]
                    scores.setdefault(f"Pillow {method}", []).append(psnr(image, painted))
        row: dict[str, Any] = {"colors": count}
        rows.append(row | {name: round(float(np.mean(values)), 2) for name, values in scores.items()})
    write(
        "preprocess-colors",
        title="PSNR in dB over 12 photographs",
        rows=rows,
        notes="scikit-learn: KMeans on all pixels, n_init=3. Pillow without dithering.",
    )


def borders(labels: Image) -> Image:
    edge = np.zeros(labels.shape, bool)
    down, right = labels[1:] != labels[:-1], labels[:, 1:] != labels[:, :-1]
    edge[1:] |= down
    edge[:-1] |= down
    edge[:, 1:] |= right
    edge[:, :-1] |= right
    return edge


def region_scores(labels: Image, truths: Sequence[Image]) -> list[float]:
    """Boundary recall (2 px), undersegmentation error (Neubert-Protzel), achievable accuracy; mean over truths."""
    near = cv2.dilate(borders(labels).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    scores = []
    for truth in truths:
        edge = borders(truth)
        table = np.zeros((labels.max() + 1, truth.max() + 1), np.int64)
        np.add.at(table, (labels, truth), 1)
        sizes = table.sum(1, keepdims=True)
        leak = np.where(table > 0, np.minimum(table, sizes - table), 0).sum() / labels.size
        scores.append(((edge & near).sum() / max(1, edge.sum()), leak, table.max(1).sum() / labels.size))
    return [float(value) for value in np.mean(scores, axis=0)]


def components(labels: Image) -> float:
    """Connected components (4 neighbours) per region."""
    total = sum(
        cv2.connectedComponents((labels == label).astype(np.uint8), connectivity=4)[0] - 1
        for label in range(labels.max() + 1)
    )
    return float(total / (labels.max() + 1))


def annotated(shared: Path) -> Iterator[tuple[Image, list[Image]]]:
    from scipy.io import loadmat

    for path in sorted((shared / "superpixels").glob("*.jpg")):
        truth = loadmat(str(path.with_suffix(".mat")))["groundTruth"][0]
        yield read_image(path), [entry["Segmentation"][0, 0].astype(np.int64) for entry in truth]


def regions_quality(shared: Path, every: int) -> None:
    from skimage.segmentation import slic

    def compact(labels: Image) -> Image:
        return np.unique(labels, return_inverse=True)[1].reshape(labels.shape)

    rows = []
    pictures = list(annotated(shared))[::every]
    with superpixels_effect(200, provider="cpu") as effect:
        for number in REGIONS:
            scores: dict[str, list[list[float]]] = {}
            for image, truths in pictures:
                found = {
                    "stage": effect.run(image, effect.fresh(), regions=float(number))["labels"],
                    "skimage": slic(image[..., ::-1], number, compactness=10, start_label=0),
                }
                # skimage drops small regions: asked for more, it ends where the stage does.
                wanted = len(np.unique(found["stage"]))
                asked = round(number * wanted / len(np.unique(found["skimage"])))
                found["skimage, as many"] = slic(image[..., ::-1], asked, compactness=10, start_label=0)
                for name, labels in found.items():
                    tight = compact(labels)
                    entry = [float(tight.max() + 1), *region_scores(tight, truths), components(tight)]
                    scores.setdefault(name, []).append(entry)
            for name, values in scores.items():
                count, recall, leak, accuracy, parts = np.mean(values, axis=0)
                rows.append(
                    {
                        "asked": number,
                        "method": name,
                        "regions": round(float(count), 1),
                        "boundary_recall_percent": round(100 * float(recall), 2),
                        "undersegmentation_percent": round(100 * float(leak), 2),
                        "accuracy_percent": round(100 * float(accuracy), 2),
                        "components_per_region": round(float(parts), 2),
                    }
                )
    write(
        "preprocess-regions",
        title=f"Superpixels of {len(pictures)} pictures of BSDS500, compactness 10",
        rows=rows,
        notes="Boundary recall within 2 px; undersegmentation error of Neubert and Protzel; achievable segmentation\n"
        "accuracy; each the mean over all human segmentations. `skimage, as many`: asked for so many more that it\n"
        "ends with about as many regions as the stage. skimage enforces connectivity, the stage does not.",
    )


def flicker(shared: Path, count: int) -> None:
    rows = []
    for clip in CLIPS:
        pictures = frames(shared, clip, count)
        pairs = [unchanged(first, second) for first, second in pairwise(pictures)]
        for name, effect in (
            ("quantize 16", quantize_effect(16, provider="cpu")),
            ("superpixels 900", superpixels_effect(900, provider="cpu")),
        ):
            with effect:
                warm = [effect(picture) for picture in pictures]
                fresh = [fresh_frame(effect, picture) for picture in pictures]
            row: dict[str, Any] = {"clip": clip, "stage": name}
            for kind in ("still", "tracked"):
                changes = [change(images, pairs, kind) for images in (fresh, warm)]
                row |= {
                    f"{kind}_percent": round(100 * float(np.mean([pair[kind].mean() for pair in pairs])), 2),
                    f"{kind}_fresh": round(changes[0], 2),
                    f"{kind}_warm": round(changes[1], 2),
                    f"{kind}_ratio": round(changes[0] / changes[1], 2),
                }
            rows.append(row)
    write(
        "preprocess-flicker",
        title="Mean colour change of pixels that did not change, fresh per frame against warm, in levels",
        rows=rows,
        notes=f"Flow: DIS, backwards, agreeing with the forward one within {TRACKED_PX} px; where it leads, the input\n"
        f"is the same within {SAME_LEVELS} levels. `tracked`: all of these pixels, followed along the flow. `still`:\n"
        f"those that moved by less than {STILL_PX} px. `percent`: their share. The cameras of these clips move.",
    )


def fresh_frame(effect: EffectStage, picture: Image) -> Image:
    effect.reset()
    return effect(picture)


def unchanged(first: Image, second: Image) -> dict[str, Image]:
    """Where the second frame shows what the first one showed, and where that was: masks and the map of places."""
    flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    grey = [cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) for image in (first, second)]
    back, forth = flow.calc(grey[1], grey[0], None), flow.calc(grey[0], grey[1], None)
    y, x = np.mgrid[0 : first.shape[0], 0 : first.shape[1]].astype(np.float32)
    places = np.dstack([x, y]) + back
    returned = back + cv2.remap(forth, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    agrees = np.linalg.norm(returned, axis=2) < TRACKED_PX
    same = np.abs(follow(first, places).astype(int) - second).max(2) <= SAME_LEVELS
    small = np.linalg.norm(back, axis=2) < STILL_PX
    return {"places": places, "tracked": agrees & same, "still": agrees & same & small}


def follow(image: Image, places: Image) -> Image:
    return cv2.remap(image, places, None, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)


def change(images: Sequence[Image], pairs: Sequence[dict[str, Image]], kind: str) -> float:
    """Mean absolute change of a clip's unchanged pixels, in levels."""
    total, count = 0.0, 0
    for first, second, pair in zip(images, images[1:], pairs, strict=False):
        difference = np.abs(follow(first, pair["places"]).astype(int) - second)[pair[kind]]
        total, count = total + float(difference.sum()), count + difference.size
    return total / max(1, count)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=SHARED)
    parser.add_argument("--part", nargs="+", default=["speed", "colors", "regions", "flicker"])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--contrib", type=Path, default=FOLDER, help="Where opencv-contrib was installed.")
    parser.add_argument("--every", type=int, default=1, help="Take every n-th picture of BSDS500.")
    parser.add_argument("--frames", type=int, default=FRAMES, help="Frames of each clip.")
    parser.add_argument("--quick", action="store_true", help="Leave out scikit-learn's KMeans (minutes).")
    options = parser.parse_args()
    parts: dict[str, Callable[[], None]] = {
        "speed": lambda: speed(options.shared, options.rounds, options.contrib),
        "colors": lambda: colors_quality(options.shared, not options.quick),
        "regions": lambda: regions_quality(options.shared, options.every),
        "flicker": lambda: flicker(options.shared, options.frames),
    }
    for part in options.part:
        parts[part]()


if __name__ == "__main__":
    main()
