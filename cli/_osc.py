"""`--osc`: other programs control playback."""

from __future__ import annotations

import logging
from functools import wraps
from typing import TYPE_CHECKING, Any, cast

import click

from ._options import Command, gathered

if TYPE_CHECKING:
    from ..engine.sinks import RecordingQuota, WebOptions
    from ..engine.sinks.osc import OscSink

LOOPBACK = "127.0.0.1"


def osc_options(function: Command) -> Command:
    """Adds `--osc`, `--osc-host` and `--osc-reply`; the command gets them as one `osc`, a sink or None.

    Stands below `web_options`, whose limits of recordings it shares.
    """

    @wraps(function)
    def with_sink(osc: dict[str, Any], web: WebOptions, **values: Any) -> Any:
        return function(osc=_sink(**osc, quota=web.recordings), web=web, **values)

    return gathered(
        "osc",
        dict,
        click.option(
            "--osc",
            "osc_port",
            type=click.IntRange(0, 65535),
            metavar="PORT",
            help="Listen for Open Sound Control on this UDP port; 0 chooses a free one.",
        ),
        click.option(
            "--osc-host",
            metavar="HOST",
            help=f"Listen for OSC at this address (default: {LOOPBACK}); OSC has no passwords.",
        ),
        click.option(
            "--osc-reply",
            metavar="HOST:PORT",
            help="Send all answers and changes of the state there (default: answer the sender).",
        ),
    )(cast(Command, with_sink))


def _sink(
    *, osc_port: int | None, osc_host: str | None, osc_reply: str | None, quota: RecordingQuota
) -> OscSink | None:
    if osc_port is None:
        if osc_host is not None or osc_reply is not None:
            raise click.UsageError("--osc-host and --osc-reply need --osc PORT")
        return None
    from ..engine.sinks.osc import OscSink

    # python-osc logs unknown arguments by the root logger, which would print a line for each.
    logging.getLogger().addHandler(logging.NullHandler())
    host = osc_host or LOOPBACK
    address = f"[{host}]" if ":" in host else host
    return OscSink(f"osc://{address}:{osc_port}", reply=osc_reply, quota=quota)
