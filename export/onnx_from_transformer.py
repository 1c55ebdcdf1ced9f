"""Writes a style transformer as the `stylize` stage: uint8 frame in, uint8 frame out, any size.

The graph is laid out for speed, and equal to the PyTorch module:

1. The frame is padded while it is still bytes: margin and multiple of four by repetition.
2. Unfolding 4x4 and the stem's convolution are one 12x12 convolution with stride 4 on the planes; the change from
   BGR bytes to RGB in [-1, 1] is folded into its weights.
3. Residual blocks are InstanceNormalization nodes fed with slices of `style`.
4. Nearest upsampling and the 3x3 convolution behind it are one 2x2 convolution that gives the four phases:

       rows of the small picture     i-1   |    i         one window, rows i-1 and i, holds all that
       rows of the large one      2i-2 2i-1 | 2i 2i+1     the large rows 2i-1 and 2i need

   so the window grid has one row and column more than the picture, and a rim of one pixel is cut off.
5. Rounding to bytes comes before the last change of layout. Blending with the frame (strength, mask) runs in a
   branch that is skipped at full strength.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from ..engine.stage_spec import Control, StageSpec
from ..models.transformer import FOLD, MARGIN_PX, StyleTransformer
from .onnx_builder import OPSET, GraphBuilder

Weights = NDArray[np.float32]
EPSILON = 1e-5


def stage_spec(transformer: StyleTransformer, *, extra: dict[str, Any] | None = None) -> StageSpec:
    """The contract of the `stylize` stage of this trunk."""
    facts = {"trunk": transformer.trunk_hash(), "model": transformer.config.name, "licence": "Apache-2.0"}
    controls = {
        "style": Control((transformer.style_size,)),
        "strength": Control((), default=1.0, minimum=0.0, maximum=1.0),
        "mask": Control(("h", "w"), default=0.0, minimum=0.0, maximum=1.0),
        "keep_salient": Control((), default=0.0, minimum=0.0, maximum=1.0),
    }
    return StageSpec("stylize", controls=controls, extra=facts | (extra or {}))


def onnx_from_transformer(
    transformer: StyleTransformer,
    *,
    opset: int = OPSET,
    branch: bool = True,
    extra: dict[str, Any] | None = None,
) -> onnx.ModelProto:
    """Builds the stage.

    Args:
        transformer: A trained trunk.
        opset: ONNX operator set, 18 or newer.
        branch: Skip blending at full strength by an If node; without it the graph always blends, as GPU
            graphs want it.
        extra: Facts to add to the metadata (training, licence).

    Returns:
        The model, checked, float32 inside.
    """
    config = transformer.config
    weights = {name: value.detach().cpu().numpy() for name, value in transformer.state_dict().items()}
    graph = GraphBuilder()
    styles = _Styles(graph)
    rims = _rims(graph)
    planes = _planes(graph, _pad(graph, "frame", rims))
    x = _stem(graph, planes, weights["stem.weight"])
    x = graph.op("Relu", styles.norm(x, config.width))
    for index, dilation in enumerate(config.dilations):
        x = _block(graph, x, styles, weights, name=f"blocks.{index}", dilation=dilation)
    x = _up(graph, x, planes, weights["up.weight"], weights["detail.weight"])
    x = graph.op("Relu", styles.norm(x, config.decoder_width))
    styles.split()
    painted = _head(graph, x, weights["head.weight"], weights["head.bias"])
    _finish(graph, painted, rims, branch=branch)
    return graph.stage(stage_spec(transformer, extra=extra), opset=opset)


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
        """Adds the node that makes the slices, in front of all others."""
        names = [f"style_{index}" for index in range(len(self._sizes))]
        self._graph.ops("Split", "style", np.array(self._sizes, np.int64), outputs=names, axis=0)
        self._graph.nodes.insert(0, self._graph.nodes.pop())


def _rims(graph: GraphBuilder) -> tuple[str, str]:
    """What to repeat below and to the right, int64 [1] each: the margin, and what a multiple of four lacks."""
    return _rim(graph, 0), _rim(graph, 1)


def _rim(graph: GraphBuilder, axis: int) -> str:
    fold = graph.ints(FOLD)
    size = graph.op("Shape", "frame", start=axis, end=axis + 1)
    full = graph.op("Mul", graph.op("Div", graph.op("Add", size, graph.ints(FOLD - 1)), fold), fold)
    return graph.op("Add", graph.op("Sub", full, size), graph.ints(MARGIN_PX))


def _pad(graph: GraphBuilder, image: str, rims: tuple[str, str], *, more: int = 0) -> str:
    """Repeats the edges of [H, W, C] by the rims and `more` pixels.

    Gather and Concat take bytes on every backend; Pad does not.
    """
    for axis, after in enumerate(rims):
        first = graph.op("Gather", image, np.zeros(MARGIN_PX + more, np.int64), axis=axis)
        count = graph.op("Add", after, graph.ints(more)) if more else after
        last = graph.op("Sub", graph.op("Shape", image, start=axis, end=axis + 1), graph.ints(1))
        last = graph.op("Gather", image, graph.op("Expand", last, count), axis=axis)
        image = graph.op("Concat", first, image, last, axis=axis)
    return image


def _planes(graph: GraphBuilder, padded: str) -> str:
    """uint8 [Hp, Wp, 3] -> float [1, 3, Hp, Wp] about zero."""
    planes = graph.op("Unsqueeze", graph.op("Transpose", padded, perm=[2, 0, 1]), graph.ints(0))
    return graph.op("Sub", graph.op("Cast", planes, to=TensorProto.FLOAT), np.float32(127.5))


def _unfolded(weight: Weights, fold: int) -> Weights:
    """Weights for pixel_unshuffle(fold) of RGB in [-1, 1] -> the same for BGR bytes: [O, 3, k * fold, k * fold]."""
    out, _, rows, columns = weight.shape
    split = weight.reshape(out, 3, fold, fold, rows, columns).transpose(0, 1, 4, 2, 5, 3)
    kernel = split.reshape(out, 3, rows * fold, columns * fold)[:, ::-1] * (2 / 255)
    return np.asarray(kernel, np.float32)


def _stem(graph: GraphBuilder, planes: str, weight: Weights) -> str:
    """Unfold 4x4 and 3x3 convolution: [1, 3, Hp, Wp] -> [1, C, Hp/4, Wp/4]."""
    weight_name = graph.weight(_unfolded(weight, FOLD), "stem.weight")
    return graph.op("Conv", planes, weight_name, strides=[FOLD, FOLD], pads=[FOLD] * 4)


def _block(
    graph: GraphBuilder, x: str, styles: _Styles, weights: dict[str, Weights], *, name: str, dilation: int
) -> str:
    """A residual block: x + norm(conv(relu(norm(conv(x)))))."""
    first, second = weights[f"{name}.conv1.weight"], weights[f"{name}.conv2.weight"]
    first_name, second_name = graph.weight(first, f"{name}.conv1"), graph.weight(second, f"{name}.conv2")
    y = graph.op("Conv", x, first_name, pads=[dilation] * 4, dilations=[dilation] * 2)
    y = graph.op("Relu", styles.norm(y, len(first)))
    y = graph.op("Conv", y, second_name, pads=[1] * 4)
    return graph.op("Add", x, styles.norm(y, len(second)))


PHASES = np.array([[[1, 1, 0], [0, 0, 1]], [[1, 0, 0], [0, 1, 1]]], np.float32)
"""[phase, tap of the 2-window, tap of the 3-kernel]: see step 4 above."""


def phase_weights(weight: Weights) -> Weights:
    """3x3 weights behind nearest upsampling -> 2x2 weights of the four phases, [2, 2, O, I, 2, 2]."""
    return np.asarray(np.einsum("auk,bvl,oikl->aboiuv", PHASES, PHASES, weight), np.float32)


def _detail_phases(weight: Weights) -> Weights:
    """Detail weights [O, 12, 3, 3] at half resolution -> 8x8 windows of the photo, [2, 2, O, 3, 8, 8]."""
    kernel = _unfolded(weight, 2)
    phases = np.zeros((2, 2, len(weight), 3, 8, 8), np.float32)
    for a in range(2):
        for b in range(2):
            phases[a, b, :, :, 2 * a : 2 * a + 6, 2 * b : 2 * b + 6] = kernel
    return phases


def _up(graph: GraphBuilder, x: str, planes: str, up: Weights, detail: Weights) -> str:
    """[1, C, h, w] -> [1, C/2, 2h, 2w]: upsampled and convolved, plus the detail convolution of the photo."""
    half = len(up)
    order = (1, 2, 0, 3, 4, 5)  # phases [a, b, o, ...] -> channels (b, o, a)
    up_phases = phase_weights(up).transpose(order).reshape(4 * half, up.shape[1], 2, 2)
    detail_phases = _detail_phases(detail).transpose(order).reshape(4 * half, 3, 8, 8)
    coarse = graph.op("Conv", x, graph.weight(up_phases, "up.weight"), pads=[1] * 4)
    fine = graph.weight(detail_phases, "detail.weight")
    phases = graph.op("Add", graph.op("Conv", planes, fine, strides=[FOLD] * 2, pads=[FOLD] * 4), coarse)
    pairs = graph.op(
        "Transpose", graph.op("Reshape", phases, graph.ints(2, 2 * half, 0, 0)), perm=[1, 2, 3, 0]
    )
    rows = graph.op("Reshape", pairs, graph.ints(0, 0, 1, -1))  # [2C, h + 1, 1, 2w + 2]
    rows = graph.op("Reshape", rows, graph.ints(half, 2, -1, 0))
    image = graph.op("Reshape", graph.op("Transpose", rows, perm=[0, 2, 1, 3]), graph.ints(1, half, -1, 0))
    return graph.op("Slice", image, graph.ints(1, 1), graph.ints(-1, -1), graph.ints(2, 3))


def _head(graph: GraphBuilder, x: str, weight: Weights, bias: Weights) -> str:
    """[1, C, h, w] -> the four phases of the painting, BGR in [0, 255]: [1, 12, h + 1, w + 1], channels (a, b, c)."""
    kernel = phase_weights(weight[::-1]).reshape(12, weight.shape[1], 2, 2) * np.float32(127.5)
    offset = np.tile(bias[::-1] * 127.5 + 127.5, 4)
    return graph.op(
        "Conv", x, graph.weight(kernel, "head.weight"), graph.weight(offset, "head.bias"), pads=[1] * 4
    )


def _fold(graph: GraphBuilder, image: str, channels: int) -> str:
    """[2h, 2w, C] -> [4, C, h, w], the four phases."""
    pairs = graph.op("Reshape", graph.op("Unsqueeze", image, graph.ints(0)), graph.ints(-1, 2, 0, channels))
    rows = graph.op("Transpose", pairs, perm=[1, 0, 2, 3])
    planes = graph.op(
        "Transpose", graph.op("Reshape", rows, graph.ints(0, 0, -1, 2 * channels)), perm=[0, 3, 1, 2]
    )
    return graph.op("Reshape", planes, graph.ints(4, channels, 0, 0))


def _unfold(graph: GraphBuilder, phases: str) -> str:
    """[1, 12, h, w] -> [1, 2h, 2w, 3]."""
    rows = graph.op("Transpose", graph.op("Reshape", phases, graph.ints(2, 6, 0, 0)), perm=[0, 2, 3, 1])
    rows = graph.op("Reshape", rows, graph.ints(0, 0, -1, 3))
    return graph.op("Reshape", graph.op("Transpose", rows, perm=[1, 0, 2, 3]), graph.ints(1, -1, 0, 3))


def _to_bytes(graph: GraphBuilder, x: str, out: str | None = None) -> str:
    """Rounds, clips and casts in one pass."""
    return graph.op("QuantizeLinear", x, np.float32(1), np.uint8(0), out=out)


def _blend(graph: GraphBuilder, painted: str, rims: tuple[str, str]) -> str:
    """The blend, frame + strength * (1 - keep_salient * mask) * (painting - frame), still in phases: [4, 3, h, w]."""
    frame = _fold(graph, _pad(graph, "frame", rims, more=1), 3)
    frame = graph.op("Cast", frame, to=TensorProto.FLOAT)
    size = graph.op("Concat", graph.ints(1, 1), graph.op("Shape", "frame", end=2), axis=0)
    mask = graph.op("Unsqueeze", "mask", graph.ints(0, 1))
    mask = graph.op("Resize", mask, "", "", size, mode="linear")
    mask = graph.op("Unsqueeze", graph.op("Squeeze", mask, graph.ints(0, 1)), graph.ints(2))
    mask = _fold(graph, _pad(graph, mask, rims, more=1), 1)
    weight = graph.op("Sub", "strength", graph.op("Mul", mask, graph.op("Mul", "strength", "keep_salient")))
    phases = graph.op("Clip", painted, np.float32(0), np.float32(255))
    phases = graph.op("Reshape", phases, graph.ints(4, 3, 0, 0))
    change = graph.op("Mul", graph.op("Sub", phases, frame), weight)
    return graph.op("Reshape", graph.op("Add", frame, change), graph.ints(1, 12, 0, 0))


def _finish(graph: GraphBuilder, painted: str, rims: tuple[str, str], *, branch: bool) -> None:
    """Blends, rounds, unfolds and crops into `output`."""
    phases = _branch(graph, painted, rims) if branch else _to_bytes(graph, _blend(graph, painted, rims))
    image = _unfold(graph, phases)
    start = graph.ints(MARGIN_PX + 1, MARGIN_PX + 1)
    end = graph.op("Add", graph.op("Shape", "frame", end=2), start)
    graph.op("Squeeze", graph.op("Slice", image, start, end, graph.ints(1, 2)), graph.ints(0), out="output")


def _branch(graph: GraphBuilder, painted: str, rims: tuple[str, str]) -> str:
    """At full strength, and with no salient region to keep, only rounds; else blends first."""
    kept = graph.op("Mul", "keep_salient", graph.op("ReduceMax", "mask", keepdims=0))
    needed = graph.op(
        "Or", graph.op("Less", "strength", np.float32(1)), graph.op("Greater", kept, np.float32(0))
    )
    full, part = GraphBuilder(prefix="full."), GraphBuilder(prefix="part.")
    shape: list[int | str] = [1, 12, "phase_h", "phase_w"]
    _to_bytes(full, painted, out="full.bytes")
    _to_bytes(part, _blend(part, painted, rims), out="part.bytes")
    branches = {
        name: side.graph(name, (), [helper.make_tensor_value_info(f"{name}.bytes", TensorProto.UINT8, shape)])
        for name, side in (("full", full), ("part", part))
    }
    return graph.op("If", needed, then_branch=branches["part"], else_branch=branches["full"])
