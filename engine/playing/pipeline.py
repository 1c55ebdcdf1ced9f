"""The pipeline: source -> mailbox -> stages -> mailbox -> sinks, one thread each.

    reader thread   source.read() ──> Mailbox (newest only, or bounded and lossless)
    stage thread    ──> Runner ──> one Mailbox per sink
    sink threads    ──> sink.write()

Every frame of a file is processed; of a live source the newest frame, and dropped frames are counted. An error in any
thread stops all threads and is raised once in the caller; output files are finished.
"""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from types import TracebackType

from ..errors import ArtrtError, UsageError
from ..frame import Frame, Image
from ..looks.controls import Controls, Vector
from ..looks.runner import Runner
from ..looks.stage_controls import chain_of, controls_of
from ..looks.stylizer import Stylizer
from ..mailbox import Mailbox
from ..result import Result
from ..sinks import MailboxSink, Sink, open_sink
from ..sinks.player import Attachable
from ..sinks.recording import Recorder
from ..sources import FramePolicy, Source, SourceInfo, SourceOptions, open_source
from ..sources.base import Noted
from ..stages.chain import FrameFunction
from ..statistics import Statistics, Stats
from .clock import Clock
from .sink_thread import SinkThreads
from .worker import Worker

# Number of a file's frames that may wait for the stages.
FILE_QUEUE = 4
# Time limit for threads to end after a stop; a thread that hangs in a driver is abandoned.
STOP_SECONDS = 2.0
POLL_SECONDS = 0.02
PROGRESS_SECONDS = 0.1


