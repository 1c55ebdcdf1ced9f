"""Several frames of a file painted at the same time, by twins of one model."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from artrt.engine.errors import ArtrtError, InputError, UsageError
from artrt.engine.looks.look import Look
from artrt.engine.looks.stylizer import Stylizer
from artrt.engine.playing.pipeline import Pipeline
from artrt.engine.sessions import FakeSession, TwinSession, open_session
from artrt.engine.sessions.probe import MINIMUM_PSNR_DB, probe_feeds, psnr_db
from artrt.engine.sinks import FunctionSink
from artrt.engine.stage_spec import StageSpec, StateTensor
from artrt.engine.stages.chain import Chain
from artrt.engine.stages.stage import Stage
from artrt.engine.zoo.zoo import Zoo
from support.clips import levels, make_clip

SPEC = StageSpec("paint")


class Twins(FakeSession):
    """A fake model for several threads; counts how many ran at the same time at most."""

    at_once = 2

    def twin(self):
        return self


def twins(function, *, spec=SPEC, at_once=2):
    session = Twins.from_spec(function, spec)
    session.at_once = at_once
    assert isinstance(session, TwinSession)
    return Stage(session, spec)


def invert(feeds):
    return {SPEC.output: 255 - feeds["frame"]}


def played(clip, stage, **options):
    """The mean grey levels of the pictures, in the order of the sink, and the statistics."""
    seen = []
    sink = FunctionSink(lambda result: seen.append((result.frame.index, float(result.image.mean()))))
    stats = Pipeline(clip, [stage], [sink], **options).run()
    return seen, stats


@pytest.fixture
def clip(tmp_path):
    return make_clip(tmp_path / "a.mp4", frames=12)


def test_two_frames_are_painted_at_the_same_time_and_come_in_order(clip):
    together = threading.Barrier(2)

    def paint(feeds):
        together.wait(timeout=10)  # breaks unless two threads are here
        return invert(feeds)

    seen, stats = played(clip, twins(paint))
    assert [index for index, _ in seen] == list(range(12))
    np.testing.assert_allclose([level for _, level in seen], 255 - np.array(levels(clip)), atol=8)
    assert (stats.frames_in, stats.frames_out, stats.drops) == (12, 12, 0)
    assert set(stats.stages) == {"paint"}


def test_a_slow_frame_does_not_let_a_later_one_pass(clip):
    turn = iter(range(12))

    def paint(feeds):
        time.sleep(0.05 if next(turn) % 2 == 0 else 0)
        return invert(feeds)

    assert [index for index, _ in played(clip, twins(paint))[0]] == list(range(12))


def most_at_once(clip, stage_of, **options):
    now, most, lock = 0, 0, threading.Lock()

    def paint(feeds):
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.01)
        with lock:
            now -= 1
        return {name: feeds.get(name.replace("new_", ""), 255 - feeds["frame"]) for name in stage_of.outputs}

    played(clip, stage_of(paint), **options)
    return most


class Plain:
    outputs = (SPEC.output,)

    def __init__(self, at_once):
        self.at_once = at_once

    def __call__(self, paint):
        return twins(paint, at_once=self.at_once)


@pytest.mark.parametrize("at_once", [1, 2, 3])
def test_no_more_frames_than_the_model_was_loaded_for(clip, at_once):
    assert most_at_once(clip, Plain(at_once)) <= at_once


def test_a_live_source_is_painted_frame_by_frame(clip):
    assert most_at_once(clip, Plain(2), frames="latest") == 1


def test_a_stage_that_needs_the_last_frame_has_no_twin():
    spec = StageSpec("paint", states={"last": StateTensor((1,))})
    stage = Stage(Twins.from_spec(invert, spec), spec)
    assert stage.twin() is None
    assert Chain([stage]).at_once == 1
    assert Chain([stage]).twin() is None


def test_a_session_that_one_thread_uses_has_no_twin():
    chain = Chain([Stage(FakeSession.from_spec(invert, SPEC), SPEC)])
    assert (chain.at_once, chain.twin()) == (1, None)


def test_an_error_while_others_are_painted_ends_everything_once(clip):
    def paint(feeds):
        if feeds["frame"].mean() > 40:
            raise InputError("the fifth")
        return invert(feeds)

    with pytest.raises(InputError, match="the fifth"):
        played(clip, twins(paint))
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("artrt painter")]


def test_the_books_balance_after_a_stop(tmp_path):
    clip = make_clip(tmp_path / "long.mp4", frames=60)

    def paint(feeds):
        time.sleep(0.02)
        return invert(feeds)

    pipeline = Pipeline(clip, [twins(paint)], [FunctionSink(lambda _: None)]).start()
    time.sleep(0.2)
    pipeline.stop()
    stats = pipeline.wait()
    assert 0 < stats.frames_out < 60
    assert stats.frames_in == stats.frames_out + stats.drops


@pytest.mark.parametrize("provider", ["cpu", "openvino"])
@pytest.mark.parametrize("stabilize", [0.0, 0.8])
def test_the_pictures_of_the_shipped_network_are_the_same(tmp_path, provider, stabilize):
    pytest.importorskip("openvino" if provider == "openvino" else "onnxruntime")
    clip = make_clip(tmp_path / "a.mp4", frames=6, width=160, height=120)

    def pictures(at_once):
        look = Look(
            "udnie", provider=provider, precision="fp32", stabilize=stabilize, at_once=at_once, threads=2
        )
        seen = []
        with Stylizer(look) as stylizer:
            Pipeline(clip, [stylizer], [FunctionSink(lambda result: seen.append(result.image.copy()))]).run()
        return seen

    alone, together = pictures(1), pictures(2)
    assert len(alone) == len(together) == 6
    assert min(map(psnr_db, alone, together)) > MINIMUM_PSNR_DB


@pytest.mark.parametrize("provider", ["cpu", "openvino"])
def test_a_twin_outlives_the_session_it_came_from(provider):
    pytest.importorskip("openvino" if provider == "openvino" else "onnxruntime")
    session = open_session(Zoo().model_path("small"), provider=provider, at_once=2, threads=2)
    twin = session.twin()
    feeds = probe_feeds(session)
    before = session.run(feeds)
    session.close()
    for name, array in twin.run(feeds).items():
        np.testing.assert_array_equal(array, before[name])
    with pytest.raises(RuntimeError, match="closed"):
        session.run(feeds)


def test_a_number_of_frames_below_one_is_refused():
    with pytest.raises(UsageError, match="at_once is 0"):
        Look("udnie", at_once=0)
    assert issubclass(UsageError, ArtrtError)
