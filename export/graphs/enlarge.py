"""Enlarges the painting from the working size to the frame's size, with the frame's edges.

Bilinear enlargement keeps strokes but blurs edges; a guided filter keeps edges but removes strokes, because it keeps
only the photograph's structures. Here the painting is enlarged bilinearly, and fine detail of the frame is added where
the painting follows the frame:

    painting + gain * (frame - reduced frame)

Only the frame itself varies at full resolution. So the result, including the blending with the frame, is computed at
the working size as an offset and a factor, and these are enlarged:

1. Colours: the chroma of the frame in place of the painting's, by `preserve_colors`.
2. gain = cov / (var + noise), in [0, 1.5], of the lumas of painting and reduced frame, in windows of 5x5: the slope
   with which the painting's detail (the difference from the mean of a window) follows the frame's.
   offset = painting - gain * reduced frame.
3. Blending by weight = strength * (1 - keep_salient * mask): offset * weight, and 1 + (gain - 1) * weight.
4. output = enlarged offset + enlarged gain * frame.

Steps 1 and 3 are in a branch that is skipped if nothing of the frame is kept. Up to step 4, columns are the first axis,
because the enlargement starts with them.
"""

from __future__ import annotations

import numpy as np
from onnx import TensorProto, helper

from ..onnx_builder import GraphBuilder
from .reduce import Reduced
from .resample import ROWS, Plan, padded, plan, resampled

WINDOW = "window"
"""Name prefix of averaging weights, which must not be converted to lower precision."""
WINDOW_PX = 5
LARGEST_GAIN = 1.5
NOISE = 43.0
"""Variance of detail, in squared levels, below which it counts as noise."""
LUMA_BGR = (0.114, 0.587, 0.299)


def enlarged(
    graph: GraphBuilder, painted: str, small: Reduced, frame: str, *, out: str, branch: bool = True
) -> None:
    """Adds all steps; reads the controls strength, mask, keep_salient and preserve_colors.

    Args:
        graph: Receives the nodes.
        painted: The painting at the working size, uint8 [h, w, 3], BGR.
        small: The frame at that size.
        frame: uint8 [H, W, 3], BGR.
        out: Name of the result, uint8 [H, W, 3].
        branch: Skip steps 1 and 3 by an If node when they change nothing.
    """
    painting = graph.op("Cast", graph.op("Transpose", painted, perm=[1, 2, 0]), to=TensorProto.FLOAT)
    if branch:
        offset, gain = _branched(graph, painting, small)
    else:
        offset, gain = _blended(graph, painting, small)
    _finish(graph, offset, gain, small, frame, out=out)


def _branched(graph: GraphBuilder, painting: str, small: Reduced) -> tuple[str, str]:
    """Steps 1 to 3, or only step 2 when the others change nothing."""
    kept = graph.op("Mul", "keep_salient", graph.op("ReduceMax", "mask", keepdims=0))
    kept = graph.op("Max", kept, "preserve_colors")
    needed = graph.op(
        "Or", graph.op("Less", "strength", np.float32(1)), graph.op("Greater", kept, np.float32(0))
    )
    branches = {}
    for name, make in (("then_branch", _blended), ("else_branch", _gained)):
        side = GraphBuilder(prefix=f"{name}.")
        outputs = [
            helper.make_tensor_value_info(tensor, TensorProto.FLOAT, ["w", channels, "h"])
            for tensor, channels in zip(make(side, painting, small), (3, 1), strict=True)
        ]
        branches[name] = side.graph(name, (), outputs)
    offset, gain = graph.ops("If", needed, outputs=2, **branches)
    return offset, gain


def _blended(graph: GraphBuilder, painting: str, small: Reduced) -> tuple[str, str]:
    """Steps 1 to 3: offset, float32 [w, 3, h], and gain, float32 [w, 1, h]."""
    offset, gain = _gained(graph, _recoloured(graph, painting, small), small)
    weight = _weight(graph, small)
    slope = graph.op("Mul", graph.op("Sub", gain, np.float32(1)), weight)
    return graph.op("Mul", offset, weight), graph.op("Add", slope, np.float32(1))


def _recoloured(graph: GraphBuilder, painting: str, small: Reduced) -> str:
    """Step 1: painting + preserve_colors * (chroma of the frame - chroma of the painting)."""
    change = graph.op("Sub", small.columns, painting)
    chroma = graph.op("Sub", change, _luma(graph, change))
    return graph.op("Add", painting, graph.op("Mul", chroma, "preserve_colors"))


