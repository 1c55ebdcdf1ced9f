"""Batches: what is found, what is continued, and what happens when workers die."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from multiprocessing.connection import Connection

import numpy as np
import pytest

from artrt.engine.errors import InputError, UnknownStyleError, UsageError
from artrt.engine.frame import read_image, write_image
from artrt.engine.jobs.batch import find_jobs, fingerprint, run_batch
from artrt.engine.jobs.manifest import NAME, BatchManifest
from artrt.engine.jobs.processes import _serve
from artrt.engine.jobs.work import Work, shared_out
from artrt.engine.looks.look import Look
from artrt.engine.sources import Size
from support.batch import FaultyWork
from support.clips import make_clip


@pytest.fixture
def source(tmp_path, picture):
    """Two dark pictures and, in a subfolder, a bright one."""
    folder = tmp_path / "source"
    write_image(folder / "one.png", picture(16, 16) // 2)
    write_image(folder / "two.png", picture(16, 24) // 2)
    write_image(folder / "sub" / "bright.png", np.full((16, 16, 3), 250, np.uint8))
    return folder


def faulty(tmp_path, times, **options):
    return FaultyWork(counter=str(tmp_path / "counter"), times=times, **options)


def outputs(result):
    return sorted(outcome.job.output.name for outcome in result.done)


def test_subfolders_are_kept_and_hidden_files_left_out(source, tmp_path):
    (source / ".hidden").mkdir()
    for hidden in (source / ".hidden" / "a.png", source / ".b.png"):
        hidden.write_bytes((source / "one.png").read_bytes())
    make_clip(source / "sub" / "clip.mov", frames=2)
    jobs = find_jobs(source, tmp_path / "out")
    names = {str(job.output.relative_to(tmp_path / "out")): job.kind for job in jobs}
    assert names == {
        "one.png": "picture",
        "two.png": "picture",
        "sub/bright.png": "picture",
        "sub/clip.mov": "video",
    }


def test_destination_below_the_source_is_not_an_input(source):
    write_image(source / "out" / "one.png", read_image(source / "one.png"))
    assert {job.input.name for job in find_jobs(source, source / "out")} == {
        "one.png",
        "two.png",
        "bright.png",
    }
    assert all("out" not in job.input.parts[-2] for job in find_jobs(source, source / "out"))


def test_source_as_destination_is_refused(source):
    with pytest.raises(UsageError, match="would overwrite the input"):
        find_jobs(source, source)


@pytest.mark.parametrize(
    ("name", "message"), [("missing", "no such folder"), ("file", "not a folder"), ("empty", "no pictures")]
)
def test_nothing_to_do(tmp_path, name, message):
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=message):
        find_jobs(tmp_path / name, tmp_path / "out")


def test_cores_are_divided():
    assert shared_out(Work(workers=8), 3).workers == 3
    assert shared_out(Work(Look(threads=2), workers=2), 9).look.threads == 2
    assert shared_out(Work(workers=1000), 1000).look.threads == 1


def test_second_run_continues_the_first(source, tmp_path):
    out, work = (
        tmp_path / "out",
        faulty(
            tmp_path,
            1,
            kills=False,
        ),
    )
    seen = []
    first = run_batch(
        source, out, work=work, on_outcome=lambda outcome, done, total: seen.append((done, total))
    )
    assert (outputs(first), first.failed, first.skipped) == (["bright.png", "one.png", "two.png"], [], 0)
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert np.array_equal(read_image(out / "one.png"), 255 - read_image(source / "one.png"))

    (out / "two.png").unlink()  # a lost output is done again, and so is a changed input
    write_image(source / "one.png", read_image(source / "two.png"))
    with open(out / NAME, "a", encoding="utf-8") as file:
        file.write('{"input": "cut of')
    second = run_batch(source, out, work=work)
    assert (outputs(second), second.skipped) == (["one.png", "two.png"], 1)
    lines = [json.loads(line) for line in (out / NAME).read_text().splitlines() if line.endswith("}")]
    assert len(lines) == 5
    assert run_batch(source, out, work=work).skipped == 3
    assert len(run_batch(source, out, work=work, again=True).done) == 3


def test_other_look_is_done_again(tmp_path, use_tiny_zoo):
    del use_tiny_zoo
    looks = {
        fingerprint(Work(Look("udnie"))),
        fingerprint(Work(Look("udnie:0.7+the-scream:0.3"))),
        fingerprint(Work(Look("udnie", strength=0.5))),
        fingerprint(Work(Look("udnie"), Size(64))),
        fingerprint(Work(Look("udnie"), keep_metadata=False)),
        fingerprint(Work(Look("udnie"), workers=7, retries=0)),
    }
    assert len(looks) == 5  # how many work makes no difference


def test_failure_that_is_not_the_files_own_is_tried_again(source, tmp_path):
    result = run_batch(source, tmp_path / "out", work=faulty(tmp_path, 2, kills=False))
    assert {outcome.job.input.name: outcome.attempts for outcome in result.done} == {
        "one.png": 1,
        "two.png": 1,
        "bright.png": 3,
    }


def test_unreadable_file_is_left_out_at_once(source, tmp_path):
    (source / "bad.png").write_text("a poem")
    result = run_batch(source, tmp_path / "out", work=faulty(tmp_path, 0))
    (failed,) = result.failed
    assert (failed.job.input.name, failed.attempts) == ("bad.png", 1)
    assert "not a picture that can be decoded" in failed.error
    assert len(result.done) == 3
    entries = [json.loads(line) for line in (tmp_path / "out" / NAME).read_text().splitlines()]
    assert [entry["input"] for entry in entries if "error" in entry] == ["bad.png"]
    assert {
        outcome.job.input.name
        for outcome in run_batch(source, tmp_path / "out", work=faulty(tmp_path, 0)).failed
    } == {"bad.png"}


def test_killed_worker_is_replaced_and_its_file_done(source, tmp_path):
    result = run_batch(source, tmp_path / "out", work=faulty(tmp_path, 2))
    assert outputs(result) == ["bright.png", "one.png", "two.png"]
    attempts = {outcome.job.input.name: outcome.attempts for outcome in result.done}
    assert attempts["bright.png"] == 3
    assert os.getpid() not in {outcome.worker for outcome in result.done}


def test_file_that_kills_every_worker_is_given_up(source, tmp_path):
    result = run_batch(source, tmp_path / "out", work=faulty(tmp_path, 99))
    assert outputs(result) == ["one.png", "two.png"]
    (failed,) = result.failed
    assert "bright.png: its worker died 3 times, last with code -9" in failed.error


def test_error_of_opening_the_models_ends_the_batch(source, tmp_path, use_tiny_zoo):
    del use_tiny_zoo
    with pytest.raises(UsageError, match="unknown style 'nothing'") as caught:
        run_batch(source, tmp_path / "out", work=Work(Look("nothing", provider="cpu")))
    assert caught.type is UnknownStyleError


def test_error_of_a_worker_that_opens_its_models_ends_the_batch(source, tmp_path, use_tiny_zoo):
    del use_tiny_zoo
    with pytest.raises(InputError, match="no model file /nowhere/model.onnx") as caught:
        run_batch(source, tmp_path / "out", work=Work(Look("udnie", model="/nowhere/model.onnx")))
    assert caught.type is InputError
    assert not list((tmp_path / "out").glob("*.png"))


def test_manifest_without_a_file_is_empty(tmp_path):
    assert BatchManifest(tmp_path, tmp_path / "out", "look").finished() == set()


@pytest.mark.parametrize("retries", [0, 2])
def test_worker_that_dies_before_its_next_job_costs_no_try(source, tmp_path, monkeypatch, retries):
    send, sent = Connection.send, []
    others = set(multiprocessing.active_children())  # of tests before this one

    def send_after_death(self, job):
        sent.append(job)
        if len(sent) == 2:
            (worker,) = set(multiprocessing.active_children()) - others
            worker.kill()
            worker.join()
        send(self, job)

    monkeypatch.setattr(Connection, "send", send_after_death)
    work = faulty(tmp_path, 0, retries=retries)
    result = run_batch(source, tmp_path / "out", work=work)
    assert {outcome.job.input.name: outcome.attempts for outcome in result.done} == {
        "one.png": 1,
        "two.png": 1,
        "bright.png": 1,
    }
    assert len(sent) == 4


def test_a_worker_whose_parent_is_gone_ends_quietly(tmp_path, source, capfd):
    ours, theirs = multiprocessing.Pipe()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGHUP)}
    job = find_jobs(source, tmp_path / "out")[0]
    ours.send((job, 0))
    ours.close()
    try:
        _serve(theirs, faulty(tmp_path, 0))
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    assert "Traceback" not in capfd.readouterr().err
