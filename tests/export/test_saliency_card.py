from __future__ import annotations

from pathlib import Path

import torch

from artrt.export.onnx_from_saliency import save_saliency_stage
from artrt.export.saliency_card import saliency_card, speed_ms
from artrt.models.saliency import SaliencyConfig, SaliencyNetwork


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
        stage, config=config, scores=scores, record={"steps": 7, "teacher": True}, note="(loaded)"
    )
    assert "| 0.710 (at 0.40) | 0.700 | 0.600 | 0.111 |" in card
    assert "48x32 for wide frames" in card
    assert "one thread (loaded)" in card
    assert "GrabCut" in card
    assert '"steps": 7' in card
    assert "GrabCut" not in saliency_card(stage, config=config, scores=scores, record={"teacher": False})
    fastest, median = speed_ms(stage)
    assert 0 < fastest <= median < 2000
