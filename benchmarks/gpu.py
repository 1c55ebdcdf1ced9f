"""On an NVIDIA GPU: the classic network and ours in PyTorch and ONNX Runtime, and how near the GPU's limits they are.

    python benchmarks/gpu.py [--rounds 50] [--networks small,base] [--compile]

PyTorch eager in fp16 (with --compile torch.compile too, at the smaller size), ONNX Runtime CUDA with and without IO
binding, in fp32 and fp16, at 1280x720 and 1920x1080. The CUDA path is compared with the CPU: the PSNR stands in the
table. Without a GPU it says so and ends with code 3.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import torch
from _harness import RESULTS, interleaved, write
from stylize import Classic
from torch import nn

from artrt.engine.errors import ProviderError
from artrt.engine.sessions import SessionOptions, open_session
from artrt.engine.sessions.onnxruntime import open_model
from artrt.engine.sessions.probe import probe_feeds, psnr_db
from artrt.export.fp16 import to_fp16
from artrt.export.onnx_from_transformer import onnx_from_transformer
from artrt.models.networks.transformer import CONFIGS, StyleTransformer

SIZES = ((720, 1280), (1080, 1920))
NETWORKS = ("small", "base")
Run = Callable[[], object]


class TorchClassic(nn.Module):
    """Johnson's network with instance normalisation and nearest upsampling, float NCHW in and out."""

    def __init__(self) -> None:
        super().__init__()
        widths = ((3, 32, 9, 1), (32, 64, 3, 2), (64, 128, 3, 2))
        self.down = nn.Sequential(*(self.layer(*width) for width in widths))
        self.blocks = nn.ModuleList(
            nn.Sequential(self.layer(128, 128, 3, 1), *list(self.layer(128, 128, 3, 1))[:-1])
            for _ in range(5)
        )
        up = nn.Upsample(scale_factor=2)
        self.up = nn.Sequential(up, self.layer(128, 64, 3, 1), up, self.layer(64, 32, 3, 1))
        self.head = nn.Conv2d(32, 3, 9, padding=4, padding_mode="reflect")

    @staticmethod
    def layer(inputs: int, outputs: int, kernel: int, stride: int) -> nn.Sequential:
        """Convolution, normalisation, ReLU."""
        conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, padding_mode="reflect")
        return nn.Sequential(conv, nn.InstanceNorm2d(outputs, affine=True), nn.ReLU())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[N, 3, H, W] -> [N, 3, H, W]."""
        x = self.down(x)
        for block in self.blocks:
            x = x + block(x)
        return self.head(self.up(x))


def arithmetic(module: nn.Module, run: Callable[[], object]) -> tuple[float, float]:
    """Multiply-adds, and bytes read and written in fp16, of all convolutions in one run."""
    totals = [0.0, 0.0]

    def count(conv: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        weight = conv.weight
        totals[0] += output.numel() * weight[0].numel()
        totals[1] += 2 * (inputs[0].numel() + output.numel() + weight.numel())

    hooks = [m.register_forward_hook(count) for m in module.modules() if isinstance(m, nn.Conv2d)]
    with torch.inference_mode():
        run()
    for hook in hooks:
        hook.remove()
    return totals[0], totals[1]


def limits() -> tuple[float, float]:
    """What this GPU reaches in fp16: multiply-adds a second in a matrix product, and bytes a second in a copy."""
    a = torch.randn(8192, 8192, device="cuda", dtype=torch.half)
    product = seconds(lambda: a @ a)
    big = torch.empty(1 << 29, device="cuda", dtype=torch.uint8)
    other = torch.empty_like(big)
    copy = seconds(lambda: other.copy_(big))
    return 8192**3 / product, 2 * big.numel() / copy


def seconds(run: Callable[[], object], rounds: int = 20) -> float:
    """Time of one run on the GPU."""
    for _ in range(3):
        run()
    torch.cuda.synchronize()
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    start.record()
    for _ in range(rounds):
        run()
    end.record()
    torch.cuda.synchronize()
    return start.elapsed_time(end) / 1000 / rounds


def torch_runs(
    size: tuple[int, int], networks: Sequence[str], *, compiled: bool
) -> dict[str, tuple[Run, tuple[float, float]]]:
    """PyTorch's contenders: name -> run and its arithmetic."""
    image = torch.rand(1, 3, *size, device="cuda", dtype=torch.half).to(memory_format=torch.channels_last)
    runs: dict[str, tuple[Run, tuple[float, float]]] = {}
    modules: dict[str, nn.Module] = {"classic": TorchClassic()}
    modules |= {name: StyleTransformer(CONFIGS[name]) for name in networks}
    for name, module in modules.items():
        module = module.eval().cuda().half().to(memory_format=torch.channels_last)
        inputs = [image] if name == "classic" else [image, module.neutral_style().cuda().half()[None]]
        cost = arithmetic(module, lambda module=module, inputs=inputs: module(*inputs))
        functions = {"eager": module} | ({"compile": torch.compile(module)} if compiled else {})
        for label, function in functions.items():
            runs[f"{name}, torch {label} fp16"] = (synchronised(function, inputs), cost)
    return runs


