"""`artrt models`: the listing, and fetching without a net."""

import hashlib
import json

import pytest

from artrt.cli.main import run
from artrt.models.networks.pretrained import CATALOGUE, OTHERS, WeightsFile


@pytest.fixture(autouse=True)
def no_torch_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))


def test_the_list_has_every_network(capsys, tmp_path):
    (tmp_path / "cache" / "weights").mkdir(parents=True)
    (tmp_path / "cache" / "weights" / "vgg16-397923af.pth").touch()
    assert run(["models", "list", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert set(rows) == {*CATALOGUE, *OTHERS}
    assert rows["vgg16"]["path"].endswith("vgg16-397923af.pth")
    assert rows["vgg19"]["path"] is None
    assert run(["models", "list"]) == 0
    assert "vgg19            574.7 MB  not here (https://" in capsys.readouterr().out


def test_pull_prints_the_path(capsys, tmp_path, monkeypatch):
    source = tmp_path / "tiny.pth"
    source.write_bytes(b"weights")
    file = WeightsFile("tiny.pth", hashlib.sha256(b"weights").hexdigest(), 7, source.as_uri(), "none")
    monkeypatch.setitem(CATALOGUE, "tiny", ((file,),))
    assert run(["models", "pull", "tiny"]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "cache" / "weights" / "tiny.pth")


@pytest.mark.parametrize(("name", "message"), [("compact", "no download address"), ("vgg91", "did you mean")])
def test_what_cannot_be_pulled_is_told(capsys, name, message):
    assert run(["models", "pull", name]) == 2
    assert message in capsys.readouterr().err


def test_offline_is_one_line_with_the_way_by_hand(capsys, monkeypatch):
    file = WeightsFile("tiny.pth", "0" * 64, 7, "http://127.0.0.1:9/tiny.pth", "none")
    monkeypatch.setitem(CATALOGUE, "tiny", ((file,),))
    assert run(["models", "pull", "tiny"]) == 1
    errors = capsys.readouterr().err
    assert len(errors.strip().splitlines()) == 1
    assert "By hand: put tiny.pth (sha256 0000" in errors
