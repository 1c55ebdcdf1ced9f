"""Makes docs/styles.md and its pictures: every style on three photographs, a still and a clip of every effect.

    python docs/make_gallery.py [--provider cpu] [--only styles|effects]
    python docs/make_gallery.py --only unseen --paintings DIR

The photographs come with scikit-image and are in the public domain, the small paintings are those of the studio. Under
two minutes on two cores. With `--only unseen` every painting of a folder is taken as a style at once, for
docs/any-painting.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
from skimage import data

import artrt
from artrt.engine.effects.saliency import heat_map
from artrt.engine.frame import IMAGE_SUFFIXES

DOCS = Path(__file__).resolve().parent
IMAGES = DOCS / "images"
HEIGHT_PX = 384
SHOWN_PX = 225
PAINTING_PX = 176
CLIP_PX = (320, 240)
CLIP_FRAMES = 48
GAP_PX = 4
QUALITY, SHEET_QUALITY = 77, 62
PHOTOGRAPHS = {
    "astronaut": "Eileen Collins, NASA",
    "chelsea": "Chelsea the cat, Stefan van der Walt",
    "rocket": "Launch of a Falcon 9, SpaceX",
}
HEAD = """# Styles

Every painting, and the same three photographs in its style, at full strength, painted by the shipped network. The
photographs come with scikit-image and are in the public domain: {photographs}. This page and its pictures are made
by `python docs/make_gallery.py`.

![The three photographs](images/styles/photographs.jpg)
"""
EFFECTS_HEAD = """
# Effects

