"""The studio's state: visitors, workers, queues, and the choices on the page."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import OutputError
from .cameras import Cameras
from .jobs import Jobs
from .look_request import LookRequest, Slider, read_look_request
from .options import StudioOptions
from .turns import Turns
from .visitors import Visitor, Visitors
from .worker import OnProgress, Worker

SWEEP_SECONDS = 60.0
JOB_KINDS = ("photos", "video", "style")


class Studio:
    """State shared by the routes; used in the server's event loop.

    Args:
        options: Limits, models, cameras.

    Raises:
        OutputError: There is no folder for temporary files.
    """

    def __init__(self, options: StudioOptions) -> None:
        self.options = options
        try:
            self.folder = Path(tempfile.mkdtemp(prefix="artrt-studio-", dir=options.folder))
        except OSError as error:
            raise OutputError(f"no place for temporary files: {error.strerror or error}") from error
        self.visitors = Visitors(self.folder, limits=options.limits)
        self.jobs = Jobs(each=options.limits.visitor_jobs, turns={kind: Turns() for kind in JOB_KINDS})
        self.cameras = Cameras(tuple(address for _, address in options.cameras))
        self.sockets: dict[str, int] = {}
        self.sliders: dict[str, Slider] = {}
        self.provider = ""
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        spare = max(1, cores - 1)  # a job leaves one core for interactive requests
        self._workers = {
            "photo": Worker(options, name="photo"),
            "live": Worker(options, name="live"),
            "photos": Worker(options, name="photos", threads=spare),
            "video": Worker(options, name="video", threads=spare),
        }
        self._turns = {"photo": Turns(), "live": Turns()}
        self._sweeping: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Starts the first worker, which also checks the provider.

        Raises:
            ArtrtError: The models cannot be loaded.
        """
        described = await asyncio.to_thread(self._workers["photo"].call, "describe", seconds=60.0)
        self.sliders = {entry["name"]: Slider(**entry) for entry in described["sliders"]}
        self.provider = described["provider"]
        self._sweeping = asyncio.get_running_loop().create_task(self._sweep())

    async def close(self) -> None:
        """Ends all workers and deletes every file."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        await self.cameras.close()
        ending = self.jobs.cancel_all()
        await asyncio.gather(*(asyncio.to_thread(worker.close) for worker in self._workers.values()))
        if ending:
            await asyncio.wait(ending, timeout=2)
        shutil.rmtree(self.folder, ignore_errors=True)

    async def ask(self, visitor: Visitor, task: str, *, worker: str = "photo", **arguments: Any) -> Any:
        """Runs a worker's task for a visitor when it is the visitor's turn.

        Raises:
            ArtrtError: See `Worker.call`.
        """
        async with self._turns[worker].of(visitor.id):
            return await self.do(worker, task, **arguments)

    async def do(
        self,
        worker: str,
        task: str,
        *,
        on_progress: OnProgress | None = None,
        cancelled: Callable[[], bool] = lambda: False,
        **arguments: Any,
    ) -> Any:
        """Runs a worker's task immediately; jobs wait for their turn themselves."""
        seconds = self.options.limits.task_seconds
        call = self._workers[worker].call
        return await asyncio.to_thread(
            call, task, seconds=seconds, on_progress=on_progress, cancelled=cancelled, **arguments
        )

    def kill(self, worker: str) -> None:
        """Ends a worker's task."""
        self._workers[worker].kill()

    def styles_of(self, visitor: Visitor) -> dict[str, str]:
        """A visitor's style names -> the worker's names: shipped styles, then the visitor's."""
        shipped = {name: name for name in self.options.zoo.styles()}
        own = {str(item.facts["name"]): str(item.path) for item in visitor.styles}
        return shipped | own

    def look_of(self, visitor: Visitor, data: Any) -> LookRequest:
        """Parses a visitor's requested look.

        Raises:
            UsageError: It is invalid.
        """
        return read_look_request(data, styles=self.styles_of(visitor), sliders=self.sliders)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            await asyncio.to_thread(self.visitors.sweep)
