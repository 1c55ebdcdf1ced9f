"""The average of two checkpoints: its weights, its contrast, and what does not belong together."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch

from artrt.cli.main import run
from artrt.engine.errors import UsageError
from artrt.export.zoo_from_checkpoint import load_checkpoint
from artrt.models.networks.transformer import CONFIGS, StyleTransformer, TransformerConfig
from artrt.models.training.averaging import average_checkpoints
from artrt.models.training.checkpoint import read_checkpoint, write_checkpoint

STYLES = ["one", "two"]


@pytest.fixture(autouse=True)
def _small_trunks(monkeypatch) -> None:
    tiny = TransformerConfig("small", width=8, dilations=(1,), decoder_width=4, square_px=1)
    monkeypatch.setitem(CONFIGS, "small", tiny)


def checkpoint(path: Path, seed: int, **changes) -> Path:
    """A checkpoint with random weights."""
    torch.manual_seed(seed)
    trunk = StyleTransformer(CONFIGS["small"])
    vectors = trunk.neutral_style() + 0.1 * torch.randn(2, trunk.style_size)
    average = {f"transformer.{name}": p.detach() for name, p in trunk.named_parameters()}
    state = {
        "step": seed,
        "config": "small",
        "styles": STYLES,
        "average": average | {"bank.vectors": vectors, "encoder.weight": torch.full((3,), float(seed))},
        "optimizer": {"state": 1},
        "history": json.dumps([{"step": 0, "options": {"batch": 4}}]),
        "transformer": trunk.state_dict(),
        "bank": {"vectors": vectors},
    }
    write_checkpoint(path, state | changes)
    return path


@pytest.fixture
def pair(tmp_path) -> tuple[Path, Path]:
    return checkpoint(tmp_path / "a.pt", 1), checkpoint(tmp_path / "b.pt", 2)


def test_weights_and_vectors_are_the_mean_and_the_encoder_is_the_second_ones(pair, tmp_path):
    first, second = (read_checkpoint(path)["average"] for path in pair)
    mixed = read_checkpoint(average_checkpoints(*pair, tmp_path / "mean.pt", share=0.25))
    for name, tensor in mixed["average"].items():
        expected = second[name] if name.startswith("encoder.") else 0.75 * first[name] + 0.25 * second[name]
        torch.testing.assert_close(tensor, expected, msg=name)
    torch.testing.assert_close(mixed["bank"]["vectors"], mixed["average"]["bank.vectors"])
    assert mixed["optimizer"] == {}
    assert json.loads(mixed["history"])[-1]["averaged"] == {"step": 1, "share": 0.25, "contrast": 1.0}


def test_contrast_is_the_distance_from_mid_grey(pair, tmp_path):
    plain, strong = (
        load_checkpoint(average_checkpoints(*pair, tmp_path / f"{contrast}.pt", contrast=contrast))
        for contrast in (1.0, 1.5)
    )
    photo = torch.rand(1, 3, 32, 40)
    with torch.no_grad():
        before, after = (trained.trunk(photo, trained.vectors["two"][None]) for trained in (plain, strong))
    torch.testing.assert_close(after - 0.5, 1.5 * (before - 0.5), atol=1e-3, rtol=0)  # half precision


def test_what_does_not_belong_together_is_refused_and_nothing_is_written(pair, tmp_path):
    others = checkpoint(tmp_path / "others.pt", 3, styles=["one", "three"])
    vectors = {"bank.vectors": torch.zeros(2, 4)}
    single = checkpoint(tmp_path / "single.pt", 3, average=vectors)
    wide = checkpoint(tmp_path / "wide.pt", 3)
    state = read_checkpoint(wide)
    write_checkpoint(wide, state | {"average": state["average"] | {"bank.vectors": torch.zeros(2, 4)}})
    out = tmp_path / "out.pt"
    for first, second, options, message in [
        (pair[0], others, {}, "trains the styles one, three, not one, two"),
        (single, pair[1], {}, "single styles"),
        (pair[0], wide, {}, "not of one trunk: bank.vectors differs"),
        (*pair, {"share": 1.5}, "share 1.5: expected 0 to 1"),
        (*pair, {"contrast": 3.0}, "contrast 3.0: expected 0.5 to 2"),
    ]:
        with pytest.raises(UsageError, match=message):
            average_checkpoints(first, second, out, **options)
    assert not out.exists()


def test_the_command_writes_and_names_the_file(pair, tmp_path, capsys):
    out = tmp_path / "mean.pt"
    assert run(["train", "average", *map(str, pair), "-o", str(out), "--share", "0.7"]) == 0
    assert capsys.readouterr().out.strip() == str(out)
    assert run(["train", "average", str(pair[0]), str(tmp_path / "none.pt"), "-o", str(out)]) == 1
    assert "no checkpoint" in capsys.readouterr().err


def test_an_output_that_cannot_be_written_is_named_and_leaves_nothing(pair, tmp_path, capsys):
    (tmp_path / "folder.pt").mkdir()
    before = set(tmp_path.iterdir())
    for name, reason in [("folder.pt", "is a folder"), ("a.pt/b.pt", "exists|Not a directory")]:
        assert run(["train", "average", *map(str, pair), "-o", str(tmp_path / name)]) == 1
        assert re.search(f"cannot write .*{name}: .*({reason})", capsys.readouterr().err)
    assert set(tmp_path.iterdir()) == before
