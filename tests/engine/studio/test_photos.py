from __future__ import annotations

import io
import zipfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from support.studio import decoded, picture_file, visitor

# The tone that the tiny zoo's styles paint the whole picture in.
TONES = {"great-wave": 51, "starry-night": 102, "the-scream": 153, "udnie": 204}


@pytest.fixture
def photo(client):
    answer = client.upload("/api/photos", picture_file(60, 80), name="my%20photo.png")
    assert answer.status == 201
    return answer.json


def level(data: bytes) -> float:
    return float(np.median(decoded(data)))


def test_a_photograph_is_known_by_its_size_and_title(photo):
    assert (photo["width"], photo["height"], photo["title"]) == (80, 60, "my photo")


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".bmp", ".tiff"])
def test_every_format_comes_in(client, suffix):
    assert client.upload("/api/photos", picture_file(20, 30, suffix=suffix)).status == 201


def test_the_preview_is_painted_in_the_requested_look(client, photo):
    path = f"/api/photos/{photo['id']}/painted.jpg"
    assert level(client.post(path, {"style": "udnie"}).body) == pytest.approx(204, abs=2)
    half = client.post(path, {"style": "udnie", "numbers": {"strength": 0.5}})
    assert level(half.body) == pytest.approx((204 + 90) / 2, abs=2)
    mixed = client.post(path, {"style": "great-wave:0.5+udnie:0.5"})
    assert level(mixed.body) == pytest.approx((51 + 204) / 2, abs=2)
    assert level(client.post(path, {}).body) == pytest.approx(90, abs=2)
    few = client.post(path, {"style": "", "amounts": {"quantize": 16}})
    assert level(few.body) == pytest.approx(90 + 16, abs=2)


def test_the_background_has_a_style_of_its_own(client, photo):
    look = {"style": "udnie", "background": "great-wave"}
    image = decoded(client.post(f"/api/photos/{photo['id']}/painted.jpg", look).body)
    assert image[2, 2, 0] > image[-2, -2, 0]  # the white corner is the tiny zoo's subject


def test_tiles_are_the_photograph_in_each_style(client, photo):
    for name, tone in TONES.items():
        tile = client.get(f"/api/photos/{photo['id']}/tiles/{name}.jpg")
        assert level(tile.body) == pytest.approx(tone, abs=2)


@pytest.mark.parametrize(("form", "suffix"), [("jpeg", ".jpg"), ("png", ".png"), ("webp", ".webp")])
def test_full_size_in_every_format(client, form, suffix):
    large = client.upload("/api/photos", picture_file(1900, 2000, suffix=".jpg")).json
    job = client.post(
        "/api/exports", {"photos": [large["id"]], "look": {"style": "udnie"}, "format": form}
    ).json
    done = client.job_done(job["id"])
    assert (done["state"], done["name"]) == ("done", f"a-painted{suffix}")
    file = client.get(f"/api/jobs/{job['id']}/file")
    assert "attachment" in file.headers["content-disposition"]
    assert decoded(file.body).shape == (1900, 2000, 3)
    assert level(file.body) == pytest.approx(204, abs=2)


def test_transparency_is_kept(client):
    import cv2

    image = np.full((20, 20, 4), (90, 90, 90, 40), np.uint8)
    photo = client.upload("/api/photos", cv2.imencode(".png", image)[1].tobytes()).json
    job = client.post("/api/exports", {"photos": [photo["id"]], "look": {}, "format": "png"}).json
    assert client.job_done(job["id"])["state"] == "done"
    data = np.frombuffer(client.get(f"/api/jobs/{job['id']}/file").body, np.uint8)
    assert (cv2.imdecode(data, cv2.IMREAD_UNCHANGED)[:, :, 3] == 40).all()


def test_several_photographs_come_as_one_zip(client):
    numbers = [client.upload("/api/photos", picture_file(20, 20 + n)).json["id"] for n in range(3)]
    job = client.post("/api/exports", {"photos": numbers, "look": {"style": "udnie"}}).json
    assert client.job_done(job["id"])["state"] == "done"
    with zipfile.ZipFile(io.BytesIO(client.get(f"/api/jobs/{job['id']}/file").body)) as archive:
        assert archive.namelist() == ["a-painted.jpg", "a-painted-2.jpg", "a-painted-3.jpg"]
        assert [decoded(archive.read(name)).shape[1] for name in archive.namelist()] == [20, 21, 22]


def test_a_reload_finds_photographs_and_jobs_again(client, photo):
    job = client.post("/api/exports", {"photos": [photo["id"]], "look": {}}).json
    client.job_done(job["id"])
    state = client.get("/api/studio").json
    assert [one["id"] for one in state["photos"]] == [photo["id"]]
    assert [one["id"] for one in state["jobs"]] == [job["id"]]


def test_nobody_else_can_see_them(running, client, photo):
    job = client.post("/api/exports", {"photos": [photo["id"]], "look": {}}).json
    client.job_done(job["id"])
    other = visitor(running)
    for method, path in (
        ("GET", f"/api/photos/{photo['id']}/original.jpg"),
        ("DELETE", f"/api/photos/{photo['id']}"),
        ("GET", f"/api/jobs/{job['id']}/file"),
        ("DELETE", f"/api/jobs/{job['id']}"),
    ):
        assert other.request(method, path).status == 404
    assert other.get("/api/studio").json["photos"] == []


def test_what_is_deleted_is_gone(running, client, photo, tmp_path_factory):
    assert client.request("DELETE", f"/api/photos/{photo['id']}").status == 204
    assert client.get(f"/api/photos/{photo['id']}/original.jpg").status == 404


@pytest.mark.parametrize(
    ("look", "message"),
    [
        ({"style": "/etc/passwd"}, "unknown style"),
        ({"style": "../x.safetensors"}, "unknown style"),
        ({"style": 5}, "name or a mix"),
        ({"style": "u" * 1000}, "name or a mix"),
        ({"numbers": {"strength": 7}}, "from 0 to 1"),
        ({"numbers": {"strength": "1"}}, "from 0 to 1"),
        ({"numbers": {"strength": True}}, "from 0 to 1"),
        ({"numbers": {"nonsense": 1}}, "no control"),
        ({"numbers": [1]}, "object of numbers"),
        ({"amounts": {"quantize": 1}}, "from 2"),
        ({"colour": 1}, "a look must be an object"),
        ({"long_side_px": 10**9}, "long_side_px"),
    ],
)
def test_looks_that_make_no_sense_are_refused(client, photo, look, message):
    answer = client.post(f"/api/photos/{photo['id']}/painted.jpg", look)
    assert answer.status == 400
    assert message in answer.json["error"]


def test_twenty_visitors_at_once(running):
    def visit(number: int) -> float:
        one = visitor(running)
        photo = one.upload("/api/photos", picture_file(40, 40, value=10 * number)).json
        path = f"/api/photos/{photo['id']}/painted.jpg"
        return level(one.post(path, {"style": "udnie", "numbers": {"strength": 0}}).body)

    with ThreadPoolExecutor(20) as pool:
        levels = list(pool.map(visit, range(20)))
    assert levels == pytest.approx([10 * number for number in range(20)], abs=2)
