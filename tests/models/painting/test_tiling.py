"""Tiles: cores without gaps, and features of cores equal to those of the whole picture."""

import pytest
import torch

from artrt.engine.errors import UsageError
from artrt.models.painting import tiling
from support.painting import tiny_loss_network


@pytest.mark.parametrize(
    ("height", "width", "tile_px"), [(200, 333, 64), (512, 512, 512), (97, 1000, 128), (70, 65, 0)]
)
def test_cores_cover_the_picture_once(height, width, tile_px):
    covered = torch.zeros(1, 1, height, width)
    for tile in tiling.tiles(height, width, tile_px=tile_px, halo_px=96):
        tile.part(covered, 1).add_(1)
        assert tile.rows.start % 16 == tile.columns.start % 16 == 0
    assert covered.eq(1).all()


def test_no_tile_size_means_one_tile():
    (tile,) = tiling.tiles(3000, 2000, tile_px=0, halo_px=96)
    assert (tile.rows.end, tile.columns.end) == (3000, 2000)


@pytest.mark.parametrize(
    ("layer", "halo_px"), [("relu1_1", 16), ("relu3_1", 16), ("relu4_1", 32), ("relu5_1", 80)]
)
def test_features_of_cores_are_those_of_the_whole(layer, halo_px):
    assert tiling.halo((layer,)) == halo_px
    torch.manual_seed(0)
    network, image = tiny_loss_network(dtype=torch.float64), torch.rand(1, 3, 330, 250, dtype=torch.float64)
    whole = network(image, [layer])[layer]
    step = tiling.stride(layer)
    for tile in tiling.tiles(330, 250, tile_px=96, halo_px=halo_px):
        core = tile.core(network(tile.crop(image), [layer])[layer], step)
        torch.testing.assert_close(core, tile.part(whole, step), rtol=1e-12, atol=1e-12)


def test_too_small_a_halo_would_be_seen():
    torch.manual_seed(0)
    network, image = tiny_loss_network(dtype=torch.float64), torch.rand(1, 3, 320, 320, dtype=torch.float64)
    whole = network(image, ["relu5_1"])["relu5_1"]
    tile = tiling.tiles(320, 320, tile_px=160, halo_px=32)[0]
    core = tile.core(network(tile.crop(image), ["relu5_1"])["relu5_1"], 16)
    assert (core - tile.part(whole, 16)).abs().max() > 1e-6


def test_tiles_that_are_too_small_are_refused():
    with pytest.raises(UsageError, match="at least 64 px"):
        tiling.tiles(500, 500, tile_px=32, halo_px=96)
