"""A group of commands that imports each command when it is used."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import click

from ..engine.errors import suggest


class LazyGroup(click.Group):
    """A group that imports its commands on use.

    Args:
        table: name -> (module of this package, one line of help); `--help` lists it in this order.
    """

    def __init__(self, *args: Any, table: Mapping[str, tuple[str, str]], **options: Any) -> None:
        super().__init__(*args, **options)
        self.table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the order of the table."""
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports the command's module."""
        if cmd_name not in self.table:
            return None
        module = importlib.import_module(f".{self.table[cmd_name][0]}", __package__)
        return verbatim_examples(module.command)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Like click's method, with the closest names in the message."""
        if args and args[0] not in self.table and not args[0].startswith("-"):
            ctx.fail(f"no command '{args[0]}'; {suggest(args[0], self.table)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Lists the commands from the table, without importing one."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in self.table.items()])


def verbatim_examples(command: click.Command) -> click.Command:
    r"""Turns \b in raw docstrings into click's mark for a verbatim paragraph."""
    command.help = (command.help or "").replace("\\b", "\b")
    for child in getattr(command, "commands", {}).values():
        verbatim_examples(child)
    return command
