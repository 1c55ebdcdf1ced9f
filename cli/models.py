"""`artrt models`: the pretrained networks of the losses, and the runtime of exported web pages."""

from __future__ import annotations

from pathlib import Path

import click

from ..engine.errors import InputError
from ._options import json_option
from ._report import echo_json, progress


@click.group(name="models")
def command() -> None:
    r"""Download and list the pretrained networks that paint, train and eval use.

    \b
    artrt models list
    artrt models pull vgg19
    """


@command.command(name="pull")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--directory", type=click.Path(path_type=Path), help="Target folder. [default: the cache]")
def pull_command(names: tuple[str, ...], directory: Path | None) -> None:
    r"""Download vgg19, vgg16, squeezenet1_1 or onnxruntime-web and check its sha256.

    \b
    artrt models pull vgg19 squeezenet1_1
    """
    from ..models.networks.pretrained import alternatives, pull

    for name in names:
        alternatives(name)  # a misspelt name fails before the first download
    for name in names:
        with progress(f"fetching {name}") as advance:
            for path in pull(name, directory=directory, report=advance):
                click.echo(str(path))


@command.command(name="list")
@json_option
def list_command(as_json: bool) -> None:
    r"""List the downloads and show which are on this machine.

    \b
    artrt models list
    """
    rows = [_row(name) for name in _names()]
    if as_json:
        echo_json(rows)
        return
    for row in rows:
        place = row["path"] or f"not here ({row['source']})"
        click.echo(f"{row['name']:15} {row['megabytes']:6.1f} MB  {place}")


def _names() -> list[str]:
    from ..models.networks.pretrained import CATALOGUE, OTHERS

    return [*CATALOGUE, *OTHERS]


def _row(name: str) -> dict[str, object]:
    from ..models.networks.pretrained import alternatives, locate

    try:
        path = str(locate(name)[0])
    except InputError:
        path = None
    files = alternatives(name)[0]
    return {
        "name": name,
        "path": path,
        "source": files[0].source,
        "megabytes": round(sum(file.size_bytes for file in files) / 1e6, 1),
        "sha256": {file.name: file.sha256 for file in files},
        "licence": files[0].licence,
    }
