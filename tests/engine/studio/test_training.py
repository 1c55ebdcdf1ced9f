"""A style is trained as a job: watched by its samples, cancelled, used when it is done."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from artrt.cli.train_style import command
from artrt.engine.errors import MissingExtraError
from artrt.engine.studio import training
from artrt.engine.studio.options import TRAINER, StudioOptions
from support.studio import decoded, picture_file, studio, visitor

# Stands in for `artrt train style`, with its words: it needs no network, and ends when the test says so.
TRAINER_STAND_IN = """
import os, pathlib, sys, time
import cv2, numpy as np
from artrt.engine.zoo.style import save_style
from artrt.engine.zoo.zoo import Zoo

painting, given = sys.argv[1], dict(word.split("=", 1) for word in sys.argv[2:])
output, place = pathlib.Path(given["--output"]), pathlib.Path(os.environ["STAND_IN"])
(place / "pid").write_text(str(os.getpid()))
(place / "photos").write_text(str(len(list(pathlib.Path(given["--photos"]).iterdir()))))
samples = output.with_suffix(".training")
samples.mkdir()
cv2.imwrite(str(samples / "samples-000025.jpg"), np.full((20, 40, 3), 77, np.uint8))
deadline = time.monotonic() + 60
while not (place / "go on").exists() and time.monotonic() < deadline:
    time.sleep(0.02)
if (place / "go on").read_text() == "fail":
    sys.exit(f"artrt: error: {painting}: no such loss network")
style = Zoo().style("udnie")
save_style(output, style)
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("stand-in")


@pytest.fixture(scope="module")
def trains(tiny_zoo, place):
    os.environ["STAND_IN"] = str(place)
    trainer = (sys.executable, "-c", TRAINER_STAND_IN)
    with studio(tiny_zoo, folder=place, trainer=trainer) as server:
        yield server
    del os.environ["STAND_IN"]


@pytest.fixture
def client(trains, place):
    (place / "go on").unlink(missing_ok=True)
    (place / "pid").unlink(missing_ok=True)
    return visitor(trains)


def own_style(client) -> dict:
    data = cv2.imencode(".png", np.full((80, 120, 3), 120, np.uint8))[1].tobytes()
    return client.upload("/api/styles/painting", data, name="Irises.png").json


def start(client) -> dict:
    answer = client.post(f"/api/styles/{own_style(client)['id']}/train", {})
    assert answer.status == 202
    return answer.json


def eventually(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)


def job_of(client, job) -> dict:
    return next(one for one in client.get("/api/jobs").json if one["id"] == job["id"])


def leftovers(server) -> list[Path]:
    return list(Path(server.folder).glob("training-*"))


def test_samples_come_and_then_the_style(trains, client, place):
    photo = client.upload("/api/photos", picture_file(60, 80)).json
    job = start(client)
    eventually(lambda: job_of(client, job).get("sample") == "25")
    assert job_of(client, job)["state"] == "running"
    assert decoded(client.get(f"/api/jobs/{job['id']}/sample.jpg").body).shape == (20, 40, 3)
    assert visitor(trains).get(f"/api/jobs/{job['id']}/sample.jpg").status == 404
    (place / "go on").write_text("well")
    done = client.job_done(job["id"])
    assert (done["state"], done["share"]) == ("done", 1.0)
    assert (place / "photos").read_text() == "2"  # the visitor's, and the shipped one
    styles = client.get("/api/studio").json["styles"]
    assert styles[0]["name"] == done["style"]
    assert styles[0]["title"] == "Irises, trained"
    assert client.get(styles[0]["painting"]).status == 200
    painted = client.post(f"/api/photos/{photo['id']}/painted.jpg", {"style": done["style"]})
    assert np.median(decoded(painted.body)) == pytest.approx(204, abs=3)
    assert leftovers(trains) == []


def test_a_training_is_cancelled(trains, client, place):
    job = start(client)
    eventually(lambda: (place / "pid").exists() and (place / "pid").read_text())
    process = int((place / "pid").read_text())
    assert client.request("DELETE", f"/api/jobs/{job['id']}").status == 204
    assert client.job_done(job["id"])["state"] == "cancelled"
    eventually(lambda: not Path(f"/proc/{process}").exists())
    eventually(lambda: leftovers(trains) == [])


def test_why_it_failed_is_told_in_one_line(trains, client, place):
    (place / "go on").write_text("fail")
    failed = client.job_done(start(client)["id"])
    assert failed["state"] == "failed"
    assert failed["error"] == "the training failed: the painting: no such loss network"
    eventually(lambda: leftovers(trains) == [])


def test_only_a_style_with_a_painting_is_trained(client):
    blend = client.post("/api/styles", {"style": "udnie:0.5+great-wave:0.5", "title": "Both"}).json
    answer = client.post(f"/api/styles/{blend['id']}/train", {})
    assert (answer.status, answer.json["error"]) == (
        400,
        "only a style that was computed from a painting can be trained",
    )


def test_without_torch_it_is_told_what_to_install(trains, client, monkeypatch):
    style = own_style(client)
    monkeypatch.setattr(training.importlib.util, "find_spec", lambda name: None)
    answer = client.post(f"/api/styles/{style['id']}/train", {})
    assert answer.status == 400
    assert "training a style needs torch: pip install 'artrt[train]'" in answer.json["error"]
    with pytest.raises(MissingExtraError, match=r"artrt\[train\]"):
        training.require_training(StudioOptions())


def test_the_real_command_takes_these_words(tiny_zoo, tmp_path):
    options = replace(StudioOptions(), train_minutes=1.5, train_photos=tmp_path)
    words = training.command_of(options, tmp_path)
    assert tuple(words[:5]) == TRAINER
    given = command.make_context("style", words[5:]).params
    assert (given["minutes"], given["sample_steps"], given["model"]) == (1.5, training.SAMPLE_STEPS, "small")
    assert (given["photos"], given["output"]) == (tmp_path, tmp_path / "style.safetensors")
