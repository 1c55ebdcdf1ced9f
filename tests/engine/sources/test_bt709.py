from __future__ import annotations

import numpy as np
import pytest

from artrt.engine.sources import open_source
from artrt.engine.sources.bt709 import BT2020, DISPLAY_P3, HLG, PQ, bt709_from, needs_conversion
from support.footage import deep_frame, patches, tagged, write_footage

BT709 = 1
# RGB of BT.709 as RGB of BT.2020 (BT.2087) and of Display P3 (CSS Color 4), linear.
WIDER = {
    BT2020: [[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]],
    DISPLAY_P3: [[0.8225, 0.1775, 0.0], [0.0332, 0.9668, 0.0], [0.0171, 0.0724, 0.9105]],
}


def pq(light):
    """BT.2100, inverse EOTF: light 1 is 203 cd/m2."""
    power = (light * 203 / 10000) ** (2610 / 16384)
    return ((3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32)


def hlg(light):
    """BT.2100, inverse OOTF for 1000 cd/m2 channel by channel, then OETF."""
    scene = (light * 0.203) ** (1 / 1.2)
    low = np.sqrt(3 * scene)
    return np.where(
        scene <= 1 / 12, low, 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
    )


CURVES = {PQ: pq, HLG: hlg, BT709: lambda light: light ** (1 / 2.4)}


def graded(bgr, *, transfer, primaries):
    """What a studio would master of a BT.709 picture: float [H, W, 3], RGB in [0, 1]."""
    light = (bgr[:, :, ::-1] / 255) ** 2.4
    return CURVES[transfer](np.clip(light @ np.transpose(WIDER[primaries]), 0, None))


@pytest.mark.parametrize(
    ("transfer", "primaries"), [(PQ, BT2020), (HLG, BT2020), (BT709, BT2020), (BT709, DISPLAY_P3)]
)
def test_video_of_wide_colours_is_read_as_bt709(tmp_path, transfer, primaries):
    wanted = patches(3)
    frame = deep_frame(
        graded(wanted, transfer=transfer, primaries=primaries), transfer=transfer, primaries=primaries
    )
    clip = write_footage(
        tmp_path / "a.mkv",
        [frame] * 2,
        codec="ffv1",
        layout="yuv444p10le",
        prepare=tagged(transfer=transfer, primaries=primaries),
    )
    source = open_source(clip)
    image = source.read().image
    source.close()
    assert np.abs(image.astype(float) - wanted).mean() <= 1.5


def test_reference_white_is_white_and_what_is_brighter_too():
    for transfer, code in ((PQ, 0.5807), (HLG, 0.75)):
        rgb = np.array([[[code] * 3, [1.0] * 3, [0.0] * 3]])
        image = bt709_from((rgb * 65535).round().astype(np.uint16), transfer=transfer, primaries=BT2020)
        assert image[0, 0].min() >= 254
        assert image[0, 1].min() == 255
        assert image[0, 2].max() == 0


def test_pictures_of_any_height_are_converted_whole():
    rgb = np.full((77, 3, 3), 40000, np.uint16)
    image = bt709_from(rgb, transfer=BT709, primaries=BT2020)
    assert np.ptp(image) <= 1
    np.testing.assert_allclose(image, 40000 / 257, atol=1.5)


def test_ordinary_video_is_left_alone():
    assert not any(
        needs_conversion(transfer, primaries) for transfer in (1, 2, 6, 13) for primaries in (1, 2, 5, 6)
    )