class Pipeline:
    """Plays a source through stages to sinks.

    Args:
        source: An address (see `artrt.engine.sources`) or an open source; the pipeline closes it.
        stages: Stages, chains, stylizers, or functions from picture to picture; the caller closes them.
        sinks: Addresses of files, or sinks; the pipeline closes them.
        controls: Style, numbers and switches; by default the stages' own values, all on.
        frames: "all", "latest", or "auto": all frames of a file, the latest of a live source.
        options: Options for opening an address.
        max_frames: Stop after this many frames.

    Example:
        >>> with Pipeline(source="clip.mp4", stages=[stage], sinks=["out.mp4"]) as pipeline:
        ...     stats = pipeline.wait()
    """

    def __init__(
        self,
        source: str | int | os.PathLike[str] | Source,
        stages: Sequence[FrameFunction | Stylizer] = (),
        sinks: Sequence[Sink | str | os.PathLike[str]] = (),
        *,
        controls: Controls | None = None,
        frames: FramePolicy = "auto",
        options: SourceOptions | None = None,
        max_frames: int | None = None,
    ) -> None:
        if frames not in ("auto", "latest", "all"):
            raise UsageError(f"frames '{frames}': expected auto, latest or all")
        if max_frames is not None and max_frames < 1:
            raise UsageError(f"max_frames is {max_frames}: expected at least 1")
        self.controls = controls or controls_of(stages)
        self.recorder = Recorder()
        self._statistics = Statistics()
        self._sinks = [open_sink(sink) if isinstance(sink, (str, os.PathLike)) else sink for sink in sinks]
        self._source = (
            open_source(source, options=options, frames=frames)
            if isinstance(source, (str, int, os.PathLike))
            else source
        )
        live = self._source.info.live
        self._lossless = frames == "all" or (frames == "auto" and not live)
        chains = list(map(chain_of, stages))
        self._runner = Runner(
            chains, controls=self.controls, statistics=self._statistics, overlapping=self._lossless
        )
        self._paced = not live and (frames == "latest" or any(sink.live for sink in self._sinks))
        self._inbox: Mailbox[Frame] = Mailbox(
            capacity=FILE_QUEUE if self._lossless else 1, lossy=not self._lossless
        )
        self._sink_threads = SinkThreads(
            lossless=self._lossless, statistics=self._statistics, on_error=self._fail
        )
        self._max_frames = max_frames
        self._clock = Clock()
        self._source_ended = False
        self._stopping = threading.Event()
        self._ended = threading.Event()
        self._error: BaseException | None = None
        self._error_lock = threading.Lock()
        self._workers: list[Worker] = []
        self._started = False
        self._size = (self._source.info.width or 0, self._source.info.height or 0)

    @property
    def info(self) -> SourceInfo:
        """Information about the source."""
        return self._source.info

    @property
    def notes(self) -> tuple[str, ...]:
        """What could not be read or kept in files, one line each; complete at the end."""
        parts = (self._source, *self._sinks)
        return tuple(note for part in parts if isinstance(part, Noted) for note in part.notes)

    @property
    def paused(self) -> bool:
        """Whether playback is paused."""
        return self._clock.paused

    def pause(self, paused: bool = True) -> None:
        """Pauses or resumes playback: a file waits, frames of a live source are dropped."""
        self._clock.pause(paused)

    def set(
        self,
        *,
        style: str | Vector | None = None,
        background: str | Vector | None = None,
        **changes: float | bool,
    ) -> None:
        """Changes style, background, strength, keep_salient, …, or turns stages on and off by name.

        Raises:
            UsageError: No such control, or a value out of range.
        """
        self.controls.set(style=style, background=background, **changes)

    def stats(self) -> Stats:
        """Current counts and times."""
        statistics = self._statistics
        dropped = statistics.dropped()
        discarded = self._inbox.discarded
        for cause, count in (("stages busy", self._inbox.dropped - discarded), ("stopped", discarded)):
            if count > 0:
                dropped[cause] = dropped.get(cause, 0) + count
        return Stats(
            elapsed_seconds=statistics.elapsed_seconds,
            frames_in=statistics.arrived.count,
            frames_out=statistics.finished.count,
            fps_in=statistics.arrived.per_second(),
            fps_out=statistics.finished.per_second(),
            dropped=dropped,
            latency_ms=statistics.latency.percentiles(),
            age_ms=statistics.age.percentiles(),
            stages=statistics.stages(),
            sinks=self._sink_threads.stats(),
            reconnects=self._source.reconnects,
            provider=self._runner.provider,
            source=self._source.info.name,
            width=self._size[0],
            height=self._size[1],
        )

    def start(self) -> Pipeline:
        """Opens the sinks and starts all threads; a pipeline can be started only once.

        Raises:
            UsageError: It was started before.
            ArtrtError: A sink cannot be opened; everything is closed again.
        """
        self._start_once()
        return self._start()

    def _start_once(self) -> None:
        if self._started:
            raise UsageError(
                "a pipeline is started once, by `with`, start(), run() or results(): make a new one; "
                "inside `with`, wait() plays it to its end"
            )
        self._started = True

    def _start(self) -> Pipeline:
        try:
            for sink in self._sinks:
                if isinstance(sink, Attachable):
                    sink.attach(self)
                self._sink_threads.add(sink, self.info)
        except BaseException:
            self._sink_threads.end(completed=False, discard=True)
            self._sink_threads.finish(stopped=True)
            self._source.close()
            raise
        for name, work in (("stages", self._run_stages), ("source", self._read)):
            worker = Worker(work, name=f"artrt {name}")
            self._workers.append(worker)
            worker.start()
        return self

    def wait(self, *, on_progress: Callable[[Stats], None] | None = None) -> Stats:
        """Runs windows until the end, then closes everything.

        Args:
            on_progress: Called about ten times per second in this thread.

        Returns:
            The final counts.

        Raises:
            UsageError: It was not started.
            ArtrtError: The first error of any thread.
            KeyboardInterrupt: Ctrl-C; output files are finished.
        """
        if not self._started:
            raise UsageError("this pipeline was not started: call start() first, or run() instead of wait()")
        next_report = 0.0
        try:
            while True:
                if not self._sink_threads.serve_main_thread(
                    timeout_seconds=POLL_SECONDS
                ) and self._ended.wait(POLL_SECONDS):
                    break
                if on_progress is not None and time.monotonic() >= next_report:
                    next_report = time.monotonic() + PROGRESS_SECONDS
                    on_progress(self.stats())
        except BaseException as error:
            self._fail(error, "caller")
        return self._finish()

    def run(self, *, on_progress: Callable[[Stats], None] | None = None) -> Stats:
        """Calls `start` and `wait`."""
        return self.start().wait(on_progress=on_progress)

    def results(self) -> Iterator[Result]:
        """Starts the pipeline and yields its results; leaving the loop stops it.

        If the loop is slower than a live source, it gets the newest result each time; `max_frames` counts these.
        The loop also runs windows: a new picture is shown when the loop requests the next result.

        Raises:
            UsageError: The pipeline was started before.
        """
        self._start_once()
        return self._results()

    def _results(self) -> Iterator[Result]:
        box: Mailbox[Result] = Mailbox(capacity=1, lossy=not self._lossless)
        limit, self._max_frames = self._max_frames, self._max_frames if self._lossless else None
        self._sinks.append(MailboxSink(box, live=not self._lossless))
        self._start()
        with ExitStack() as stack:
            stack.push(self.__exit__)
            try:
                for _ in itertools.count() if limit is None or self._lossless else range(limit):
                    if (result := self._next_of(box)) is None:
                        self.wait()  # other sinks may still have results to write
                        break
                    yield result
            finally:
                box.close(discard=True)

    def _next_of(self, box: Mailbox[Result]) -> Result | None:
        """The next result of a mailbox, or None at its end; runs windows while it waits."""
        while True:
            served = self._sink_threads.serve_main_thread(timeout_seconds=0)
            result = box.take(timeout_seconds=POLL_SECONDS if served else None)
            if result is not None or box.finished:
                return result

    def stop(self) -> None:
        """Stops playback, from any thread; `wait` then returns."""
        self._stopping.set()
        self._source.cancel()
        self._inbox.close(discard=True)
        self._clock.stop()
        self._sink_threads.end(completed=False, discard=True)

    def add_sink(self, sink: Sink | str | os.PathLike[str]) -> None:
        """Adds a sink while the pipeline runs, such as a recording.

        Raises:
            OutputError: It cannot be opened; the pipeline continues.
        """
        self._sink_threads.add(open_sink(sink) if isinstance(sink, (str, os.PathLike)) else sink, self.info)

    def remove_sink(self, name: str) -> bool:
        """Finishes and removes a sink while the pipeline runs; False if no sink has that name."""
        return self._sink_threads.remove(name)

    def __enter__(self) -> Pipeline:
        """Starts the pipeline."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops and closes everything; raises the error of a thread, unless the block raised one."""
        self.stop()
        try:
            self._finish()
        except BaseException:
            if error is None:
                raise

    def _read(self) -> None:
        """The source's thread."""
        try:
            while not self._stopping.is_set():
                frame = self._source.read()
                if frame is None:
                    self._source_ended = not self._stopping.is_set()
                    break
                self._statistics.arrived.tick()
                self._inbox.put(self._clock.pace(frame) if self._paced else frame)
                if self._lossless and self._statistics.arrived.count == self._max_frames:
                    break
        except BaseException as error:
            self._remember(error, "source")  # frames read before it are still played
        finally:
            self._inbox.close()
            self._source.close()

    def _run_stages(self) -> None:
        """The stages' thread."""
        painting: deque[tuple[Frame, Callable[[], Image]]] = deque()
        try:
            while (frame := self._inbox.take()) is not None:
                if not self._clock.wait(until_resumed=self._lossless) or self._stopping.is_set():
                    self._statistics.drop("stopped" if self._stopping.is_set() else "paused")
                    continue
                painting.append((frame, self._runner.start(frame.image)))
                if len(painting) == self._runner.ahead:
                    self._hand_on(*painting.popleft())
                if not self._lossless and self._statistics.finished.count == self._max_frames:
                    self._source.cancel()
                    self._inbox.close(discard=True)
            while painting and not self._stopping.is_set():
                self._hand_on(*painting.popleft())
        except BaseException as error:
            self._statistics.drop("error")
            self._fail(error, "stage")
        finally:
            for _ in painting:
                self._statistics.drop("stopped")
            self._runner.close()
            stopped = self._stopping.is_set()
            self._sink_threads.end(completed=self._source_ended and not stopped, discard=stopped)
            self._ended.set()

    def _hand_on(self, frame: Frame, picture: Callable[[], Image]) -> None:
        """Waits for the picture of a frame and puts it into the sinks' mailboxes."""
        image = picture()
        latency_ms = (time.monotonic() - frame.captured_seconds) * 1e3
        self._statistics.latency.add(latency_ms)
        self._statistics.finished.tick()
        self._size = (image.shape[1], image.shape[0])
        dropped = self._inbox.dropped
        self._sink_threads.put(Result(frame, image, latency_ms, dict(self._runner.last_ms), dropped))

    def _fail(self, error: BaseException, where: str) -> None:
        """Stores the first error and stops everything; results that wait for other sinks are still written."""
        self._remember(error, where)
        if where == "caller" or not self._ended.is_set():
            self.stop()

    def _remember(self, error: BaseException, where: str) -> None:
        with self._error_lock:
            first, self._error = self._error, self._error or error
        if first is None and not isinstance(error, (ArtrtError, KeyboardInterrupt)) and where != "caller":
            self._error = ArtrtError(f"{where}: {type(error).__name__}: {error}")
            self._error.__cause__ = error

    def _finish(self) -> Stats:
        try:
            self._join()
        except BaseException as interruption:
            # Ctrl-C while the last frames are written; the files are finished.
            self._fail(interruption, "caller")
            self._join()
        stats = self.stats()
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        return stats

    def _join(self) -> None:
        stopped = self._stopping.is_set()
        for worker in self._workers:
            worker.wait(timeout_seconds=STOP_SECONDS if stopped else None)
        self._sink_threads.finish(stopped=stopped)
