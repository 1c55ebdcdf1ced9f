"""Builds the `stylize` stage from a style transformer: uint8 frame in, uint8 frame out, any size.

The frame is reduced to the working size (graphs/reduce.py) and painted there; the painting is enlarged and blended with
the frame (graphs/enlarge.py). The network is arranged for speed, with the same results as the PyTorch module:

1. The reduced frame is simplified (graphs/simplification.py), and continued as bytes: by its mirror image on each side,
   up to a multiple of eight, then by a block of 4x4 on each side, which the stem's convolution needs at the rim.
2. Unfolding 4x4 and the stem's convolution are one 12x12 convolution with stride 4 on the planes; the change from
   BGR bytes to RGB in [-1, 1] is folded into its weights.
3. The grain is added after the stem (see models/networks/transformer.py). The input of every other convolution is
   padded by repetition of the rim; normalisation is InstanceNormalization with slices of `style`.
4. Nearest upsampling and the following 3x3 convolution are one 2x2 convolution with four phases as outputs:

       rows of the small picture     i-1   |    i         one window, rows i-1 and i, holds all that
       rows of the large one      2i-2 2i-1 | 2i 2i+1     the large rows 2i-1 and 2i need

   so the window grid has one more row and column than the picture, and a rim of one pixel is cropped. The head's
   convolution is followed by the smoothing [1 2 1]: together they are a 5x5 convolution, or 3x3 on the small picture.
5. Values are rounded to bytes before the last change of layout; then what was added on the sides is cropped.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto

from ..engine.stage_spec import Control, StageSpec
from ..models.networks.transformer import BEND, FOLD, GRAIN, MULTIPLE, RIM_PX, StyleTransformer
from .graphs.enlarge import enlarged
from .graphs.reduce import reduced
from .graphs.resample import padded
from .graphs.simplification import simplified
from .onnx_builder import OPSET, GraphBuilder

Weights = NDArray[np.float32]
EPSILON = 1e-5


STROKES = (0.25, 4.0)


def stage_spec(
    transformer: StyleTransformer, *, stroke: float | None = None, extra: dict[str, Any] | None = None
) -> StageSpec:
    """The contract of the `stylize` stage of this trunk; see `onnx_from_transformer`."""
    facts: dict[str, Any] = {
        "trunk": transformer.trunk_hash(),
        "model": transformer.config.name,
        "licence": "Apache-2.0",
    }
    controls = {
        "style": Control((transformer.style_size,)),
        "strength": Control((), default=1.0, minimum=0.0, maximum=1.0),
        "mask": Control(("h", "w"), default=0.0, minimum=0.0, maximum=1.0),
        "keep_salient": Control((), default=0.0, minimum=0.0, maximum=1.0),
        "preserve_colors": Control((), default=0.0, minimum=0.0, maximum=1.0),
    }
    if stroke is None:
        low, high = STROKES
        controls["stroke"] = Control((), default=1.0, minimum=low, maximum=high)
    else:
        facts["stroke"] = stroke
    return StageSpec("stylize", controls=controls, extra=facts | (extra or {}))


def onnx_from_transformer(
    transformer: StyleTransformer,
    *,
    opset: int = OPSET,
    branch: bool = True,
    stroke: float | None = None,
    extra: dict[str, Any] | None = None,
) -> onnx.ModelProto:
    """Builds the stage.

    Args:
        transformer: A trained trunk.
        opset: ONNX operator set, 18 or newer.
        branch: Skip blending at full strength by an If node; without it the graph always blends, which suits
            GPUs.
        stroke: A fixed size of strokes, as GPU graphs need it; None makes it a control.
        extra: Facts to add to the metadata (training, licence).

    Returns:
        The checked model, float32 inside.
    """
    config = transformer.config
    weights = {name: value.detach().cpu().numpy() for name, value in transformer.state_dict().items()}
    graph = GraphBuilder()
    styles = _Styles(graph)
    small = reduced(graph, "frame", "stroke" if stroke is None else np.float32(stroke))
    image = small.image if config.square_px == 1 else simplified(graph, small.columns, config.square_px)
    x = _stem(graph, _planes(graph, _continued(graph, image, small.size)), weights["stem.weight"])
    x = graph.op("Add", x, _grain(graph, x, weights["grain"]))
    fine = graph.op("Relu", styles.norm(x, config.width))
    fine = _block(graph, fine, styles, weights, name="enter")
    x = graph.op(
        "Conv", _edges(graph, fine), graph.weight(weights["down.weight"], "down.weight"), strides=[2, 2]
    )
    x = graph.op("Relu", styles.norm(x, config.deep_width))
    for index, dilation in enumerate(config.dilations):
        x = _block(graph, x, styles, weights, name=f"blocks.{index}", dilation=dilation)
    x = styles.norm(_doubled(graph, x, weights["rise.weight"], "rise.weight"), config.width)
    x = _block(graph, graph.op("Relu", graph.op("Add", x, fine)), styles, weights, name="leave")
    x = _doubled(graph, x, weights["up.weight"], "up.weight")
    x = graph.op("Relu", styles.norm(x, config.decoder_width))
    styles.split()
    phases = _head(graph, x, weights["head.weight"], weights["head.bias"])
    enlarged(graph, _image(graph, phases, small.size), small, "frame", out="output", branch=branch)
    return graph.stage(stage_spec(transformer, stroke=stroke, extra=extra), opset=opset)


class _Styles:
    """Cuts `style` into one slice per scale and shift, in the order of the layers."""

    def __init__(self, graph: GraphBuilder) -> None:
        self._graph = graph
        self._sizes: list[int] = []

    def norm(self, x: str, channels: int) -> str:
        """Instance normalisation of x with the next two slices."""
        first = len(self._sizes)
        self._sizes += [channels, channels]
        return self._graph.op(
            "InstanceNormalization", x, f"style_{first}", f"style_{first + 1}", epsilon=EPSILON
        )

    def split(self) -> None:
        """Adds the node that makes the slices, before all other nodes."""
        names = [f"style_{index}" for index in range(len(self._sizes))]
        self._graph.ops("Split", "style", np.array(self._sizes, np.int64), outputs=names, axis=0)
        self._graph.nodes.insert(0, self._graph.nodes.pop())


def _continued(graph: GraphBuilder, image: str, size: tuple[str, str]) -> str:
    """Continues [H, W, C] by its mirror image (RIM_PX), then repeats the outermost blocks of FOLD pixels once.

        4567 | 4567 ... 0123 | 0123 4567 ...      what padding by repetition is once the picture is folded
        block         rim    |  picture

    Gather takes bytes on every backend; Pad does not.
    """
    block = np.arange(FOLD, dtype=np.int64)
    for axis, length in enumerate(size):
        whole = padded(graph, graph.op("Add", length, graph.ints(2 * RIM_PX)), MULTIPLE)
        inner = graph.op("Range", np.int64(0), graph.op("Squeeze", whole, graph.ints(0)), np.int64(1))
        places = graph.op("Concat", block, inner, graph.op("Add", whole, block - FOLD), axis=0)
        places = graph.op("Sub", places, graph.ints(RIM_PX))
        image = graph.op("Gather", image, _mirrored(graph, places, length), axis=axis)
    return image


def _mirrored(graph: GraphBuilder, places: str, length: str) -> str:
    """Places beyond the picture, mirrored into it; of a picture shorter than the rim, its first or last pixel."""
    places = graph.op("Max", places, graph.op("Sub", graph.ints(-1), places))
    last = graph.op("Sub", length, graph.ints(1))
    places = graph.op("Min", places, graph.op("Sub", graph.op("Add", length, last), places))
    return graph.op("Max", graph.op("Min", places, last), graph.ints(0))


def _edges(graph: GraphBuilder, x: str, rim: int = 1) -> str:
    """Repeats the rim of [1, C, h, w]."""
    return graph.op("Pad", x, graph.ints(0, 0, rim, rim, 0, 0, rim, rim), mode="edge")


def _planes(graph: GraphBuilder, padded: str) -> str:
    """uint8 [Hp, Wp, 3] -> float [1, 3, Hp, Wp], centred at zero."""
    planes = graph.op("Unsqueeze", graph.op("Transpose", padded, perm=[2, 0, 1]), graph.ints(0))
    return graph.op("Sub", graph.op("Cast", planes, to=TensorProto.FLOAT), np.float32(127.5))


def _unfolded(weight: Weights, fold: int) -> Weights:
    """Weights for pixel_unshuffle(fold) of RGB in [-1, 1] -> the same for BGR bytes: [O, 3, k * fold, k * fold]."""
    out, _, rows, columns = weight.shape
    split = weight.reshape(out, 3, fold, fold, rows, columns).transpose(0, 1, 4, 2, 5, 3)
    kernel = split.reshape(out, 3, rows * fold, columns * fold)[:, ::-1] * (2 / 255)
    return np.asarray(kernel, np.float32)


def _stem(graph: GraphBuilder, planes: str, weight: Weights) -> str:
    """Unfold 4x4 and 3x3 convolution of planes with a block around them: -> [1, C, H/4, W/4]."""
    weight_name = graph.weight(_unfolded(weight, FOLD), "stem.weight")
    return graph.op("Conv", planes, weight_name, strides=[FOLD, FOLD])


def _grain(graph: GraphBuilder, x: str, weight: Weights) -> str:
    """Each channel's mixture of the waves: float [1, C, h, w] for x of that shape."""
    places = []
    for axis in (2, 3):
        length = graph.op("Squeeze", graph.op("Shape", x, start=axis, end=axis + 1), graph.ints(0))
        index = graph.op("Cast", graph.op("Range", np.int64(0), length, np.int64(1)), to=TensorProto.FLOAT)
        places.append(
            graph.op("Unsqueeze", index, graph.ints(0, 1, 5 - axis))
        )  # [1, 1, h, 1] and [1, 1, 1, w]
    bends = [graph.op("Sin", _sum(graph, places, phases)) for phases in BEND]
    waves = graph.op("Sin", _sum(graph, [*places, *bends], *GRAIN))  # [1, K, h, w]
    return graph.op("Conv", waves, graph.weight(weight[:, :, None, None], "grain"))


