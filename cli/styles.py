"""`artrt styles`: the styles that ship, and the facts about one."""

from __future__ import annotations

from typing import Any

import click

from ..engine.zoo.style import JSON_FIELDS, TEXT_FIELDS, Style
from ..engine.zoo.zoo import Zoo
from ._common import echo_json, json_option


@click.group(name="styles", invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> None:
    r"""List the styles, or show one.

    \b
    artrt styles list
    artrt styles show starry-night
    """
    if context.invoked_subcommand is None:
        context.invoke(list_styles)


@command.command(name="list")
@json_option
def list_styles(as_json: bool = False) -> None:
    r"""List the styles that ship with artrt.

    \b
    artrt styles list --json
    """
    zoo = Zoo()
    styles = [zoo.style(name) for name in zoo.styles()]
    if as_json:
        echo_json(
            [{name: getattr(style, name) for name in ("name", "title", "artist", "year")} for style in styles]
        )
        return
    width = max((len(style.name) for style in styles), default=0)
    for style in styles:
        click.echo(f"{style.name:{width}}  {_painting(style)}".rstrip())


@command.command(name="show")
@click.argument("name")
@json_option
def show_style(name: str, as_json: bool) -> None:
    r"""Show everything that is known about a style: NAME, or the path of a style file.

    \b
    artrt styles show starry-night
    """
    facts = _facts(Zoo().style(name))
    if as_json:
        echo_json(facts)
        return
    for label, value in facts.items():
        if isinstance(value, dict):
            value = ", ".join(f"{key} {_short(entry)}" for key, entry in value.items())
        if value != "":
            click.echo(f"{label.replace('_', ' '):14}{value}")


def _painting(style: Style) -> str:
    author = ", ".join(part for part in (style.artist, style.year) if part)
    return f"{style.title} ({author})" if author else style.title


def _facts(style: Style) -> dict[str, Any]:
    facts: dict[str, Any] = {name: getattr(style, name) for name in TEXT_FIELDS}
    facts |= {name: dict(getattr(style, name)) for name in JSON_FIELDS}
    return facts | {"values": int(style.vector.size)}


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
