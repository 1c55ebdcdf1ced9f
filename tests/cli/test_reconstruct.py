"""`artrt reconstruct`."""

import pytest

from artrt.cli.main import run
from artrt.engine.frame import read_image, write_image
from support.painting import torchvision_vgg


@pytest.fixture
def reconstruct(tmp_path, picture):
    torchvision_vgg(tmp_path / "narrow.pth", "vgg19", channels=3, classifier=False)
    write_image(tmp_path / "photo.png", picture(72, 96, seed=1))

    def call(kind, *arguments):
        image, out = str(tmp_path / "photo.png"), str(tmp_path / "out.png")
        fixed = ["--loss-network", str(tmp_path / "narrow.pth"), "--size", "64", "--steps", "2"]
        return run(["reconstruct", kind, image, "-o", out, *arguments, *fixed])

    return call


def test_one_layer_s_content(reconstruct, tmp_path, capsys):
    assert reconstruct("content", "--layer", "relu2_1") == 0
    assert read_image(tmp_path / "out.png").shape == (48, 64, 3)
    assert "relu2_1" in capsys.readouterr().out


def test_the_style_of_some_layers(reconstruct, tmp_path):
    assert reconstruct("style", "--layers", "relu1_1,relu2_1") == 0
    assert read_image(tmp_path / "out.png").shape == (48, 64, 3)


def test_the_grid_is_the_picture_and_every_layer(reconstruct, tmp_path, capsys):
    assert reconstruct("style", "--grid") == 0
    assert read_image(tmp_path / "out.png").shape == (48, 6 * 64 + 5 * 8, 3)
    assert "relu1_1, relu2_1, relu3_1, relu4_1, relu5_1" in capsys.readouterr().out


def test_an_unknown_layer_lists_the_known(reconstruct, tmp_path, capsys):
    assert reconstruct("content", "--layer", "conv4_1") == 2
    errors = capsys.readouterr().err
    assert "no layer 'conv4_1'; it has relu1_1" in errors
    assert not (tmp_path / "out.png").exists()
