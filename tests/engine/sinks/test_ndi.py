"""A picture goes out by NDI and comes back, on this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from artrt.engine.errors import MissingExtraError
from artrt.engine.sinks import open_sink
from artrt.engine.sources import SourceInfo, open_source

INFO = SourceInfo("camera", True, 64, 48)
# Senders are looked for on this machine alone, without the system's service for names.
NETWORK = {"ndi": {"networks": {"ips": "127.0.0.1,"}, "machinename": "STAGE"}}

ROUND_TRIP = """
import time
import numpy as np
from artrt.engine.errors import InputError, SourceLostError
from artrt.engine.frame import Frame
from artrt.engine.playing.pipeline import Pipeline
from artrt.engine.result import Result
from artrt.engine.sinks import open_sink
from artrt.engine.sources import Size, SourceInfo, SourceOptions, ndi, open_source

ndi.SILENCE_SECONDS = 0.2
left, right = (200, 120, 60), (60, 90, 180)

def paint(image):
    painted = np.empty_like(image)
    painted[:, :160], painted[:, 160:] = left, right
    return painted

with Pipeline("test://322x180@30", [paint], [open_sink("ndi://stage left")]) as pipeline:
    source = open_source("ndi://stage left", options=SourceOptions(reconnect_seconds=0.5))
    print(source.info)
    frames = [source.read() for _ in range(5)]
    assert [frame.index for frame in frames] == [0, 1, 2, 3, 4]
    image = frames[-1].image
    assert image.shape == (180, 322, 3), image.shape
    assert source.info.live and (source.info.width, source.info.height, source.info.rate) == (322, 180, 30)
    for place, colour in ((40, left), (280, right)):
        assert np.abs(image[90, place].astype(int) - colour).max() < 16, image[90, place]  # its codec is lossy
    small = open_source("ndi://STAGE (stage left)", options=SourceOptions(size=Size(90)))
    assert small.read().image.shape == (90, 161, 3)
    small.close()
    source.cancel()
    assert source.read() is None
    source.close()
    source = open_source("ndi://stage left", options=SourceOptions(reconnect_seconds=0.5))
ndi.FIND_SECONDS = 0.5
try:
    while source.read() is not None:
        pass
    raise AssertionError("it was not lost")
except SourceLostError:
    source.close()
try:
    open_source("ndi://nobody")
    raise AssertionError("it was found")
except InputError as error:
    assert "no such NDI sender within 0.5 s; on the network:" in str(error)
print("well")
"""


def test_what_is_sent_is_received(tmp_path):
    pytest.importorskip("cyndilib")
    (tmp_path / "ndi-config.v1.json").write_text(json.dumps(NETWORK))
    done = subprocess.run(
        [sys.executable, "-c", ROUND_TRIP],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ | {"NDI_CONFIG_DIR": str(tmp_path)},
    )
    assert done.stdout.endswith("well\n"), done.stderr


def test_what_is_missing_is_named(monkeypatch):
    for name in ("cyndilib", "cyndilib.finder"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtraError, match=r"ndi:// needs cyndilib: pip install 'artrt\[ndi\]'"):
        open_sink("ndi://stage").open(INFO)
    with pytest.raises(MissingExtraError, match=r"ndi:// needs cyndilib: pip install 'artrt\[ndi\]'"):
        open_source("ndi://stage")
