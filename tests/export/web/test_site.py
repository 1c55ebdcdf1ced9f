"""What `artrt export --format web` writes."""

from __future__ import annotations

import json
import re
import shutil

import cv2
import onnx
import pytest

from artrt.cli.main import run
from artrt.engine.errors import UsageError
from artrt.engine.zoo.artefact import Artefact
from artrt.engine.zoo.zoo import Zoo, write_manifest
from artrt.export.options import ExportOptions, StageChoice
from support.models import SALIENCY, SALIENCY_SPEC, model_from_text, write_style_encoder


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


@pytest.fixture
def zoo(export, tiny_zoo, tmp_path, monkeypatch):
    """A copy of the tiny zoo to change, used by `export`."""
    shutil.copytree(tiny_zoo.folder, tmp_path / "zoo")
    monkeypatch.setenv("ARTRT_ZOO", str(tmp_path / "zoo"))
    return Zoo(tmp_path / "zoo")


def stages(site):
    return [stage["name"] for stage in Artefact.open(site).manifest["stages"]]


def test_the_saliency_network_comes_along_unless_it_is_left_out(export, zoo, tmp_path, capsys):
    assert export(name="none") == 0
    assert stages(tmp_path / "none") == ["stylize"]
    assert export("--saliency", name="asked") == 1
    assert "has no saliency.onnx: leave --saliency out" in capsys.readouterr().err
    onnx.save(model_from_text(SALIENCY, SALIENCY_SPEC), zoo.folder / "saliency.onnx")
    write_manifest(zoo.folder)
    assert export(name="with") == export("--no-saliency", name="without") == 0
    assert stages(tmp_path / "with") == ["saliency", "stylize"]
    assert stages(tmp_path / "without") == ["stylize"]
    assert not (tmp_path / "without" / "saliency.onnx").exists()


def test_an_encoder_comes_along_when_it_is_that_of_the_trunk(export, zoo, tmp_path, capsys):
    assert export("--encoder", name="none") == 1
    assert "has no style encoder: leave --encoder out" in capsys.readouterr().err
    write_style_encoder(zoo.folder / "style-small.onnx")
    write_manifest(zoo.folder)
    assert export(name="another") == 0
    assert "encoder" not in Artefact.open(tmp_path / "another").manifest
    assert export("--encoder", name="asked") == 1
    assert "has the style encoder of another trunk: leave --encoder out" in capsys.readouterr().err


def test_a_site_has_its_own_encoder(export, zoo, tmp_path):
    write_style_encoder(zoo.folder / "style-small.onnx", trunk=zoo.style("udnie").trunk)
    write_manifest(zoo.folder)
    assert export("--no-encoder", name="without") == 0
    assert "encoder" not in Artefact.open(tmp_path / "without").manifest
    assert export(name="with") == 0
    site = Artefact.open(tmp_path / "with")
    assert site.manifest["encoder"] == {"file": "style-small.onnx", "long_side_px": 128}
    assert site.zoo.path("style-small.onnx").is_file()


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
        ({"stages": (StageChoice("quantize", 8), StageChoice("stylize"))}, "no other effects than 'stylize'"),
        ({"batch": 2}, "pictures of any size"),
        ({"format": "onnx", "webgpu": False}, "of --format web only"),
        ({"format": "onnx", "encoder": True}, "of --format web only"),
    ],
)
def test_what_a_page_cannot_do_is_refused(choices, match):
    with pytest.raises(UsageError, match=match):
        ExportOptions(**{"format": "web", **choices})
