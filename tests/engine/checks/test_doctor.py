from __future__ import annotations

from shutil import copytree

import pytest

from artrt.engine.checks import doctor
from artrt.engine.checks.doctor import BROKEN, MISSING, OK, Finding, examine


def test_every_check_reports_one_finding_with_a_known_status():
    findings = list(examine())
    assert len(findings) == len(doctor.CHECKS)
    assert {finding.status for finding in findings} <= {OK, MISSING, BROKEN}
    assert all(finding.detail for finding in findings)
    assert all(finding.fix for finding in findings if finding.status == MISSING)


def test_a_check_that_breaks_is_itself_a_finding(monkeypatch):
    def breaks() -> Finding:
        raise RuntimeError("no bus")

    monkeypatch.setattr(doctor, "CHECKS", {"bus": breaks})
    assert list(examine()) == [Finding("bus", BROKEN, "RuntimeError: no bus")]


def test_both_onnxruntime_wheels_are_broken_with_the_repair(monkeypatch):
    both = ["onnxruntime", "onnxruntime-gpu"]
    monkeypatch.setattr(doctor, "installed_onnxruntimes", lambda: both)
    monkeypatch.setattr("artrt.engine.sessions.machine.installed_onnxruntimes", lambda: both)
    finding = doctor.onnxruntime()
    assert finding.status == BROKEN
    assert "pip uninstall -y onnxruntime onnxruntime-gpu" in finding.fix


def test_a_jetson_is_recognised(monkeypatch, tmp_path):
    model, release = tmp_path / "model", tmp_path / "nv_tegra_release"
    model.write_bytes(b"NVIDIA Jetson Orin Nano Developer Kit\0")
    release.write_text("# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic, EABI: aarch64")
    monkeypatch.setattr(doctor, "DEVICE_TREE", model)
    monkeypatch.setattr(doctor, "TEGRA_RELEASE", release)
    assert doctor.jetson() == ["NVIDIA Jetson Orin Nano Developer Kit", "L4T 36.4.3, JetPack 6"]


def test_a_cache_that_cannot_be_written_is_broken(monkeypatch):
    monkeypatch.setenv(
        "ARTRT_CACHE_DIR", "/proc/nope"
    )  # the nearest folder may be written, by its permissions
    finding = doctor.cache()
    assert finding.status == BROKEN
    assert "ARTRT_CACHE_DIR" in finding.fix


@pytest.fixture
def installed(tiny_zoo, tmp_path, monkeypatch):
    """The zoo of an installation that may be damaged."""
    folder = copytree(tiny_zoo, tmp_path / "installed")
    monkeypatch.delenv("ARTRT_ZOO", raising=False)
    monkeypatch.setattr("artrt.engine.zoo.zoo.SHIPPED", folder)
    assert doctor.zoo().status == OK
    return folder


@pytest.mark.parametrize(
    "name",
    ["manifest.json", "stylize-small.onnx", "saliency.onnx", "style-small.onnx", "styles/udnie.safetensors"],
)
@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(b"half")])
def test_an_incomplete_installation_is_broken(installed, name, damage):
    damage(installed / name)
    finding = doctor.zoo()
    assert finding.status == BROKEN
    assert str(installed / name) in finding.detail
    assert "reinstall artrt" in finding.detail
    assert finding.fix == "pip install --force-reinstall artrt"


def test_a_damaged_zoo_of_the_user_is_no_reason_to_reinstall(installed, monkeypatch):
    monkeypatch.setenv("ARTRT_ZOO", str(installed))
    monkeypatch.setattr("artrt.engine.zoo.zoo.SHIPPED", installed.parent / "shipped")
    (installed / "quantize.onnx").unlink()
    finding = doctor.zoo()
    assert (finding.status, finding.fix) == (BROKEN, "")
    assert "ARTRT_ZOO names that folder: correct it, or unset it" in finding.detail


@pytest.mark.parametrize("version", [(3, 9), (3, 14)])
def test_other_pythons_are_broken(monkeypatch, version):
    monkeypatch.setattr(doctor.sys, "version_info", (*version, 0, "final", 0))
    assert doctor.python().status == BROKEN
