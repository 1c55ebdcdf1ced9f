"""The small transformer against the classic fast-neural-style network, both in ONNX Runtime on the CPU.

    python benchmarks/stylize.py [--size 1280x720] [--threads 2] [--rounds 7] [--openvino]

The classic network (Johnson et al., "Perceptual losses for real-time style transfer", 2016, with instance
normalisation and nearest upsampling: 32-64-128 channels, five residual blocks) gets random weights, which cost the same
time as trained ones. Both take and give uint8 frames.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import onnx
from _harness import Timing, interleaved, write
from onnx import TensorProto, helper

from artrt.engine.sessions import SessionOptions
from artrt.engine.sessions.onnxruntime import open_model
from artrt.engine.stages.stage import Stage
from artrt.export.onnx_builder import GraphBuilder, finish
from artrt.export.onnx_from_transformer import onnx_from_transformer
from artrt.export.simplify import with_size
from artrt.models.networks.transformer import CONFIGS, StyleTransformer

UP = np.array([1, 1, 2, 2], np.float32)


class Classic:
    """Writes the classic network node by node."""

    def __init__(self) -> None:
        self.graph = GraphBuilder()
        self.random = np.random.default_rng(0)

    def conv(
        self, x: str, inputs: int, outputs: int, kernel: int, *, stride: int = 1, norm: bool = True
    ) -> str:
        """Reflection padding, convolution and instance normalisation."""
        graph, half = self.graph, kernel // 2
        x = graph.op("Pad", x, graph.ints(0, 0, half, half, 0, 0, half, half), mode="reflect")
        weights = self.random.standard_normal((outputs, inputs, kernel, kernel)) / np.sqrt(inputs * kernel**2)
        x = graph.op(
            "Conv", x, weights.astype(np.float32), np.zeros(outputs, np.float32), strides=[stride] * 2
        )
        ones, zeros = np.ones(outputs, np.float32), np.zeros(outputs, np.float32)
        return graph.op("InstanceNormalization", x, ones, zeros) if norm else x

    def up(self, x: str) -> str:
        """Nearest neighbours, twice as large."""
        return self.graph.op(
            "Resize",
            x,
            "",
            UP,
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )

    def model(self, width: int = 32, blocks: int = 5) -> onnx.ModelProto:
        """uint8 [H, W, 3] -> uint8 [H, W, 3]; `width` channels at full resolution, `blocks` residual blocks."""
        twice, four = 2 * width, 4 * width
        graph, relu = self.graph, lambda x: self.graph.op("Relu", x)
        planes = graph.op("Cast", graph.op("Transpose", "frame", perm=[2, 0, 1]), to=TensorProto.FLOAT)
        x = graph.op("Unsqueeze", planes, graph.ints(0))
        for inputs, outputs, kernel, stride in ((3, width, 9, 1), (width, twice, 3, 2), (twice, four, 3, 2)):
            x = relu(self.conv(x, inputs, outputs, kernel, stride=stride))
        for _ in range(blocks):
            y = self.conv(relu(self.conv(x, four, four, 3)), four, four, 3)
            x = graph.op("Add", x, y)
        for inputs, outputs in ((four, twice), (twice, width)):
            x = relu(self.conv(self.up(x), inputs, outputs, 3))
        x = self.conv(x, width, 3, 9, norm=False)
        x = graph.op("Clip", graph.op("Round", x), np.float32(0), np.float32(255))
        x = graph.op("Squeeze", graph.op("Cast", x, to=TensorProto.UINT8), graph.ints(0))
        graph.op("Transpose", x, perm=[1, 2, 0], out="output")
        values = [
            helper.make_tensor_value_info(name, TensorProto.UINT8, ["H", "W", 3])
            for name in ("frame", "output")
        ]
        return finish(graph.graph("classic", values[:1], values[1:]), {})


def main() -> None:
    """Measures and writes benchmarks/results/stylize.{json,md}."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--no-openvino", action="store_true")
    options = parser.parse_args()
    width, height = map(int, options.size.split("x"))
    frame = np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)
    transformer = StyleTransformer(CONFIGS["small"]).eval()
    style = transformer.neutral_style().numpy()
    small = onnx_from_transformer(transformer)
    models = {"small": small, "small, fixed size": with_size(small, (height, width))}
    settings = SessionOptions(threads=options.threads, size=(height, width))
    with tempfile.TemporaryDirectory() as scratch:
        paths = {name: Path(scratch) / f"{index}.onnx" for index, name in enumerate(models)}
        for name, model in models.items():
            onnx.save(model, str(paths[name]))
        onnx.save(Classic().model(), str(Path(scratch) / "classic.onnx"))
        classic = open_model(Path(scratch) / "classic.onnx", "cpu", settings)
        stages = {
            f"{name}, onnxruntime": Stage(open_model(path, "cpu", settings)) for name, path in paths.items()
        }
        if not options.no_openvino:
            from artrt.engine.sessions import openvino

            stages["small, openvino"] = Stage(openvino.open_model(paths["small"], "openvino", settings))
        runs = {"classic 32-64-128, onnxruntime": lambda: classic.run({"frame": frame})}
        for name, stage in stages.items():
            runs[name] = lambda stage=stage: stage(frame, style=style)
        half = stages["small, onnxruntime"]
        runs["small at strength 0.5, onnxruntime"] = lambda: half(frame, style=style, strength=0.5)
        timings = interleaved(runs, rounds=options.rounds)
    report(timings, size=options.size, threads=options.threads)


def report(timings: dict[str, Timing], *, size: str, threads: int) -> None:
    """Writes the table; speed-ups are by the medians."""
    classic = next(iter(timings.values()))
    rows = [
        {
            "network": name,
            "timing": timing,
            "times the classic": round(classic.median_ms / timing.median_ms, 2),
        }
        for name, timing in timings.items()
    ]
    notes = "All contenders took turns in one process. Trust the ratios; the times are this machine's."
    write(
        "stylize",
        title=f"Against the classic network: one {size} frame, {threads} CPU threads, float32",
        rows=rows,
        facts={"size": size, "threads": threads},
        notes=notes,
    )


if __name__ == "__main__":
    main()
