"""The examples run as they are written."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from artrt.engine.frame import read_image, write_image
from support.clips import make_clip


@pytest.fixture
def example(root, tiny_zoo):
    """Runs an example and returns what it prints."""

    def run_example(name: str, *arguments: object) -> str:
        command = [sys.executable, "-W", "error", str(root / "examples" / name), *map(str, arguments)]
        environment = os.environ | {"ARTRT_ZOO": str(tiny_zoo), "ARTRT_PROVIDER": "cpu"}
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=60, check=False, env=environment
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run_example


def test_embed(example, tmp_path):
    clip = make_clip(tmp_path / "clip.mp4", frames=3)
    lines = example("embed.py", clip, 2).splitlines()
    assert lines[0].startswith("runs on cpu")
    assert [line.partition(",")[0] for line in lines[1:]] == ["frame 0: 64x48", "frame 1: 64x48"]


def test_embed_without_a_camera_says_so(root, tmp_path):
    command = [sys.executable, str(root / "examples" / "embed.py"), str(tmp_path / "none.mp4")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith("none.mp4: give a camera's number or a video file")


def test_embed_is_short(root):
    lines = (root / "examples" / "embed.py").read_text().splitlines()
    assert (
        len([line for line in lines if line.strip() and not line.startswith(('"', "import", "from"))]) <= 20
    )


def test_blend_styles(example, tmp_path, picture):
    write_image(tmp_path / "photo.png", picture(48, 64))
    example("blend_styles.py", tmp_path / "photo.png", tmp_path / "out.png", "--steps", 3, "--width", 32)
    sheet = read_image(tmp_path / "out.png")
    assert sheet.shape == (48, 96, 3)
    tones = [round(float(sheet[:24, column].mean())) for column in (0, 32, 64)]
    assert tones == [102, 153, 204]  # the tiny zoo's starry-night, half-way, udnie
    assert (sheet[24:, 64:] == 204).all()


def test_batch_folder(example, tmp_path, picture):
    write_image(tmp_path / "in" / "a.png", picture(16, 16))
    (tmp_path / "in" / "bad.png").write_text("x")
    arguments = (tmp_path / "in", tmp_path / "out", "--workers", 1)
    assert "1 done, 1 failed, 0 done before" in example("batch_folder.py", *arguments)
    assert read_image(tmp_path / "out" / "a.png").shape == (16, 16, 3)


def test_every_example_is_tested(root):
    names = {path.name for path in (root / "examples").glob("*.py")}
    text = (root / "tests/examples/test_examples.py").read_text()
    assert names
    assert all(f'"{name}"' in text for name in names)
