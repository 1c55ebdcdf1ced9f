from __future__ import annotations

import numpy as np
import pytest

from artrt.engine.errors import ContractError, UsageError
from artrt.engine.looks.building import build_chain
from artrt.engine.looks.look import Look
from artrt.engine.sessions import FakeSession
from artrt.engine.sessions.probe import MINIMUM_PSNR_DB, psnr_db
from artrt.engine.stage_spec import StageSpec
from artrt.engine.stages.chain import Chain
from artrt.engine.stages.stage import Stage
from support.device import DeviceFake
from support.models import COUNT_SPEC, INVERT_SPEC, PAINT_SPEC, SALIENCY_SPEC


def invert(feeds):
    return {"output": 255 - feeds["frame"]}


def halve(feeds):
    return {"output": feeds["frame"] // 2}


def count(feeds):
    return {
        "output": feeds["frame"] + feeds["state.count"].astype(np.uint8),
        "state.count.next": feeds["state.count"] + 1,
    }


def paint(feeds):
    weight = feeds["strength"] * (1 - feeds["keep_salient"] * feeds["mask"].mean())
    painted = feeds["frame"] + weight * (255 * feeds["style"][0] - feeds["frame"])
    return {"output": painted.round().astype(np.uint8)}


def saliency(feeds):
    return {"mask": (feeds["frame"].mean(axis=2) / 255).astype(np.float32)}


def stage(function, spec=None, session=FakeSession):
    spec = spec or StageSpec(function.__name__)
    return Stage(session.from_spec(function, spec))


def test_stages_run_in_order(picture):
    image = picture(6, 8)
    assert np.array_equal(Chain([stage(invert), stage(halve)])(image), (255 - image) // 2)
    assert np.array_equal(Chain([stage(halve), stage(invert)])(image), 255 - image // 2)


def test_empty_chain_gives_a_copy(picture):
    image = picture(6, 8)
    result = Chain([])(image)
    assert np.array_equal(result, image)
    assert result is not image


def test_mask_goes_to_the_stages_after_it():
    chain = Chain([stage(saliency, SALIENCY_SPEC), stage(paint, PAINT_SPEC)])
    image = np.full((4, 4, 3), 51, np.uint8)  # mask 0.2 everywhere
    assert chain(image, style=np.ones(4)).max() == 255
    assert chain(image, style=np.ones(4), keep_salient=0.5).max() == 51 + round(0.9 * 204)


def test_controls_reach_every_stage_that_has_them(picture):
    chain = Chain([stage(paint, PAINT_SPEC), stage(paint, PAINT_SPEC)])
    assert sorted(chain.controls) == ["keep_salient", "mask", "strength", "style"]
    assert chain(picture(4, 4), style=np.full(4, 0.2)).max() == 51


def test_values_stand_in_for_controls(picture):
    chain = Chain([stage(paint, PAINT_SPEC)], values={"style": np.full(4, 0.2)})
    assert chain(picture(4, 4)).max() == 51
    assert chain(picture(4, 4), style=np.full(4, 0.4)).max() == 102


def test_unknown_control_is_named(picture):
    with pytest.raises(ContractError, match="no stage of 'invert' has a control 'style'; known: none"):
        Chain([stage(invert)])(picture(4, 4), style=1)


def test_stage_can_be_turned_off_and_starts_fresh_when_turned_on(picture):
    image = np.zeros((4, 4, 3), np.uint8)
    chain = Chain([stage(count, COUNT_SPEC), stage(invert)])
    assert [int(chain(image).min()) for _ in range(3)] == [255, 254, 253]
    chain.enable("count", False)
    assert chain.enabled == ("invert",)
    assert chain(image).min() == 255
    chain.enable("count")
    assert [int(chain(image).min()) for _ in range(2)] == [255, 254]


def test_turning_off_an_unknown_stage_is_refused():
    with pytest.raises(UsageError, match="no stage 'inverted' in this chain; did you mean 'invert'"):
        Chain([stage(invert)]).enable("inverted")


def test_times_are_counted_for_enabled_stages(picture):
    ticks = iter(range(100))
    chain = Chain([stage(invert), stage(halve)], clock=lambda: float(next(ticks)))
    chain(picture(4, 4))
    assert chain.seconds == {"invert": 1.0, "halve": 1.0}
    chain.enable("halve", False)
    chain(picture(4, 4))
    assert list(chain.seconds) == ["invert"]


def test_name_and_reset():
    chain = Chain([stage(count, COUNT_SPEC), stage(invert)])
    image = np.zeros((1, 1, 3), np.uint8)
    chain(image)
    chain.reset()
    assert chain(image).min() == 255
    assert chain.name == "count+invert"
    assert chain.provider == "fake"


def test_frames_stay_on_the_device_between_stages(picture):
    stages = [
        stage(saliency, SALIENCY_SPEC, DeviceFake),
        stage(count, COUNT_SPEC, DeviceFake),
        stage(paint, PAINT_SPEC, DeviceFake),
    ]
    chain = Chain(stages, values={"style": np.full(4, 0.2), "keep_salient": 0.5})
    image = picture(8, 8)
    expected = Chain(
        [stage(saliency, SALIENCY_SPEC), stage(count, COUNT_SPEC), stage(paint, PAINT_SPEC)],
        values=chain.values,
    )
    for _ in range(3):
        assert np.array_equal(chain(image), expected(image))
    pictures_up = sum(shape == (8, 8, 3) for one in stages for shape in one.session.uploads)
    pictures_down = sum(len(one.session.downloads) for one in stages)
    assert (pictures_up, pictures_down) == (3, 3)
    assert stages[1].session.uploads.count((1,)) == 1  # the state went up once and stayed


def test_device_and_host_stages_mix(picture):
    image = picture(8, 8)
    chain = Chain(
        [stage(invert, INVERT_SPEC, DeviceFake), stage(halve), stage(invert, StageSpec("again"), DeviceFake)]
    )
    assert np.array_equal(chain(image), 255 - (255 - image) // 2)


def test_mask_of_a_device_stage_reaches_a_host_stage():
    chain = Chain([stage(saliency, SALIENCY_SPEC, DeviceFake), stage(paint, PAINT_SPEC)])
    image = np.full((4, 4, 3), 51, np.uint8)
    assert chain(image, style=np.ones(4), keep_salient=0.5).max() == 51 + round(0.9 * 204)


def test_mask_of_a_host_stage_reaches_a_device_stage():
    chain = Chain([stage(saliency, SALIENCY_SPEC), stage(paint, PAINT_SPEC, DeviceFake)])
    image = np.full((4, 4, 3), 51, np.uint8)
    assert chain(image, style=np.ones(4), keep_salient=0.5).max() == 51 + round(0.9 * 204)


def test_what_holds_for_several_stages_is_said_once():
    first, second = stage(invert), stage(halve)
    first.session.reason = "auto took cpu; not cuda: no driver; not openvino: not installed"
    second.session.reason = "auto took cpu; not cuda: no driver"
    assert Chain([first, second]).reason == first.session.reason


@pytest.mark.gpu
@pytest.mark.parametrize("numbers", [{}, {"keep_salient": 0.7, "preserve_colors": 0.5}])
def test_the_shipped_networks_paint_on_cuda_like_on_the_cpu(picture, numbers):
    chains = [build_chain(Look(provider=provider, **numbers)) for provider in ("cuda", "cpu")]
    for image in (picture(96, 128), picture(90, 70, seed=1)):
        first, second = (chain(image) for chain in chains)
        assert psnr_db(first, second) >= MINIMUM_PSNR_DB
    assert {stage.device for stage in chains[0].stages} == {"ortvalue:cuda:0"}
    for chain in chains:
        chain.close()
