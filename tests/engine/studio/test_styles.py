"""The place Styles: a painting comes in and is a style at once; what is none is refused in one line."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from support.studio import decoded, picture_file


def painting(color, *, height=80, width=120) -> bytes:
    return cv2.imencode(".png", np.full((height, width, 3), color, np.uint8))[1].tobytes()


def test_a_painting_is_a_style_at_once(client):
    answer = client.upload("/api/styles/painting", painting((120, 120, 120)), name="My%20Painting.png")
    assert answer.status == 201
    assert answer.json["title"] == "My Painting"
    style = answer.json["name"]
    assert decoded(client.get(answer.json["painting"]).body).shape == (80, 120, 3)
    listed = client.get("/api/studio").json["styles"]
    assert listed[0]["name"] == style
    photo = client.upload("/api/photos", picture_file(60, 80)).json
    painted = decoded(client.post(f"/api/photos/{photo['id']}/painted.jpg", {"style": style}).body)
    assert np.median(painted) == pytest.approx(120, abs=3)
    mixed = client.post(f"/api/photos/{photo['id']}/painted.jpg", {"style": f"{style}:0.5+udnie:0.5"})
    assert np.median(decoded(mixed.body)) == pytest.approx((120 + 204) / 2, abs=3)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (painting((1, 2, 3), height=16, width=16), "16x16"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>" * 10, ""),
        (painting((1, 2, 3))[:60], ""),
    ],
)
def test_what_is_no_painting_leaves_nothing_behind(client, data, words):
    before = client.get("/api/studio").json["styles"]
    answer = client.upload("/api/styles/painting", data, name="x.png")
    assert 400 <= answer.status < 500
    assert words in answer.json["error"]
    assert client.get("/api/studio").json["styles"] == before
