from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from artrt.models.networks.saliency import SaliencyConfig, SaliencyNetwork, predict
from artrt.models.saliency.calibration import sharpen, soften
from artrt.models.saliency.metrics import score_masks


@pytest.fixture
def network() -> SaliencyNetwork:
    torch.manual_seed(3)
    config = SaliencyConfig(last="fire6", width=16, landscape_px=(32, 48), square_px=(32, 32))
    network = SaliencyNetwork(config).eval()
    with torch.no_grad():
        network.mask_head.weight *= 20  # an untrained mask hardly varies
    return network


def test_the_best_threshold_becomes_one_half_and_the_order_of_pixels_stays(network: SaliencyNetwork) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (4, 6, 3), np.uint8)
    image = np.asarray(cv2.resize(noise, (48, 32), interpolation=cv2.INTER_LINEAR), np.uint8)
    before = predict(network, image)
    truth = before > np.quantile(before, 0.7)
    at = float(before[truth].min())
    assert abs(at - 0.5) > 0.02
    threshold = sharpen(network, [(image, truth)])
    assert threshold == pytest.approx(at, abs=1 / 200)
    after = predict(network, image)
    scores = score_masks([(after, truth)])
    assert scores.f_half > scores.f_max - 0.03 > 0.9
    assert after[truth].mean() - after[~truth].mean() > before[truth].mean() - before[~truth].mean()
    assert np.corrcoef(before.ravel().argsort().argsort(), after.ravel().argsort().argsort())[0, 1] > 0.99


def test_softening_undoes_the_sharpening_but_for_the_threshold(network: SaliencyNetwork) -> None:
    image = np.random.default_rng(0).integers(0, 256, (32, 48, 3), np.uint8)
    seen = torch.from_numpy(image).permute(2, 0, 1)[None] / 255
    vague = network(seen)[0]
    mask = predict(network, image)
    threshold = sharpen(network, [(image, mask > np.quantile(mask, 0.8))])
    assert network(seen)[0].std() > 1.5 * vague.std()
    soften(network)
    moved = float(np.log(threshold / (1 - threshold)))
    torch.testing.assert_close(network(seen)[0], vague - moved, atol=1e-4, rtol=1e-4)


def test_without_pictures_there_is_nothing_to_choose_by(network: SaliencyNetwork) -> None:
    with pytest.raises(ValueError, match="no masks"):
        sharpen(network, [])
