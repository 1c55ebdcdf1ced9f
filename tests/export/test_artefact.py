from __future__ import annotations

import json
import shutil
import subprocess
import sys

import cv2
import numpy as np
import onnx
import pytest

import artrt
from artrt.engine.errors import (
    InputError,
    IntegrityError,
    OutputError,
    ParityError,
    UnknownStyleError,
    UsageError,
)
from artrt.engine.zoo.artefact import Artefact
from artrt.export import artefact as exporter
from artrt.export.artefact import export_artefact
from artrt.export.cpu_time import verdict
from artrt.export.fp16 import to_fp16
from artrt.export.int8 import to_int8
from artrt.export.onnx_from_transformer import onnx_from_transformer
from artrt.export.options import ExportOptions, Shapes, StageChoice
from artrt.export.simplify import with_size
from artrt.export.transformer_parity import cpu_stage, torch_painter


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
    assert manifest["stages"][0]["contract"]["name"] == "stylize"
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


def test_a_fixed_stroke_stands_in_the_manifest_and_another_is_refused(
    tiny_zoo, transformer, style, photos, picture, tmp_path
):
    options = ExportOptions(model="tiny", calibration=photos, stroke=4.0, shapes=Shapes.of(size="200x136"))
    manifest = export_artefact(options, tmp_path / "deploy", zoo=tiny_zoo)
    assert manifest["stroke"] == 4.0
    assert "stroke" not in manifest["stages"][0]["contract"]["controls"]
    assert manifest["parity"]["stylize"]["max_abs"] <= 2
    photo = picture(136, 200)
    expected = torch_painter(transformer, style, stroke=4.0)(photo)
    for asked in ({}, {"stroke": 4.0}):
        with artrt.Stylizer(tmp_path / "deploy", provider="cpu", **asked) as stylizer:
            assert "strokes are fixed at 4" in stylizer.reason
            assert np.abs(stylizer(photo).astype(int) - expected).max() <= 1
    with pytest.raises(
        UsageError, match="was exported only for 4; export another with artrt export --stroke 2"
    ):
        artrt.Stylizer(tmp_path / "deploy", provider="cpu", stroke=2.0)


def test_the_stroke_is_free_unless_the_size_is_fixed_or_an_engine_is_made(exported):
    assert (
        "stroke" in json.loads((exported / "manifest.json").read_text())["stages"][0]["contract"]["controls"]
    )
    assert Artefact.open(exported).stroke is None
    assert ExportOptions().fixed_stroke is None
    assert ExportOptions(stroke=2.0).fixed_stroke == 2.0
    assert ExportOptions(format="engine").fixed_stroke == 1.0
    assert ExportOptions(shapes=Shapes.of(size="64x48")).fixed_stroke == 1.0
    with pytest.raises(UsageError, match="stroke is 9.0: expected 0.25 to 4"):
        ExportOptions(stroke=9.0)


def test_keeping_the_salient_region_needs_the_folder_s_saliency_network(exported):
    with pytest.raises(UsageError, match="no saliency network; export it with artrt export --saliency"):
        artrt.Stylizer(exported, keep_salient=0.5, provider="cpu")
    with (
        artrt.Stylizer(exported, provider="cpu") as stylizer,
        pytest.raises(UsageError, match="keep_salient cannot be changed"),
    ):
        stylizer.set(keep_salient=0.5)


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
    with pytest.raises(IntegrityError, match=r"stylize\.onnx differs from the manifest"):
        artrt.Stylizer(copy)
    (copy / "stylize.onnx").unlink()
    with pytest.raises(IntegrityError, match="is missing"):
        artrt.Stylizer(copy)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"precision": "fp32"', '"precision": "fp16"'),
        ('"stages"', '"stagez"'),
        ('"artefact": 1', '"artefact": 9'),
        ("{", "["),
        ("}\n", "\n"),
    ],
)
def test_a_changed_manifest_is_refused(exported, tmp_path, old, new):
    copy = shutil.copytree(exported, tmp_path / "copy")
    text = (copy / "manifest.json").read_text()
    assert old in text
    (copy / "manifest.json").write_text(text.replace(old, new))
    with pytest.raises(IntegrityError, match=r"manifest\.json .*: export again"):
        artrt.Stylizer(copy)


