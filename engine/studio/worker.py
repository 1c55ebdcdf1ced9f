"""A process that decodes and paints visitors' files, so that a malicious file cannot harm the server.

    server ── (task, arguments) ──► worker: does it        (memory limit by the system, time limit by the server)
           ◄── progress … ──────────
           ◄── result or error ─────

A worker that takes too long, uses too much memory or crashes is replaced at the next call. The worker imports this
module before OpenCV, because OpenCV reads its pixel limit from the environment.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from ..errors import ArtrtError, InputError, error_of

if TYPE_CHECKING:
    from .options import StudioOptions

START_SECONDS = 60.0
END_SECONDS = 5.0
GPU_VIRTUAL_BYTES = 1 << 40  # CUDA reserves much more address space than it uses

OnProgress = Callable[[float], None]
"""Called with the progress, 0 to 1."""


class WorkerKilledError(ArtrtError):
    """The worker was killed during a task, because the job was cancelled."""


class Worker:
    """One worker process, started at the first call.

    Args:
        options: Models and limits.
        name: Name of the process.
        threads: Threads of one inference; None uses the options' value.
    """

    def __init__(self, options: StudioOptions, *, name: str, threads: int | None = None) -> None:
        self._options = options
        self._name = name
        self._threads = threads or options.threads
        self._lock = threading.Lock()
        self._process: Any = None
        self._pipe: Connection | None = None
        self._killed = False

    def call(
        self,
        task: str,
        *,
        seconds: float,
        on_progress: OnProgress | None = None,
        cancelled: Callable[[], bool] = lambda: False,
        **arguments: Any,
    ) -> Any:
        """Runs a task of `tasks.TASKS` in the worker and waits for it; thread-safe, one call at a time.

        Args:
            task: Name of the task.
            seconds: Longest time without progress.
            on_progress: Called with the progress.
            cancelled: Called before the task starts; later, `kill` ends it.
            arguments: Arguments of the task.

        Raises:
            ArtrtError: The task's error.
            InputError: The task took too long, or the worker crashed.
            WorkerKilledError: `kill` was called.
        """
        with self._lock:
            self._killed = False
            try:
                pipe = self._started()
                if cancelled():
                    raise WorkerKilledError("cancelled")
                pipe.send((task, arguments))
                return self._answer(pipe, seconds, on_progress)
            except (EOFError, OSError) as error:
                self._end()
                if self._killed:
                    raise WorkerKilledError("cancelled") from error
                raise InputError("this cannot be painted: it needs too much memory") from error

    def kill(self) -> None:
        """Kills the process, from any thread; a waiting call raises `WorkerKilledError`."""
        self._killed = True
        if self._process is not None:
            self._process.kill()

    def close(self) -> None:
        """Ends the process."""
        self.kill()
        with self._lock:
            self._end()

    def _answer(self, pipe: Connection, seconds: float, on_progress: OnProgress | None) -> Any:
        deadline = time.monotonic() + seconds
        while pipe.poll(max(0.0, deadline - time.monotonic())):
            kind, value = pipe.recv()
            if kind == "result":
                return value
            if kind == "error":
                raise error_of(*value)
            deadline = time.monotonic() + seconds
            if on_progress is not None:
                on_progress(value)
        self._end()
        raise InputError(f"this cannot be painted: it took longer than {seconds:g} seconds")

    def _started(self) -> Connection:
        if self._pipe is not None and self._process.is_alive():
            return self._pipe
        self._end()
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        arguments = (theirs, self._options, self._threads)
        process = context.Process(target=_serve, args=arguments, name=f"artrt {self._name}", daemon=True)
        process.start()  # only a process that runs can be killed
        theirs.close()
        self._process, self._pipe = process, ours
        self._answer(ours, START_SECONDS, None)
        return ours

    def _end(self) -> None:
        if self._pipe is not None:
            self._pipe.close()
        if self._process is not None:
            self._process.kill()
            self._process.join(END_SECONDS)
        self._pipe = self._process = None


def _serve(pipe: Connection, options: StudioOptions, threads: int | None) -> None:
    """The main function of the worker process."""
    for number in (signal.SIGINT, getattr(signal, "SIGHUP", signal.SIGINT)):
        signal.signal(number, signal.SIG_IGN)  # the server handles them
    os.environ["OPENCV_IO_MAX_IMAGE_PIXELS"] = str(options.limits.photo_pixels)
    os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
    with contextlib.suppress(OSError):
        os.nice(5)  # the page has priority
    try:
        from .worker_state import WorkerState

        state = WorkerState(options, threads=threads)
        _limit_memory(options, state.provider)
    except ArtrtError as error:
        pipe.send(("error", (type(error).__name__, str(error))))
        return
    pipe.send(("result", None))
    with state:
        while True:
            try:
                task, arguments = pipe.recv()
            except (EOFError, OSError):
                return
            pipe.send(_done(state, task, arguments, lambda share: pipe.send(("progress", share))))


def _done(state: Any, task: str, arguments: dict[str, Any], on_progress: OnProgress) -> tuple[str, Any]:
    from .tasks import TASKS

    try:
        return "result", TASKS[task](state, on_progress=on_progress, **arguments)
    except ArtrtError as error:
        return "error", (type(error).__name__, str(error))
    except MemoryError:
        return "error", ("InputError", "this file cannot be painted: it needs too much memory")
    except Exception as error:  # a library's error about an unusual file must not end the worker
        return "error", ("InputError", f"this file cannot be painted: {type(error).__name__}")


def _limit_memory(options: StudioOptions, provider: str) -> None:
    """Sets the memory limit of this process: data size with a CPU, address space with a GPU."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        if set(provider.split("+")) <= {"cpu", "openvino", "none"}:
            resource.setrlimit(resource.RLIMIT_DATA, (options.limits.memory_bytes,) * 2)
        else:
            resource.setrlimit(resource.RLIMIT_AS, (GPU_VIRTUAL_BYTES,) * 2)
