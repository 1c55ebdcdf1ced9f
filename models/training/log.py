"""Logs the scalars of a training: always as JSON lines, and to TensorBoard if it is installed."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path


class ScalarLog:
    """Writes `scalars.jsonl`, and TensorBoard events beside it, into a folder."""

    def __init__(self, folder: Path, *, purge_step: int = 0) -> None:
        """Opens the log; events after `purge_step` from an earlier run are replaced."""
        self._lines = (folder / "scalars.jsonl").open("a", encoding="utf-8")
        self._writer = None
        if importlib.util.find_spec("tensorboard") is not None:
            from torch.utils.tensorboard import SummaryWriter  # heavy, and optional

            self._writer = SummaryWriter(str(folder), purge_step=purge_step)

    def write(self, step: int, scalars: Mapping[str, float]) -> None:
        """Appends one value of each scalar."""
        rounded = {name: round(value, 6) for name, value in scalars.items()}
        self._lines.write(json.dumps({"step": step} | rounded) + "\n")
        self._lines.flush()
        if self._writer is not None:
            for name, value in scalars.items():
                self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        """Flushes and closes the log."""
        self._lines.close()
        if self._writer is not None:
            self._writer.close()
