"""Every command of the README's shell blocks runs, in the README's order, on small files that stand in for a user's.

Options that only make the work small are appended. What needs a camera, a stream, another machine or a download, and
what runs until it is stopped, is named in `CANNOT_RUN`, and read by the command's parser in test_readme.py.
"""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
import torch

import artrt
from artrt.cli.main import run
from artrt.engine.frame import write_image
from support.clips import make_clip
from support.painting import random_squeezenet, torchvision_vgg
from support.weights import write_weights

CANNOT_RUN = {
    "--camera": "needs a camera",
    "rtsp://": "needs a stream",
    "serve": "runs until it is stopped",
    "studio": "runs until it is stopped",
    "pull": "downloads",
}
PAINTING = "--size 64 --steps 2 --loss-network narrow/vgg.pth"
SMALLER = {
    ("paint",): f"{PAINTING} --weights-dir narrow",
    ("reconstruct",): PAINTING,
    ("train", "style"): "--weights weights --minutes 0.01 --batch 1 --crop 64",
    ("train", "trunk"): "--weights weights --steps 1 --batch 1 --crop 64",
    ("eval",): "--weights weights --limit 1 --fps-size none",
    ("export",): "--size 64x48 --calibration photos",
    ("bench",): "--size 64x48",
}


def commands(root):
    """Words after `artrt` of every line of the shell blocks."""
    blocks = re.findall(r"```sh\n(.*?)```", (root / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    parts = [part.strip() for block in blocks for line in block.splitlines() for part in line.split("&&")]
    return [shlex.split(part)[1:] for part in parts if part.startswith("artrt ")]


def expanded(words):
    """Globs as a shell expands them."""
    return [
        found for word in words for found in (sorted(map(str, Path().glob(word))) if "*" in word else [word])
    ]


def cannot_run(words):
    return any(word.startswith(mark) for word in words for mark in CANNOT_RUN)


def smaller(words):
    """The options that make a command's work small."""
    return [
        option
        for names, text in SMALLER.items()
        if tuple(words[: len(names)]) == names
        for option in text.split()
    ]


@pytest.fixture
def workplace(root, tmp_path, picture, monkeypatch):
    """A folder with everything that the README's commands read."""
    torch.set_num_threads(1)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ARTRT_PROVIDER", "cpu")
    monkeypatch.delenv("ARTRT_ZOO", raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    (tmp_path / "docs" / "images").mkdir(parents=True)
    shutil.copy(root / "docs" / "images" / "astronaut.jpg", tmp_path / "docs" / "images")
    for number, name in enumerate(
        ("photo.jpg", "starry-night.jpg", "irises.jpg", "photos/a.jpg", "more/b.png")
    ):
        write_image(tmp_path / name, picture(96, 128, seed=number))
    for number, name in enumerate(artrt.styles()):
        write_image(tmp_path / "paintings" / f"{name}.jpg", picture(80, 80, seed=number))
    make_clip(tmp_path / "clip.mp4", frames=3)
    write_weights(tmp_path / "weights")
    (tmp_path / "narrow").mkdir()
    torchvision_vgg(tmp_path / "narrow" / "vgg.pth", "vgg19", channels=3, classifier=False)
    random_squeezenet(tmp_path / "narrow")
    return tmp_path


def test_every_command_of_the_readme_runs(root, workplace, capfd):
    ran = set()
    for words in commands(root):
        if cannot_run(words):
            continue
        wanted = {0, 3} if words[0] == "doctor" else {0}  # 3: no CUDA here
        code = run([*expanded(words), *smaller(words)])
        assert code in wanted, f"artrt {shlex.join(words)}: exit code {code}\n{capfd.readouterr().err}"
        ran.add(words[0])
    assert ran >= {"stylize", "batch", "quantize", "paint", "train", "eval", "export", "bench", "doctor"}
    for name in ("astronaut-starry-night.jpg", "painting.mp4", "mosaic.png", "irises.safetensors", "deploy"):
        assert (workplace / name).exists(), name


def test_what_cannot_run_is_little(root):
    left_out = [words for words in commands(root) if cannot_run(words)]
    assert {words[0] for words in left_out} == {"live", "serve", "studio", "models"}
    assert len(left_out) < len(commands(root)) / 4