def synchronised(function: Callable[..., object], inputs: list[torch.Tensor]) -> Run:
    """Runs and waits."""

    def run() -> None:
        with torch.inference_mode():
            function(*inputs)
        torch.cuda.synchronize()

    return run


def models_of(networks: Sequence[str]) -> dict[str, tuple[onnx.ModelProto, dict[str, np.ndarray]]]:
    """Name -> ONNX stage with random weights, and its style if it takes one."""
    models: dict[str, tuple[onnx.ModelProto, dict[str, np.ndarray]]] = {
        "classic fp32": (Classic().model(), {})
    }
    for name in networks:
        transformer = StyleTransformer(CONFIGS[name]).eval()
        model = onnx_from_transformer(transformer, branch=False)
        style = {"style": transformer.neutral_style().numpy()}
        models |= {f"{name} fp32": (model, style), f"{name} fp16": (to_fp16(model), style)}
    return models


def onnxruntime_runs(
    size: tuple[int, int], networks: Sequence[str], scratch: Path
) -> dict[str, tuple[Run, float]]:
    """ONNX Runtime's contenders on CUDA: name -> run and the PSNR to the CPU's picture in dB."""
    runs: dict[str, tuple[Run, float]] = {}
    for name, (model, style) in models_of(networks).items():
        path = scratch / f"{name}.onnx".replace(" ", "-")
        onnx.save(model, str(path))
        session = open_model(path, "cuda", SessionOptions(size=size))
        with open_session(path, provider="cpu") as reference:
            feeds = probe_feeds(reference, size=size) | style
            psnr = psnr_db(reference.run(feeds)["output"], session.run(feeds)["output"])
        bound = {key: session.to_device(value) for key, value in feeds.items()}
        runs[f"{name}, onnxruntime CUDA"] = (partial(session.run, feeds), psnr)
        runs[f"{name}, onnxruntime CUDA, IO binding"] = (partial(session.run_on_device, bound), psnr)
    return runs


def rows_of(options: argparse.Namespace, size: tuple[int, int], most: tuple[float, float]) -> list[dict]:
    """Every contender at one size, in turns."""
    networks = options.networks.split(",")
    measured = torch_runs(size, networks, compiled=options.compile and size == SIZES[0])
    with tempfile.TemporaryDirectory() as scratch:
        others = onnxruntime_runs(size, networks, Path(scratch))
        runs = {name: run for name, (run, _) in (measured | others).items()}
        timings = interleaved(runs, rounds=options.rounds, warmup=5)
    rows = []
    for name, timing in timings.items():
        macs, traffic = measured[name][1] if name in measured else (0.0, 0.0)
        each = timing.median_ms / 1000
        shares = {
            "% of arithmetic": round(100 * macs / each / most[0], 1) if macs else None,
            "% of bandwidth": round(100 * traffic / each / most[1], 1) if traffic else None,
            "psnr_to_cpu_db": round(others[name][1], 1) if name in others else None,
        }
        rows.append({"size": f"{size[1]}x{size[0]}", "network": name, "timing": timing, **shares})
    return rows


def main() -> None:
    """Measures and writes benchmarks/results/gpu.{json,md}."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--networks", default=",".join(NETWORKS), help="ours, beside the classic")
    parser.add_argument("--compile", action="store_true", help="torch.compile too, at the smaller size")
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder of the results")
    options = parser.parse_args()
    if not torch.cuda.is_available():
        print("no GPU: nothing was measured", file=sys.stderr)
        raise SystemExit(ProviderError.exit_code)
    most = limits()
    rows = [row for size in SIZES for row in rows_of(options, size, most)]
    facts = {
        "gpu": torch.cuda.get_device_name(),
        "fp16_macs_per_second": most[0],
        "bytes_per_second": most[1],
    }
    notes = """Networks with random weights, times of one frame with waiting for its end. Shares are of what this GPU
    reached in an fp16 matrix product and in a copy, for the convolutions alone. ONNX Runtime takes and gives uint8
    frames, and in main memory where no IO binding is named; PyTorch takes and gives float tensors on the GPU."""
    write("gpu", title=f"{facts['gpu']}", rows=rows, facts=facts, notes=notes, directory=options.output)


if __name__ == "__main__":
    main()
