"""From PyTorch to ONNX to TensorRT: graphs, precision, parity and engine building (offline)."""
