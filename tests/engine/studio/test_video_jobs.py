from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from support.clips import make_clip, probe
from support.studio import decoded


def clip(tmp_path, *, frames=20, rate=20, size=(64, 48), audio=None, name="clip.mp4") -> bytes:
    path = make_clip(tmp_path / name, frames=frames, rate=rate, width=size[0], height=size[1], audio=audio)
    return path.read_bytes()


@pytest.fixture
def video(client, tmp_path):
    return client.upload("/api/videos", clip(tmp_path, audio="aac"), name="my%20clip.mp4").json


def test_a_video_is_measured(client, video):
    assert (video["title"], video["width"], video["height"], video["frames"]) == ("my clip", 64, 48, 20)
    assert video["seconds"] == pytest.approx(0.95, abs=0.06)
    assert decoded(client.get(f"/api/videos/{video['id']}/poster.jpg").body).shape == (48, 64, 3)
    first = client.post(f"/api/videos/{video['id']}/painted.jpg", {"style": "udnie"})
    assert np.median(decoded(first.body)) == pytest.approx(204, abs=2)


@pytest.mark.parametrize("name", ["a.mkv", "a.webm", "a.mov", "a.avi"])
def test_every_container_comes_in(client, tmp_path, name):
    answer = client.upload("/api/videos", clip(tmp_path, frames=5, name=name), name=name)
    assert (answer.status, answer.json["frames"]) == (201, 5)


def test_a_video_is_painted_whole_with_its_sound(client, video, tmp_path):
    job = client.post(f"/api/videos/{video['id']}/paint", {"look": {"style": "udnie"}}).json
    assert client.job_done(job["id"])["state"] == "done"
    file = client.get(f"/api/jobs/{job['id']}/file")
    (tmp_path / "painted.mp4").write_bytes(file.body)
    facts = probe(tmp_path / "painted.mp4")
    assert (facts.frames, facts.width, facts.height) == (20, 64, 48)
    assert "my%20clip-painted.mp4" in file.headers["content-disposition"]


def test_one_job_is_cancelled_and_another_finished(running, client, video, tmp_path):
    long = client.upload("/api/videos", clip(tmp_path, frames=100, rate=30, size=(320, 240))).json
    first = client.post(f"/api/videos/{long['id']}/paint", {"look": {"style": "udnie"}}).json
    second = client.post(f"/api/videos/{video['id']}/paint", {"look": {"style": "udnie"}}).json
    deadline = time.monotonic() + 30
    while client.get("/api/jobs").json[0]["state"] != "running":
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert client.request("DELETE", f"/api/jobs/{first['id']}").status == 204
    assert client.job_done(second["id"])["state"] == "done"
    assert client.job_done(first["id"])["state"] == "cancelled"
    assert client.get(f"/api/jobs/{first['id']}/file").status == 404
    assert [path.name for path in Path(running.folder).rglob("*partial*")] == []
    assert client.request("DELETE", f"/api/jobs/{second['id']}").status == 204
    assert client.get(f"/api/jobs/{second['id']}/file").status == 404
