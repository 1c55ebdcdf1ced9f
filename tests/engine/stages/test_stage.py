from __future__ import annotations

import numpy as np
import pytest

from artrt.engine.errors import ContractError, UnsupportedImageError, UsageError
from artrt.engine.sessions import FakeSession
from artrt.engine.stage_spec import METADATA_KEY, Control, StageSpec, StateTensor
from artrt.engine.stages.loading import load_stage
from artrt.engine.stages.stage import Stage, control_array
from support.device import DeviceFake
from support.models import COUNT, COUNT_SPEC, INVERT, INVERT_SPEC, PAINT, PAINT_SPEC, write_model


@pytest.fixture(scope="module")
def paint(tmp_path_factory):
    path = write_model(tmp_path_factory.mktemp("stage") / "paint.onnx", PAINT, PAINT_SPEC)
    with load_stage(path, provider="cpu", threads=1) as stage:
        yield stage


def test_stage_runs_a_frame_of_any_size(tmp_path, picture):
    with load_stage(write_model(tmp_path / "a.onnx", INVERT, INVERT_SPEC), provider="cpu") as stage:
        for size in [(1, 1), (5, 7), (48, 64)]:
            image = picture(*size)
            assert np.array_equal(stage(image), 255 - image)


def test_views_and_read_only_pictures_are_accepted(paint, picture):
    image = picture(16, 16)[::-1, ::-1]
    image.flags.writeable = False
    assert paint(image, style=np.zeros(4), strength=0.0).tolist() == image.tolist()


def test_controls_take_their_defaults(paint, picture):
    full = paint(picture(4, 4), style=np.full(4, 0.4))
    assert np.unique(full).tolist() == [102]
    assert np.array_equal(paint(picture(4, 4), style=np.full(4, 0.4), strength=1, mask=np.ones((2, 3))), full)


def test_changed_control_changes_the_picture(paint):
    black = np.zeros((2, 2, 3), np.uint8)
    tones = [int(paint(black, style=np.ones(4), strength=strength)[0, 0, 0]) for strength in (0.2, 0.4, 0.2)]
    assert tones == [51, 102, 51]


@pytest.mark.parametrize("kind", [FakeSession, DeviceFake])
def test_a_style_that_is_changed_in_place_counts(kind):
    spec = StageSpec("paint", controls={"style": Control((1,))})
    session = kind.from_spec(
        lambda feeds: {"output": np.full_like(feeds["frame"], int(feeds["style"][0]))}, spec
    )
    black, style = np.zeros((2, 2, 3), np.uint8), np.array([10], np.float32)
    with Stage(session) as stage:
        tones = [int(stage(black, style=style).max())]
        style[0] = 20
        tones.append(int(stage(black, style=style).max()))
    assert tones == [10, 20]


def test_missing_control_is_named(paint, picture):
    with pytest.raises(ContractError, match=r"control 'style' must be given \(shape \[4\]\)"):
        paint(picture(4, 4))


def test_unknown_control_is_named(paint, picture):
    with pytest.raises(
        ContractError, match="stage 'stylize' has no control 'strenght'; did you mean 'strength'"
    ):
        paint(picture(4, 4), style=np.zeros(4), strenght=0.5)


@pytest.mark.parametrize(
    ("controls", "message"),
    [
        ({"strength": 1.5}, r"control 'strength' must lie in \[0.0, 1.0\], got 1.5"),
        ({"strength": float("nan")}, "control 'strength' must be finite"),
        ({"strength": np.zeros(2)}, r"control 'strength' has shape \[\], got \[2\]"),
        ({"mask": np.zeros((3, 0))}, r"control 'mask' has shape \['h', 'w'\], got \[3, 0\]"),
        ({"mask": np.full((2, 2), 3.0)}, "got values from 3 to 3"),
        ({"style": np.zeros(5)}, r"control 'style' has shape \[4\], got \[5\]"),
    ],
)
def test_wrong_control_is_refused(paint, picture, controls, message):
    with pytest.raises(UsageError, match=message):
        paint(picture(4, 4), **({"style": np.zeros(4)} | controls))


def test_wrong_picture_is_refused(paint):
    with pytest.raises(UnsupportedImageError, match="got float64"):
        paint(np.zeros((4, 4, 3)), style=np.zeros(4))


def test_state_carries_over_until_reset(tmp_path):
    black = np.zeros((2, 3, 3), np.uint8)
    with load_stage(write_model(tmp_path / "count.onnx", COUNT, COUNT_SPEC), provider="cpu") as stage:
        assert [int(stage(black).max()) for _ in range(3)] == [0, 1, 2]
        stage.reset()
        assert stage(black).max() == 0


def test_new_frame_size_starts_fresh():
    spec = StageSpec("sized", states={"last": StateTensor(("H", "W"))})

    def blend(feeds):
        grey = feeds["frame"][:, :, 0].astype(np.float32)
        return {"output": feeds["frame"] + np.uint8(feeds["state.last"].any()), "state.last.next": grey}

    stage = Stage(FakeSession.from_spec(blend, spec))
    small, large = np.full((2, 2, 3), 9, np.uint8), np.full((4, 2, 3), 9, np.uint8)
    assert [int(stage(image).max()) for image in (small, small, large, large)] == [9, 10, 9, 10]


def test_fixed_size_is_said_when_another_comes(tmp_path, picture):
    fixed = INVERT.replace("[H, W, 3]", "[24, 32, 3]")
    with load_stage(write_model(tmp_path / "a.onnx", fixed, INVERT_SPEC), provider="cpu") as stage:
        stage(picture(24, 32))
        message = r"takes frames of 32x24 pixels, got 10x20: scale them \(--size 32x24\), or export with"
        with pytest.raises(UsageError, match=message):
            stage(picture(20, 10))


def test_model_without_metadata_is_not_a_stage(tmp_path):
    with pytest.raises(
        ContractError, match=r"plain.onnx: not a stage: the model has no 'artrt.stage' metadata"
    ):
        load_stage(write_model(tmp_path / "plain.onnx", INVERT), provider="cpu")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            StageSpec("x", controls={"style": Control((3,))}),
            r"declares inputs \['frame', 'style'\], but the model has \['frame'\]",
        ),
        (StageSpec("x", output="picture"), r"declares outputs \['picture'\], but the model has \['output'\]"),
        (StageSpec("x", states={"a": StateTensor((1,))}), r"declares inputs \['frame', 'state.a'\]"),
    ],
)
def test_metadata_that_does_not_fit_the_graph_is_refused(spec, message):
    session = FakeSession(lambda feeds: {}, metadata={METADATA_KEY: spec.to_json()})
    with pytest.raises(ContractError, match=message):
        Stage(session)


def test_control_array_has_the_type_of_the_graph():
    assert control_array("a", Control((2,)), [1, 2], dtype="float16").dtype == np.float16


def test_closing_a_stage_closes_its_session(picture):
    session = FakeSession.from_spec(lambda feeds: {"output": feeds["frame"]}, INVERT_SPEC)
    with Stage(session) as stage:
        stage(picture(4, 4))
    assert session.closed
    with pytest.raises(RuntimeError, match="closed"):
        stage(picture(4, 4))
