"""`artrt train`: trains a trunk with its styles, a new style, the saliency network, or the small loss network."""

from __future__ import annotations

import click

from ._lazy_group import LazyGroup

# name -> (module under artrt.cli, one line of help)
SUBJECTS = {
    "trunk": ("train_trunk", "Train a trunk and its styles together."),
    "style": ("train_style", "Train a new style for a trained trunk, in minutes."),
    "saliency": ("train_saliency", "Train the saliency network."),
    "loss": ("train_loss", "Distil the small loss network from a larger one."),
    "average": ("train_average", "Average two checkpoints of a trunk."),
    "publish": ("train_publish", "Write a zoo folder from a trunk's checkpoint."),
}


@click.group(name="train", cls=LazyGroup, table=SUBJECTS)
def command() -> None:
    r"""Train styles, trunks, the saliency network and the loss network; needs the extra `train`.

    \b
    artrt train style painting.jpg --name my-style --photos photos/ -o my-style.safetensors --minutes 20
    """
