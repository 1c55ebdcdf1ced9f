"""A pipeline that was given no controls takes those of its stages, with the names of the zoo's styles."""

from __future__ import annotations

import numpy as np
import pytest

from artrt.engine.errors import UnknownStyleError
from artrt.engine.looks.building import build_chain
from artrt.engine.looks.look import Look
from artrt.engine.looks.preview import Previewer
from artrt.engine.looks.stage_controls import controls_of
from artrt.engine.looks.stylizer import Stylizer
from artrt.engine.playing.pipeline import Pipeline
from artrt.engine.stages.loading import load_stage
from artrt.engine.zoo.zoo import Zoo
from support.models import STYLES

SOURCE = "test://64x48@30?frames=12"


@pytest.fixture
def zoo(use_tiny_zoo):
    return Zoo(use_tiny_zoo)


def levels(pipeline):
    """Mean grey level of every result; the tiny styles paint the whole picture in one tone."""
    return [float(result.image.mean()) for result in pipeline.results()]


def test_a_bare_stage_is_styled_by_name(zoo):
    with load_stage(zoo.path("stylize-small.onnx"), provider="cpu") as stage:
        pipeline = Pipeline(SOURCE, [stage], frames="all")
        pipeline.set(style="starry-night")
        assert pipeline.controls.state.styles == STYLES
        assert np.allclose(levels(pipeline), 0.4 * 255)


def test_a_chain_keeps_the_values_it_was_made_with(zoo):
    look = Look("udnie", strength=0.0, provider="cpu", zoo=zoo)
    with build_chain(look) as chain:
        pipeline = Pipeline(SOURCE, [chain], frames="all")
        for result in pipeline.results():
            assert (result.image == result.frame.image).all()
        assert pipeline.controls.state.numbers["strength"] == 0.0


@pytest.mark.parametrize("name", ["great-wave", "great-wave:0.5+starry-night:0.5"])
def test_a_stylizer_brings_its_style_and_takes_others(zoo, name):
    with Stylizer("udnie", strength=0.5, provider="cpu", zoo=zoo) as stylizer:
        pipeline = Pipeline(SOURCE, [stylizer], frames="all")
        assert (pipeline.controls.state.style, pipeline.controls.state.numbers["strength"]) == ("udnie", 0.5)
        pipeline.set(style=name, strength=1.0)
        assert pipeline.controls.state.style == name
        with pytest.raises(UnknownStyleError, match="unknown style 'udni'"):
            pipeline.set(style="udni")
        pipeline.stop()


def test_a_stylizer_in_a_pipeline_changes_its_picture(zoo):
    seen = []
    with Stylizer("great-wave", provider="cpu", zoo=zoo) as stylizer:
        pipeline = Pipeline("test://64x48@100?frames=100000", [stylizer], frames="all")
        for result in pipeline.results():
            seen.append(float(result.image.mean()))
            if len(seen) == 1:
                pipeline.set(style="udnie")
            if seen[-1] > 0.75 * 255:
                break
    assert seen[0] == pytest.approx(0.2 * 255)
    assert seen[-1] == pytest.approx(0.8 * 255, abs=0.06 * 255)


def test_stages_without_a_style_have_none(zoo):
    assert controls_of([lambda image: image]).state.styles == ()
    with Stylizer("none", quantize=8, provider="cpu", zoo=zoo) as stylizer:
        state = controls_of([stylizer]).state
    assert (state.style, state.switches) == ("", {"quantize": True})


def test_thumbnails_take_the_model_from_another_zoo(zoo, tmp_path, picture):
    (tmp_path / "styles").mkdir()
    for name in ("manifest.json", "styles/udnie.safetensors"):
        (tmp_path / name).write_bytes((zoo.folder / name).read_bytes())
    small = Previewer("small", zoo=Zoo(tmp_path), models=zoo)("udnie", picture(192, 256))
    assert small.shape == (96, 128, 3)
    assert np.allclose(small, 0.8 * 255)