def _sum(graph: GraphBuilder, parts: list[str], *factors: tuple[float, ...]) -> str:
    """Weighted sums of [1, 1, h, w]: one channel for each tuple of factors."""
    columns = np.array(factors, np.float32).T.reshape(len(parts), 1, -1, 1, 1)
    terms = [graph.op("Mul", part, column) for part, column in zip(parts, columns, strict=True)]
    total = terms[0]
    for term in terms[1:]:
        total = graph.op("Add", total, term)
    return total


def _block(
    graph: GraphBuilder, x: str, styles: _Styles, weights: dict[str, Weights], *, name: str, dilation: int = 1
) -> str:
    """A residual block: x + norm(conv(relu(norm(conv(x)))))."""
    first, second = weights[f"{name}.conv1.weight"], weights[f"{name}.conv2.weight"]
    first_name, second_name = graph.weight(first, f"{name}.conv1"), graph.weight(second, f"{name}.conv2")
    y = graph.op("Conv", _edges(graph, x, dilation), first_name, dilations=[dilation] * 2)
    y = graph.op("Relu", styles.norm(y, len(first)))
    y = graph.op("Conv", _edges(graph, y), second_name)
    return graph.op("Add", x, styles.norm(y, len(second)))


PHASES = np.array([[[1, 1, 0], [0, 0, 1]], [[1, 0, 0], [0, 1, 1]]], np.float32)
"""[phase, tap of the 2-window, tap of the 3-kernel]: see step 4 above."""

