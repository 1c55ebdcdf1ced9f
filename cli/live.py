"""`artrt live`: plays cameras, streams and files to a window, files, a web page and the network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from ..engine.errors import OutputError
from ..engine.looks.look import Look
from ..engine.looks.stylizer import Stylizer
from ..engine.playing.pipeline import Pipeline
from ..engine.sinks import EncodeOptions, Sink, WebOptions, open_sink
from ..engine.sinks.base import AnnouncedSink
from ..engine.sinks.web.options import RecordingQuota
from ..engine.sinks.window import NO_SCREEN, WindowSink, has_screen
from ..engine.sources import Size, Source, SourceOptions, open_source
from ..engine.sources.holding import HoldingSource
from ..engine.sources.pictures import is_picture
from ..engine.statistics import Stats
from ._options import Command, gathered, look_options
from ._osc import osc_options
from ._report import notice, tell_about_weights
from ._stats import StatsWriter
from .signals import Terminated


def source_options(function: Command) -> Command:
    """Adds the options of the source, shared by `live` and `serve`."""
    for decorate in (
        click.option(
            "--frames",
            type=click.Choice(["auto", "latest", "all"]),
            default="auto",
            show_default=True,
            help="Every frame or the newest; auto: all frames of a file, the newest of a live source.",
        ),
        click.option(
            "--reconnect",
            type=click.FloatRange(0),
            default=30.0,
            show_default=True,
            metavar="SECONDS",
            help="How long to try to reopen a lost camera or stream.",
        ),
        click.option("--loop", is_flag=True, help="Repeat a file."),
        click.option(
            "--input-fps",
            type=click.FloatRange(0.1, 1000),
            metavar="N",
            help="Frame rate to request from a camera.",
        ),
        click.option(
            "--input-size",
            "--size",
            metavar="SHORT|WxH",
            help="Size to request from a camera, to scale other sources to: short side, px, or width x height, px.",
        ),
        click.option("--camera", type=click.IntRange(0), metavar="N", help="Camera N, the same as SOURCE N."),
        click.option("--max-frames", type=click.IntRange(1), metavar="N", help="Stop after N frames."),
        click.option(
            "--stats",
            metavar="json|FILE",
            help="One line of JSON per second, to stderr or a file.",
        ),
    ):
        function = decorate(function)
    return function


def web_options(*, recordings: bool = True) -> Callable[[Command], Command]:
    """Options of the web page, shared by `live`, `serve` and `studio`; the command gets them as one `web`.

    Args:
        recordings: With the folder of recordings.
    """
    existing = click.Path(exists=True, dir_okay=False, path_type=Path)
    folder = click.option(
        "--recordings",
        type=click.Path(file_okay=False, path_type=Path),
        default=Path(),
        metavar="DIR",
        help="Folder of recordings by viewers of the web page: at most 20 and 4 GB (default: this folder).",
    )
    return gathered(
        "web",
        _web,
        click.option(
            "--token",
            envvar="ARTRT_TOKEN",
            help="Token of the page; generated if other machines can reach the address.",
        ),
        click.option(
            "--max-clients",
            type=click.IntRange(1, 10000),
            default=64,
            show_default=True,
            help="Largest number of viewers of the web page; one address gets at most half.",
        ),
        click.option("--ssl-cert", type=existing, help="Certificate (PEM) for https."),
        click.option("--ssl-key", type=existing, help="Private key (PEM) for https."),
        click.option(
            "--allow-host",
            "hosts",
            multiple=True,
            metavar="NAME",
            help="Another host name of the web page, for a proxy; repeatable.",
        ),
        *([folder] if recordings else []),
    )


def _web(*, recordings: Path | None = None, **options: Any) -> WebOptions:
    return WebOptions(**options, recordings=RecordingQuota(folder=recordings or Path()))


@click.command(name="live")
@click.argument("source", required=False)
@click.option(
    "--output",
    "-o",
    "outputs",
    multiple=True,
    metavar="SINK",
    help="display://, FILE.mp4, frames/%06d.png, http://127.0.0.1:8080, rtmp://…, vcam://, ndi://NAME, null://; "
    "repeatable.",
)
@click.option("--headless", is_flag=True, help="No window.")
@click.option(
    "--record",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Record to this file; the key r ends it and starts the next.",
)
@click.option("--codec", metavar="NAME", help="Encoder: libx264, h264_nvenc, h264_v4l2m2m, libvpx-vp9, …")
@click.option(
    "--bitrate", type=click.IntRange(1000), metavar="BITS", help="Bits per second, for constant rate."
)
@click.option(
    "--quality",
    type=click.IntRange(0, 51),
    default=20,
    show_default=True,
    help="Constant quality; 0 is the best.",
)
@look_options
@source_options
@web_options()
@osc_options
def command(
    source: str | None,
    outputs: tuple[str, ...],
    headless: bool,
    record: Path | None,
    codec: str | None,
    bitrate: int | None,
    quality: int,
    web: WebOptions,
    osc: Sink | None,
    **rest: Any,
) -> None:
    r"""Play a camera, stream or file in a style, in real time.

    \b
    artrt live                                     camera 0 in a window; ? shows the keys
    artrt live --camera 1 --style udnie --record show.mp4
    artrt live rtsp://camera.local/stream -o http://127.0.0.1:8080 -o show.mp4
    artrt live test://640x360@30 --headless --max-frames 100 --stats json
    """
    encode = EncodeOptions(codec=codec, bitrate=bitrate, quality=quality)
    sinks = choose_sinks(outputs, headless=headless, record=record, encode=encode, web=web)
    play(source, sinks if osc is None else [*sinks, osc], **rest)


def choose_sinks(
    outputs: tuple[str, ...], *, headless: bool, record: Path | None, encode: EncodeOptions, web: WebOptions
) -> list[Sink]:
    """The requested sinks; by default a window, if there is a screen."""
    _refuse_repeats([*outputs, *([] if record is None else [str(record)])])
    sinks: list[Sink] = []
    chosen = None if encode == EncodeOptions() else encode  # the defaults of a push and a file differ
    for output in outputs:
        if not output.startswith("display:"):
            sinks.append(open_sink(output, options=chosen, web=web))
        elif headless:
            raise click.UsageError("--headless and -o display:// contradict each other")
    wants_window = any(output.startswith("display:") for output in outputs) or not (outputs or headless)
    if wants_window and not has_screen():
        raise OutputError(NO_SCREEN)
    if wants_window:
        sinks.append(WindowSink(recording=record, options=encode))
    elif record is not None:
        sinks.append(open_sink(record, options=encode))
    return sinks or [open_sink("null://")]


def _refuse_repeats(outputs: list[str]) -> None:
    for output, count in Counter(outputs).items():
        if count > 1:
            raise click.UsageError(f"{output} is given {count} times: give every output another name")


def _refuse_overwriting(source: str, sinks: list[Sink]) -> None:
    for sink in sinks:
        target = Path(sink.name)
        if target.exists() and Path(source).exists() and target.samefile(source):
            raise click.UsageError(f"the output would overwrite the source {source}: choose another")


def play(
    source: str | None,
    sinks: list[Sink],
    *,
    camera: int | None,
    look: Look,
    input_size: str | None,
    input_fps: float | None,
    loop: bool,
    reconnect: float,
    frames: Any,
    max_frames: int | None,
    stats: str | None,
    hold: bool = False,
) -> Stats:
    """Opens source and stages, plays until the end, and prints the summary.

    With `hold`, the last picture of a file stays until the command ends, and a still picture is painted once.

    Raises:
        ArtrtError: An error that the user can fix.
    """
    if camera is not None and source is not None:
        raise click.UsageError("give SOURCE or --camera, not both")
    address = source if source is not None else str(camera or 0)
    _refuse_overwriting(address, sinks)
    tell_about_weights(look)
    settings = SourceOptions(
        size=None if input_size is None else Size.parse(input_size),
        fps=input_fps,
        loop=loop and not (hold and is_picture(Path(address))),
        reconnect_seconds=reconnect,
    )
    with Stylizer(replace(look, switchable=True)) as stylizer, StatsWriter(stats) as writer:
        opened: Source = open_source(address, options=settings, frames=frames)
        notice(f"{opened.info.name} runs on {stylizer.provider} ({stylizer.reason})")
        if hold and not opened.info.live and not settings.loop:
            notice("the last picture stays at the end; use --loop to repeat a video, Ctrl-C to quit")
            opened = HoldingSource(opened, asked=lambda: stylizer.controls.state)
        pipeline = Pipeline(opened, [stylizer], sinks, frames=frames, max_frames=max_frames)
        pipeline.start()
        for sink in sinks:
            if isinstance(sink, AnnouncedSink):
                notice(sink.announcement)
        result = _played(pipeline, writer)
        writer.write(result)
    for note in pipeline.notes:
        notice(note)
    notice(summary(result))
    return result


def _played(pipeline: Pipeline, writer: StatsWriter) -> Stats:
    """Waits for the end; a stop by a signal or a closed terminal is not an error."""
    try:
        return pipeline.wait(on_progress=writer.update)
    except Terminated:
        return pipeline.stats()


def summary(stats: Stats) -> str:
    """One line about a finished run."""
    rate = stats.frames_out / stats.elapsed_seconds if stats.elapsed_seconds > 0 else 0.0
    frames = "frame" if stats.frames_out == 1 else "frames"
    return (
        f"{stats.frames_out} {frames} in {stats.elapsed_seconds:.1f} s ({rate:.1f}/s), "
        f"dropped {stats.drops}, latency p50 {stats.latency_ms.p50:.0f} ms p95 {stats.latency_ms.p95:.0f} ms"
    )
