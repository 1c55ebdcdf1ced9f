"""Runs sinks: each has a mailbox and a thread."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable

from ..mailbox import Mailbox
from ..result import Result
from ..sinks.base import MainThreadSink, Sink
from ..sources.base import SourceInfo
from ..statistics import SinkStats, Statistics
from .worker import Worker

# Number of results that may wait for an output file: from a file (the source waits), and from a live source (dropped).
FILE_QUEUE = 8
RECORDING_QUEUE = 32
# Time limit for a sink to close after a stop; a sink that hangs in the network is abandoned.
LIVE_CLOSE_SECONDS = 2.0
FILE_CLOSE_SECONDS = 10.0


class SinkThread:
    """Writes results to one sink.

    Args:
        sink: The open sink.
        lossless: Whether the source waits for this sink (from a file to a file).
        statistics: Receives the ages of frames.
        on_error: Called with the error if the sink fails.
    """

    def __init__(
        self,
        sink: Sink,
        *,
        lossless: bool,
        statistics: Statistics,
        on_error: Callable[[BaseException, str], None],
    ) -> None:
        self.sink = sink
        capacity = 1 if sink.live else FILE_QUEUE if lossless else RECORDING_QUEUE
        self._mailbox: Mailbox[Result] = Mailbox(capacity=capacity, lossy=sink.live or not lossless)
        self._statistics = statistics
        self._on_error = on_error
        self._written = 0
        self._failed = 0
        self._completed = False
        self._finished = False
        self._worker = None if sink.main_thread else Worker(self._run, name=f"artrt sink {sink.name}")

    @property
    def stats(self) -> SinkStats:
        """Current counts."""
        return SinkStats(self._written, self._mailbox.dropped + self._failed)

    @property
    def ended(self) -> bool:
        """Whether all results were written or discarded."""
        return self._mailbox.finished

    def start(self) -> None:
        """Starts the thread, unless the sink needs the caller's thread."""
        if self._worker is not None:
            self._worker.start()

    def put(self, result: Result) -> None:
        """Adds a result to the mailbox."""
        self._mailbox.put(result)

    def serve(self, *, timeout_seconds: float) -> bool:
        """Waits for one result and writes it; False on a time-out."""
        result = self._mailbox.take(timeout_seconds=timeout_seconds)
        if result is None:
            return False
        try:
            self.sink.write(result)
        except BaseException:
            self._failed += 1
            raise
        self._written += 1
        self._statistics.age.add((time.monotonic() - result.frame.captured_seconds) * 1e3)
        return True

    def idle(self) -> None:
        """Lets a window handle keys while there is no result."""
        if isinstance(self.sink, MainThreadSink):
            self.sink.idle()

    def end(self, *, completed: bool, discard: bool) -> None:
        """Ends the input; `discard` drops the waiting results, and then the output counts as incomplete."""
        lost = self._mailbox.close(discard=discard)
        self._completed = (self._completed or completed) and lost == 0

    def finish(self) -> None:
        """Closes the sink; later calls do nothing."""
        if self._finished:
            return
        self._finished = True
        try:
            self.sink.close(completed=self._completed)
        except Exception as error:  # the other sinks are still closed
            self._on_error(error, self.sink.name)

    def join(self, *, timeout_seconds: float | None = None) -> None:
        """Waits for the thread to end."""
        if self._worker is not None:
            self._worker.wait(timeout_seconds=timeout_seconds)

    def _run(self) -> None:
        try:
            while not self._mailbox.finished:
                self.serve(timeout_seconds=1.0)
        except BaseException as error:
            self._on_error(error, self.sink.name)
        self.finish()


class SinkThreads:
    """All sinks of a pipeline; sinks can be added and removed while it runs.

    Args:
        lossless: Whether the source waits for sinks that are not live.
        statistics: Receives the ages of frames.
        on_error: Called with the error and the sink's name if a sink fails.
    """

    def __init__(
        self, *, lossless: bool, statistics: Statistics, on_error: Callable[[BaseException, str], None]
    ) -> None:
        self._lossless = lossless
        self._statistics = statistics
        self._on_error = on_error
        # Reentrant, because a signal may interrupt its holder, and the signal's handler may call `Pipeline.stop`.
        self._lock = threading.RLock()
        self._threads: list[SinkThread] = []
        self._ended: tuple[bool, bool] | None = None

    def add(self, sink: Sink, info: SourceInfo) -> None:
        """Opens a sink and starts its thread.

        Raises:
            OutputError: It cannot be opened.
        """
        try:
            sink.open(info)
        except BaseException:
            with contextlib.suppress(Exception):
                sink.close(completed=False)
            raise
        thread = SinkThread(
            sink, lossless=self._lossless, statistics=self._statistics, on_error=self._on_error
        )
        with self._lock:
            self._threads.append(thread)
            if self._ended is not None:
                thread.end(completed=self._ended[0], discard=self._ended[1])
        thread.start()

    def remove(self, name: str) -> bool:
        """Finishes and removes a sink; False if no sink has that name."""
        leaving = [thread for thread in self._all() if thread.sink.name == name]
        with self._lock:
            self._threads = [thread for thread in self._threads if thread not in leaving]
        for thread in leaving:
            thread.end(completed=False, discard=False)
            thread.join()
        return bool(leaving)

    def put(self, result: Result) -> None:
        """Adds a result to every sink's mailbox."""
        for thread in self._all():
            thread.put(result)

    def end(self, *, completed: bool, discard: bool) -> None:
        """Ends the input of all sinks."""
        with self._lock:
            self._ended = (completed, discard)
        for thread in self._all():
            thread.end(completed=completed, discard=discard)

    def serve_main_thread(self, *, timeout_seconds: float) -> bool:
        """Runs the sinks that need the caller's thread, for a short time; False when there are none left."""
        mine = [thread for thread in self._all() if thread.sink.main_thread and not thread.ended]
        for thread in mine:
            try:
                if not thread.serve(timeout_seconds=timeout_seconds):
                    thread.idle()
            except Exception as error:  # the caller handles Ctrl-C
                self._on_error(error, thread.sink.name)
        return bool(mine)

    def finish(self, *, stopped: bool) -> None:
        """Waits until every sink is closed; after a stop with a time limit, which is short for live sinks."""
        for thread in self._all():
            if thread.sink.main_thread:
                thread.finish()
            limit = LIVE_CLOSE_SECONDS if thread.sink.live else FILE_CLOSE_SECONDS
            thread.join(timeout_seconds=limit if stopped else None)

    def stats(self) -> dict[str, SinkStats]:
        """Counts of each sink."""
        return {thread.sink.name: thread.stats for thread in self._all()}

    def _all(self) -> list[SinkThread]:
        with self._lock:
            return list(self._threads)
