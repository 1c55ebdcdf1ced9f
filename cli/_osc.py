"""`--osc`: other programs control playback."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

if TYPE_CHECKING:
    from ..engine.sinks.osc import OscSink

Command = TypeVar("Command", bound=Callable[..., Any])
LOOPBACK = "127.0.0.1"


def osc_options(function: Command) -> Command:
    """Adds `--osc`, `--osc-host` and `--osc-reply`; the command gets them as one `osc`, a sink or None.

    Stands above `recordings_option`, whose folder it shares.
    """

    @wraps(function)
    def with_osc(
        osc_port: int | None, osc_host: str | None, osc_reply: str | None, recordings: Path, **values: Any
    ) -> Any:
        osc = _sink(osc_port, host=osc_host, reply=osc_reply, folder=recordings)
        return function(osc=osc, recordings=recordings, **values)

    decorated: Any = with_osc
    for decorate in (
        click.option(
            "--osc-reply",
            metavar="HOST:PORT",
            help="Send all answers and changes of the state there (default: answer the sender).",
        ),
        click.option(
            "--osc-host",
            metavar="HOST",
            help=f"Listen for OSC at this address (default: {LOOPBACK}); OSC has no passwords.",
        ),
        click.option(
            "--osc",
            "osc_port",
            type=click.IntRange(0, 65535),
            metavar="PORT",
            help="Listen for Open Sound Control on this UDP port; 0 chooses a free one.",
        ),
    ):
        decorated = decorate(decorated)
    return cast(Command, decorated)


def _sink(port: int | None, *, host: str | None, reply: str | None, folder: Path) -> OscSink | None:
    if port is None:
        if host is not None or reply is not None:
            raise click.UsageError("--osc-host and --osc-reply need --osc PORT")
        return None
    from ..engine.sinks.osc import OscSink
    from ..engine.sinks.web.options import RecordingQuota

    # python-osc logs unknown arguments by the root logger, which would print a line for each.
    logging.getLogger().addHandler(logging.NullHandler())
    host = host or LOOPBACK
    address = f"[{host}]" if ":" in host else host
    return OscSink(f"osc://{address}:{port}", reply=reply, quota=RecordingQuota(folder=folder))
