"""`artrt export`: a deployable folder of models or engines, styles and a manifest; or a page for browsers."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from ..engine.errors import UsageError
from ..engine.looks.look import NUMBERS
from ._options import NumberType, json_option, stages_option
from ._report import echo_json, notice, progress


@click.command(name="export", short_help="Write models, TensorRT engines or a web page for deployment.")
@click.option(
    "--model",
    "-m",
    default="small",
    show_default=True,
    help="Trunk of the zoo, or its .safetensors; or an ONNX folder of artrt export, to build engines from.",
)
@click.option("--styles", default="all", show_default=True, metavar="all|A,B", help="Styles to include.")
@click.option(
    "--format", "form", default="onnx", show_default=True, metavar="onnx|engine|web", help="What to write."
)
@click.option("--precision", metavar="fp32|fp16|int8", help="Arithmetic.  [default: fp32]")
@click.option("--half", is_flag=True, help="The same as --precision fp16.")
@click.option("--int8", is_flag=True, help="The same as --precision int8.")
@click.option(
    "--size", "--imgsz", metavar="WxH", help="One fixed frame size, width x height, px: the fastest."
)
@click.option(
    "--dynamic",
    is_flag=False,
    flag_value="",
    metavar="[MIN:OPT:MAX]",
    help="Any size, the default; or a range for an engine, such as 320x180:1280x720:1920x1080.",
)
@click.option(
    "--stroke",
    type=NumberType(NUMBERS["stroke"]),
    metavar="0.25..4",
    help="Fixed size of the strokes; default for engines and models of a fixed size: 1.",
)
@click.option("--batch", type=int, default=1, show_default=True, help="Frames in one call.")
@stages_option
@click.option("--fuse", is_flag=True, help="Fuse the stages into one graph.")
@click.option(
    "--saliency/--no-saliency", default=None, help="Include the saliency stage.  [default: only in a page]"
)
@click.option(
    "--encoder/--no-encoder",
    default=None,
    help="Include the style encoder for --format web: any painting is a style.  [default: if it fits]",
)
@click.option("--opset", type=int, default=19, show_default=True, help="ONNX operator set.")
@click.option("--calibration", type=click.Path(path_type=Path), metavar="DIR", help="Pictures for int8.")
@click.option("--workspace", type=float, metavar="GiB", help="Memory limit of TensorRT's builder.")
@click.option("--hardware-compatible", is_flag=True, help="Engine for all GPUs since Ampere; slower.")
@click.option("--version-compatible", is_flag=True, help="Engine also for newer TensorRT; slower.")
@click.option("--verify/--no-verify", default=True, show_default=True, help="Check parity with PyTorch.")
@click.option(
    "--triton", type=click.Path(path_type=Path), metavar="REPO", help="Also write a Triton repository."
)
@click.option(
    "--runtime",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Folder or .tgz of onnxruntime-web for --format web.  [default: of artrt models pull]",
)
@click.option(
    "--webgpu/--no-webgpu", default=True, show_default=True, help="WebGPU for --format web; 27 MB more."
)
@click.option(
    "--output", "-o", type=click.Path(path_type=Path), metavar="DIR", help="Folder.  [default: artrt-MODEL]"
)
@json_option
def command(output: Path | None, triton: Path | None, as_json: bool, **choices: Any) -> None:
    r"""Write a folder for deployment: models or TensorRT engines, styles, a manifest; or a page for browsers.

    Load it with `artrt live --engine DIR` or artrt.Stylizer(DIR). Models are first compared with PyTorch; outside the
    tolerance, the exit code is 4 and nothing is written.

    \b
    artrt export --model small --size 1280x720 -o deploy
    artrt export --model deploy --format engine -o deploy-trt
    artrt models pull onnxruntime-web && artrt export --format web -o site
    """
    options = _options(**choices)
    folder = output or Path(f"artrt-{Path(options.model).stem}")
    from ..export.folder import export_folder

    with progress("building") as advance:
        artefact = export_folder(
            folder, options, report=notice, progress=lambda phase, done, total: advance(done, total)
        )
    manifest = dict(artefact.manifest)
    if triton is not None:
        from ..export.triton import write_repository

        write_repository(folder, triton)
    if as_json:
        echo_json(manifest | {"folder": str(folder)})
    else:
        megabytes = sum(entry["bytes"] for entry in manifest["files"].values()) / 1e6
        click.echo(f"{folder}: {len(manifest['files'])} files, {megabytes:.1f} MB, {options.precision}")
        if options.format == "web":
            click.echo(_said_of_site(folder, manifest["files"]))


def _said_of_site(folder: Path, files: Mapping[str, Any]) -> str:
    """How much of a site is its runtime, and how to look at it."""
    from ..export.web.runtime import runtime_builds

    sizes = {
        name: sum(files[file]["bytes"] for file in names) / 1e6
        for name, names in runtime_builds(files).items()
    }
    shares = ", ".join(f"{name} {megabytes:.1f} MB" for name, megabytes in sizes.items())
    return (
        f"of these {sum(sizes.values()):.1f} MB are onnxruntime-web; a browser fetches one of: {shares}\n"
        f"look at it: python -m http.server -d {shlex.quote(str(folder))}, then open http://localhost:8000"
    )


def _options(
    *,
    styles: str,
    form: str,
    stages: str,
    size: str | None,
    dynamic: str | None,
    workspace: float | None,
    **rest: Any,
) -> Any:
    from ..export.options import ExportOptions, Shapes, parse_stages

    return ExportOptions(
        model=rest.pop("model"),
        styles=() if styles == "all" else tuple(name.strip() for name in styles.split(",")),
        format=form,
        precision=_precision(rest.pop("precision"), half=rest.pop("half"), int8=rest.pop("int8")),
        shapes=Shapes.of(size=size, dynamic=dynamic),
        stages=parse_stages(stages),
        workspace_gib=workspace,
        **rest,
    )


def _precision(precision: str | None, *, half: bool, int8: bool) -> str:
    asked = {name for name, wanted in ((precision, precision), ("fp16", half), ("int8", int8)) if wanted}
    if len(asked) > 1:
        raise UsageError(f"{' and '.join(sorted(map(str, asked)))} contradict each other: give one precision")
    return str(asked.pop()) if asked else "fp32"
