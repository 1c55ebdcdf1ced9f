"""A checkpoint becomes a zoo that the runtime loads and paints with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from artrt.engine.errors import InputError, IntegrityError, UsageError
from artrt.engine.looks.stylizer import Stylizer
from artrt.engine.zoo.style import save_style
from artrt.engine.zoo.zoo import Zoo
from artrt.export.zoo_from_checkpoint import _alone, _changes, load_checkpoint, zoo_from_checkpoint
from artrt.models.networks.transformer import CONFIGS, TransformerConfig, load_trunk
from artrt.models.training.checkpoint import CHECKPOINT_FILE
from artrt.models.training.options import TrainingOptions
from artrt.models.training.trainer import Trainer, prepare_photographs
from support.weights import write_weights


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("training")
    for index, name in enumerate(("starry-night", "udnie", "photo")):
        picture = np.random.default_rng(index).integers(0, 256, (9, 9, 3), np.uint8)
        target = folder / ("photos" if name == "photo" else ".") / f"{name}.png"
        target.parent.mkdir(exist_ok=True)
        cv2.imwrite(str(target), cv2.resize(picture, (72, 72)))
    paintings = {name: folder / f"{name}.png" for name in ("starry-night", "udnie")}
    weights = write_weights(folder / "weights")
    options = TrainingOptions(
        paintings, folder / "photos", folder / "run", weights, steps=2, batch=2, crop_px=64
    )
    trainer = Trainer(replace(options, sample_steps=100))
    assert [progress.step for progress in trainer.run(prepare_photographs(options))] == [1, 2]
    return options.output / CHECKPOINT_FILE


@pytest.fixture(scope="module")
def zoo(checkpoint, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("zoo")
    scores = {"udnie": {"painted": 0.123, "semantic": 0.456}}
    zoo_from_checkpoint(checkpoint, folder, scores=scores, scored_photographs=5)
    return folder


def test_runtime_paints_with_the_new_zoo(zoo, picture, monkeypatch):
    monkeypatch.setenv("ARTRT_ZOO", str(zoo))
    assert Zoo().styles() == ["starry-night", "udnie"]
    frame = picture(40, 52)
    with Stylizer("udnie", provider="cpu") as stylizer:
        painting = stylizer(frame)
    assert painting.shape == frame.shape
    assert not np.array_equal(painting, frame)


def test_trunk_stage_and_styles_belong_together(zoo, checkpoint):
    key = load_trunk(zoo / "trunk-small.safetensors").trunk_hash()
    assert key == load_checkpoint(checkpoint).trunk.trunk_hash()
    assert {Zoo(zoo).style(name).trunk for name in Zoo(zoo).styles()} == {key}


def test_style_files_and_card_tell_painting_and_scores(zoo):
    style = Zoo(zoo).style("udnie")
    assert style.artist == "Francis Picabia"
    assert "died in 1953" in style.public_domain
    assert style.losses == {"painted": 0.123, "semantic": 0.456}
    card = (zoo / "cards" / "stylize-small.md").read_text(encoding="utf-8")
    assert "| udnie |" in card
    assert "0.123" in card
    assert "Scores: on 5 of those" in card
    assert "artrt train trunk paintings/starry-night.png" in card


def test_what_is_no_checkpoint_is_named(tmp_path):
    (tmp_path / "text.pt").write_text("text")
    with pytest.raises(InputError, match=r"text\.pt is not a checkpoint of a trunk"):
        zoo_from_checkpoint(tmp_path / "text.pt", tmp_path / "zoo")
    assert not (tmp_path / "zoo").exists()


def test_a_style_that_was_trained_alone_ships_too_and_one_of_another_trunk_does_not(
    zoo, checkpoint, tmp_path
):
    learned = replace(Zoo(zoo).style("udnie"), name="irises", training={"kind": "vector"}, losses={})
    save_style(tmp_path / "irises.safetensors", learned)
    scores = {"irises": {"painted": 0.321}}
    zoo_from_checkpoint(checkpoint, tmp_path / "zoo", more=[tmp_path / "irises.safetensors"], scores=scores)
    shipped = Zoo(tmp_path / "zoo").style("irises")
    assert (shipped.losses, shipped.artist) == (scores["irises"], "Francis Picabia")  # what the file says
    bare = replace(learned, title="", artist="", licence="")
    save_style(tmp_path / "irises.safetensors", bare)
    zoo_from_checkpoint(checkpoint, tmp_path / "zoo", more=[tmp_path / "irises.safetensors"], scores=scores)
    assert Zoo(tmp_path / "zoo").style("irises").artist == "Vincent van Gogh"
    card = (tmp_path / "zoo" / "cards" / "stylize-small.md").read_text(encoding="utf-8")
    assert "| irises |" in card
    assert (
        "Learned alone, against the finished trunk, by `artrt train style`: irises. The others were" in card
    )
    (line, _) = _alone([replace(learned, training={"kind": "refined"})])
    assert line.endswith("earns nothing: irises.")
    save_style(tmp_path / "other.safetensors", replace(learned, trunk="0" * 64))
    with pytest.raises(IntegrityError, match="belongs to trunk 00000000"):
        zoo_from_checkpoint(checkpoint, tmp_path / "other", more=[tmp_path / "other.safetensors"])
    assert not (tmp_path / "other").exists()


def test_two_styles_of_one_name_are_refused(zoo, checkpoint, tmp_path):
    with pytest.raises(UsageError, match="two styles have the name 'udnie'"):
        zoo_from_checkpoint(checkpoint, tmp_path / "zoo", more=[zoo / "styles" / "udnie.safetensors"])
    assert not (tmp_path / "zoo").exists()


def test_a_checkpoint_of_other_sizes_is_named(checkpoint, tmp_path, monkeypatch):
    monkeypatch.setitem(CONFIGS, "small", TransformerConfig("small", width=8))
    with pytest.raises(InputError, match="does not contain a trunk of the configuration 'small'"):
        load_checkpoint(checkpoint)
    state = torch.load(checkpoint, weights_only=True)
    torch.save(state | {"config": "huge"}, tmp_path / "huge.pt")
    with pytest.raises(InputError, match="unknown configuration 'huge'"):
        load_checkpoint(tmp_path / "huge.pt")


def test_the_card_says_what_each_start_changed():
    first = {"step": 0, "options": {"batch": 4, "losses": {"cam": 0.1}}}
    second = {"step": 9, "options": {"batch": 4, "losses": {"cam": 0.2}, "seed": 1}}
    assert _changes([first, second]) == [first, {"step": 9, "options": {"losses": {"cam": 0.2}, "seed": 1}}]
