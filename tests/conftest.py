"""Fixtures that every test may use."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository root, which is also the package folder."""
    return ROOT


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The folder of real photographs, clips and weights: $ARTRT_SHARED, or ../shared/data beside the repository."""
    folder = Path(os.environ.get("ARTRT_SHARED") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"the shared data folder is absent ({folder}; set ARTRT_SHARED)")
    return folder


@pytest.fixture(scope="session")
def picture() -> Callable[..., NDArray[np.uint8]]:
    """Makes a smooth colourful BGR picture: `picture(height, width, seed=0)`."""

    def make(height: int = 48, width: int = 64, *, seed: int = 0) -> NDArray[np.uint8]:
        generator = np.random.default_rng(seed)
        y, x = np.mgrid[0:height, 0:width]
        waves = [
            np.sin(x * rate_x + y * rate_y + phase)
            for rate_x, rate_y, phase in generator.uniform(0.05, 0.25, size=(3, 3)) * [1, 1, 20]
        ]
        return ((np.dstack(waves) * 0.5 + 0.5) * 255).round().astype(np.uint8)

    return make


@pytest.fixture(autouse=True)
def _no_user_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Tests see neither the user's provider nor the user's caches."""
    monkeypatch.delenv("ARTRT_PROVIDER", raising=False)
    monkeypatch.setenv("ARTRT_CACHE_DIR", str(tmp_path / "cache"))


def pytest_configure() -> None:
    """Ctrl-C works in the tests' child processes even where this one was started with SIGINT ignored (`&`, nohup)."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skips tests marked `gpu` where there is none, unless ARTRT_REQUIRE_GPU=1 asks for a failure."""
    if item.get_closest_marker("gpu") is None or Path("/dev/nvidiactl").exists():
        return
    if os.environ.get("ARTRT_REQUIRE_GPU") == "1":
        pytest.fail("ARTRT_REQUIRE_GPU=1, but this machine has no NVIDIA GPU")
    pytest.skip("needs an NVIDIA GPU")


@pytest.fixture(autouse=True)
def own_styles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty library: the styles of whoever runs the tests have no say."""
    folder = tmp_path / "own-styles"
    monkeypatch.setenv("ARTRT_STYLES", str(folder))
    return folder


@pytest.fixture(scope="session")
def tiny_zoo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A zoo of tiny stages with known answers (tests/support/models.py)."""
    from support.models import write_zoo

    return write_zoo(tmp_path_factory.mktemp("zoo"))


@pytest.fixture
def use_tiny_zoo(tiny_zoo: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Makes the tiny zoo the default one."""
    monkeypatch.setenv("ARTRT_ZOO", str(tiny_zoo))
    return tiny_zoo
