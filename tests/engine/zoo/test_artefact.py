"""Exported folders that somebody forged: their own digest is right, so only the checks stand in the way."""

from __future__ import annotations

import json

import pytest

from artrt.engine.errors import IntegrityError
from artrt.engine.files import sha256_of
from artrt.engine.zoo.artefact import Artefact, manifest_digest

FACTS = {
    "format": 1,
    "artefact": 1,
    "kind": "onnx",
    "precision": "fp32",
    "stages": [{"name": "stylize", "file": "stylize.onnx"}],
    "styles": [],
    "shapes": {"frame": ["H", "W", 3], "profile": {"minimum": [16, 16]}},
}


def forge(tmp_path, **changes):
    """A folder whose manifest is consistent in itself."""
    folder = tmp_path / "exported"
    folder.mkdir()
    (folder / "stylize.onnx").write_bytes(b"a model")
    (tmp_path / "outside.onnx").write_bytes(b"another model")
    listed = {"stylize.onnx": {"sha256": sha256_of(folder / "stylize.onnx"), "bytes": 7}}
    manifest = {**FACTS, "files": listed, **changes}
    manifest = {key: value for key, value in manifest.items() if value != "left out"}
    manifest["manifest_sha256"] = manifest_digest(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def test_an_honest_one_is_read(tmp_path):
    folder = forge(tmp_path)
    assert Artefact.open(folder).stage_paths == [folder / "stylize.onnx"]
    assert Artefact.open(folder).size is None


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"stages": [{"name": "stylize", "file": "../outside.onnx"}]}, r"stages\[0\].file"),
        ({"stages": [{"name": "stylize", "file": "/etc/hostname"}]}, r"stages\[0\].file"),
        (
            {"stages": [{"name": "stylize", "file": "other.onnx"}]},
            "names other.onnx, but does not say its sha256",
        ),
        ({"styles": ["udnie"]}, "names styles/udnie.safetensors, but does not say its sha256"),
        ({"styles": ["../udnie"]}, r"styles\[0\]|does not say"),
        ({"files": {"../outside.onnx": {"sha256": "0" * 64}}}, "is not a valid manifest"),
        ({"stages": None}, "got `null`"),
        ({"stages": [1]}, "got `int`"),
        ({"stages": []}, "length >= 1"),
        ({"stages": "left out"}, "required field `stages`"),
        ({"shapes": {}}, "required field"),
        ({"shapes": {"frame": [1.5, 2, 3], "profile": {}}}, "got `float`"),
        ({"shapes": {"frame": ["H", "W", 3], "profile": {"minimum": [0, 1]}}}, ">= 1"),
        ({"values": {"colors": "many"}}, "got `str`"),
        ({"precision": 32}, "got `int`"),
        ({"artefact": 99}, "does not describe an artefact"),
        ({"files": {}}, "does not say its sha256"),
    ],
)
def test_a_forged_one_is_refused(tmp_path, changes, match):
    with pytest.raises(IntegrityError, match=match) as caught:
        Artefact.open(forge(tmp_path, **changes))
    assert str(caught.value).endswith(": export again")


def test_json_of_a_great_depth_is_refused(tmp_path):
    folder = forge(tmp_path)
    (folder / "manifest.json").write_text('{"format": 1, "stages": ' + "[" * 100_000)
    with pytest.raises(IntegrityError, match="missing or unreadable"):
        Artefact.open(folder)


def test_a_stage_that_leads_out_by_a_link_is_still_verified(tmp_path):
    folder = forge(tmp_path)
    (folder / "stylize.onnx").unlink()
    (folder / "stylize.onnx").symlink_to(tmp_path / "outside.onnx")
    with pytest.raises(IntegrityError, match="differs from the manifest"):
        Artefact.open(folder)
