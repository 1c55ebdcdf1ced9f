"""One studio for all tests of this folder."""

from __future__ import annotations

import pytest

from support.studio import studio, visitor


@pytest.fixture(scope="package")
def running(tiny_zoo, tmp_path_factory):
    cameras = (("Front door", "test://160x120@20"),)
    with studio(tiny_zoo, folder=tmp_path_factory.mktemp("studio"), cameras=cameras) as server:
        yield server


@pytest.fixture
def client(running):
    return visitor(running)
