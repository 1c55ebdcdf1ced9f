from __future__ import annotations

from artrt.engine.sessions.base import TensorInfo
from artrt.engine.sessions.onnxruntime_profiles import profile_settings
from artrt.engine.stage_spec import Control, StageSpec, StateTensor

SPEC = StageSpec(
    "demo",
    controls={"mask": Control(("h", "w"), default=0.0), "strength": Control((), default=1.0)},
    states={"grid": StateTensor(("ceil(H/8)", "ceil(W/8)", 5))},
)
INPUTS = [
    TensorInfo("frame", "uint8", ("H", "W", 3)),
    TensorInfo("mask", "float32", ("h", "w")),
    TensorInfo("strength", "float32", ()),
    TensorInfo("state.grid", "float32", ("a", "b", 5)),
]


def test_profiles_name_every_free_input_in_three_sizes():
    assert profile_settings(INPUTS, SPEC.to_json(), size=(360, 640)) == {
        "trt_profile_min_shapes": "frame:64x64x3,mask:1x1,state.grid:8x8x5",
        "trt_profile_opt_shapes": "frame:360x640x3,mask:96x160,state.grid:45x80x5",
        "trt_profile_max_shapes": "frame:2160x3840x3,mask:2160x3840,state.grid:270x480x5",
    }


def test_sizes_beyond_the_usual_range_widen_it():
    settings = profile_settings(INPUTS[:1], SPEC.to_json(), size=(40, 8000))
    assert settings["trt_profile_min_shapes"] == "frame:40x64x3"
    assert settings["trt_profile_max_shapes"] == "frame:2160x8000x3"


def test_fixed_shapes_and_foreign_models_need_none():
    fixed = [TensorInfo("frame", "uint8", (720, 1280, 3))]
    assert profile_settings(fixed, SPEC.to_json(), size=None) == {}
    assert profile_settings(INPUTS, None, size=None) == {}
    assert profile_settings(INPUTS, "{}", size=None) == {}
