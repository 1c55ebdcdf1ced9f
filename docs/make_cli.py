"""Writes docs/cli.md from the commands' --help.  python docs/make_cli.py."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click

from artrt.cli.main import COMMANDS, cli

PAGE = Path(__file__).resolve().parent / "cli.md"
WIDTH = 100
HEAD = """# Command line

Every command and option, as `--help` prints them. This page is written by `python docs/make_cli.py`; a test compares it
with the commands. The [exit codes](troubleshooting.md#exit-codes) are the same for all.
"""


def commands(
    command: click.Command, name: str, parent: click.Context | None = None
) -> Iterator[tuple[str, str]]:
    """The full name and the help text of a command and of everything below it."""
    names = command.context_settings.get("help_option_names")
    context = click.Context(
        command, info_name=name, parent=parent, terminal_width=WIDTH, help_option_names=names
    )
    yield context.command_path, command.get_help(context)
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            if found is not None:
                yield from commands(found, child, context)


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for path, text in commands(cli, "artrt"):
        level = "##" if path.count(" ") < 2 else "###"
        plain = re.sub(r"[ \t]+$", "", text.replace("\b", ""), flags=re.MULTILINE)
        parts.append(f"{level} {path}\n\n```text\n{plain}\n```\n")
    assert len(parts) > len(COMMANDS)
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