SMOOTH_PHASES = (
    np.array(
        [
            [[1, 1, 0, 0, 0], [0, 0, 1, 1, 0], [0, 0, 0, 0, 1]],
            [[1, 0, 0, 0, 0], [0, 1, 1, 0, 0], [0, 0, 0, 1, 1]],
        ],
        np.float32,
    )
    @ np.array([[1, 0, 0], [2, 1, 0], [1, 2, 1], [0, 1, 2], [0, 0, 1]], np.float32)
    / 4
)
"""[phase, tap of the 3-window, tap of the 3-kernel]: the five taps of kernel and smoothing, summed by small row."""


def phase_weights(weight: Weights) -> Weights:
    """3x3 weights behind nearest upsampling -> 2x2 weights of the four phases, [2, 2, O, I, 2, 2]."""
    return np.asarray(np.einsum("auk,bvl,oikl->aboiuv", PHASES, PHASES, weight), np.float32)


def smooth_phase_weights(weight: Weights) -> Weights:
    """3x3 weights between nearest upsampling and [1 2 1] / 4 -> 3x3 weights of the phases, [2, 2, O, I, 3, 3]."""
    taps = SMOOTH_PHASES
    return np.asarray(np.einsum("auk,bvl,oikl->aboiuv", taps, taps, weight), np.float32)


