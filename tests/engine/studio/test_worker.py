from __future__ import annotations

import multiprocessing.context
from dataclasses import replace

import cv2
import numpy as np
import pytest

from artrt.engine.errors import InputError, UsageError
from artrt.engine.studio.look_request import LookRequest
from artrt.engine.studio.options import StudioOptions
from artrt.engine.studio.worker import Worker, WorkerKilledError
from artrt.engine.zoo.zoo import Zoo
from support.clips import make_clip
from support.studio import SMALL, picture_file


@pytest.fixture(scope="module")
def worker(tiny_zoo):
    limits = replace(SMALL, photo_pixels=100_000_000, memory_bytes=420_000_000)
    made = Worker(StudioOptions(limits=limits, provider="cpu", threads=1, zoo=Zoo(tiny_zoo)), name="test")
    yield made
    made.close()


def works(worker: Worker, path) -> None:
    assert worker.call("read_photo", seconds=30, path=str(path))["width"] == 20


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(picture_file(20, 20))
    return path


def test_its_errors_are_those_of_the_task(worker, photo):
    with pytest.raises(InputError, match="cannot read the picture"):
        worker.call("read_photo", seconds=30, path=str(photo.with_name("none.png")))
    works(worker, photo)


def test_one_that_takes_too_long_is_replaced(worker, photo, tmp_path):
    works(worker, photo)
    large = tmp_path / "large.png"
    pixels = np.random.default_rng(0).integers(0, 256, (1800, 2400, 3), np.uint8)
    large.write_bytes(cv2.imencode(".png", pixels)[1].tobytes())
    with pytest.raises(InputError, match="longer than 0 seconds"):
        worker.call("read_photo", seconds=0, path=str(large))
    works(worker, photo)


def test_memory_is_limited(worker, photo, tmp_path):
    large = tmp_path / "large.png"
    large.write_bytes(cv2.imencode(".png", np.zeros((8_000, 8_000, 3), np.uint8))[1].tobytes())
    with pytest.raises(InputError, match="picture"):
        worker.call("read_photo", seconds=60, path=str(large))
    works(worker, photo)


def test_a_call_is_cancelled_by_ending_the_process(worker, tmp_path):
    clip = make_clip(tmp_path / "a.mp4", frames=1500)
    arguments = {"container": "mov", "look": LookRequest(), "target": str(tmp_path / "b.mp4"), "frames": 1500}
    with pytest.raises(WorkerKilledError, match="cancelled"):
        worker.call(
            "paint_video", seconds=30, on_progress=lambda _: worker.kill(), path=str(clip), **arguments
        )
    assert not (tmp_path / "b.mp4").exists()


def test_a_call_that_was_cancelled_before_it_began_does_nothing(worker, photo):
    with pytest.raises(WorkerKilledError, match="cancelled"):
        worker.call("read_photo", seconds=30, cancelled=lambda: True, path=str(photo))
    works(worker, photo)


def test_a_worker_that_cannot_start_says_why(tiny_zoo):
    broken = Worker(StudioOptions(provider="cpu", model="none", zoo=Zoo(tiny_zoo)), name="test")
    with pytest.raises(UsageError, match="unknown model 'none'"):
        broken.call("describe", seconds=30)
    broken.close()


def test_a_worker_that_cannot_start_is_said_and_can_be_killed(tiny_zoo, monkeypatch):
    def refuse(process):
        raise OSError("no more processes")

    monkeypatch.setattr(multiprocessing.context.SpawnProcess, "start", refuse)
    worker = Worker(StudioOptions(zoo=Zoo(tiny_zoo), provider="cpu"), name="none")
    with pytest.raises(InputError, match="cannot be painted"):
        worker.call("tiles", seconds=5)
    worker.kill()
    worker.close()
