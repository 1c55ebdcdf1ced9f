"""Operators and element types that TensorRT's ONNX parser accepts.

Source: the support matrix of onnx-tensorrt (github.com/onnx/onnx-tensorrt, docs/operators.md, TensorRT 10.15, opset 9
to 24), for operators that our graphs may use. UINT8 is only allowed for inputs and outputs and the Cast beside them.
"""

from __future__ import annotations

FLOATS = frozenset({"FLOAT", "FLOAT16", "BFLOAT16"})
NUMBERS = FLOATS | {"INT32", "INT64"}
ALL = NUMBERS | {"BOOL"}
LOGICAL = frozenset({"BOOL"})

FLOAT_OPERATORS = """
    AveragePool BatchNormalization Ceil Clip Conv ConvTranspose Cos Einsum Elu Erf Exp Floor Gemm GlobalAveragePool
    HardSigmoid HardSwish InstanceNormalization LayerNormalization LeakyRelu Log MatMul MaxPool Reciprocal Resize
    Round Selu Sigmoid Sin Softmax Softplus Sqrt Tanh
"""
NUMBER_OPERATORS = """
    Abs Add ArgMax ArgMin DepthToSpace Div Equal Greater GreaterOrEqual Less LessOrEqual Max Mean Min Mod Mul Neg Pad
    Pow Range ReduceL1 ReduceL2 ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Sign
    SpaceToDepth Sub Sum TopK
"""
LAYOUT_OPERATORS = """
    Concat Constant ConstantOfShape Expand Flatten Gather GatherElements GatherND Identity If OneHot Reshape Shape Size
    Slice Split Squeeze Tile Transpose Unsqueeze Where
"""
LOGICAL_OPERATORS = "And Not Or Xor"

SUPPORTED: dict[str, frozenset[str]] = (
    dict.fromkeys(FLOAT_OPERATORS.split(), FLOATS)
    | dict.fromkeys(NUMBER_OPERATORS.split(), NUMBERS)
    | dict.fromkeys(LAYOUT_OPERATORS.split(), ALL)
    | dict.fromkeys(LOGICAL_OPERATORS.split(), LOGICAL)
    | {
        "Cast": ALL | {"UINT8"},
        "QuantizeLinear": FLOATS | {"INT8"},
        "DequantizeLinear": FLOATS | {"INT8", "INT32"},
    }
)

RESIZE_MODES = frozenset({"nearest", "linear"})
RESIZE_COORDINATES = frozenset(
    {"half_pixel", "pytorch_half_pixel", "tf_half_pixel_for_nn", "asymmetric", "align_corners"}
)
LARGEST_TOPK = 3840
OPSETS = range(9, 25)
