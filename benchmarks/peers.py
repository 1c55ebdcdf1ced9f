"""The shipped network against what one would use instead, all in one run on one CPU.

    python benchmarks/peers.py [--size 1280x720] [--threads 2] [--rounds 5] [--no-compile]

Contenders: the classic 32-64-128 fast-neural-style network in PyTorch eager, torch.compile, ONNX Runtime and OpenVINO;
its half-width variant; a network of MicroAST's size (16-32-64, four residual blocks). Random weights cost the time of
trained ones.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from _harness import interleaved, write
from stylize import Classic
from torch import Tensor, nn

from artrt.engine.sessions import SessionOptions, openvino
from artrt.engine.sessions.onnxruntime import open_model
from artrt.engine.stages.stage import Stage
from artrt.engine.zoo.zoo import Zoo
from artrt.export.simplify import with_size

Run = Callable[[], object]


class ClassicTorch(nn.Module):
    """The same layers as `stylize.Classic`, in PyTorch: uint8 [H, W, 3] -> uint8 [H, W, 3]."""

    def __init__(self, width: int = 32, blocks: int = 5) -> None:
        super().__init__()
        down = [(3, width, 9, 1), (width, 2 * width, 3, 2), (2 * width, 4 * width, 3, 2)]
        self.down = nn.Sequential(*(layer(a, b, kernel, stride) for a, b, kernel, stride in down))
        self.blocks = nn.ModuleList(
            nn.Sequential(layer(4 * width, 4 * width, 3), layer(4 * width, 4 * width, 3)[:-1])
            for _ in range(blocks)
        )
        self.up = nn.ModuleList([layer(4 * width, 2 * width, 3), layer(2 * width, width, 3)])
        self.last = nn.Conv2d(width, 3, 9, padding=4, padding_mode="reflect")

    def forward(self, frame: Tensor) -> Tensor:
        x = self.down(frame.permute(2, 0, 1)[None].float())
        for block in self.blocks:
            x = x + block(x)
        for up in self.up:
            x = up(F.interpolate(x, scale_factor=2, mode="nearest"))
        painted: Tensor = self.last(x).round().clamp(0, 255).to(torch.uint8)[0].permute(1, 2, 0)
        return painted


def layer(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """Reflection padding, convolution, instance normalisation, ReLU."""
    convolution = nn.Conv2d(
        inputs, outputs, kernel, stride=stride, padding=kernel // 2, padding_mode="reflect"
    )
    return nn.Sequential(convolution, nn.InstanceNorm2d(outputs, affine=True), nn.ReLU())


def networks(folder: Path, frame: np.ndarray, *, threads: int, compiled: bool) -> dict[str, Run]:
    """Every contender as a function that paints one frame."""
    settings = SessionOptions(threads=threads, size=frame.shape[:2])
    feeds, tensor = {"frame": frame}, torch.from_numpy(frame)
    runs: dict[str, Run] = {}
    eager = ClassicTorch().eval()
    runs["classic 32-64-128, PyTorch"] = lambda: eager(tensor)
    if compiled:
        fast = torch.compile(eager)
        runs["classic 32-64-128, torch.compile"] = lambda: fast(tensor)
    for name, width, blocks in (
        ("classic 32-64-128", 32, 5),
        ("half width 16-32-64", 16, 5),
        ("MicroAST's size", 16, 4),
    ):
        path = folder / f"{width}-{blocks}.onnx"
        onnx.save(Classic().model(width, blocks), str(path))
        session = open_model(path, "cpu", settings)
        runs[f"{name}, ONNX Runtime"] = lambda session=session: session.run(feeds)
        if width == 32:
            fixed = folder / f"{width}-{blocks}-fixed.onnx"
            onnx.save(with_size(onnx.load(str(path)), frame.shape[:2]), str(fixed))
            other = openvino.open_model(fixed, "openvino", settings)
            runs[f"{name}, OpenVINO"] = lambda other=other: other.run(feeds)
    zoo = Zoo()
    style = zoo.style(zoo.styles()[0]).vector
    for name, session in (
        ("artrt small, ONNX Runtime", open_model(zoo.model_path("small"), "cpu", settings)),
        ("artrt small, OpenVINO", openvino.open_model(zoo.model_path("small"), "openvino", settings)),
    ):
        stage = Stage(session)
        runs[name] = lambda stage=stage: stage(frame, style=style)
    return runs


def main() -> None:
    """Measures and writes benchmarks/results/peers.json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-compile", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    width, height = map(int, options.size.split("x"))
    frame = np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)
    with tempfile.TemporaryDirectory() as scratch, torch.inference_mode():
        runs = networks(Path(scratch), frame, threads=options.threads, compiled=not options.no_compile)
        timings = interleaved(runs, rounds=options.rounds)
    classic = timings["classic 32-64-128, ONNX Runtime"].median_ms
    rows = [
        {"network": name, "timing": timing, "times the classic": round(classic / timing.median_ms, 2)}
        for name, timing in timings.items()
    ]
    facts = {"size": options.size, "threads": options.threads}
    notes = (
        "All contenders took turns in one process. `times the classic`: in ONNX Runtime. Trust the ratios."
    )
    write(
        "peers",
        title=f"What else one would use: one {options.size} frame, {options.threads} CPU threads, float32",
        rows=rows,
        facts=facts,
        notes=notes,
    )


if __name__ == "__main__":
    main()
