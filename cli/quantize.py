"""`artrt quantize`: pictures and videos in few colours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import numpy as np

from ..engine.effects.palettes import check_palette_suffix, write_indexed_png, write_palette
from ..engine.effects.pictures import DITHERS, METHODS, EffectStage, quantize, quantize_effect
from ..engine.errors import InputError, UsageError
from ..engine.frame import read_image_with_alpha, write_image
from ..engine.jobs.job import Job, plan_jobs
from ._common import echo_json, json_option, notice, provider_option, threads_option
from ._effects import run_effect


@click.command(name="quantize")
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option("--output", "-o", required=True, metavar="OUTPUT", help="A file; for several inputs a folder.")
@click.option(
    "-k",
    "--colors",
    default=16,
    show_default=True,
    metavar="K",
    type=int,
    help="Number of colours, 2 to 256.",
)
@click.option("--palette", metavar="FILE", help="Write the palette too: .json, .gpl (GIMP) or .png.")
@click.option(
    "--method", type=click.Choice(METHODS), default="stage", show_default=True, help="exact: scikit-learn."
)
@click.option(
    "--dither", type=click.Choice(DITHERS), default="none", show_default=True, help="Spread the error."
)
@provider_option
@threads_option
@json_option
def command(
    inputs: tuple[str, ...],
    output: str,
    colors: int,
    palette: str | None,
    method: str,
    dither: str,
    provider: str,
    threads: int | None,
    as_json: bool,
) -> None:
    r"""Reduce pictures and videos to K colours by k-means; a PNG of up to 256 colours is written as an indexed one.

    \b
    artrt quantize photo.jpg -o poster.png -k 8 --palette poster.gpl
    artrt quantize clip.mp4 -o poster.mp4 -k 32
    """
    jobs = plan_jobs(inputs, output)
    if palette is not None:
        check_palette_suffix(palette)
        if len(jobs) > 1 or jobs[0].kind != "picture":
            raise UsageError("--palette is for a single picture")
    if any(job.kind == "video" for job in jobs) and (method, dither) != ("stage", "none"):
        raise UsageError("videos take the default --method and --dither only")

    def picture(job: Job, effect: EffectStage) -> dict[str, Any]:
        return _picture(job, effect, colors=colors, palette=palette, method=method, dither=dither)

    with quantize_effect(colors, provider=provider, threads=threads) as effect:
        done = run_effect(jobs, effect, picture)
    if as_json:
        echo_json(done)
    else:
        for result in done:
            click.echo(_line(result))
    if len(done) < len(jobs):
        raise InputError(f"{len(jobs) - len(done)} of {len(jobs)} inputs could not be done")


def _picture(
    job: Job, effect: EffectStage, *, colors: int, palette: str | None, method: str, dither: str
) -> dict[str, Any]:
    image, alpha = read_image_with_alpha(job.input)
    result = quantize(image, colors, method=method, dither=dither, effect=effect)
    if result.notice:
        notice(f"{job.input}: {result.notice}")
    indexed = job.output.suffix.lower() == ".png" and write_indexed_png(
        job.output, result.labels, result.palette, alpha=alpha
    )
    if not indexed:
        write_image(job.output, result.image, alpha=alpha)
    if palette is not None:
        counts = np.bincount(result.labels.reshape(-1), minlength=len(result.palette))
        write_palette(palette, result.palette, counts=counts)
    error = float(np.square(image.astype(np.float64) - result.image).mean())
    return {
        "output": str(job.output),
        "width": image.shape[1],
        "height": image.shape[0],
        "colors": len(result.palette),
        "psnr_db": round(10 * np.log10(255**2 / error), 2) if error else None,
        "indexed": indexed,
        "bytes": job.output.stat().st_size,
        "input_bytes": Path(job.input).stat().st_size,
    }


def _line(result: dict[str, Any]) -> str:
    size = f"{result['output']}  {result['width']}x{result['height']}"
    if "colors" not in result:
        return f"{size}  {result['frames']} frames, {result['seconds']:.2f} s"
    quality = f"{result['psnr_db']:.1f} dB" if result["psnr_db"] is not None else "unchanged"
    kind = "indexed, " if result["indexed"] else ""
    sizes = f"{result['bytes'] / 1000:.1f} kB (was {result['input_bytes'] / 1000:.1f} kB)"
    return f"{size}  {result['colors']} colours, {quality}, {kind}{sizes}"
