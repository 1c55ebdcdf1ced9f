"""`artrt studio`: the web page of the studio."""

from __future__ import annotations

import contextlib
import time
import webbrowser
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from ..engine.sinks import WebOptions
from ..engine.sinks.web.hosts import is_loopback
from ..engine.sources.cameras import camera_names, source_name
from ..engine.studio.options import GIGA, MEGA, Limits, StudioOptions
from ..engine.studio.server import StudioServer
from ._options import Command, gathered, provider_option, threads_option
from ._report import notice
from .live import web_options
from .signals import Terminated

CHECK_SECONDS = 0.5


def limit_options(function: Command) -> Command:
    """Adds the limits of uploads and of memory; the command gets them as one `limits`."""
    counts = {
        "--photo-mb": (60, "Largest photograph, MB."),
        "--photo-megapixels": (100, "Most megapixels of a photograph."),
        "--video-mb": (500, "Largest video, MB."),
    }
    amounts = {
        "--video-seconds": (1, 300, "Longest video, seconds."),
        "--disk-gb": (0.01, 10, "Disk space for the files of all visitors; one visitor gets a fifth."),
        "--memory-gb": (0.5, 6, "Memory of one worker process."),
    }
    return gathered(
        "limits",
        _limits,
        *(
            click.option(name, type=click.IntRange(1), default=default, show_default=True, help=text)
            for name, (default, text) in counts.items()
        ),
        *(
            click.option(name, type=click.FloatRange(least), default=default, show_default=True, help=text)
            for name, (least, default, text) in amounts.items()
        ),
    )(function)


def _limits(
    *,
    photo_mb: int,
    photo_megapixels: int,
    video_mb: int,
    video_seconds: float,
    disk_gb: float,
    memory_gb: float,
) -> Limits:
    return Limits(
        photo_bytes=photo_mb * MEGA,
        photo_pixels=photo_megapixels * MEGA,
        video_bytes=video_mb * MEGA,
        video_seconds=video_seconds,
        disk_bytes=int(disk_gb * GIGA),
        visitor_bytes=int(disk_gb * GIGA / 5),
        memory_bytes=int(memory_gb * GIGA),
    )


@click.command(name="studio")
@click.argument("sources", nargs=-1, metavar="[SOURCE]...")
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Address to listen on; others need a token."
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0 chooses a free port."
)
@click.option("--open", "opens", is_flag=True, help="Open the page in the browser.")
@click.option("--model", "-m", default="small", show_default=True, help="Style transformer.")
@limit_options
@click.option(
    "--train-minutes",
    type=click.FloatRange(0),
    default=10,
    show_default=True,
    help="Duration of a style's training; 0 disables training.",
)
@click.option(
    "--train-photos",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Photographs to train on (default: those of the visitor).",
)
@provider_option
@threads_option
@web_options(recordings=False)
def command(
    sources: tuple[str, ...], host: str, port: int, opens: bool, web: WebOptions, **options: Any
) -> None:
    r"""Open the studio: a web page to paint photographs, videos and cameras.

    SOURCE is a camera or an address that visitors may watch. By default, on an address that only this machine can
    reach, these are all cameras of this machine.

    \b
    artrt studio --open
    artrt studio 0 rtsp://camera.local/stream --host 0.0.0.0 --token a-long-secret
    """
    serve_studio(sources, host, port, opens=opens, options=StudioOptions(**options), web=web)


def serve_studio(
    sources: Sequence[str],
    host: str,
    port: int,
    *,
    options: StudioOptions,
    web: WebOptions,
    opens: bool = False,
) -> None:
    """Serves the studio until it is interrupted.

    Args:
        sources: Cameras and addresses that visitors may watch; with none, and on an address that only this machine
            can reach, all cameras of this machine.
        host: Address to listen on.
        port: 0 chooses a free port.
        options: Options of the studio; its cameras are replaced.
        web: Token, certificate, and limit of visitors.
        opens: Open the page in the browser.

    Raises:
        ArtrtError: The address is in use, or the models cannot be loaded.
    """
    cameras = tuple((source_name(source), source) for source in sources)
    if not cameras and is_loopback(host):
        cameras = tuple(camera_names().items())
    options = replace(options, cameras=cameras)
    with StudioServer(host, port, options=options, web=web) as server, contextlib.suppress(Terminated):
        notice(f"the studio is at {server.url}")
        if opens:
            webbrowser.open(server.url)
        while True:
            time.sleep(CHECK_SECONDS)
            server.check()
