"""`artrt bench`: times models, stages and exported folders on this machine."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from ..engine.checks.bench import BenchOptions, bench, peak_memory_mb
from ..engine.errors import UsageError
from ..engine.looks.building import build_chain
from ..engine.looks.look import AUTO, Effect, Look
from ..engine.stages.chain import Chain
from ..engine.zoo.artefact import Artefact
from ..engine.zoo.zoo import Zoo
from ._options import given, json_option, provider_option, stages_option, threads_option
from ._report import echo_json, notice


@click.command(name="bench", short_help="Time models, stages and exported folders.")
@click.option("--model", "-m", default="small", show_default=True, help="Style transformer of the zoo.")
@click.option("--engine", metavar="DIR", help="A folder of artrt export, instead of --model.")
@stages_option
@click.option(
    "--size",
    default="1280x720",
    show_default=True,
    metavar="WxH",
    help="Width x height of the frames, px; that of the folder if --engine has a fixed size.",
)
@click.option(
    "--precision",
    default="auto",
    show_default=True,
    metavar="auto|fp32|bf16|fp16",
    help="bf16: OpenVINO; auto uses it if the pictures agree; fp16: exported first.",
)
@click.option("--rounds", type=click.IntRange(1), default=20, show_default=True, help="Measured frames.")
@click.option(
    "--warmup", type=click.IntRange(0), default=3, show_default=True, help="Frames before the measured ones."
)
@click.option("--against", metavar="DIR", multiple=True, help="Compare with this folder in the same run.")
@provider_option
@threads_option
@json_option
def command(
    size: str, rounds: int, warmup: int, against: tuple[str, ...], as_json: bool, **choices: Any
) -> None:
    r"""Measure frames per second, median and tail times, memory, and energy if the machine has a counter.

    With --against, the candidates alternate in one run.

    \b
    artrt bench --size 1280x720 --against deploy
    """
    from ..export.options import parse_size

    fixed = _size_of(choices["engine"]) if given("size", size) is None else None
    size = size if fixed is None else f"{fixed[1]}x{fixed[0]}"
    options = BenchOptions(size=parse_size(size), rounds=rounds, warmup=warmup)
    with ExitStack() as stack:
        chains = _contenders(stack, against, options.size, **choices)
        for name, chain in chains.items():
            notice(f"{name} runs on {chain.provider} ({chain.reason})")
        results = bench(chains, options)
    rows = [result.to_dict() for result in results]
    if as_json:
        echo_json({"size": size, "rounds": rounds, "results": rows, "peak_memory_mb": peak_memory_mb()})
        return
    _table(rows, size=size)


def _size_of(engine: str | None) -> tuple[int, int] | None:
    """The fixed (height, width) of an exported folder."""
    return None if engine is None else Artefact.open(engine).size


def _contenders(
    stack: ExitStack,
    against: tuple[str, ...],
    size: tuple[int, int],
    *,
    model: str,
    engine: str | None,
    stages: str,
    precision: str,
    provider: str,
    threads: int | None,
) -> dict[str, Chain]:
    exported = precision in ("fp16", "int8")
    look = Look(provider=provider, precision=AUTO if exported else precision, threads=threads, size=size)
    folders = [*([engine] if engine is not None else []), *against]
    chains: dict[str, Chain] = {}
    if engine is None and exported:
        folders.insert(0, _exported(stack, model, stages, precision))
    elif engine is None:
        chains[f"{model}: {stages}"] = _of_zoo(stages, model, look)
    for folder in folders:
        chains[Path(folder).name] = build_chain(replace(look, engine=folder))
    for chain in chains.values():
        stack.callback(chain.close)
    return chains


def _of_zoo(stages: str, model: str, look: Look) -> Chain:
    """Stages of the zoo, with effects before the style."""
    from ..export.options import parse_stages

    amounts = {choice.name: choice.amount for choice in parse_stages(stages)}
    if not amounts:
        raise UsageError("--stages is empty: nothing to measure")
    effects = {name: Effect(amount) for name, amount in amounts.items() if amount is not None}
    quantize, superpixels = effects.get("quantize"), effects.get("superpixels")
    style = Zoo().styles()[0] if "stylize" in amounts else "none"
    return build_chain(replace(look, model=model, style=style, quantize=quantize, superpixels=superpixels))


def _exported(stack: ExitStack, model: str, stages: str, precision: str) -> str:
    if precision == "int8":
        raise UsageError(
            "int8 is calibrated on pictures: artrt export --int8 --calibration DIR -o DIR8, "
            "then artrt bench --engine DIR8"
        )
    from ..export.artefact import export_artefact
    from ..export.options import ExportOptions, parse_stages

    folder = (
        Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="artrt-bench-"))) / f"{model}-{precision}"
    )
    options = ExportOptions(model=model, precision=precision, stages=parse_stages(stages))
    export_artefact(options, folder, report=notice)
    return str(folder)


def _table(rows: list[dict[str, Any]], *, size: str) -> None:
    click.echo(f"{size}, peak memory {peak_memory_mb()} MB")
    click.echo(f"{'':28}{'provider':10}{'median':>9}{'p95':>9}{'p99':>9}{'fps':>8}{'J/frame':>9}")
    for row in rows:
        figures = "".join(f"{row[key]:>9.1f}" for key in ("median_ms", "p95_ms", "p99_ms"))
        energy = f"{row['joules']:.2f}" if row["joules"] is not None else "-"
        click.echo(f"{row['name'][:27]:28}{row['provider'][:9]:10}{figures}{row['fps']:>8.1f}{energy:>9}")
        if len(row["stages"]) > 1:
            click.echo("    " + ", ".join(f"{name} {value:.1f} ms" for name, value in row["stages"].items()))
