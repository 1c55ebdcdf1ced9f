"""`artrt studio`: the web page of the studio."""

from __future__ import annotations

import contextlib
import time
import webbrowser
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from ..engine.sinks import WebOptions
from ..engine.sinks.web.hosts import is_loopback
from ..engine.sources.cameras import camera_names, source_name
from ..engine.studio.options import GIGA, MEGA, Limits, StudioOptions
from ..engine.studio.server import StudioServer
from ._common import notice, provider_option, threads_option
from .live import web_options
from .signals import Terminated

CHECK_SECONDS = 0.5


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
@click.option("--photo-mb", type=click.IntRange(1), default=60, show_default=True, help="Largest photograph.")
@click.option(
    "--photo-megapixels", type=click.IntRange(1), default=100, show_default=True, help="Most pixels of one."
)
@click.option("--video-mb", type=click.IntRange(1), default=500, show_default=True, help="Largest video.")
@click.option(
    "--video-seconds", type=click.FloatRange(1), default=300, show_default=True, help="Longest video."
)
@click.option(
    "--disk-gb",
    type=click.FloatRange(0.01),
    default=10,
    show_default=True,
    help="Disk space for the files of all visitors; one visitor gets a fifth.",
)
@click.option(
    "--memory-gb", type=click.FloatRange(0.5), default=6, show_default=True, help="Memory of one worker."
)
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
@web_options
def command(sources: tuple[str, ...], host: str, port: int, **rest: Any) -> None:
    r"""Open the studio: a web page to paint photographs, videos and cameras.

    SOURCE is a camera or an address that visitors may watch. By default, on an address that only this machine can
    reach, these are all cameras of this machine.

    \b
    artrt studio --open
    artrt studio 0 rtsp://camera.local/stream --host 0.0.0.0 --token a-long-secret
    """
    serve_studio(sources, host, port, **rest)


def serve_studio(
    sources: tuple[str, ...],
    host: str,
    port: int,
    *,
    opens: bool = False,
    model: str = "small",
    provider: str = "auto",
    threads: int | None = None,
    token: str | None = None,
    max_clients: int = 64,
    ssl_cert: Path | None = None,
    ssl_key: Path | None = None,
    allow_hosts: tuple[str, ...] = (),
    train_minutes: float = 10,
    train_photos: Path | None = None,
    **limits: float,
) -> None:
    """Serves the studio until it is interrupted.

    Args:
        sources: Cameras and addresses that visitors may watch.
        host: Address to listen on.
        port: 0 chooses a free port.
        opens: Open the page in the browser.
        model: Style transformer.
        provider: The provider.
        threads: Threads of one inference on a CPU.
        token: Required from visitors.
        max_clients: Largest number of visitors.
        ssl_cert: Certificate for https.
        ssl_key: Its key.
        allow_hosts: Host names of a proxy.
        train_minutes: Duration of a training.
        train_photos: Photographs to train on.
        limits: Options of the command for limits of uploads.

    Raises:
        ArtrtError: The address is in use, or the models cannot be loaded.
    """
    cameras = tuple((source_name(source), source) for source in sources)
    if not cameras and is_loopback(host):
        cameras = tuple(camera_names().items())
    options = StudioOptions(
        limits=_limits(**limits),
        cameras=cameras,
        provider=provider,
        threads=threads,
        model=model,
        train_minutes=train_minutes,
        train_photos=train_photos,
    )
    web = WebOptions(
        token=token, ssl_cert=ssl_cert, ssl_key=ssl_key, max_clients=max_clients, hosts=allow_hosts
    )
    with StudioServer(host, port, options=options, web=web) as server, contextlib.suppress(Terminated):
        notice(f"the studio is at {server.url}")
        if opens:
            webbrowser.open(server.url)
        while True:
            time.sleep(CHECK_SECONDS)
            server.check()


def _limits(
    *,
    photo_mb: float = 60,
    photo_megapixels: float = 100,
    video_mb: float = 500,
    video_seconds: float = 300,
    disk_gb: float = 10,
    memory_gb: float = 6,
) -> Limits:
    return replace(
        Limits(),
        photo_bytes=int(photo_mb * MEGA),
        photo_pixels=int(photo_megapixels * MEGA),
        video_bytes=int(video_mb * MEGA),
        video_seconds=video_seconds,
        disk_bytes=int(disk_gb * GIGA),
        visitor_bytes=int(disk_gb * GIGA / 5),
        memory_bytes=int(memory_gb * GIGA),
    )
