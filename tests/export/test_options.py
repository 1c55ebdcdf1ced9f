from __future__ import annotations

from pathlib import Path

import pytest

from artrt.engine.errors import UsageError
from artrt.export import onnx_builder, options
from artrt.export.options import ExportOptions, Shapes, StageChoice, parse_size, parse_stages


def test_sizes_are_width_times_height():
    assert parse_size("1280x720") == (720, 1280)
    assert Shapes.of(size="640X360").fixed


@pytest.mark.parametrize("text", ["1280", "1280x", "0x720", "8x8", "99999x720", "1280x720x3", "-4x9"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(UsageError, match="size|pixels"):
        parse_size(text)


def test_a_range_names_smallest_best_and_largest():
    shapes = Shapes.of(dynamic="320x180:1280x720:1920x1080")
    assert (shapes.minimum, shapes.optimum, shapes.maximum) == ((180, 320), (720, 1280), (1080, 1920))
    assert not shapes.fixed


@pytest.mark.parametrize(
    ("size", "dynamic", "match"),
    [
        ("640x360", "320x180:640x360:1280x720", "give one of them"),
        (None, "320x180:640x360", "MIN:OPT:MAX"),
        (None, "640x360:320x180:1280x720", "at least the one before"),
    ],
)
def test_contradicting_shapes_are_refused(size, dynamic, match):
    with pytest.raises(UsageError, match=match):
        Shapes.of(size=size, dynamic=dynamic)


def test_stages_have_amounts():
    assert parse_stages("quantize:8, superpixels,stylize") == (
        StageChoice("quantize", 8),
        StageChoice("superpixels", 800),
        StageChoice("stylize"),
    )


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("quantise:8", "did you mean 'quantize'"),
        ("quantize:1", "quantize takes 2 to"),
        ("quantize:x", "NUMBER"),
        ("stylize:3", "takes no number"),
    ],
)
def test_unknown_stages_and_amounts_are_refused(text, match):
    with pytest.raises(UsageError, match=match):
        parse_stages(text)


@pytest.mark.parametrize(
    ("choices", "match"),
    [
        ({"format": "trt"}, "unknown format 'trt'"),
        ({"precision": "fp8"}, "unknown precision 'fp8'"),
        ({"precision": "int8"}, "--calibration DIR"),
        (
            {"precision": "int8", "calibration": Path(), "stages": (StageChoice("quantize", 8),)},
            "add 'stylize'",
        ),
        ({"workspace_gib": 2.0}, "need --format engine"),
        ({"workspace_gib": -1.0, "format": "engine"}, "above 0, got -1"),
        ({"workspace_gib": float("nan"), "format": "engine"}, "above 0, got nan"),
        (
            {"styles": ("udnie",), "stages": (StageChoice("quantize", 8),)},
            "--styles need the 'stylize' stage",
        ),
        ({"saliency": True, "stages": (StageChoice("quantize", 8),)}, "feeds the mask"),
        ({"stages": ()}, "at least one stage"),
        ({"stages": (StageChoice("stylize"), StageChoice("stylize"))}, "only once"),
        ({"batch": 0}, "1 or more"),
        ({"batch": 2, "saliency": True}, "use the previous frame"),
        ({"opset": 17}, "18 to 23"),
    ],
)
def test_contradictions_are_refused_with_a_hint(choices, match):
    with pytest.raises(UsageError, match=match):
        ExportOptions(**choices)


def test_the_usual_opset_is_the_builders():
    assert options.OPSET == onnx_builder.OPSET
