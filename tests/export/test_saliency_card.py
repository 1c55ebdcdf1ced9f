from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from artrt.cli.train_saliency import command
from artrt.export.onnx_from_saliency import save_saliency_stage
from artrt.export.saliency_card import saliency_card, speed_ms, training_commands
from artrt.models.networks.saliency import SaliencyConfig, SaliencyNetwork
from artrt.models.saliency.options import SaliencyTrainingOptions


def test_the_card_says_what_was_measured(tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = SaliencyConfig(last="fire6", width=16, landscape_px=(32, 48), square_px=(32, 32))
    scores = {
        "f_max": 0.71,
        "f_max_threshold": 0.4,
        "f_half": 0.7,
        "f_adaptive": 0.6,
        "mae": 0.111,
        "pictures": 58,
    }
    stage = save_saliency_stage(tmp_path / "s.onnx", SaliencyNetwork(config).eval(), scores=scores)
    record = replace(options(tmp_path, photographs=True), config=config).record()
    taught = record | {"teachers": [record]}
    card = saliency_card(stage, config=config, scores=scores, record=taught, note="(loaded)")
    assert "| 0.710 (at 0.40) | 0.700 | 0.600 | 0.111 |" in card
    assert "48x32 for wide frames" in card
    assert "one thread (loaded)" in card
    assert '"steps": 7' in card
    assert "--grid 48x32" in card
    assert "masks of earlier networks" in card
    assert "earlier networks" not in saliency_card(stage, config=config, scores=scores, record=record)
    fastest, median = speed_ms(stage)
    assert 0 < fastest <= median < 2000


@pytest.mark.parametrize(("photographs", "chain"), [(True, 3), (False, 1)])
def test_the_card_quotes_commands_that_train_the_same_again(
    photographs: bool, chain: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("saliency", "weights", "photos"):
        Path(folder).mkdir()
    teacher = options(tmp_path, photographs=True).record()
    start = teacher | {"seed": 4}
    record = options(tmp_path, photographs=photographs).record()
    if chain > 1:
        record |= {"teachers": [teacher], "start": start}
    lines = training_commands(record)
    assert len(lines) == chain
    given = command.make_context("saliency", lines[-1].split()[3:]).params
    assert lines[-1].startswith("artrt train saliency ")
    assert given["grid"] == "96x64"
    assert given["weight_decay"] == 0.05
    assert given["early_layers"]
    assert given["output"] == Path("runs/saliency")
    assert given["photographs"] == (Path("photos") if photographs else None)
    sizes = {name: given[name] for name in ("last", "width", "steps", "batch", "photograph_share", "seed")}
    assert sizes == {
        "last": "fire6",
        "width": 16,
        "steps": 7,
        "batch": 5,
        "photograph_share": 0.25,
        "seed": 3,
    }
    if chain > 1:
        outputs = [command.make_context("saliency", line.split()[3:]).params["output"] for line in lines[:2]]
        assert given["teachers"] == (outputs[0] / "saliency.safetensors",)
        assert given["start"] == outputs[1] / "saliency.safetensors"
        again = training_commands(record | {"start": teacher})
        assert len(again) == 2
        assert command.make_context("saliency", again[-1].split()[3:]).params["start"] == given["teachers"][0]


def options(folder: Path, *, photographs: bool) -> SaliencyTrainingOptions:
    """Settings that differ from the defaults."""
    return SaliencyTrainingOptions(
        masks=folder,
        localization=folder,
        output=folder,
        photographs=folder if photographs else None,
        config=SaliencyConfig.for_grid(64, 96, last="fire6", decoder=16),
        steps=7,
        batch=5,
        photograph_share=0.25,
        weight_decay=0.05,
        frozen=("conv1",),
        seed=3,
    )
