from __future__ import annotations

import json

import numpy as np
import pytest

from artrt.engine.errors import ContractError
from artrt.engine.stage_spec import Control, StageSpec, StateTensor, state_input, state_output

SPEC = StageSpec(
    "example",
    controls={"style": Control((3,)), "strength": Control((), default=1.0, minimum=0.0, maximum=1.0)},
    states={"palette": StateTensor((16, 3)), "labels": StateTensor(("H", "ceil(W/8)"))},
    extra={"trunk": "abc", "sizes": [1, 2]},
)


def test_json_round_trip_keeps_everything():
    assert StageSpec.from_json(SPEC.to_json()) == SPEC


def test_json_has_the_documented_shape():
    data = json.loads(SPEC.to_json())
    assert data["contract"] == 1
    assert data["controls"]["style"] == {"shape": [3], "default": None}
    assert data["controls"]["strength"] == {"shape": [], "default": 1.0, "minimum": 0.0, "maximum": 1.0}
    assert data["state"]["labels"] == {"shape": ["H", "ceil(W/8)"]}


def test_state_shapes_follow_the_frame():
    assert SPEC.state_shapes(5, 17) == {"palette": (16, 3), "labels": (5, 3)}


def test_default_array_fills_the_shape_and_frees_free_dimensions():
    assert Control((2, "w"), default=0.5).default_array().tolist() == [[0.5], [0.5]]
    assert Control((), default=1.0).default_array().shape == ()
    assert Control(("h", "w"), default=0.0).default_array().dtype == np.float32


def test_control_without_default_must_be_given():
    with pytest.raises(ContractError, match="no default"):
        Control((3,)).default_array()


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"contract": 1}', '{"contract": 1, "name": "x", "controls": {"a": 1}}']
)
def test_unreadable_metadata_is_a_contract_error(text):
    with pytest.raises(ContractError, match="unreadable stage metadata"):
        StageSpec.from_json(text)


def test_newer_contract_is_refused():
    with pytest.raises(ContractError, match="stage contract 2, but this artrt reads contract 1"):
        StageSpec.from_json(SPEC.to_json().replace('"contract": 1', '"contract": 2'))


def test_unknown_dimension_is_refused():
    spec = StageSpec("x", states={"a": StateTensor(("D",))})
    with pytest.raises(ContractError, match=r"state dimension 'D': expected a number, H, W or ceil\(H/8\)"):
        spec.state_shapes(4, 4)


def test_state_names():
    assert (state_input("palette"), state_output("palette")) == ("state.palette", "state.palette.next")
