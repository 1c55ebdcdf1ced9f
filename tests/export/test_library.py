"""What the commands of training and export do, from Python."""

from __future__ import annotations

import json
import subprocess
import sys
import types

import numpy as np
import pytest

import artrt


def test_export_is_a_package_that_can_be_called(root, tmp_path):
    from artrt.export.folder import export_folder

    assert isinstance(artrt.export, types.ModuleType)
    with pytest.raises(artrt.UsageError, match="unknown model 'smal'|'smal'"):
        artrt.export(tmp_path / "deploy", model="smal")
    with pytest.raises(TypeError, match="precisoin"):
        export_folder(tmp_path / "deploy", precisoin="fp16")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_exported_and_played(tiny_zoo, monkeypatch, tmp_path, picture):
    monkeypatch.setenv("ARTRT_ZOO", str(tiny_zoo.folder))
    artefact = artrt.export(tmp_path / "deploy", model="tiny", verify=False)
    assert artefact.styles == ["starry-night", "udnie"]
    with artrt.Stylizer(artefact.folder, provider="cpu") as stylizer:
        assert stylizer(picture(40, 52)).shape == (40, 52, 3)


def test_paint_is_that_of_the_models():
    import artrt.models

    assert artrt.paint is artrt.models.paint


def test_a_missing_extra_is_named():
    code = (
        "import sys\n"
        "sys.modules['torch'] = None\n"
        "import artrt\n"
        "try: artrt.train_style\n"
        "except artrt.MissingExtraError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("artrt.train_style needs torch: pip install")


def test_an_evaluation_is_saved(tmp_path):
    report = {"styles": {"udnie": {"ssim": 0.5}}, "mean": {"ssim": 0.5}, "settings": {"photographs": 1}}
    evaluation = artrt.Evaluation(report)
    evaluation.save(tmp_path / "report.json")
    assert json.loads((tmp_path / "report.json").read_text()) == report
    assert "SSIM" in evaluation.table()


def test_a_trained_style_is_saved(tmp_path):
    style = artrt.Style("irises", np.ones(4, np.float32), trunk="ab" * 32)
    artrt.TrainedStyle(style, steps=3, finished=True).save(tmp_path / "irises.safetensors")
    assert artrt.load_style(tmp_path / "irises.safetensors").name == "irises"
