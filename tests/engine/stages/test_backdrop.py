from __future__ import annotations

import numpy as np
import pytest

import artrt
from artrt.engine.sessions import FakeSession
from artrt.engine.stages.backdrop import BackdropStage, blend
from artrt.engine.stages.chain import Chain
from artrt.engine.stages.stage import Stage
from support.models import PAINT_SPEC

HALVES = np.repeat(np.array([[255] * 4 + [0] * 4], np.uint8)[..., None], 3, axis=2).repeat(4, axis=0)
"""White left, black right: the tiny zoo's mask is 1 and 0, "starry-night" paints 102 and "udnie" 204."""


def halves(painting):
    assert painting[:, :3].std() == 0
    assert painting[:, -3:].std() == 0
    return int(painting[0, 0, 0]), int(painting[0, -1, 0])


def styled(**options):
    return artrt.Stylizer("starry-night", provider="cpu", threads=1, **options)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, (102, 102)),
        ({"background": "udnie"}, (102, 204)),
        ({"keep_background": 1}, (102, 0)),
        ({"keep_background": 0.5}, (102, 51)),
        ({"background": "udnie", "keep_background": 0.25}, (102, 153)),
        ({"background": "udnie", "strength": 0.5}, (178, 102)),
    ],
)
def test_subject_and_background_apart(use_tiny_zoo, options, expected):
    with styled(**options) as stylizer:
        assert halves(stylizer(HALVES)) == expected


def test_the_background_changes_between_two_frames(use_tiny_zoo):
    with styled(background="udnie") as stylizer:
        stylizer.set(background="")
        assert halves(stylizer(HALVES)) == (102, 102)
        stylizer.set(background="udnie", keep_background=0.5)
        assert halves(stylizer(HALVES)) == (102, 102)
        assert stylizer.controls.state.background == "udnie"


def test_a_background_that_cannot_be_done_is_refused(use_tiny_zoo):
    with pytest.raises(artrt.UsageError, match="background 'udnie' was requested: it needs a style"):
        artrt.Stylizer("none", background="udnie")
    with pytest.raises(artrt.UnknownStyleError, match="did you mean 'udnie'"):
        styled(background="udny")
    with styled() as stylizer, pytest.raises(artrt.UsageError, match="keep_background cannot be changed"):
        stylizer.set(keep_background=1)


def test_both_runs_begin_with_the_same_memory(picture):
    def paint(feeds):
        tone = feeds["style"][0] + feeds["state.count"][0]
        return {
            "output": np.full_like(feeds["frame"], tone),
            "state.count.next": feeds["state.count"] + 1,
        }

    spec = artrt.StageSpec("stylize", controls=PAINT_SPEC.controls, states={"count": artrt.StateTensor((1,))})
    stage = BackdropStage(FakeSession.from_spec(paint, spec))
    vectors = {"style": np.full(4, 10, np.float32), "background": np.full(4, 20, np.float32)}
    mask = np.zeros((2, 2), np.float32)
    chain = Chain([stage])
    seen = [int(chain(picture(6, 8), mask=mask, **vectors)[0, 0, 0]) for _ in range(3)]
    assert seen == [20, 21, 22]


def test_without_a_mask_it_is_a_plain_stage():
    spec = artrt.StageSpec("stylize", controls={"style": PAINT_SPEC.controls["style"]})
    stage = BackdropStage(FakeSession.from_spec(lambda feeds: {"output": feeds["frame"]}, spec))
    assert list(stage.controls) == list(Stage(stage.session).controls) == ["style"]


def test_a_soft_mask_blends_softly():
    black, white = np.zeros((8, 8, 3), np.uint8), np.full((8, 8, 3), 255, np.uint8)
    row = blend(white, black, np.array([[0.0, 1.0]], np.float32))[0, :, 0].astype(int)
    assert (np.diff(row) >= 0).all()
    assert row[0] == 0
    assert row[-1] == 255
    assert len(set(row)) > 4
