"""One studio for all tests of this folder."""

from __future__ import annotations

import sys

import pytest

from support.studio import studio, visitor


@pytest.fixture(scope="package")
def running(tiny_zoo, tmp_path_factory):
    cameras = (("Front door", "test://160x120@20"),)
    fails = (sys.executable, "-c", "raise SystemExit('artrt: error: no loss network here. Get one.')")
    folder = tmp_path_factory.mktemp("studio")
    with studio(tiny_zoo, folder=folder, cameras=cameras, trainer=fails) as server:
        yield server


@pytest.fixture
def client(running):
    return visitor(running)
