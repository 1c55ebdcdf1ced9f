from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from artrt.engine.errors import ArtrtError, InputError, OutputError, UsageError
from artrt.engine.frame import Frame
from artrt.engine.playing.pipeline import Pipeline
from artrt.engine.sessions import FakeSession
from artrt.engine.sinks import EncodeOptions, FunctionSink, NullSink, open_sink
from artrt.engine.sinks.encoder import VideoEncoder
from artrt.engine.sources import SourceInfo
from artrt.engine.stage_spec import Control, StageSpec
from artrt.engine.stages.stage import Stage
from support.clips import levels, make_clip, probe


def invert(image):
    return 255 - image


def slow(seconds):
    def stage(image):
        time.sleep(seconds)
        return image

    return stage


def assert_books_balance(stats):
    assert stats.frames_in == stats.frames_out + stats.drops
    for sink in stats.sinks.values():
        assert stats.frames_out == sink.written + sink.dropped


def assert_no_threads_left():
    deadline = time.monotonic() + 2.0
    while time.monotonic() < deadline:
        left = [thread.name for thread in threading.enumerate() if thread.name.startswith("artrt")]
        if not left:
            return
        time.sleep(0.01)
    raise AssertionError(f"threads left: {left}")


@pytest.fixture(autouse=True)
def _threads_end():
    yield
    assert_no_threads_left()


@pytest.mark.parametrize("rate", [Fraction(25), Fraction(30000, 1001), Fraction(12)])
def test_a_video_keeps_count_rate_size_duration_and_audio(tmp_path, rate):
    clip = make_clip(tmp_path / "a.mp4", frames=40, rate=rate, audio="aac")
    stats = Pipeline(clip, [invert], [tmp_path / "b.mp4"]).run()
    before, after = probe(clip), probe(tmp_path / "b.mp4")
    assert (after.frames, after.rate, after.width, after.height) == (40, before.rate, 64, 48)
    assert after.seconds == pytest.approx(before.seconds, abs=0.002)
    assert after.start == pytest.approx(before.start, abs=0.002)
    assert after.audio_seconds == pytest.approx(before.audio_seconds, abs=0.03)
    np.testing.assert_allclose(levels(tmp_path / "b.mp4")[:30], 255 - np.arange(30) * 8, atol=8)
    assert (stats.frames_in, stats.frames_out, stats.drops) == (40, 40, 0)
    assert_books_balance(stats)


def test_a_real_clip_with_audio_is_kept(tmp_path, shared_dir):
    clip = shared_dir / "video" / "nasa_480x270_audio.mp4"
    Pipeline(clip, [invert], [tmp_path / "b.mp4"]).run()
    before, after = probe(clip), probe(tmp_path / "b.mp4")
    assert (after.frames, after.rate, after.width, after.height) == (
        before.frames,
        before.rate,
        before.width,
        before.height,
    )
    assert after.seconds == pytest.approx(before.seconds, abs=0.005)
    assert after.audio == before.audio
    assert after.audio_seconds == pytest.approx(before.audio_seconds, abs=0.05)


def test_a_live_source_gives_the_newest_and_counts_the_rest():
    seen = []
    sink = FunctionSink(lambda result: seen.append(result), live=True)
    stats = Pipeline("test://64x48@200", [slow(0.1)], [sink], max_frames=12).run()
    assert stats.frames_out == 12
    assert stats.drops > 20
    assert_books_balance(stats)
    # Were frames queued, the median would be at six stage times.
    assert np.median([result.latency_ms for result in seen]) < 250
    assert [r.index for r in seen] == sorted({r.index for r in seen})


def test_all_frames_of_a_live_scene_on_request():
    stats = Pipeline("test://64x48@30?frames=50", [slow(0.001)], [NullSink()], frames="all").run()
    assert (stats.frames_out, stats.drops) == (50, 0)


