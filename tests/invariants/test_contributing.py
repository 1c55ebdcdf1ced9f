"""The recipe of CONTRIBUTING works as written."""

from __future__ import annotations

import re

import numpy as np

import artrt


def test_recipe_makes_a_stage(root, tmp_path, picture):
    import onnx
    from onnx import TensorProto

    from artrt.engine.stage_spec import Control, StageSpec
    from artrt.export.onnx_builder import GraphBuilder

    (code,) = re.findall(
        r"```python\n(.*?)```", (root / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.DOTALL
    )
    names = {"np": np, "onnx": onnx, "TensorProto": TensorProto}
    names |= {"Control": Control, "StageSpec": StageSpec, "GraphBuilder": GraphBuilder}
    exec("from __future__ import annotations\n" + re.sub("^   ", "", code, flags=re.MULTILINE), names)
    onnx.save(names["onnx_from_posterize"](), tmp_path / "posterize.onnx")
    with artrt.load_stage(tmp_path / "posterize.onnx", provider="cpu") as stage:
        assert set(np.unique(stage(picture(32, 32), levels=3))) == {0, 128, 255}


def test_commands_of_the_page_are_those_of_ci(root):
    page, script = (root / "CONTRIBUTING.md").read_text(), (root / ".ci" / "run").read_text()
    for command in ("ruff check .", "ruff format --check .", '".[dev]"', "mypy", "pytest"):
        assert command in page
        assert command in script
