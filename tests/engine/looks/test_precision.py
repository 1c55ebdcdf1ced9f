from __future__ import annotations

from dataclasses import replace

import pytest

pytest.importorskip("openvino")

from artrt.engine.errors import ParityError, ProviderError, UsageError
from artrt.engine.looks import precision
from artrt.engine.looks.building import build_chain
from artrt.engine.looks.look import Look
from artrt.engine.looks.precision import parity_db, settled_precision
from artrt.engine.sessions import openvino
from artrt.engine.sessions.openvino import capabilities
from artrt.engine.zoo.zoo import Zoo


@pytest.fixture
def look(tiny_zoo, tmp_path, monkeypatch):
    monkeypatch.setenv("ARTRT_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(openvino, "capabilities", lambda: ("FP32", "BF16"))
    return Look("starry-night", provider="openvino", threads=1, zoo=Zoo(tiny_zoo))


@pytest.fixture
def path(look):
    return look.zoo.model_path("small")


@pytest.fixture
def measured(monkeypatch):
    """Stands in for the measurement; counts how often it is asked."""
    calls = []

    def answer(psnr_db: float) -> list[object]:
        monkeypatch.setattr(precision, "_measured", lambda *given: calls.append(given) or psnr_db)
        return calls

    return answer


def test_bf16_is_taken_where_it_paints_the_same(look, path, measured):
    calls = measured(44.0)
    chosen = settled_precision(path, look)
    assert (chosen.name, chosen.provider) == ("bf16", "openvino")
    assert "44.0 dB" in chosen.why
    assert len(calls) == 1


def test_it_is_measured_once_for_each_model(look, path, measured, tmp_path):
    calls = measured(44.0)
    assert [parity_db(path, look) for _ in range(3)] == [44.0] * 3
    assert len(calls) == 1
    other = tmp_path / "other.onnx"
    other.write_bytes(path.read_bytes() + b"\n")
    parity_db(other, look)
    assert len(calls) == 2


def test_a_broken_cache_is_measured_again(look, path, measured, tmp_path):
    calls = measured(44.0)
    parity_db(path, look)
    (file,) = (tmp_path / "cache" / "precision").iterdir()
    file.write_text("{")
    assert parity_db(path, look) == 44.0
    assert len(calls) == 2


def test_auto_stays_in_fp32_where_bf16_paints_something_else(look, path, measured):
    measured(39.9)
    chosen = settled_precision(path, look)
    assert chosen.name == "fp32"
    assert "39.9 dB, below 40" in chosen.why


def test_a_named_precision_that_fails_parity_is_an_error(look, path, measured):
    measured(39.9)
    with pytest.raises(ParityError, match="39.9 dB, below 40") as caught:
        settled_precision(path, replace(look, precision="bf16"))
    assert caught.value.exit_code == 4


def test_a_processor_without_bfloat16_says_so(look, path, measured, monkeypatch):
    calls = measured(44.0)
    monkeypatch.setattr(openvino, "capabilities", lambda: ("FP32",))
    assert settled_precision(path, look).name == "fp32"
    with pytest.raises(ProviderError, match="neither AVX512-BF16 nor AMX"):
        settled_precision(path, replace(look, precision="bf16"))
    assert not calls


@pytest.mark.parametrize(
    ("changes", "provider"),
    [
        ({"precision": "fp32"}, "openvino"),
        ({"provider": "cpu"}, "cpu"),
        ({"provider": "auto", "steady": False}, "auto"),
    ],
)
def test_nothing_is_measured_where_bf16_is_out_of_the_question(look, path, measured, changes, provider):
    calls = measured(44.0)
    chosen = settled_precision(path, replace(look, **changes))
    assert (chosen.name, chosen.provider, calls) == ("fp32", provider, [])


def test_bf16_brings_its_provider_and_refuses_another(look, path, measured):
    measured(44.0)
    single = replace(look, provider="auto", steady=False, precision="bf16")
    assert settled_precision(path, single).provider == "openvino"
    with pytest.raises(UsageError, match="runs on openvino, not on cpu"):
        settled_precision(path, replace(single, provider="cpu"))


def test_without_a_style_bf16_is_refused(look):
    with pytest.raises(UsageError, match="nothing without a style"):
        build_chain(replace(look, style="none", precision="bf16"))


def test_unknown_precisions_are_refused():
    with pytest.raises(UsageError, match="unknown precision 'bf61'; did you mean 'bf16'"):
        Look(precision="bf61")


def test_a_style_network_is_measured_and_loaded_for_real(look, picture, monkeypatch):
    if "BF16" not in capabilities():
        pytest.skip("this processor has no bfloat16")
    monkeypatch.setattr(openvino, "capabilities", capabilities)
    with build_chain(replace(look, precision="bf16")) as chain:
        assert "bf16 paints the same" in chain.reason
        assert chain(picture(20, 24)).shape == (20, 24, 3)
