from __future__ import annotations

import json
import subprocess
import sys

import cv2
import numpy as np
import pytest

import artrt
from artrt.engine.artefact import Artefact
from artrt.engine.errors import (
    InputError,
    IntegrityError,
    OutputError,
    ParityError,
    UnknownStyleError,
    UsageError,
)
from artrt.export import artefact as exporter
from artrt.export.artefact import export_artefact
from artrt.export.options import ExportOptions, Shapes, StageChoice
from artrt.export.transformer_parity import torch_painter


@pytest.fixture(scope="module")
def photos(tmp_path_factory, root):
    folder = tmp_path_factory.mktemp("photos")
    cv2.imwrite(
        str(folder / "a.png"), cv2.imread(str(root / "docs" / "images" / "astronaut.jpg"))[:96, 80:200]
    )
    return folder


@pytest.fixture(scope="module")
def exported(tiny_zoo, photos, tmp_path_factory):
    folder = tmp_path_factory.mktemp("artefacts") / "deploy"
    export_artefact(ExportOptions(model="tiny", calibration=photos), folder, zoo=tiny_zoo)
    return folder


def test_the_manifest_says_what_it_is(exported):
    manifest = json.loads((exported / "manifest.json").read_text())
    assert manifest["precision"] == "fp32"
    assert manifest["styles"] == ["starry-night", "udnie"]
    assert manifest["shapes"]["frame"] == ["H", "W", 3]
    assert manifest["parity"]["stylize"]["psnr_db"] >= 45
    assert manifest["parity"]["stylize"]["max_abs"] <= 2
    assert {"artrt", "onnx", "torch"} <= set(manifest["versions"])
    assert set(manifest["files"]) == {
        "stylize.onnx",
        "styles/starry-night.safetensors",
        "styles/udnie.safetensors",
    }


def test_stylizer_loads_the_folder_and_paints_like_pytorch(exported, transformer, style, picture):
    photo = picture(40, 52)
    with artrt.Stylizer(exported, provider="cpu") as stylizer:
        assert stylizer.style == "starry-night"
        expected = torch_painter(transformer, style)(photo)
        assert np.abs(stylizer(photo).astype(int) - expected).max() <= 1
        stylizer.style = "udnie"
        assert np.abs(stylizer(photo).astype(int) - expected).max() > 1


def test_a_fresh_process_loads_it_without_torch_and_onnx(exported):
    code = (
        "import sys, numpy as np, artrt\n"
        f"with artrt.Stylizer({str(exported)!r}, provider='cpu') as s: s(np.zeros((20, 30, 3), np.uint8))\n"
        "assert not {'torch', 'onnx'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_changed_byte_is_refused(exported, tmp_path):
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in exported.rglob("*"):
        if path.is_file():
            target = copy / path.relative_to(exported)
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(path.read_bytes())
    Artefact.open(copy)
    data = bytearray((copy / "stylize.onnx").read_bytes())
    data[1000] ^= 1
    (copy / "stylize.onnx").write_bytes(data)
    with pytest.raises(IntegrityError, match=r"stylize\.onnx is not the file of the manifest"):
        artrt.Stylizer(copy)
    (copy / "stylize.onnx").unlink()
    with pytest.raises(IntegrityError, match="is missing"):
        artrt.Stylizer(copy)


def test_a_folder_without_manifest_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="artrt export"):
        Artefact.open(tmp_path)


def test_nothing_is_written_when_parity_fails(tiny_zoo, photos, tmp_path, monkeypatch):
    monkeypatch.setattr(exporter, "torch_painter", lambda *_: lambda picture: 255 - picture)
    with pytest.raises(ParityError, match="nothing was written"):
        export_artefact(ExportOptions(model="tiny", calibration=photos), tmp_path / "deploy", zoo=tiny_zoo)
    assert list(tmp_path.iterdir()) == []


def test_an_artefact_is_replaced_and_another_folder_is_not(tiny_zoo, tmp_path):
    folder = tmp_path / "deploy"
    options = ExportOptions(model="tiny", styles=("udnie",), verify=False)
    for _ in range(2):
        assert export_artefact(options, folder, zoo=tiny_zoo)["styles"] == ["udnie"]
    other = tmp_path / "mine"
    other.mkdir()
    (other / "thesis.tex").write_text("do not delete")
    with pytest.raises(OutputError, match="was not written by artrt export"):
        export_artefact(options, other, zoo=tiny_zoo)
    assert (other / "thesis.tex").exists()


def test_fp16_fixed_size_and_fused_stages_load(tiny_zoo, photos, picture, tmp_path):
    options = ExportOptions(
        model="tiny",
        precision="fp16",
        shapes=Shapes.of(size="64x48"),
        stages=(StageChoice("quantize", 8), StageChoice("stylize")),
        fuse=True,
        calibration=photos,
    )
    manifest = export_artefact(options, tmp_path / "fused", zoo=tiny_zoo)
    assert [stage["name"] for stage in manifest["stages"]] == ["quantize+stylize"]
    assert manifest["parity"]["stylize"]["psnr_db"] >= 40
    with artrt.Stylizer(tmp_path / "fused", provider="cpu") as stylizer:
        assert stylizer(picture(48, 64)).shape == (48, 64, 3)


def test_unknown_models_and_styles_are_named(tiny_zoo, tmp_path):
    with pytest.raises(UsageError, match="known are tiny"):
        export_artefact(ExportOptions(model="large"), tmp_path / "a", zoo=tiny_zoo)
    with pytest.raises(UnknownStyleError, match="did you mean 'udnie'"):
        export_artefact(ExportOptions(model="tiny", styles=("udine",)), tmp_path / "b", zoo=tiny_zoo)
