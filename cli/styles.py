"""`artrt styles`: lists, shows, adds and removes styles."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from ..engine.errors import UsageError
from ..engine.zoo.picture_style import name_of, read_painting
from ..engine.zoo.style import JSON_FIELDS, SUFFIX, TEXT_FIELDS, Style, load_style
from ..engine.zoo.zoo import Zoo
from ._options import json_option, style_scale_option
from ._report import echo_json


@click.group(name="styles", invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> None:
    r"""List the styles, show one, or add your own.

    \b
    artrt styles list
    artrt styles show starry-night
    artrt styles add painting.jpg --name mine
    """
    if context.invoked_subcommand is None:
        context.invoke(list_styles)


@command.command(name="list")
@json_option
def list_styles(as_json: bool = False) -> None:
    r"""List the styles that ship with artrt, then your own.

    \b
    artrt styles list --json
    """
    zoo = Zoo()
    shipped = zoo.styles()
    own = [name for name in zoo.library.names() if name not in shipped]
    styles = [zoo.style(name) for name in (*shipped, *own)]
    if as_json:
        facts = ("name", "title", "artist", "year")
        echo_json(
            [{name: getattr(style, name) for name in facts} | {"own": style.name in own} for style in styles]
        )
        return
    width = max((len(style.name) for style in styles), default=0)
    for style in styles:
        click.echo(f"{style.name:{width}}  {_painting(style)}".rstrip())


@command.command(name="show")
@click.argument("name")
@json_option
def show_style(name: str, as_json: bool) -> None:
    r"""Show all information about a style: NAME, or the path of a style file.

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


@command.command(name="add")
@click.argument("painting", type=click.Path(path_type=Path))
@click.option("--name", help="Name of the style.  [default: the file's name]")
@click.option("--title", default="", help="Title of the painting.")
@click.option("--artist", default="", help="Artist of the painting.")
@style_scale_option
@click.option(
    "--refine",
    type=click.FloatRange(0, min_open=True),
    metavar="MINUTES",
    help="Train the style for this time; needs --photos and the extra `train`.",
)
@click.option("--photos", type=click.Path(path_type=Path, file_okay=False), help="Photographs to train on.")
@click.option("--replace", "overwrite", is_flag=True, help="Replace a style of that name.")
def add_style(
    painting: Path,
    name: str | None,
    title: str,
    artist: str,
    style_scale: float,
    refine: float | None,
    photos: Path | None,
    overwrite: bool,
) -> None:
    r"""Add the style of PAINTING, a picture or a style file, to your own styles.

    \b
    artrt styles add painting.jpg --name mine
    artrt styles add painting.jpg --name mine --refine 20 --photos photos/
    artrt stylize photo.jpg -o result.jpg --style mine
    """
    zoo = Zoo()
    name = name or name_of(painting).lower().replace(" ", "-")
    if name in zoo.styles():
        raise UsageError(f"'{name}' is a shipped style: choose another --name")
    if (refine is None) != (photos is None):
        raise UsageError("--refine MINUTES and --photos DIR must be given together")
    if painting.suffix == SUFFIX:
        style, picture = load_style(painting), None
    else:
        picture = read_painting(painting)
        style = zoo.style_of_picture(picture, name=name, scale=style_scale)
    if refine is not None and photos is not None:
        style = _refined(painting, photos, name=name, minutes=refine, scale=style_scale)
    named = replace(style, name=name, title=title or style.title, artist=artist or style.artist)
    path = zoo.library.add(named, picture=picture, replace=overwrite)
    click.echo(f"{path}: use it as --style {name}")


@command.command(name="remove")
@click.argument("name")
def remove_style(name: str) -> None:
    r"""Remove one of your own styles.

    \b
    artrt styles remove mine
    """
    zoo = Zoo()
    if name in zoo.styles() and name not in zoo.library.names():
        raise UsageError(f"'{name}' ships with artrt: only your own styles can be removed")
    zoo.library.remove(name)
    click.echo(f"removed {name}")


def _refined(painting: Path, photos: Path, *, name: str, minutes: float, scale: float) -> Style:
    from ..export.style_from_painting import train_style
    from ..models.training.options import TrainingOptions
    from ._training import stoppable, training_bar

    side = round(TrainingOptions.style_long_side_px * scale)
    with stoppable() as stop, training_bar(name) as report:
        trained = train_style(
            painting,
            photos,
            name=name,
            minutes=minutes,
            on_progress=report,
            stop=stop,
            style_long_side_px=side,
        )
    return trained.style


def _painting(style: Style) -> str:
    author = ", ".join(part for part in (style.artist, style.year) if part)
    return f"{style.title} ({author})" if author else style.title


def _facts(style: Style) -> dict[str, Any]:
    facts: dict[str, Any] = {name: getattr(style, name) for name in TEXT_FIELDS}
    facts |= {name: dict(getattr(style, name)) for name in JSON_FIELDS}
    return facts | {"values": int(style.vector.size)}


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
