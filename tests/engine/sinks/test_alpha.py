from __future__ import annotations

import numpy as np
import pytest

from artrt.engine.frame import read_image_with_alpha
from artrt.engine.playing.pipeline import Pipeline
from artrt.engine.sources import open_source
from support.clips import make_clip
from support.footage import write_footage

KINDS = {
    ".webm": ("libvpx-vp9", "yuva420p", {"auto-alt-ref": "0"}),
    ".mkv": ("libvpx-vp9", "yuva420p", {"auto-alt-ref": "0"}),
    ".mov": ("prores_ks", "yuva444p10le", {"profile": "4444"}),
}


def see_through(path, *, alpha=0):
    """A green square on ground of the given alpha."""
    codec, layout, settings = KINDS[path.suffix]
    image = np.zeros((64, 96, 4), np.uint8)
    image[:, :, 3] = alpha
    image[16:48, 24:72] = (0, 128, 0, 255)
    return write_footage(path, [image] * 3, codec=codec, layout=layout, **settings)


def inverted(image):
    return 255 - image


@pytest.mark.parametrize("source", KINDS)
@pytest.mark.parametrize("target", KINDS)
def test_transparency_survives(tmp_path, source, target):
    clip = see_through(tmp_path / f"in{source}")
    pipeline = Pipeline(str(clip), [inverted], [tmp_path / f"out{target}"])
    pipeline.run()
    assert pipeline.notes == ()
    written = open_source(tmp_path / f"out{target}")
    frame = written.read()
    written.close()
    assert frame.alpha[4:12, 4:-4].max() <= 4
    assert frame.alpha[20:44, 28:68].min() >= 251
    np.testing.assert_allclose(frame.image[20:44, 28:68].mean((0, 1)), (255, 127, 255), atol=8)


def test_transparency_survives_in_pictures(tmp_path):
    clip = see_through(tmp_path / "in.mov", alpha=100)
    Pipeline(str(clip), sinks=[str(tmp_path / "%03d.png")]).run()
    _, alpha = read_image_with_alpha(tmp_path / "001.png")
    assert abs(int(alpha[4, 4]) - 100) <= 2
    assert alpha[32, 48] == 255


@pytest.mark.parametrize(("alpha", "notes"), [(0, 1), (255, 0)])
def test_transparency_that_the_output_has_not_is_said_to_be_lost(tmp_path, alpha, notes):
    clip = see_through(tmp_path / "in.mov", alpha=alpha)
    pipeline = Pipeline(str(clip), sinks=[str(tmp_path / "out.mp4")])
    pipeline.run()
    assert pipeline.notes == ("its transparency is lost: .webm, .mkv, .mov and .png keep it",)[:notes]


def test_opaque_video_has_no_alpha(tmp_path):
    source = open_source(make_clip(tmp_path / "a.mp4", frames=2))
    assert (source.read().alpha, source.info.alpha) == (None, False)
    source.close()