def _doubled(graph: GraphBuilder, x: str, weight: Weights, name: str) -> str:
    """[1, C, h, w] -> [1, O, 2h, 2w]: nearest upsampling and a 3x3 convolution."""
    half = len(weight)
    order = (1, 2, 0, 3, 4, 5)  # phases [a, b, o, ...] -> channels (b, o, a)
    kernel = phase_weights(weight).transpose(order).reshape(4 * half, weight.shape[1], 2, 2)
    phases = graph.op("Conv", _edges(graph, x), graph.weight(kernel, name))
    pairs = graph.op(
        "Transpose", graph.op("Reshape", phases, graph.ints(2, 2 * half, 0, 0)), perm=[1, 2, 3, 0]
    )
    rows = graph.op("Reshape", pairs, graph.ints(0, 0, 1, -1))  # [2O, h + 1, 1, 2w + 2]
    rows = graph.op("Reshape", rows, graph.ints(half, 2, -1, 0))
    image = graph.op("Reshape", graph.op("Transpose", rows, perm=[0, 2, 1, 3]), graph.ints(1, half, -1, 0))
    return graph.op("Slice", image, graph.ints(1, 1), graph.ints(-1, -1), graph.ints(2, 3))


def _head(graph: GraphBuilder, x: str, weight: Weights, bias: Weights) -> str:
    """[1, C, h, w] -> the four phases of the painting, BGR in [0, 255]: [1, 12, h, w], channels (a, b, c)."""
    kernel = smooth_phase_weights(weight[::-1]).reshape(12, weight.shape[1], 3, 3) * np.float32(127.5)
    offset = np.tile(bias[::-1] * 127.5 + 127.5, 4)
    kernel_name, offset_name = graph.weight(kernel, "head.weight"), graph.weight(offset, "head.bias")
    return graph.op("Conv", _edges(graph, x), kernel_name, offset_name)


def _unfold(graph: GraphBuilder, phases: str) -> str:
    """[1, 12, h, w] -> [1, 2h, 2w, 3]."""
    rows = graph.op("Transpose", graph.op("Reshape", phases, graph.ints(2, 6, 0, 0)), perm=[0, 2, 3, 1])
    rows = graph.op("Reshape", rows, graph.ints(0, 0, -1, 3))
    return graph.op("Reshape", graph.op("Transpose", rows, perm=[1, 0, 2, 3]), graph.ints(1, -1, 0, 3))


def _image(graph: GraphBuilder, phases: str, size: tuple[str, str]) -> str:
    """Rounds and clips in one pass, unfolds, and crops what `_continued` added: uint8 [h, w, 3]."""
    image = _unfold(graph, graph.op("QuantizeLinear", phases, np.float32(1), np.uint8(0)))
    start = graph.ints(RIM_PX, RIM_PX)
    end = graph.op("Add", graph.op("Concat", *size, axis=0), start)
    return graph.op("Squeeze", graph.op("Slice", image, start, end, graph.ints(1, 2)), graph.ints(0))
