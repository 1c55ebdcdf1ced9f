"""The objective of a training: what its terms see, and what they leave to the style."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from artrt.models import losses
from artrt.models.training.objective import WIDE_RIMS_PX, TrainingObjective
from artrt.models.training.options import TermWeights, TrainingOptions
from support.weights import write_weights

TERMS = TermWeights(cam=0.5, category=0.05, temporal=1.0)


@pytest.fixture(scope="module")
def objective(tmp_path_factory) -> TrainingObjective:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("objective")
    write_weights(folder / "weights")
    picture = np.random.default_rng(0).integers(0, 256, (72, 72, 3), np.uint8)
    cv2.imwrite(str(folder / "painting.png"), picture)
    options = TrainingOptions(
        paintings={"one": folder / "painting.png"},
        photographs=folder,
        output=Path("unused"),
        weights_directory=folder / "weights",
        losses=TERMS,
        margin=0,
        ramp_start=0,
        ramp_steps=1,
    )
    return TrainingObjective(options, torch.device("cpu"))


@pytest.fixture(scope="module")
def photograph() -> torch.Tensor:
    blocks = torch.rand(1, 3, 12, 12, generator=torch.Generator().manual_seed(0)) * 0.6 + 0.2
    return torch.nn.functional.interpolate(blocks, size=(96, 96), mode="bilinear")


def terms(objective, photograph, paint) -> dict[str, float]:
    found = objective.terms(
        paint,
        photograph,
        torch.zeros(1, dtype=torch.int64),
        torch.zeros(1, 1),
        weights=objective.weights_at(9),
        rng=np.random.default_rng(0),
    )
    return {name: float(term) for name, term in found.items()}


def test_other_hues_cost_no_content(objective, photograph):
    def blue(image, style, *, rim_px=0):
        """The same luma in one hue."""
        luma = losses.luminance(image)
        return torch.cat([luma - 0.15, luma, luma + 0.15 * 0.299 / 0.114], dim=1)

    def inverted(image, style, *, rim_px=0):
        return 1 - image

    kept, lost = terms(objective, photograph, blue), terms(objective, photograph, inverted)
    assert kept["content"] == pytest.approx(0, abs=1e-4)
    assert lost["content"] > 0.01


def test_the_painting_of_the_moved_photograph_has_a_wider_rim(objective, photograph):
    rims = []

    def paint(image, style, *, rim_px=None):
        rims.append(rim_px)
        return image

    terms(objective, photograph, paint)
    first, second = rims
    assert first is None  # the default, as shipped
    assert second in WIDE_RIMS_PX


def test_painting_pale_does_not_lower_the_temporal_term(objective, photograph):
    """The flicker stands against the contrast, whose loss would make every squared difference small."""

    def flickering(contrast):
        noise = torch.Generator().manual_seed(1)

        def paint(image, style, *, rim_px=0):
            strokes = 0.05 * torch.randn(image.shape, generator=noise)
            return 0.5 + contrast * (image - 0.5 + strokes)

        return paint

    strong, pale = (terms(objective, photograph, flickering(contrast))["temporal"] for contrast in (1, 0.5))
    assert pale == pytest.approx(strong, rel=0.1)
    still = terms(objective, photograph, lambda image, style, *, rim_px=0: torch.full_like(image, 0.5))
    assert still["temporal"] == pytest.approx(0, abs=1e-9)
