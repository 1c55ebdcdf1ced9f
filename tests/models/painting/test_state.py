"""A stopped painting on disk."""

import numpy as np
import pytest
import torch

from artrt.engine.errors import InputError, OutputError, UsageError
from artrt.models.painting.objective import LossWeights
from artrt.models.painting.options import PaintOptions
from artrt.models.painting.state import PaintState, fingerprint, load_state, subject_hash


def state(options=None):
    return PaintState(torch.rand(1, 3, 8, 9), 2, 17, fingerprint(options or PaintOptions()), "abc")


def test_what_is_saved_is_loaded(tmp_path):
    before = state()
    before.save(tmp_path / "a.state")
    after = load_state(tmp_path / "a.state")
    assert torch.equal(before.pixels, after.pixels)
    assert (after.level, after.step, after.options, after.subject) == (2, 17, before.options, "abc")
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["a.state"]


def test_other_options_are_refused_by_name():
    with pytest.raises(UsageError, match="started with size_px = 512, not 640"):
        state().check(PaintOptions(size_px=640))
    with pytest.raises(UsageError, match="started with weights"):
        state().check(PaintOptions(weights=LossWeights(style=1)))


def test_device_and_tiles_may_change():
    state().check(PaintOptions(device="cuda", tile_px=512))


def test_other_pictures_are_refused():
    state().check_subject("abc")
    with pytest.raises(UsageError, match="started with other pictures"):
        state().check_subject("abd")


def test_the_hash_tells_pictures_sizes_and_networks_apart():
    a, b = np.zeros((4, 6, 3), np.uint8), np.zeros((6, 4, 3), np.uint8)
    hashes = {
        subject_hash([a], "x"),
        subject_hash([b], "x"),
        subject_hash([a, b], "x"),
        subject_hash([a], "y"),
    }
    assert len(hashes) == 4
    assert subject_hash([a], "x") == subject_hash([a.copy()], "x")


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
