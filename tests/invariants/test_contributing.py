"""The recipes of CONTRIBUTING work as written."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
import types
from pathlib import Path

import numpy as np

import artrt


def recipe(root, name):
    """The Python of a recipe."""
    page = (root / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = page.partition(f"## Recipe: add a {name}\n")[2].partition("\n## ")[0]
    (code,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    return "from __future__ import annotations\n" + re.sub(
        "^   " if name == "stage" else "^$", "", code, flags=re.MULTILINE
    )


def test_recipe_makes_a_stage(root, tmp_path, picture):
    import onnx
    from onnx import TensorProto

    from artrt.engine.stage_spec import Control, StageSpec
    from artrt.export.onnx_builder import GraphBuilder

    names = {"np": np, "onnx": onnx, "TensorProto": TensorProto}
    names |= {"Control": Control, "StageSpec": StageSpec, "GraphBuilder": GraphBuilder}
    exec(recipe(root, "stage"), names)
    onnx.save(names["onnx_from_posterize"](), tmp_path / "posterize.onnx")
    with artrt.load_stage(tmp_path / "posterize.onnx", provider="cpu") as stage:
        assert set(np.unique(stage(picture(32, 32), levels=3))) == {0, 128, 255}


def test_recipe_makes_a_sink(root):
    names = {}
    exec(recipe(root, "sink"), names)
    sink = names["Levels"]()
    artrt.Pipeline("test://64x48@100?frames=6", sinks=[sink], frames="all").run()
    assert len(sink.levels) == 6
    assert all(0 < level < 255 for level in sink.levels)


def test_recipe_makes_a_provider(root, tmp_path, monkeypatch, picture):
    import onnx
    from onnx.reference import ReferenceEvaluator

    from artrt.engine import sessions
    from artrt.engine.stage_spec import METADATA_KEY, StageSpec
    from support.models import INVERT, INVERT_SPEC, write_model

    module = types.ModuleType("artrt.engine.sessions.reference")
    vars(module).update(
        onnx=onnx,
        ReferenceEvaluator=ReferenceEvaluator,
        METADATA_KEY=METADATA_KEY,
        StageSpec=StageSpec,
        FakeSession=artrt.FakeSession,
    )
    exec(recipe(root, "provider"), vars(module))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(sessions.BACKENDS, "reference", "reference")
    image = picture(6, 8)
    with artrt.load_stage(
        write_model(tmp_path / "a.onnx", INVERT, INVERT_SPEC), provider="reference"
    ) as stage:
        assert stage.session.provider == "reference"
        assert (stage(image) == 255 - image).all()


def test_recipe_makes_a_style(root, tmp_path, monkeypatch, picture):
    """Runs the commands of the recipe, with one training step in place of twenty minutes, and ships the style."""
    from artrt.cli.main import run
    from artrt.export import zoo

    page = (root / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = page.partition("## Recipe: add a style\n")[2].partition("\n## ")[0]
    (block,) = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    train, stylize = [shlex.split(line)[1:] for line in block.splitlines()]
    assert train[-2] == "--minutes"
    monkeypatch.chdir(tmp_path)
    artrt.write_image("irises.jpg", picture(80, 96, seed=1))
    for name in ("photo.jpg", "photos/a.jpg", "photos/b.jpg"):
        Path(name).parent.mkdir(exist_ok=True)
        artrt.write_image(name, picture(72, 80))
    quick = ["--steps", "1", "--batch", "1", "--crop", "64", "--loss-network", "small"]
    assert run([*train[:-2], *quick]) == 0
    assert run([*stylize, "--provider", "cpu"]) == 0
    assert artrt.read_image("painting.jpg").shape == (72, 80, 3)
    shipped = Path(shutil.copytree(root / "models" / "zoo", "zoo"))
    trained = artrt.load_style("irises.safetensors")
    Path("irises.safetensors").replace(shipped / "styles" / "irises.safetensors")
    zoo.main([str(shipped)])
    np.testing.assert_array_equal(artrt.Zoo(shipped).style("irises").vector, trained.vector)


def test_the_sub_packages_of_the_page_are_those_of_the_engine(root):
    page = (root / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = page.partition("| sub-package | what |")[2].partition("\n\n")[0]
    packages = {path.parent.name for path in (root / "engine").glob("*/__init__.py")}
    assert set(re.findall(r"^\| `(\w+)/`", table, re.MULTILINE)) == packages


def test_commands_of_the_page_are_those_of_ci(root):
    page, script = (root / "CONTRIBUTING.md").read_text(), (root / ".ci" / "run").read_text()
    for command in ("ruff check .", "ruff format --check .", '".[dev]"', "mypy", "pytest"):
        assert command in page
        assert command in script