def _gained(graph: GraphBuilder, painting: str, small: Reduced) -> tuple[str, str]:
    """Step 2."""
    lumas = [graph.op("Unsqueeze", _luma(graph, x), graph.ints(0)) for x in (small.columns, painting)]
    both = graph.op("Transpose", graph.op("Concat", *lumas, axis=2), perm=[0, 2, 1, 3])  # [1, 2, w, h]
    detail = graph.op("Sub", both, _window(graph, both))
    of_frame = graph.op("Slice", detail, graph.ints(0), graph.ints(1), graph.ints(1))
    moments = _window(graph, graph.op("Mul", detail, of_frame))
    variance, covariance = graph.ops("Split", moments, graph.ints(1, 1), outputs=2, axis=1)
    gain = graph.op("Div", covariance, graph.op("Add", variance, np.float32(NOISE)))
    gain = graph.op("Clip", gain, np.float32(0), np.float32(LARGEST_GAIN))
    gain = graph.op("Transpose", graph.op("Squeeze", gain, graph.ints(0)), perm=[1, 0, 2])
    return graph.op("Sub", painting, graph.op("Mul", small.columns, gain)), gain


def _luma(graph: GraphBuilder, columns: str) -> str:
    """[w, 3, h] -> [w, 1, h]."""
    return graph.op("MatMul", np.array([[LUMA_BGR]], np.float32), columns)


def _window(graph: GraphBuilder, x: str) -> str:
    """Mean of the window about each pixel, the rim repeated: [1, 2, w, h]."""
    rim = WINDOW_PX // 2
    wide = graph.op("Pad", x, graph.ints(0, 0, rim, rim, 0, 0, rim, rim), mode="edge")
    mean = np.full((2, 1, WINDOW_PX, 1), 1 / WINDOW_PX, np.float32)
    across = graph.op("Conv", wide, graph.weight(mean, f"{WINDOW}.across"), group=2)
    return graph.op("Conv", across, graph.weight(mean.transpose(0, 1, 3, 2), f"{WINDOW}.down"), group=2)


def _weight(graph: GraphBuilder, small: Reduced) -> str:
    """Step 3: float32 [w, 1, h]."""
    mask = graph.op("Unsqueeze", graph.op("Transpose", "mask", perm=[1, 0]), graph.ints(0, 1))
    size = graph.op("Concat", graph.ints(1, 1), small.size[1], small.size[0], axis=0)
    mask = graph.op("Resize", mask, "", "", size, mode="linear")
    mask = graph.op("Unsqueeze", graph.op("Squeeze", mask, graph.ints(0, 1)), graph.ints(1))
    return graph.op("Sub", "strength", graph.op("Mul", mask, graph.op("Mul", "strength", "keep_salient")))


def _finish(graph: GraphBuilder, offset: str, gain: str, small: Reduced, frame: str, *, out: str) -> None:
    """Step 4. Pads the rows of the frame to whole blocks: cropping bytes is cheaper than cropping floats."""
    height, width = small.frame_size
    across = plan(graph, small.size[1], width, kind="linear")
    down = plan(graph, small.size[0], height, kind="linear")
    gain = _wide(graph, gain, across)
    gain = graph.op("Concat", gain, gain, gain, axis=2)
    offset = _full(graph, _wide(graph, offset, across), down)
    gain = _full(graph, gain, down)
    filled = graph.op("Squeeze", padded(graph, height, ROWS["linear"]), graph.ints(0))
    index = graph.op("Range", np.int64(0), filled, np.int64(1))
    index = graph.op("Min", index, graph.op("Sub", height, graph.ints(1)))
    rows = graph.op("Gather", graph.op("Reshape", frame, graph.ints(0, -1)), index)
    rows = graph.op("Mul", graph.op("Cast", rows, to=TensorProto.FLOAT), gain)
    rows = graph.op("QuantizeLinear", graph.op("Add", rows, offset), np.float32(1), np.uint8(0))
    rows = graph.op("Slice", rows, graph.ints(0), height, graph.ints(0))
    graph.op("Reshape", rows, graph.op("Shape", frame), out=out)


def _wide(graph: GraphBuilder, columns: str, across: Plan) -> str:
    """[w, C, h] -> [h, W, C]."""
    channels = graph.op("Shape", columns, start=1, end=2)
    x = resampled(graph, graph.op("Reshape", columns, graph.ints(0, -1)), across)
    shape = graph.op("Concat", across.length, channels, graph.ints(-1), axis=0)
    return graph.op("Transpose", graph.op("Reshape", x, shape), perm=[2, 0, 1])


def _full(graph: GraphBuilder, wide: str, down: Plan) -> str:
    """[h, W, 3] -> [H, W * 3], padded to whole blocks."""
    return resampled(graph, graph.op("Reshape", wide, graph.ints(0, -1)), down, crop=False)
