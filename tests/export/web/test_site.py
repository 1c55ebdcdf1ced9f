"""What `artrt export --format web` writes."""

from __future__ import annotations

import json
import re

import cv2
import pytest

from artrt.cli.main import run
from artrt.engine.errors import UsageError
from artrt.engine.zoo.artefact import Artefact
from artrt.export.options import ExportOptions


@pytest.fixture
def export(tiny_zoo, false_runtime, tmp_path, monkeypatch):
    """Exports the tiny zoo's trunk by the command line; gives the exit code."""
    monkeypatch.setenv("ARTRT_ZOO", str(tiny_zoo.folder))

    def call(*arguments, name="site"):
        given = ["--model", "tiny", "--format", "web", "--no-verify", "--runtime", str(false_runtime)]
        return run(["export", *given, *arguments, "-o", str(tmp_path / name)])

    return call


def listed(site):
    """What the service worker is told."""
    text = (site / "files.js").read_text()
    return json.loads(text.removeprefix("self.SITE = ").removesuffix(";\n"))


def test_the_folder_is_whole(export, tmp_path, capsys):
    assert export() == 0
    site = tmp_path / "site"
    said = capsys.readouterr().out
    assert "are onnxruntime-web; a browser fetches one of: WebAssembly" in said
    assert f"python -m http.server -d {site}" in said
    artefact = Artefact.open(site)
    assert artefact.styles == ["starry-night", "udnie"]
    for name in ("painted.jpg", "tiles/starry-night.jpg", "tiles/udnie.jpg", "icon-192.png", "icon-512.webp"):
        assert cv2.imread(str(site / name)).std() > 5, name
    app = json.loads((site / "app.json").read_text())
    for icon in app["icons"]:
        assert icon["sizes"] == "{1}x{0}".format(*cv2.imread(str(site / icon["src"])).shape)
    files = {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()}
    assert set(listed(site)["files"]) == files - {"files.js"}
    assert set(listed(site)["shell"]) <= files


def test_every_file_that_the_page_names_is_there(export, tmp_path):
    assert export() == 0
    site = tmp_path / "site"
    texts = {
        path: path.read_text() for path in [*site.glob("*.html"), *site.glob("*.css"), *site.rglob("js/*.js")]
    }
    named = set()
    for path, text in texts.items():
        base = path.parent
        for pattern in (r'(?:href|src)="([\w./-]+)"', r"url\(([\w./-]+)\)"):
            named |= {base / name for name in re.findall(pattern, text)}
        named |= {base / name for name in re.findall(r'(?:from|URL\() ?"(\./[\w.]+)"', text)}
    assert len(named) > 20
    assert [str(path) for path in named if not path.is_file()] == []
    assert not any(re.search(r"https?://(?!www\.w3\.org/)", text) for text in texts.values())


def test_the_version_follows_the_content(export, tmp_path):
    assert export(name="a") == export(name="b") == export("--styles", "udnie", name="c") == 0
    versions = [listed(tmp_path / name)["version"] for name in "abc"]
    assert versions[0] == versions[1] != versions[2]


def test_without_webgpu_it_is_left_out(export, tmp_path):
    assert export("--no-webgpu") == 0
    assert not list((tmp_path / "site" / "ort").glob("*webgpu*"))
    assert list((tmp_path / "site" / "ort").glob("*.wasm"))


def test_a_missing_runtime_is_told_before_anything_is_built(tiny_zoo, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("ARTRT_ZOO", str(tiny_zoo.folder))
    assert run(["export", "--model", "tiny", "--format", "web", "-o", str(tmp_path / "site")]) == 1
    errors = capsys.readouterr().err
    assert len(errors.strip().splitlines()) == 1
    assert "run `artrt models pull onnxruntime-web`" in errors
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize(
    ("choices", "match"),
    [
        ({"precision": "fp16"}, "computes in fp32"),
        ({"saliency": True}, "'stylize' stage alone"),
        ({"batch": 2}, "pictures of any size"),
        ({"format": "onnx", "webgpu": False}, "--no-webgpu are of --format web"),
    ],
)
def test_what_a_page_cannot_do_is_refused(choices, match):
    with pytest.raises(UsageError, match=match):
        ExportOptions(**{"format": "web", **choices})
