"""Text over the picture: statistics and keys in the window."""

from __future__ import annotations

from collections.abc import Sequence

import cv2

from ..frame import Image
from ..looks.controls import ControlState
from ..looks.look import NUMBERS
from ..statistics import Stats

HELP = (
    "q Esc: quit | space: pause | ?: help",
    "n p 1-9: style | + -: strength | [ ]: strokes",
    "s: snapshot | r: record | f: full screen",
    "o: original beside painting | h: this display",
    "k: keep salient | c: colours | x: superpixels",
)

_FONT = cv2.FONT_HERSHEY_SIMPLEX


def hud_lines(
    stats: Stats, state: ControlState, *, recording: str | None, paused: bool, age_ms: float
) -> list[str]:
    """Statistics in four short lines, and the enabled stages.

    Args:
        stats: Statistics of the pipeline.
        state: State of its controls.
        recording: File of the current recording, or None.
        paused: Whether playback is paused.
        age_ms: From capture until the frame is shown.
    """
    latency = stats.latency_ms
    shown = [
        f"{name.replace('_', ' ')} {value:.1f}"
        for name, value in state.numbers.items()
        if name == "strength" or value != NUMBERS[name].default
    ]
    lines = [
        f"{stats.fps_out:.1f} fps of {stats.fps_in:.1f}   {stats.width}x{stats.height}   {stats.provider}",
        f"latency p50 {latency.p50:.0f}  p95 {latency.p95:.0f} ms   age {age_ms:.0f} ms   dropped {stats.drops}",
        "   ".join([state.style or "no style", *shown]),
    ]
    marks = [name for name, on in state.switches.items() if on and name not in ("stylize", "saliency")]
    marks += ["paused"] * paused + [f"recording {recording}"] * bool(recording)
    return lines + (["   ".join(marks)] if marks else [])


def draw_text(image: Image, lines: Sequence[str]) -> Image:
    """A copy of a picture, uint8 [H, W, 3] BGR, with lines of text on a dark background at the upper left."""
    canvas: Image = image.copy()
    letter_px = max(9.0, min(canvas.shape[0] / 36, canvas.shape[1] / 64))
    # OpenCV's fonts differ in size between its versions.
    scale = letter_px / cv2.getTextSize("A", _FONT, 1.0, 1)[0][1]
    step, margin = round(1.8 * letter_px), round(0.6 * letter_px)
    widths = [cv2.getTextSize(line, _FONT, scale, 1)[0][0] for line in lines]
    bottom, right = step * len(lines) + 2 * margin, max(widths, default=0) + 2 * margin
    canvas[:bottom, :right] //= 3
    for number, line in enumerate(lines, start=1):
        place = (margin, step * number - margin // 2)
        cv2.putText(canvas, line, place, _FONT, scale, (255, 255, 255), 1, cv2.LINE_AA)
    return canvas


def split_view(original: Image, styled: Image) -> Image:
    """Left half of the original and right half of the painting with a line between; uint8 [H, W, 3]."""
    if original.shape != styled.shape:
        return styled
    middle = styled.shape[1] // 2
    canvas: Image = styled.copy()
    canvas[:, :middle] = original[:, :middle]
    canvas[:, max(0, middle - 1) : middle + 1] = 255
    return canvas
