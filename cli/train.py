"""`artrt train`: trains a trunk with its styles, a new style, the saliency network, or the small loss network."""

from __future__ import annotations

import importlib

import click

# name -> (module under artrt.cli, one line of help)
SUBJECTS = {
    "trunk": ("train_trunk", "Train a trunk and its styles together."),
    "style": ("train_style", "Train a new style for a trained trunk, in minutes."),
    "saliency": ("train_saliency", "Train the saliency network."),
    "loss": ("train_loss", "Distil the small loss network from a larger one."),
    "publish": ("train_publish", "Write a zoo folder from a trunk's checkpoint."),
}


class _LazyGroup(click.Group):
    """A group that imports its sub-commands on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the order of the table."""
        return list(SUBJECTS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports the module."""
        if cmd_name not in SUBJECTS:
            return None
        from .main import verbatim_examples  # main imports this module

        command: click.Command = importlib.import_module(f".{SUBJECTS[cmd_name][0]}", __package__).command
        return verbatim_examples(command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Lists the sub-commands from the table, without importing torch."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in SUBJECTS.items()])


@click.group(name="train", cls=_LazyGroup)
def command() -> None:
    r"""Train styles, trunks, the saliency network and the loss network; needs the extra `train`.

    \b
    artrt train style painting.jpg --name my-style --photos photos/ -o my-style.safetensors --minutes 20
    """
