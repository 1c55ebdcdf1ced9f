"""A stopped painting on disk."""

import pytest
import torch

from artrt.engine.errors import InputError, OutputError, UsageError
from artrt.models.objective import LossWeights
from artrt.models.paint_options import PaintOptions
from artrt.models.paint_state import PaintState, fingerprint, load_state


def state(options=None):
    return PaintState(torch.rand(1, 3, 8, 9), 2, 17, fingerprint(options or PaintOptions()))


def test_what_is_saved_is_loaded(tmp_path):
    before = state()
    before.save(tmp_path / "a.state")
    after = load_state(tmp_path / "a.state")
    assert torch.equal(before.pixels, after.pixels)
    assert (after.level, after.step, after.options) == (2, 17, before.options)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["a.state"]


def test_other_options_are_refused_by_name():
    with pytest.raises(UsageError, match="begun with size_px = 512, not 640"):
        state().check(PaintOptions(size_px=640))
    with pytest.raises(UsageError, match="begun with weights"):
        state().check(PaintOptions(weights=LossWeights(style=1)))


def test_device_and_tiles_may_change():
    state().check(PaintOptions(device="cuda", tile_px=512))


@pytest.mark.parametrize("content", [None, b"", b"no safetensors at all"])
def test_what_is_no_state_is_refused(tmp_path, content):
    path = tmp_path / "a.state"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match="not the state of a painting"):
        load_state(path)


def test_an_unwritable_folder_is_told(tmp_path):
    with pytest.raises(OutputError, match="cannot write"):
        state().save(tmp_path / "missing" / "a.state")
