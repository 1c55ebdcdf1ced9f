"""`artrt quantize`: pictures and videos in few colours."""

from __future__ import annotations

from typing import Any

import click
import numpy as np

from ..engine.effects.effect_stage import METHODS, EffectStage
from ..engine.effects.palettes import check_palette_suffix, is_indexed, write_palette
from ..engine.effects.quantize import DITHERS, Quantized, quantize, quantize_effect
from ..engine.errors import UsageError
from ..engine.jobs.job import Job
from ..engine.jobs.paint_file import output_suffix
from ..engine.pictures.about import NOTHING
from ..engine.pictures.reading import PictureFile, Still
from ..engine.pictures.writing import write_data
from ._effects import run_effect
from ._files import Facts, effect_options, file_arguments, planned_jobs, tell_results
from ._report import notice


@click.command(name="quantize")
@file_arguments
@click.option(
    "-k",
    "--colors",
    default=16,
    show_default=True,
    metavar="K",
    type=int,
    help="Number of colours, 2 to 256.",
)
@click.option("--palette", metavar="FILE", help="Also write the palette: .json, .gpl (GIMP) or .png.")
@click.option(
    "--method", type=click.Choice(METHODS), default="stage", show_default=True, help="exact: scikit-learn."
)
@click.option(
    "--dither",
    type=click.Choice(DITHERS),
    default="none",
    show_default=True,
    help="Spread the error of each pixel to its neighbours.",
)
@effect_options
def command(
    inputs: tuple[str, ...],
    output: str,
    colors: int,
    palette: str | None,
    method: str,
    dither: str,
    provider: str,
    threads: int | None,
    keep_metadata: bool,
    as_json: bool,
) -> None:
    r"""Reduce pictures and videos to K colours by k-means; a PNG with at most 256 colours is indexed.

    \b
    artrt quantize photo.jpg -o poster.png -k 8 --palette poster.gpl
    artrt quantize clip.mp4 -o poster.mp4 -k 32
    """
    jobs = planned_jobs(inputs, output, as_json=as_json)
    if palette is not None:
        check_palette_suffix(palette)
        if len(jobs) > 1 or jobs[0].kind != "picture":
            raise UsageError("--palette is for a single picture")
    if any(job.kind == "video" for job in jobs) and (method, dither) != ("stage", "none"):
        raise UsageError("videos take the default --method and --dither only")

    def picture(job: Job, file: PictureFile, effect: EffectStage) -> dict[str, Any]:
        still = file.first()
        result = quantize(still.image, colors, alpha=still.alpha, method=method, dither=dither, effect=effect)
        if result.notice:
            notice(f"{job.input}: {result.notice}")
        about = file.about() if keep_metadata else NOTHING
        suffix = output_suffix(file, job.output)
        data = result.encoded(suffix, about=about)
        write_data(job.output, data)
        if palette is not None:
            write_palette(palette, result.palette, counts=result.counts)
        facts = _facts(still, result)
        sizes = {"bytes": len(data), "input_bytes": file.size_bytes}
        return {"output": str(job.output)} | facts | {"indexed": is_indexed(data)} | sizes

    with quantize_effect(colors, provider=provider, threads=threads) as effect:
        done = run_effect(jobs, effect, picture, keep_metadata=keep_metadata)
    tell_results(done, _line, jobs=len(jobs), as_json=as_json)


def _facts(still: Still, result: Quantized) -> dict[str, Any]:
    difference = np.square(still.image.astype(np.float64) - result.image)
    error = float(difference.mean() if still.alpha is None else difference[still.alpha > 0].mean())
    return {
        "width": still.image.shape[1],
        "height": still.image.shape[0],
        "colors": len(result.palette),
        "psnr_db": round(10 * np.log10(255**2 / error), 2) if error > 0 else None,
    }


def _line(result: Facts) -> str:
    if "colors" not in result:
        return f"{result['frames']} frames, {result['seconds']:.2f} s"
    quality = f"{result['psnr_db']:.1f} dB" if result["psnr_db"] is not None else "unchanged"
    kind = "indexed, " if result["indexed"] else ""
    sizes = f"{result['bytes'] / 1000:.1f} kB (was {result['input_bytes'] / 1000:.1f} kB)"
    return f"{result['colors']} colours, {quality}, {kind}{sizes}"
