from __future__ import annotations

import asyncio
import json

import numpy as np
import pytest

from support.studio import decoded, picture_file

websockets = pytest.importorskip("websockets")

FRAME = picture_file(120, 160, suffix=".jpg")


def talk(running, *messages, source="own", answers=1, origin=None) -> list:
    """Sends messages and collects answers."""

    async def main() -> list:
        home = f"127.0.0.1:{running.port}"
        place = f"ws://{home}/api/live?source={source}"
        async with websockets.connect(place, origin=origin or f"http://{home}") as socket:
            for message in messages:
                await socket.send(json.dumps(message) if isinstance(message, dict) else message)
            return [await asyncio.wait_for(socket.recv(), 60) for _ in range(answers)]

    return asyncio.run(main())


def test_a_frame_comes_back_painted(running):
    (painted,) = talk(running, {"look": {"style": "udnie"}, "short_side_px": 120}, FRAME)
    assert decoded(painted).shape == (120, 160, 3)
    assert np.median(decoded(painted)) == pytest.approx(204, abs=3)


def test_a_camera_of_the_server_is_painted(running):
    pictures = talk(running, {"look": {"style": "udnie"}, "short_side_px": 120}, source="0", answers=5)
    assert np.median(decoded(pictures[-1])) == pytest.approx(204, abs=3)


def test_the_original_beside_the_painting(running):
    message = {"look": {"style": "udnie"}, "short_side_px": 120, "split": True}
    (both,) = talk(running, message, FRAME)
    assert np.median(decoded(both)[60:, :70]) == pytest.approx(90, abs=3)
    assert np.median(decoded(both)[60:, 90:]) == pytest.approx(204, abs=3)


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("{", "JSON or a JPEG"),
        ({"style": "udnie"}, "'look', 'short_side_px' and 'split'"),
        ({"split": 1}, "'split' is true or false"),
        ({"short_side_px": 9000}, "from 120 to 720"),
        ({"look": {"style": "/etc/passwd"}}, "unknown style"),
        (b"<svg/>", "a frame must be a JPEG"),
        (b"\xff\xd8\xff broken", "a frame must be a JPEG"),
        (bytes(1_100_000), "too large"),
    ],
)
def test_what_makes_no_sense_is_told_and_the_next_frame_is_painted(running, message, told):
    error, painted = talk(running, message, answers=1)[0], talk(running, FRAME)[0]
    assert told in json.loads(error)["error"]
    assert decoded(painted).shape == (120, 160, 3)


@pytest.mark.parametrize("source", ["7", "nonsense", "-1"])
def test_a_camera_that_is_not_there(running, source):
    (error,) = talk(running, source=source)
    assert "error" in json.loads(error)


def test_other_sites_are_refused(running):
    with pytest.raises(websockets.exceptions.InvalidStatus, match="403"):
        talk(running, FRAME, origin="http://evil.example")
