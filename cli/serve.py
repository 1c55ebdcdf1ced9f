"""`artrt serve`: the web page."""

from __future__ import annotations

from typing import Any

import click

from ..engine.sinks import Sink, WebOptions, open_sink
from ..engine.studio.options import StudioOptions
from ._options import look_options
from ._osc import osc_options
from .live import play, source_options, web_options
from .studio import serve_studio


@click.command(name="serve")
@click.argument("source", required=False)
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Address to listen on; others need a token."
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0 chooses a free port."
)
@look_options
@source_options
@web_options()
@osc_options
def command(
    source: str | None,
    host: str,
    port: int,
    web: WebOptions,
    osc: Sink | None,
    **rest: Any,
) -> None:
    r"""Show a camera, stream or file on a web page with live controls; without a source, open the studio.

    \b
    artrt serve --camera 0                             at http://127.0.0.1:8080
    artrt serve 0 --host 0.0.0.0 --token a-long-secret for other machines
    artrt serve clip.mp4 --loop --port 9000
    artrt serve --allow-host studio.example --token secret123   behind a proxy
    """
    if source is None and rest["camera"] is None:
        if osc is not None:
            raise click.UsageError("--osc controls one player: give a SOURCE; the studio has one per visitor")
        look = rest["look"]
        options = StudioOptions(provider=look.provider, threads=look.threads, model=look.model)
        serve_studio((), host, port, options=options, web=web)
        return
    address = f"[{host}]" if ":" in host else host
    page = open_sink(f"http://{address}:{port}", web=web)
    play(source, [page] if osc is None else [page, osc], hold=True, **rest)
