"""ONNX graphs of the preprocessing effects, one algorithm per file."""