def test_latest_frames_of_a_file_are_paced_and_dropped(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", frames=20, rate=Fraction(25))
    started = time.monotonic()
    stats = Pipeline(clip, [slow(0.2)], [NullSink()], frames="latest").run()
    assert time.monotonic() - started > 0.7
    assert stats.frames_in == 20
    assert 2 <= stats.frames_out <= 12
    assert stats.dropped.keys() == {"stages busy"}
    assert_books_balance(stats)


def test_a_file_plays_at_its_own_speed_for_a_viewer(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", frames=13, rate=Fraction(25))
    started = time.monotonic()
    Pipeline(clip, [], [NullSink(live=True)]).run()
    assert time.monotonic() - started > 0.45


def test_a_slow_viewer_does_not_slow_a_recording():
    written = []
    sinks = [
        FunctionSink(lambda result: time.sleep(0.2), name="viewer", live=True),
        FunctionSink(written.append, name="recording"),
    ]
    stats = Pipeline("test://64x48@30?frames=40", [], sinks).run()
    assert stats.sinks["recording"].dropped == 0
    assert len(written) == stats.frames_out >= 8
    assert stats.sinks["viewer"].written <= stats.elapsed_seconds / 0.2 + 1
    assert_books_balance(stats)


def test_back_pressure_bounds_what_a_file_has_in_flight(tmp_path):
    ahead = []
    taken = []

    def count(image):
        ahead.append(1)
        return image

    def write(result):
        time.sleep(0.003)
        taken.append(1)
        assert len(ahead) - len(taken) <= 12

    Pipeline("test://64x48@30?frames=120", [count], [FunctionSink(write)], frames="all").run()
    assert len(taken) == 120


@pytest.mark.parametrize("where", ["source", "stage", "sink", "window", "sink open"])
def test_an_error_anywhere_ends_everything_once(tmp_path, where):
    def fail(*_):
        raise ValueError("broken")

    def failing_stage(image):
        if image[0, 0, 0] >= 80:
            fail()
        return image

    class Broken(NullSink):
        def open(self, info):
            raise OutputError("no room")

        def write(self, result):
            if result.index == 10:
                fail()

    class Endless:
        reconnects = 0
        info = SourceInfo(
            "endless", live=False, width=64, height=48, rate=Fraction(25), time_base=Fraction(1, 25)
        )
        index = -1
        closed = False

        def read(self):
            self.index += 1
            if where == "source" and self.index == 10:
                fail()
            image = np.full((48, 64, 3), min(8 * self.index, 80 if where == "stage" else 40), np.uint8)
            return Frame(image, self.index, self.index / 25, time.monotonic())

        def cancel(self):
            pass

        def close(self):
            self.closed = True

    source = Endless()
    sinks = [tmp_path / "b.mp4"]
    if where in ("sink", "window"):
        broken = NullSink()
        broken.main_thread = where == "window"
        broken.write = Broken.write.__get__(broken)
        sinks.append(broken)
    if where == "sink open":
        sinks.append(Broken())
    pipeline = Pipeline(source, [failing_stage], sinks)
    started = time.monotonic()
    with pytest.raises(ArtrtError, match="broken|no room") as caught:
        pipeline.run()
    assert time.monotonic() - started < 3
    assert source.closed
    if where == "sink open":
        assert not (tmp_path / "b.mp4").exists()
    else:
        assert isinstance(caught.value.__cause__, ValueError)
        assert 1 <= probe(tmp_path / "b.mp4").frames <= (10 if where in ("source", "stage") else 40)
        assert_books_balance(pipeline.stats())


def test_a_known_error_stays_itself():
    def stage(image):
        raise InputError("known")

    with pytest.raises(InputError, match="^known$"):
        Pipeline("test://64x48@30", [stage], [NullSink()]).run()


def test_stop_from_another_thread_ends_soon_and_leaves_a_file(tmp_path):
    pipeline = Pipeline("test://64x48@100", [], [tmp_path / "a.mp4"])
    stopped = []

    def stop():
        eventually(lambda: pipeline.stats().frames_out > 20)
        stopped.append(time.monotonic())
        pipeline.stop()

    threading.Thread(target=stop).start()
    stats = pipeline.run()
    assert time.monotonic() - stopped[0] < 2
    assert probe(tmp_path / "a.mp4").frames > 5
    assert stats.dropped.keys() <= {"stages busy", "stopped"}
    assert_books_balance(stats)


def test_leaving_the_context_stops(tmp_path):
    with Pipeline("test://64x48@100", [], [tmp_path / "a.mp4"]) as pipeline:
        eventually(lambda: pipeline.stats().frames_out >= 10)
    assert probe(tmp_path / "a.mp4").frames >= 5


def test_ctrl_c_leaves_a_playable_file(tmp_path):
    script = (
        "import sys, signal, time\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from artrt.engine.playing.pipeline import Pipeline\n"
        "def slow(image):\n    time.sleep(0.01)\n    return image\n"
        f"Pipeline('test://64x48@30?frames=100000', [slow], [{str(tmp_path / 'a.mp4')!r}], frames='all')"
        ".run(on_progress=lambda stats: print(stats.frames_out, flush=True))\n"
    )
    command = [sys.executable, "-c", script]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for line in process.stdout:
        if int(line) > 20:
            break
    started = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=10)
    assert time.monotonic() - started < 4
    assert "KeyboardInterrupt" in errors
    assert probe(tmp_path / "a.mp4").frames > 10
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["a.mp4"]


# Plays once for every line of the outlets that the main thread runs; a signal comes at that line, and its handler stops
# the pipeline. Only the outlets' own lines are traced, so the signal comes at most once, in the middle of their work.
STOPPED_AT_EVERY_LINE = """
import faulthandler, signal, sys
from artrt.engine import mailbox
from artrt.engine.playing import sink_thread
from artrt.engine.playing.pipeline import Pipeline

faulthandler.dump_traceback_later(60, exit=True)
FILES = {mailbox.__file__, sink_thread.__file__}

def lines_of_a_run(signal_at):
    pipeline = Pipeline("test://64x48@30?frames=3", [], ["null://"], frames="all")
    signal.signal(signal.SIGTERM, lambda number, frame: pipeline.stop())
    lines = set()

    def trace(frame, event, argument):
        place = frame.f_code.co_filename, frame.f_lineno
        if place[0] not in FILES:
            return None
        if event == "line" and place not in lines:
            lines.add(place)
            if place == signal_at:
                signal.raise_signal(signal.SIGTERM)
        return trace

    sys.settrace(trace)
    try:
        pipeline.run(on_progress=lambda stats: None)
    finally:
        sys.settrace(None)
    return lines

for line in sorted(lines_of_a_run(None)):
    lines_of_a_run(line)
    print(*line, flush=True)
"""


def test_a_handler_of_a_signal_may_stop_the_pipeline_at_any_line_of_the_outlets():
    done = subprocess.run([sys.executable, "-c", STOPPED_AT_EVERY_LINE], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(done.stdout.splitlines()) > 30


def test_ctrl_c_while_the_last_frames_are_written_leaves_a_playable_file(tmp_path):
    script = (
        "import signal, threading, time\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from artrt.engine.playing.pipeline import Pipeline\n"
        "from artrt.engine.sinks.encoder import VideoEncoder\n"
        "encode = VideoEncoder.write\n"
        "def write(self, *arguments, **options):\n"
        "    time.sleep(0.1)\n    encode(self, *arguments, **options)\n"
        "VideoEncoder.write = write\n"
        f"pipeline = Pipeline('test://64x48@30?frames=9', [], [{str(tmp_path / 'a.mp4')!r}], frames='all')\n"
        "def tell():\n    pipeline._ended.wait()\n    print('ended', flush=True)\n"
        "threading.Thread(target=tell).start()\n"
        "pipeline.run()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ended\n"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=10)
    assert "KeyboardInterrupt" in errors
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]
    assert 1 <= probe(tmp_path / "a.mp4").frames < 9


def test_a_video_whose_last_frames_were_thrown_away_is_not_whole(tmp_path, monkeypatch):
    slow_writing(monkeypatch, 0.1)
    sink = open_sink(tmp_path / "a.mp4", options=EncodeOptions(whole=True))
    with Pipeline("test://64x48@30?frames=9", [], [sink], frames="all") as pipeline:
        eventually(pipeline._ended.is_set)
    assert [path.name for path in tmp_path.iterdir()] == ["a.partial.mp4"]


def slow_writing(monkeypatch, seconds):
    encode = VideoEncoder.write

    def write(self, *arguments, **options):
        time.sleep(seconds)
        encode(self, *arguments, **options)

    monkeypatch.setattr(VideoEncoder, "write", write)


@pytest.mark.parametrize("again", ["start", "run", "results"])
def test_a_pipeline_starts_once(again):
    with Pipeline("test://64x48@100", [], [NullSink()]) as pipeline:
        threads = threading.active_count()
        with pytest.raises(UsageError, match="started once"):
            getattr(pipeline, again)()
        assert threading.active_count() == threads
        eventually(lambda: pipeline.stats().frames_out > 3)
    with pytest.raises(UsageError, match="started once"):
        getattr(pipeline, again)()


def test_a_pipeline_that_was_not_started_cannot_be_waited_for():
    pipeline = Pipeline("test://64x48@100", [], [NullSink()])
    with pytest.raises(UsageError, match="was not started"):
        pipeline.wait()


class Window(NullSink):
    """Shows results in the thread that made it."""

    main_thread = True

    def __init__(self, *, live):
        super().__init__(live=live)
        self.shown = []
        self._thread = threading.current_thread()

    def write(self, result):
        assert threading.current_thread() is self._thread
        self.shown.append(result.index)


@pytest.mark.parametrize("live", [True, False])
def test_windows_are_served_while_results_come_as_a_loop(live):
    window = Window(live=live)
    seen = []
    for result in Pipeline("test://64x48@60?frames=20", [], [window], frames="all").results():
        seen.append(result.index)
        time.sleep(0.01)
    assert seen == list(range(20))
    assert window.shown == sorted(set(window.shown))
    assert len(window.shown) >= 15
    assert window.shown[-1] == 19


def test_a_sink_that_fails_to_close_leaves_the_others_whole(tmp_path, monkeypatch):
    slow_writing(monkeypatch, 0.02)
    broken = Window(live=True)
    broken.close = lambda *, completed: (_ for _ in ()).throw(OutputError("the window is stuck"))
    sink = open_sink(tmp_path / "a.mp4", options=EncodeOptions(whole=True))
    with pytest.raises(OutputError, match="the window is stuck"):
        Pipeline("test://64x48@100?frames=20", [], [broken, sink], frames="all").run()
    assert probe(tmp_path / "a.mp4").frames == 20


def test_a_sink_that_fails_at_the_end_leaves_the_others_whole(tmp_path, monkeypatch):
    slow_writing(monkeypatch, 0.05)
    broken = NullSink()
    broken.close = lambda *, completed: (_ for _ in ()).throw(OutputError("the server is gone"))
    sink = open_sink(tmp_path / "a.mp4", options=EncodeOptions(whole=True))
    with pytest.raises(OutputError, match="the server is gone"):
        Pipeline("test://64x48@100?frames=9", [], [broken, sink], frames="all").run()
    assert probe(tmp_path / "a.mp4").frames == 9


def test_results_come_as_a_loop():
    seen = list(Pipeline("test://64x48@30?frames=9", [invert], frames="all").results())
    assert [result.index for result in seen] == list(range(9))
    assert (seen[3].image == 255 - seen[3].frame.image).all()
    assert "invert" in seen[3].stage_ms


def test_leaving_the_loop_stops():
    for result in Pipeline("test://64x48@100").results():
        if result.index > 3:
            break
    assert_no_threads_left()


def test_an_error_ends_the_loop():
    def stage(image):
        raise InputError("known")

    with pytest.raises(InputError, match="known"):
        list(Pipeline("test://64x48@100", [stage]).results())


@pytest.mark.parametrize("frames", ["all", "latest"])
def test_max_frames_is_exact(frames):
    stats = Pipeline("test://64x48@100", [], [NullSink()], max_frames=7, frames=frames).run()
    assert stats.frames_out == 7
    assert_books_balance(stats)


def eventually(condition, *, seconds=30.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.01)


def test_pause_holds_a_file():
    with Pipeline("test://64x48@100?frames=500000", [slow(0.001)], [NullSink()], frames="all") as pipeline:
        pipeline.pause()
        assert pipeline.paused

        def stands_still():
            before = pipeline.stats().frames_out
            time.sleep(0.15)
            return pipeline.stats().frames_out == before

        eventually(stands_still)  # the frame that was on its way is finished first
        before = pipeline.stats().frames_out
        pipeline.pause(False)
        eventually(lambda: pipeline.stats().frames_out > before)


def test_pause_drops_frames_of_a_live_source():
    with Pipeline("test://64x48@100", [], [NullSink()]) as pipeline:
        pipeline.pause()
        eventually(lambda: pipeline.stats().dropped.get("paused", 0) > 5)


def test_a_sink_comes_and_goes_while_it_runs(tmp_path):
    with Pipeline("test://64x48@100", [], [NullSink()]) as pipeline:
        pipeline.add_sink(tmp_path / "a.mp4")
        eventually(lambda: pipeline.stats().sinks[str(tmp_path / "a.mp4")].written > 10)
        assert pipeline.remove_sink(str(tmp_path / "a.mp4"))
        assert probe(tmp_path / "a.mp4").frames > 10
        assert not pipeline.remove_sink("nothing")
        with pytest.raises(OutputError, match="cannot be created|does not exist"):
            (tmp_path / "file").write_text("")
            pipeline.add_sink(tmp_path / "file" / "b.mp4")
        frames_out = pipeline.stats().frames_out
        eventually(lambda: pipeline.stats().frames_out > frames_out)


def test_controls_reach_the_stages_while_it_runs():
    spec = StageSpec("paint", controls={"strength": Control(default=1.0, minimum=0, maximum=1)})
    session = FakeSession.from_spec(
        lambda feeds: {"output": np.full_like(feeds["frame"], round(100 * float(feeds["strength"])))}, spec
    )
    pipeline = Pipeline("test://64x48@100", [Stage(session)], [NullSink()])
    seen = []
    for result in pipeline.results():
        seen.append(int(result.image[0, 0, 0]))
        if len(seen) == 10:
            pipeline.set(strength=0.25)
        if len(seen) == 30:
            break
    assert seen[0] == 100
    assert seen[-1] == 25
    assert pipeline.stats().provider == "fake"
    assert not session.closed


def test_stages_turn_on_and_off_while_it_runs():
    pipeline = Pipeline("test://64x48@200", [invert], [NullSink()])
    inverted = []
    for result in pipeline.results():
        inverted.append(bool((result.image == 255 - result.frame.image).all()))
        if len(inverted) == 10:
            pipeline.set(invert=False)
        if len(inverted) == 30:
            break
    assert inverted[0]
    assert not inverted[-1]


def test_pictures_that_no_stage_touches_are_not_steadied():
    pipeline = Pipeline("test://64x48@30?frames=8", [invert], frames="all")
    pipeline.set(stabilize=0.8, invert=False)
    for result in pipeline.results():
        assert (result.image == result.frame.image).all()
        assert result.stage_ms == {}
    pipeline = Pipeline("test://64x48@30?frames=8", [invert], frames="all")
    pipeline.set(stabilize=0.8)
    assert {"invert", "stabilize"} == {name for result in pipeline.results() for name in result.stage_ms}


@pytest.mark.parametrize("options", [{"frames": "some"}, {"max_frames": 0}])
def test_options_that_make_no_sense(options):
    with pytest.raises(UsageError, match="expected"):
        Pipeline("test://", [], **options)


def test_threads_and_descriptors_do_not_pile_up(tmp_path):
    def count():
        return len(list(Path("/proc/self/fd").iterdir())), threading.active_count()

    clip = make_clip(tmp_path / "a.mp4", frames=3)
    Pipeline(clip, [invert], [tmp_path / "b.mp4"]).run()
    before = count()
    for _ in range(50):
        Pipeline(clip, [invert], [tmp_path / "b.mp4"]).run()
    after = count()
    assert after[0] <= before[0]
    assert after[1] <= before[1]
