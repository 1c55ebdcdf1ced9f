from __future__ import annotations

from pathlib import Path

import pytest
import torch

from artrt.cli.train_saliency import command
from artrt.export.onnx_from_saliency import save_saliency_stage
from artrt.export.saliency_card import saliency_card, speed_ms, training_command
from artrt.models.saliency import SaliencyConfig, SaliencyNetwork
from artrt.models.saliency_training import SaliencyTrainingOptions


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
    card = saliency_card(
        stage,
        config=config,
        scores=scores,
        record={"steps": 7, "teachers": 2},
        command="artrt train",
        note="(loaded)",
    )
    assert "| 0.710 (at 0.40) | 0.700 | 0.600 | 0.111 |" in card
    assert "48x32 for wide frames" in card
    assert "one thread (loaded)" in card
    assert "GrabCut" in card
    assert '"steps": 7' in card
    assert "GrabCut" not in saliency_card(stage, config=config, scores=scores, record={}, command="")
    fastest, median = speed_ms(stage)
    assert 0 < fastest <= median < 2000


def test_the_card_quotes_a_command_that_trains_the_same_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = SaliencyTrainingOptions(
        masks=tmp_path / "saliency",
        localization=tmp_path / "weights" / "squeezenet.safetensors",
        output=tmp_path / "runs",
        photographs=tmp_path / "photos",
        teachers=(tmp_path / "first" / "saliency.safetensors",),
        config=SaliencyConfig.for_grid(64, 96, last="fire6", decoder=16),
        steps=7,
        seed=3,
    )
    words = training_command(options).split()
    assert words[:3] == ["artrt", "train", "saliency"]
    for folder in ("saliency", "weights", "photos"):
        (tmp_path / folder).mkdir()
    monkeypatch.chdir(tmp_path)
    given = command.make_context("saliency", words[3:])
    assert given.params["grid"] == "96x64"
    assert given.params["teachers"] == (Path("first/saliency.safetensors"),)
    sizes = {name: given.params[name] for name in ("last", "width", "steps", "batch", "seed")}
    assert sizes == {"last": "fire6", "width": 16, "steps": 7, "batch": options.batch, "seed": 3}
