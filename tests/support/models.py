"""Small ONNX stages with known answers, and a zoo made of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import onnx.parser

from artrt.engine.stage_spec import METADATA_KEY, Control, StageSpec, StateTensor
from artrt.engine.zoo.picture_style import METADATA_KEY as ENCODER_KEY
from artrt.engine.zoo.style import Style, save_style
from artrt.engine.zoo.zoo import write_manifest

STYLE_SIZE = 4
TRUNK = "ab" * 32
STYLES = ("great-wave", "starry-night", "the-scream", "udnie")

HEADER = '<ir_version: 10, opset_import: ["" : 19]>'

INVERT = """
stage (uint8[H, W, 3] frame) => (uint8[H, W, 3] output) {
    white = Constant <value = uint8 {255}> ()
    output = Sub (white, frame)
}
"""

# frame + strength * (1 - keep_salient * mean(mask)) * (255 * style[0] - frame)
PAINT = """
stage (uint8[H, W, 3] frame, float[4] style, float strength, float[h, w] mask, float keep_salient)
    => (uint8[H, W, 3] output)
{
    first = Constant <value_ints = [0]> ()
    last = Constant <value_ints = [1]> ()
    full = Constant <value = float {255.0}> ()
    none = Constant <value = float {0.0}> ()
    one = Constant <value = float {1.0}> ()
    floats = Cast <to = 1> (frame)
    tone = Slice (style, first, last)
    paint = Mul (tone, full)
    change = Sub (paint, floats)
    salient = ReduceMean <keepdims = 0> (mask)
    kept = Mul (salient, keep_salient)
    free = Sub (one, kept)
    weight = Mul (free, strength)
    part = Mul (change, weight)
    painted = Add (floats, part)
    rounded = Round (painted)
    clipped = Clip (rounded, none, full)
    output = Cast <to = 2> (clipped)
}
"""

SALIENCY = """
stage (uint8[H, W, 3] frame) => (float[h, w] mask) {
    full = Constant <value = float {255.0}> ()
    axes = Constant <value_ints = [2]> ()
    floats = Cast <to = 1> (frame)
    grey = ReduceMean <keepdims = 0> (floats, axes)
    mask = Div (grey, full)
}
"""

# Adds how many frames came before, counted in the state.
COUNT = """
stage (uint8[H, W, 3] frame, float[1] "state.count") => (uint8[H, W, 3] output, float[1] "state.count.next") {
    one = Constant <value_floats = [1.0]> ()
    step = Cast <to = 2> ("state.count")
    output = Add (frame, step)
    "state.count.next" = Add ("state.count", one)
}
"""

# Stand-ins for the effects: frame + colors, and frame / 2 + regions.
QUANTIZE = """
stage (uint8[H, W, 3] frame, float colors) => (uint8[H, W, 3] output) {
    count = Cast <to = 2> (colors)
    output = Add (frame, count)
}
"""

SUPERPIXELS = """
stage (uint8[H, W, 3] frame, float regions) => (uint8[H, W, 3] output) {
    two = Constant <value = uint8 {2}> ()
    count = Cast <to = 2> (regions)
    half = Div (frame, two)
    output = Add (half, count)
}
"""

PAINT_SPEC = StageSpec(
    "stylize",
    controls={
        "style": Control((STYLE_SIZE,)),
        "strength": Control((), default=1.0, minimum=0.0, maximum=1.0),
        "mask": Control(("h", "w"), default=0.0, minimum=0.0, maximum=1.0),
        "keep_salient": Control((), default=0.0, minimum=0.0, maximum=1.0),
    },
    extra={"trunk": TRUNK},
)
INVERT_SPEC = StageSpec("invert")
SALIENCY_SPEC = StageSpec("saliency", output="mask")
QUANTIZE_SPEC = StageSpec(
    "quantize", controls={"colors": Control((), default=16.0, minimum=2.0, maximum=256.0)}
)
SUPERPIXELS_SPEC = StageSpec(
    "superpixels", controls={"regions": Control((), default=9.0, minimum=1.0, maximum=9000.0)}
)
COUNT_SPEC = StageSpec("count", states={"count": StateTensor((1,))})


def model_from_text(text: str, spec: StageSpec | None = None) -> onnx.ModelProto:
    """A checked model of ONNX's text form, with the stage contract when given."""
    model = onnx.parser.parse_model(
        HEADER + text.replace('"state.count.next"', "NEXT").replace('"state.count"', "NOW")
    )
    for value in [*model.graph.input, *model.graph.output]:
        value.name = _real_name(value.name)
    for node in model.graph.node:
        node.input[:] = [_real_name(name) for name in node.input]
        node.output[:] = [_real_name(name) for name in node.output]
    if spec is not None:
        entry = model.metadata_props.add()
        entry.key, entry.value = METADATA_KEY, spec.to_json()
    onnx.checker.check_model(model, full_check=True)
    return model


def write_model(path: Path, text: str, spec: StageSpec | None = None) -> Path:
    """Writes `model_from_text` and returns the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model_from_text(text, spec), path)
    return path


def write_zoo(folder: Path) -> Path:
    """A zoo whose styles paint the whole picture in one tone: great-wave 0.2, starry-night 0.4 and so on."""
    write_model(folder / "stylize-small.onnx", PAINT, PAINT_SPEC)
    write_model(folder / "saliency.onnx", SALIENCY, SALIENCY_SPEC)
    write_model(folder / "quantize.onnx", QUANTIZE, QUANTIZE_SPEC)
    write_model(folder / "superpixels.onnx", SUPERPIXELS, SUPERPIXELS_SPEC)
    write_style_encoder(folder / "style-small.onnx")
    for number, name in enumerate(STYLES, start=1):
        vector = np.full(STYLE_SIZE, 0.2 * number, np.float32)
        style = Style(name, vector, TRUNK, title=name.title(), artist="A. Painter", year="1900")
        save_style(folder / "styles" / f"{name}.safetensors", style)
    write_manifest(folder)
    return folder


def _real_name(name: str) -> str:
    return {"NOW": "state.count", "NEXT": "state.count.next"}.get(name, name)


# Means of the three colours, and of all of them: what a picture's vector is in the tests.
READ_STYLE = """
style (uint8[H, W, 3] painting) => (float[4] style) {
    full = Constant <value = float {255.0}> ()
    places = Constant <value_ints = [0, 1]> ()
    floats = Cast <to = 1> (painting)
    scaled = Div (floats, full)
    colours = ReduceMean <keepdims = 0> (scaled, places)
    all = ReduceMean <keepdims = 0> (colours)
    shape = Constant <value_ints = [1]> ()
    mean = Reshape (all, shape)
    style = Concat <axis = 0> (colours, mean)
}
"""


def write_style_encoder(path: Path, *, trunk: str = TRUNK, long_side_px: int = 128) -> Path:
    """A style encoder whose vector is the mean of each colour, and of all."""
    model = onnx.parser.parse_model(HEADER + READ_STYLE)
    facts = json.dumps({"trunk": trunk, "long_side_px": long_side_px})
    onnx.helper.set_model_props(model, {ENCODER_KEY: facts})
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path
