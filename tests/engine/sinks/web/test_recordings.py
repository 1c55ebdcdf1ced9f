from __future__ import annotations

import time

import pytest

from artrt.engine.sinks import WebOptions
from artrt.engine.sinks.recording import RecordingLimits
from artrt.engine.sinks.web.options import RecordingQuota
from support.clips import probe
from support.disks import small_disk
from support.page import page


def eventually(condition, *, seconds=30.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.05)


def recording(folder, **quota):
    limits = quota.pop("each", RecordingLimits())
    return page(options=WebOptions(recordings=RecordingQuota(folder=folder, each=limits, **quota)))


def record(client, pipeline, *, frames=5):
    """Makes a short recording; its name."""
    name = client.post("/api/recording", {"recording": True}).json["recording"]
    eventually(
        lambda: any(name in key and sink.written > frames for key, sink in pipeline.stats().sinks.items())
    )
    assert client.post("/api/recording", {"recording": False}).json["recording"] is None
    return name


def still_plays(pipeline):
    before = pipeline.stats().frames_out
    eventually(lambda: pipeline.stats().frames_out > before + 3)
    return True


def test_recordings_are_listed_downloaded_and_deleted(tmp_path):
    with recording(tmp_path) as (_, pipeline, client):
        name = record(client, pipeline)
        (entry,) = client.state()["recordings"]
        assert entry["name"] == name
        answer = client.get(f"/api/recordings/{name}")
        assert answer.status == 200
        assert len(answer.body) == entry["bytes"]
        assert f'filename="{name}"' in answer.headers["content-disposition"]
        copy = tmp_path / "copy.mp4"
        copy.write_bytes(answer.body)
        assert probe(copy).frames >= 1
        assert client.request("DELETE", f"/api/recordings/{name}").json["recordings"] == []
        assert not (tmp_path / name).exists()
        assert client.get(f"/api/recordings/{name}").status == 404


@pytest.mark.parametrize("name", ["secret.mp4", "..%2Fsecret.mp4", "%2Fetc%2Fpasswd"])
def test_no_other_file_is_handed_out_or_deleted(tmp_path, name):
    (tmp_path / "secret.mp4").write_text("mine")
    with recording(tmp_path) as (_, _, client):
        for method in ("GET", "DELETE"):
            assert client.request(method, f"/api/recordings/{name}").status in (404, 405)
    assert (tmp_path / "secret.mp4").read_text() == "mine"


def test_a_running_recording_is_neither_handed_out_nor_deleted(tmp_path):
    with recording(tmp_path) as (_, _, client):
        name = client.post("/api/recording", {"recording": True}).json["recording"]
        assert client.get(f"/api/recordings/{name}").status == 404
        assert client.request("DELETE", f"/api/recordings/{name}").status == 404


def test_the_number_of_recordings_has_a_limit(tmp_path):
    with recording(tmp_path, count=2) as (_, pipeline, client):
        names = [record(client, pipeline, frames=1) for _ in range(2)]
        answer = client.post("/api/recording", {"recording": True})
        assert answer.status == 400
        assert "delete one first" in answer.json["error"]
        client.request("DELETE", f"/api/recordings/{names[0]}")
        assert client.post("/api/recording", {"recording": True}).status == 200


def test_the_bytes_of_recordings_have_a_limit(tmp_path):
    with recording(tmp_path, bytes=100) as (_, pipeline, client):
        record(client, pipeline)
        assert "delete one first" in client.post("/api/recording", {"recording": True}).json["error"]


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (RecordingLimits(seconds=0.5), "ends after 0.5 s"),
        (RecordingLimits(bytes=1), "ends at"),
    ],
)
def test_a_recording_ends_at_its_limit_and_the_show_goes_on(tmp_path, limits, said):
    with recording(tmp_path, each=limits) as (_, pipeline, client):
        name = client.post("/api/recording", {"recording": True}).json["recording"]
        eventually(lambda: client.state()["recording"] is None)
        assert said in client.state()["recording_problem"]
        assert still_plays(pipeline)
        assert probe(tmp_path / name).frames >= 1
        again = client.post("/api/recording", {"recording": True}).json
        assert again["recording"] not in (None, name)
        assert again["recording_problem"] is None


def test_no_recording_starts_on_a_disk_that_is_almost_full(tmp_path):
    with recording(tmp_path, each=RecordingLimits(free_bytes=10**18)) as (_, pipeline, client):
        answer = client.post("/api/recording", {"recording": True})
        assert answer.status == 500
        assert "are free" in answer.json["error"]
        assert still_plays(pipeline)


def test_a_full_disk_ends_the_recording_alone(tmp_path):
    with small_disk(tmp_path / "small") as folder:
        (folder / "ballast").write_bytes(b"x" * 900_000)
        with recording(folder) as (_, pipeline, client):
            client.post("/api/recording", {"recording": True})
            eventually(lambda: client.state()["recording"] is None, seconds=90)
            assert "disk is full" in client.state()["recording_problem"]
            assert still_plays(pipeline)


def test_snapshots_have_a_limit_by_address(tmp_path):
    with recording(tmp_path) as (_, pipeline, client):
        eventually(lambda: pipeline.stats().frames_out > 0)
        answers = [client.get("/snapshot.png").status for _ in range(60)]
        assert answers.count(200) >= 20
        assert 429 in answers