def test_a_folder_without_manifest_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="artrt export"):
        Artefact.open(tmp_path)


def test_nothing_is_written_when_parity_fails(tiny_zoo, photos, tmp_path, monkeypatch):
    monkeypatch.setattr(exporter, "torch_painter", lambda *_, **__: lambda picture: 255 - picture)
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


def test_int8_of_one_size_is_calibrated_on_pictures_of_any(tiny_zoo, photos, picture, tmp_path):
    said = []
    options = ExportOptions(
        model="tiny", precision="int8", shapes=Shapes.of(size="64x48"), calibration=photos, styles=("udnie",)
    )
    manifest = export_artefact(options, tmp_path / "int8", zoo=tiny_zoo, report=said.append)
    parity = manifest["parity"]["stylize"]
    assert parity["psnr_db"] >= 30
    assert 0 <= parity["style_loss"] <= 0.1
    assert parity["cpu_time"] > 0
    assert any(f"{parity['cpu_time']:g}" in line and "int8 takes" in line for line in said)
    with artrt.Stylizer(tmp_path / "int8", provider="cpu") as stylizer:
        assert stylizer(picture(48, 64)).shape == (48, 64, 3)


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_fixing_the_size_keeps_precision_and_results(
    tiny_zoo, transformer, style, photos, picture, tmp_path, precision
):
    free = onnx_from_transformer(transformer)
    free = to_fp16(free) if precision == "fp16" else to_int8(free, photos, style=style)
    fixed = with_size(free, (48, 64))
    for operator in ("QuantizeLinear", "DequantizeLinear"):
        assert _count(fixed, operator) == _count(free, operator), operator
    assert 0 <= _count(free, "Conv") - _count(fixed, "Conv") <= 1  # the grain of one size may be a constant
    halves = {i.name for i in fixed.graph.initializer if i.data_type == onnx.TensorProto.FLOAT16}
    kept = [node for node in fixed.graph.node if node.op_type == "Conv" and halves & set(node.input)]
    assert len(kept) == sum(
        any(name.endswith(".half") for name in node.input)
        for node in free.graph.node
        if node.op_type == "Conv"
    ) - (_count(free, "Conv") - _count(fixed, "Conv"))
    with cpu_stage(free, tmp_path, threads=1) as one, cpu_stage(fixed, tmp_path, threads=1) as other:
        photo = picture(48, 64)
        assert np.abs(one(photo, style=style).astype(int) - other(photo, style=style)).max() <= 1


def _count(model, operator):
    return sum(node.op_type == operator for node in model.graph.node)


def test_a_precision_that_is_slower_is_not_recommended():
    assert verdict("int8", 1.35).startswith(
        "int8 takes 1.35 times as long as fp32 on this machine's CPU: export fp32"
    )
    assert verdict("int8", 0.7) == "int8 takes 0.7 of fp32's time on this machine's CPU"


def test_a_folder_that_cannot_be_written_is_said_before_anything_is_built(tiny_zoo, tmp_path):
    (tmp_path / "file").write_text("")
    said = []
    for folder in (tmp_path / "file" / "deploy", tmp_path / "file" / "deep" / "deploy"):
        with pytest.raises(OutputError, match="cannot write"):
            export_artefact(ExportOptions(model="tiny"), folder, zoo=tiny_zoo, report=said.append)
    assert said == []


def test_unknown_models_and_styles_are_named(tiny_zoo, tmp_path):
    with pytest.raises(UsageError, match="known are tiny"):
        export_artefact(ExportOptions(model="large"), tmp_path / "a", zoo=tiny_zoo)
    with pytest.raises(UnknownStyleError, match="did you mean 'udnie'"):
        export_artefact(ExportOptions(model="tiny", styles=("udine",)), tmp_path / "b", zoo=tiny_zoo)
