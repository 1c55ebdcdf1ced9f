import numpy as np
import pytest

from artrt.engine.errors import OutputError
from artrt.engine.frame import read_image
from artrt.engine.jobs import growing_picture
from artrt.engine.jobs.growing_picture import GrowingPicture, check_picture_path, state_path


def flat(level: int, height: int = 24, width: int = 32) -> np.ndarray:
    return np.full((height, width, 3), level, np.uint8)


def saver(text: str):
    return lambda path: path.write_text(text)


@pytest.fixture
def output(tmp_path):
    return tmp_path / "out.png"


def test_a_finished_picture_leaves_no_state(output, monkeypatch):
    monkeypatch.setattr(growing_picture, "STATE_SECONDS", -1)
    with GrowingPicture(output, size=(24, 32)) as growing:
        growing.add(flat(10), save_state=saver("first"))
        assert state_path(output).read_text() == "first"
        growing.add(flat(20), save_state=saver("second"))
        assert not output.exists()
    assert (read_image(output) == 20).all()
    assert not state_path(output).exists()


def test_ctrl_c_leaves_the_picture_at_full_size_and_its_state(output):
    with pytest.raises(KeyboardInterrupt), GrowingPicture(output, size=(24, 32)) as growing:
        growing.add(flat(30, 12, 16), save_state=saver("so far"))
        raise KeyboardInterrupt
    assert read_image(output).shape == (24, 32, 3)
    assert state_path(output).read_text() == "so far"
    growing.forget_state()
    assert not state_path(output).exists()


def test_an_error_before_the_first_step_writes_nothing(output):
    with pytest.raises(OSError, match="early"), GrowingPicture(output, size=(24, 32)):
        raise OSError("early")
    assert list(output.parent.iterdir()) == []


def test_a_preview_is_written_only_when_it_is_due(output, monkeypatch):
    preview = output.with_name("preview.png")
    with GrowingPicture(output, size=(24, 32), preview=preview) as growing:
        growing.add(flat(1), save_state=saver(""))
        assert not preview.exists()
        monkeypatch.setattr(growing_picture, "PREVIEW_SECONDS", -1)
        growing.add(flat(2), save_state=saver(""))
        assert (read_image(preview) == 2).all()


@pytest.mark.parametrize("name", ["out.xyz", "folder.png"])
def test_a_path_that_cannot_be_written_is_refused(tmp_path, name):
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(OutputError, match="cannot write"):
        check_picture_path(tmp_path / name)


def test_a_checked_path_leaves_nothing_behind(output):
    check_picture_path(output)
    assert list(output.parent.iterdir()) == []
