"""Random motion: identity without amplitude, validity, reproducibility."""

from __future__ import annotations

import torch

from artrt.models.training.warp import random_warp


def test_no_motion_is_the_identity():
    still = random_warp(
        1, 20, 30, generator=torch.Generator().manual_seed(0), shift_px=0, zoom=0, smooth_px=0
    )
    image = torch.rand(1, 3, 20, 30)
    torch.testing.assert_close(still(image), image, atol=1e-5, rtol=0)
    assert still.valid.min() == 1


def test_shift_moves_by_whole_pixels():
    warp = random_warp(1, 16, 16, generator=torch.Generator().manual_seed(0), shift_px=0, zoom=0, smooth_px=0)
    warp.grid[..., 0] += 2 * 3 / 16  # three pixels
    image = torch.rand(1, 1, 16, 16)
    torch.testing.assert_close(warp(image)[..., :13], image[..., 3:], atol=1e-5, rtol=0)


def test_same_seed_same_motion_and_outside_is_invalid():
    first, again = (random_warp(2, 24, 24, generator=torch.Generator().manual_seed(5)) for _ in range(2))
    torch.testing.assert_close(first.grid, again.grid, atol=0, rtol=0)
    assert 0 < first.valid.mean() < 1
    inside = first.grid.abs().amax(dim=-1) <= 1
    assert (first.valid[:, 0] == inside).all()