Each effect as a still, and in motion. The clips pan over the same photographs.
"""


@dataclass(frozen=True)
class Effect:
    """An effect of the page: its heading, its text, its command, and how a frame is made."""

    name: str
    title: str
    text: str
    command: str
    options: dict[str, object]


EFFECTS = (
    Effect(
        "style",
        "Style",
        "The whole picture painted.",
        "artrt stylize clip.mp4 -o out.mp4 --style starry-night",
        {"style": "starry-night"},
    ),
    Effect(
        "blend",
        "Two styles",
        "Styles are vectors; a blend is their weighted sum, at the cost of one.",
        "artrt stylize clip.mp4 -o out.mp4 --style starry-night:0.5+udnie:0.5",
        {"style": "starry-night:0.5+udnie:0.5"},
    ),
    Effect(
        "strength",
        "Strength",
        "Half photograph, half painting.",
        "artrt stylize clip.mp4 -o out.mp4 --style the-scream --strength 0.5",
        {"style": "the-scream", "strength": 0.5},
    ),
    Effect(
        "keep-salient",
        "Keep what is salient",
        "The region that a viewer looks at first keeps a share of the photograph.",
        "artrt stylize clip.mp4 -o out.mp4 --style the-scream --keep-salient 0.7",
        {"style": "the-scream", "keep_salient": 0.7},
    ),
    Effect(
        "background",
        "Subject and background",
        "The subject in one style, what lies behind it in another.",
        "artrt stylize clip.mp4 -o out.mp4 --style starry-night --background the-scream",
        {"style": "starry-night", "background": "the-scream"},
    ),
    Effect(
        "quantize",
        "Colours",
        "Sixteen colours, chosen by k-means and carried from frame to frame.",
        "artrt stylize clip.mp4 -o out.mp4 --style none --quantize 16",
        {"style": "none", "quantize": 16},
    ),
    Effect(
        "superpixels",
        "Superpixels",
        "Regions of similar colour, carried from frame to frame.",
        "artrt stylize clip.mp4 -o out.mp4 --style none --superpixels 400",
        {"style": "none", "superpixels": 400},
    ),
)
SALIENCY = Effect(
    "saliency",
    "Saliency",
    "Where a viewer looks first, as a heat map.",
    "artrt saliency clip.mp4 -o out.mp4 --show overlay",
    {},
)


def photograph(name: str, height: int = HEIGHT_PX) -> np.ndarray:
    """A photograph of scikit-image in BGR at a height, uint8 [height, W, 3]."""
    image = cv2.cvtColor(getattr(data, name)(), cv2.COLOR_RGB2BGR)
    scale = height / image.shape[0]
    return cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def row(images: list[np.ndarray]) -> np.ndarray:
    """Pictures side by side, reduced to the height of the page."""
    shown = [
        cv2.resize(image, (round(image.shape[1] * SHOWN_PX / image.shape[0]), SHOWN_PX)) for image in images
    ]
    gap = np.full((SHOWN_PX, GAP_PX, 3), 255, np.uint8)
    parts = [part for image in shown for part in (image, gap)][:-1]
    return np.hstack(parts)


def tile(image: np.ndarray, width: int) -> np.ndarray:
    """The middle of a picture, cropped and reduced to width x SHOWN_PX."""
    scale = max(width / image.shape[1], SHOWN_PX / image.shape[0])
    size = (max(width, round(image.shape[1] * scale)), max(SHOWN_PX, round(image.shape[0] * scale)))
    image = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    top, left = (image.shape[0] - SHOWN_PX) // 2, (image.shape[1] - width) // 2
    return np.ascontiguousarray(image[top : top + SHOWN_PX, left : left + width])


def write_jpeg(path: Path, image: np.ndarray, *, quality: int = QUALITY) -> None:
    """A JPEG small enough for a page."""
    path.parent.mkdir(parents=True, exist_ok=True)
    done, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done
    path.write_bytes(encoded.tobytes())


def pan(name: str) -> list[np.ndarray]:
    """A clip that pans over a photograph, there and back: CLIP_FRAMES frames of CLIP_PX."""
    width, height = CLIP_PX
    image = photograph(name, round(height * 1.3))
    free_x, free_y = image.shape[1] - width, image.shape[0] - height
    frames = []
    for phase in np.linspace(0, 2 * np.pi, CLIP_FRAMES, endpoint=False):
        x, y = free_x * (1 - np.cos(phase)) / 2, free_y * (1 - np.cos(phase)) / 2
        move = np.float32([[1, 0, -x], [0, 1, -y]])
        frames.append(cv2.warpAffine(image, move, CLIP_PX, flags=cv2.INTER_LINEAR))
    return frames


def write_clip(path: Path, frames: list[np.ndarray]) -> None:
    """A silent H.264 clip at 24 frames a second."""
    path.parent.mkdir(parents=True, exist_ok=True)

    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=24, options={"crf": "27", "preset": "slow"})
        stream.width, stream.height, stream.pix_fmt = *CLIP_PX, "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="bgr24")))
        container.mux(stream.encode(None))


def small_painting(name: str) -> list[np.ndarray]:
    """The painting of a style as a tile, or nothing where the studio has none."""
    path = DOCS.parent / "engine" / "studio" / "page" / "paintings" / f"{name}.jpg"
    return [tile(artrt.read_image(path), PAINTING_PX)] if path.is_file() else []


def make_unseen(provider: str, folder: Path | None) -> str:
    """The sheet of paintings that no training saw: two columns of a painting and two photographs in its style."""
    if folder is None:
        raise SystemExit("--only unseen needs --paintings DIR")
    photographs, rows = [photograph(name) for name in list(PHOTOGRAPHS)[:2]], []
    for path in sorted(path for path in folder.iterdir() if path.suffix in IMAGE_SUFFIXES):
        with artrt.Stylizer(path, provider=provider, steady=False) as stylizer:
            painted = [tile(stylizer(image), SHOWN_PX) for image in photographs]
        rows.append(row([tile(artrt.read_image(path), SHOWN_PX), *painted]))
    half = (len(rows) + 1) // 2
    rows += [np.full_like(rows[0], 255)] * (2 * half - len(rows))
    columns = [
        np.vstack([part for one in rows[at : at + half] for part in (one, gap(one))][:-1]) for at in (0, half)
    ]
    sheet = np.hstack([columns[0], gap(columns[0], wide=True), columns[1]])
    write_jpeg(IMAGES / "any-painting.jpg", sheet, quality=SHEET_QUALITY)
    return ""


def gap(beside: np.ndarray, *, wide: bool = False) -> np.ndarray:
    """White space below a picture, or wider and to the right of it."""
    shape = (beside.shape[0], 4 * GAP_PX, 3) if wide else (GAP_PX, beside.shape[1], 3)
    return np.full(shape, 255, np.uint8)


def make_styles(provider: str, folder: Path | None) -> str:
    """The rows of all styles, and their part of the page."""
    zoo = artrt.Zoo()
    photographs = [photograph(name) for name in PHOTOGRAPHS]
    write_jpeg(IMAGES / "styles" / "photographs.jpg", row(photographs))
    page = HEAD.format(photographs="; ".join(PHOTOGRAPHS.values()))
    names = zoo.styles()
    with artrt.Stylizer(names[0], provider=provider, steady=False) as stylizer:
        for name in names:
            stylizer.style = name
            painted = [stylizer(image) for image in photographs]
            write_jpeg(IMAGES / "styles" / f"{name}.jpg", row([*small_painting(name), *painted]))
            style = zoo.style(name)
            about = ", ".join(part for part in (style.artist, style.year) if part)
            page += (
                f"\n## {name}\n\n*{style.title}*, {about}.\n\n![{style.title}](images/styles/{name}.jpg)\n"
            )
    return page


def make_effects(provider: str, folder: Path | None) -> str:
    """The still and the clip of every effect, and their part of the page."""
    page, source = EFFECTS_HEAD, pan("chelsea")
    for effect in (*EFFECTS, SALIENCY):
        paint, close = opened(effect, provider)
        frames = [paint(frame) for frame in source]
        close()
        write_jpeg(IMAGES / "effects" / f"{effect.name}.jpg", np.hstack([source[8], frames[8]]))
        write_clip(IMAGES / "effects" / f"{effect.name}.mp4", frames)
        page += (
            f"\n## {effect.title}\n\n{effect.text}\n\n```sh\n{effect.command}\n```\n\n"
            f"![Photograph and result](images/effects/{effect.name}.jpg)\n\n"
            f'<video src="../images/effects/{effect.name}.mp4" width="{CLIP_PX[0]}" muted loop controls></video>\n'
        )
    return page


def opened(effect: Effect, provider: str) -> tuple[Callable[[np.ndarray], np.ndarray], Callable[[], None]]:
    """A function from frame to frame, and how to end it."""
    if effect is SALIENCY:
        saliency = artrt.Saliency(provider=provider)
        return lambda image: heat_map(image, saliency(image)), saliency.close
    stylizer = artrt.Stylizer(artrt.Look(provider=provider, **effect.options))
    return stylizer, stylizer.close


def main() -> None:
    """Makes what is asked for; the page only when everything is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--provider", default="cpu")
    parser.add_argument("--paintings", type=Path, metavar="DIR")
    parser.add_argument("--only", choices=["styles", "effects", "unseen"])
    options = parser.parse_args()
    parts = {"styles": make_styles, "effects": make_effects}
    if options.only == "unseen":
        parts = {"unseen": make_unseen}
    pages = [
        make(options.provider, options.paintings)
        for name, make in parts.items()
        if options.only in (None, name)
    ]
    if options.only is None:
        (DOCS / "styles.md").write_text("".join(pages), encoding="utf-8")


if __name__ == "__main__":
    main()
