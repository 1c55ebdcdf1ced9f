"""SLIC of opencv-contrib in a process of its own, because its wheel writes the same folder as opencv-python's.

    python -m pip install --no-deps --target benchmarks/.contrib opencv-contrib-python-headless

A worker holds the picture; each call is one word there and one back, so that it takes turns with the others.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent / ".contrib"
ITERATIONS = 10


class ContribSlic:
    """`cv2.ximgproc`'s SLIC on one picture, ten iterations, colour conversion and connectivity included.

    Args:
        picture: uint8 [H, W, 3], BGR.
        regions: How many superpixels.
        folder: Where opencv-contrib lies.
    """

    def __init__(self, picture: np.ndarray, regions: int, *, folder: Path) -> None:
        with tempfile.NamedTemporaryFile(suffix=".npy", delete=False) as file:
            np.save(file, picture)
        paths = [str(folder), os.environ.get("PYTHONPATH", "")]
        self._picture = Path(file.name)
        self._worker: Any = subprocess.Popen(
            [sys.executable, __file__, file.name, str(regions)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
        )
        self.version = self._answer()

    def __call__(self) -> str:
        """One run; gives the number of regions."""
        self._worker.stdin.write("run\n")
        self._worker.stdin.flush()
        return self._answer()

    def __enter__(self) -> ContribSlic:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._worker.stdin.close()
        self._worker.wait()
        self._worker.stdout.close()
        self._picture.unlink()

    def _answer(self) -> str:
        answer = self._worker.stdout.readline().strip()
        if not answer:
            raise RuntimeError("opencv-contrib's worker ended")
        return str(answer)


def main() -> None:
    """The worker: a picture and a number of regions; then a run for each line."""
    import cv2

    cv2.setNumThreads(2)
    picture, regions = np.load(sys.argv[1]), int(sys.argv[2])
    side = round((picture.shape[0] * picture.shape[1] / regions) ** 0.5)
    print(cv2.__version__, flush=True)
    for _ in sys.stdin:
        lab = cv2.cvtColor(picture, cv2.COLOR_BGR2Lab)
        found = cv2.ximgproc.createSuperpixelSLIC(lab, cv2.ximgproc.SLIC, side, 10.0)
        found.iterate(ITERATIONS)
        found.enforceLabelConnectivity()
        print(found.getNumberOfSuperpixels(), flush=True)


if __name__ == "__main__":
    main()
