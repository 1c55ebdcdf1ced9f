from __future__ import annotations

import json
import shutil

import pytest

import artrt
from artrt.engine.errors import InputError, IntegrityError, UnknownStyleError, UsageError
from artrt.engine.zoo.zoo import SHIPPED, Zoo, write_manifest
from support.models import STYLES


@pytest.fixture
def zoo(tiny_zoo, tmp_path):
    return Zoo(shutil.copytree(tiny_zoo, tmp_path / "zoo"))


def test_zoo_lists_models_and_styles(zoo):
    assert zoo.models() == ["small"]
    assert zoo.styles() == list(STYLES)


def test_environment_names_another_zoo(use_tiny_zoo):
    assert Zoo().folder == use_tiny_zoo
    assert artrt.styles() == list(STYLES)


def test_unknown_style_lists_close_names(zoo):
    with pytest.raises(UnknownStyleError, match="unknown style 'stary-night'; did you mean 'starry-night'"):
        zoo.style("stary-night")


def test_unknown_model_lists_the_known(zoo):
    with pytest.raises(UsageError, match="unknown model 'huge'; known: small"):
        zoo.model_path("huge")


def test_style_file_by_path(zoo):
    path = zoo.folder / "styles" / "udnie.safetensors"
    assert zoo.style(str(path)).name == "udnie"


def test_changed_byte_is_found(zoo):
    path = zoo.folder / "stylize-small.onnx"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(IntegrityError, match=r"stylize-small.onnx differs from the manifest \(sha256\)"):
        zoo.model_path("small")


def test_missing_file_is_found(zoo):
    (zoo.folder / "styles" / "udnie.safetensors").unlink()
    with pytest.raises(IntegrityError, match=r"udnie.safetensors is missing, though the manifest lists it"):
        zoo.style("udnie")


def test_file_that_the_manifest_does_not_list(zoo):
    with pytest.raises(InputError, match="has no 'quantise.onnx'"):
        zoo.path("quantise.onnx")


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a":' * 100_000, "[" * 100_000, "\udcff"])
def test_unreadable_manifest(zoo, text):
    (zoo.folder / "manifest.json").write_text(text, errors="surrogateescape")
    with pytest.raises(
        IntegrityError, match=r"manifest.json is missing or unreadable .*: get the folder again"
    ):
        zoo.styles()


def test_a_manifest_that_is_too_large(zoo):
    with (zoo.folder / "manifest.json").open("r+b") as file:
        file.truncate(2**30)
    with pytest.raises(IntegrityError, match="too large for a manifest"):
        zoo.styles()


ENTRY = {"sha256": "0" * 64, "bytes": 1}


@pytest.mark.parametrize(
    "files",
    [
        None,
        [],
        {"a.onnx": None},
        {"a.onnx": {"sha256": 5}},
        {"a.onnx": {"sha256": "abc"}},
        {"a.onnx": ENTRY | {"bytes": -1}},
        {"../a.onnx": ENTRY},
        {"styles/../../a.onnx": ENTRY},
        {"styles/..": ENTRY},
        {"/etc/passwd": ENTRY},
        {"": ENTRY},
        {"a//b": ENTRY},
        {"./a": ENTRY},
        {"a\\b": ENTRY},
        {"C:a": ENTRY},
        {"a\n.onnx": ENTRY},
    ],
)
def test_a_manifest_that_says_what_it_may_not(zoo, files):
    (zoo.folder / "manifest.json").write_text(json.dumps({"format": 1, "files": files}))
    with pytest.raises(IntegrityError, match="is not a valid manifest"):
        zoo.styles()


def test_the_variable_is_named_when_its_folder_is_not_whole(tmp_path, monkeypatch):
    monkeypatch.setenv("ARTRT_ZOO", str(tmp_path))
    with pytest.raises(IntegrityError, match="ARTRT_ZOO names that folder: correct it, or unset it"):
        Zoo().styles()


def test_a_folder_that_every_user_can_write_is_told_once(zoo, caplog):
    zoo.styles()
    assert caplog.messages == []
    other = Zoo(zoo.folder.rename(zoo.folder.with_name("open")))
    other.folder.chmod(0o777)
    assert other.styles() == Zoo(other.folder).styles() == list(STYLES)
    assert caplog.messages == [f"{other.folder}: every user can change its models (chmod o-w {other.folder})"]


def test_manifest_of_a_newer_version(zoo):
    (zoo.folder / "manifest.json").write_text(json.dumps({"format": 2, "files": {}}))
    with pytest.raises(IntegrityError, match="has format 2, this artrt reads 1"):
        zoo.styles()


def test_mix_says_when_weights_were_normalised(zoo):
    style, notice = zoo.mix("great-wave:1+udnie:3")
    assert style.vector[0] == pytest.approx(0.25 * 0.2 + 0.75 * 0.8)
    assert notice == "style weights 1 + 3 sum to 4; using 0.25 + 0.75"
    assert zoo.mix("udnie")[1] is None


def test_manifest_can_be_written_anew(zoo):
    (zoo.folder / "styles" / "udnie.safetensors").unlink()
    (zoo.folder / ".hidden.onnx").touch()
    write_manifest(zoo.folder)
    assert Zoo(zoo.folder).styles() == ["great-wave", "starry-night", "the-scream"]
    assert ".hidden.onnx" not in Zoo(zoo.folder).manifest()


def test_shipped_zoo_is_whole_and_small():
    zoo = Zoo(SHIPPED)
    files = zoo.manifest()
    for name, entry in files.items():
        assert zoo.path(name).stat().st_size == entry["bytes"]
    assert sum(entry["bytes"] for entry in files.values()) < 10_000_000
    unlisted = {
        path.relative_to(SHIPPED).as_posix() for path in SHIPPED.rglob("*.*") if path.is_file()
    } - set(files)
    assert unlisted == {"manifest.json"}


def test_shipped_styles_belong_to_the_shipped_model_and_have_cards():
    zoo = Zoo(SHIPPED)
    assert {"starry-night", "the-scream", "udnie"} <= set(zoo.styles())
    trunks = {zoo.style(name).trunk for name in zoo.styles()}
    with artrt.load_stage(zoo.model_path("small"), provider="cpu", threads=1) as stage:
        assert trunks == {stage.spec.extra["trunk"]}
    card = zoo.path("cards/stylize-small.md").read_text(encoding="utf-8")
    for name in zoo.styles():
        style = zoo.style(name)
        assert all([style.title, style.artist, style.year, style.public_domain, style.licence]), name
        assert style.title in card, name
