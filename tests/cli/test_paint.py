"""`artrt paint`: it paints, stops well, goes on, and says what is wrong in one line."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import av
import numpy as np
import pytest

from artrt.cli.main import run
from artrt.engine.frame import read_image, write_image
from support.painting import random_squeezenet, torchvision_vgg


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A narrow VGG-19 and a random SqueezeNet."""
    folder = tmp_path_factory.mktemp("weights")
    torchvision_vgg(folder / "narrow.pth", "vgg19", channels=3, classifier=False)
    random_squeezenet(folder)
    return folder


@pytest.fixture
def photo(tmp_path, picture):
    write_image(tmp_path / "photo.png", picture(60, 80, seed=1))
    return tmp_path / "photo.png"


@pytest.fixture
def style(tmp_path, picture):
    write_image(tmp_path / "style.jpg", picture(70, 90, seed=2))
    return tmp_path / "style.jpg"


@pytest.fixture
def paint(weights, tmp_path):
    def call(*arguments, network="narrow.pth"):
        always = ["--loss-network", str(weights / network), "--weights-dir", str(weights), "--size", "64"]
        return run(["paint", *map(str, arguments), "-o", str(tmp_path / "out.png"), *always])

    return call


def test_it_paints_with_everything_on(paint, photo, style, tmp_path, capsys):
    mask = np.zeros((30, 40, 3), np.uint8)
    mask[:, 20:] = 255
    write_image(tmp_path / "mask.png", mask)
    code = paint(
        photo, style, style, "--steps", 3, "--style-weights", "2,1", "--mask", tmp_path / "mask.png", "--region", 1,
        "--edge", 1, "--color", 1, "--tv", 1, "--content-weight", 0.5, "--style-weight", 3, "--init", "noise",
        "--seed", 3, "--optimizer", "adam", "--preserve-color", "histogram", "--style-scale", 0.9, "--tile",
        "--preview", tmp_path / "preview.png", "--history", tmp_path / "history.mp4", "--json",
    )  # fmt: skip
    captured = capsys.readouterr()
    assert code == 0, captured.err
    assert read_image(tmp_path / "out.png").shape == (48, 64, 3)
    report = json.loads(captured.out)
    assert set(report["terms"]) == {"content", "style", "region", "edge", "color", "tv", "range"}
    with av.open(str(tmp_path / "history.mp4")) as container:
        frames = list(container.decode(video=0))
    assert len(frames) == 3
    assert (frames[0].width, frames[0].height) == (64, 48)


def test_each_style_has_a_mask_of_its_own_and_strokes_are_matched(paint, photo, style, tmp_path, capsys):
    masks = []
    for name, half in (("left", slice(0, 20)), ("right", slice(20, 40))):
        mask = np.zeros((30, 40, 3), np.uint8)
        mask[:, half] = 255
        write_image(tmp_path / f"{name}.png", mask)
        masks += ["--style-mask", tmp_path / f"{name}.png"]
    common = (photo, style, style, "--steps", 2, "--region", 0)
    assert paint(*common, *masks, "--match", "--salient", 2, "--precision", "float32", "--json") == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["terms"]["match"] > 0
    assert "in float32" in captured.err
    assert paint(*common, *masks[:2]) == 1
    assert "1 style masks for 2 styles" in capsys.readouterr().err
    assert paint(*common, *masks, "--mask", masks[1]) == 2
    assert "give one of them" in capsys.readouterr().err


def test_the_result_names_size_and_losses(paint, photo, style, capsys):
    assert paint(photo, style, "--steps", 2, "--region", 0) == 0
    out = capsys.readouterr().out
    assert "out.png  64x48" in out
    assert re.search(r"total \d+\.\d{4}  \(content .* style \d", out)


def test_stylized_starts_from_the_feed_forward_result(paint, photo, style, use_tiny_zoo, tmp_path, capsys):
    assert paint(photo, style, "--steps", 2, "--region", 0, "--init", "stylized:starry-night") == 0
    assert paint(photo, style, "--steps", 2, "--region", 0, "--init", "stylized") == 0
    assert paint(photo, style, "--steps", 2, "--region", 0, "--init", "stylized:monet") == 2
    assert "unknown style 'monet'" in capsys.readouterr().err


def test_ctrl_c_keeps_the_best_and_resume_goes_on(weights, photo, style, tmp_path):
    out = tmp_path / "out.png"
    command = [
        sys.executable, "-c",
        "import artrt.engine.jobs.growing_picture as g; g.PREVIEW_SECONDS = 0; from artrt.cli.main import main; main()",
        "paint", str(photo), str(style), "-o", str(out), "--size", "64", "--steps", "100000", "--region", "0",
        "--loss-network", str(weights / "narrow.pth"), "--preview", str(tmp_path / "preview.png"),
        "--history", str(tmp_path / "growing.mp4"),
    ]  # fmt: skip
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    wait_for((tmp_path / "preview.png").is_file, process)  # it is written from the first step on
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "best picture up to step" in errors
    assert read_image(out).shape == (48, 64, 3)
    done = int(errors.split("up to step ")[1].split()[0])
    with av.open(str(tmp_path / "growing.mp4")) as container:
        assert abs(len(list(container.decode(video=0))) - done) <= 1
    assert (tmp_path / "out.png.state").is_file()
    options = ["--size", "64", "--region", "0", "--loss-network", str(weights / "narrow.pth"), "--resume"]
    base = ["paint", str(photo), str(style), "-o", str(out), *options]
    assert run([*base, "--steps", str(done + 3)]) == 2  # other options


def wait_for(condition, process, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < end
        time.sleep(0.05)


def test_resume_finishes_and_forgets_the_state(paint, photo, style, tmp_path, monkeypatch, capsys):
    from artrt.engine.jobs.growing_picture import GrowingPicture

    arguments = (photo, style, "--steps", 12, "--region", 0)
    original, taken = GrowingPicture.add, []

    def interrupted(self, image, **options):
        original(self, image, **options)
        taken.append(image)
        if len(taken) == 5:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(GrowingPicture, "add", interrupted)
        assert paint(*arguments) == 130
    assert (tmp_path / "out.png.state").is_file()
    assert "step 5 of 12" in capsys.readouterr().err
    assert paint(style, *arguments[1:], "--resume") == 2
    assert "started with other pictures" in capsys.readouterr().err
    assert paint(*arguments, "--resume") == 0
    assert not (tmp_path / "out.png.state").exists()
    assert paint(*arguments, "--resume") == 2
    assert "nothing to resume" in capsys.readouterr().err


def test_a_diverged_painting_keeps_the_last_good_picture(paint, photo, style, tmp_path, monkeypatch, capsys):
    from artrt.models import losses

    calls = []

    def breaking(image):
        calls.append(1)
        return image.square().mean() * (float("nan") if len(calls) > 4 else 1)

    monkeypatch.setattr(losses, "total_variation", breaking)
    assert paint(photo, style, "--steps", 9, "--region", 0) == 1
    errors = capsys.readouterr().err
    assert "the tv loss is not finite: its weight of" in errors
    assert "--resume" not in errors
    assert read_image(tmp_path / "out.png").shape == (48, 64, 3)
    assert not (tmp_path / "out.png.state").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["missing.png", "{style}"], 1, "missing.png"),
        (["{photo}", "{text}"], 1, "text.jpg"),
        (["{photo}", "{small}"], 1, "at least 64 px"),
        (["{photo}", "{style}", "--style-weights", "1,x"], 2, "numbers separated by commas"),
        (["{photo}", "{style}", "--style-weights", "1,2"], 2, "2 style weights for 1 styles"),
        (["{photo}", "{style}", "--init", "picture"], 2, "unknown init 'picture'"),
        (["{photo}", "{style}", "--mask", "{photo_grey}"], 1, "grey levels"),
        (["{photo}", "{style}", "--device", "abacus"], 2, "cannot use the device 'abacus'"),
        (["{photo}", "{style}", "--preview", "{folder}/x.doc"], 1, "unknown picture format '.doc'"),
        (["{photo}", "{style}", "--preview", "{folder}/folder.png"], 1, "it is a folder"),
    ],
)
def test_bad_input_is_one_line(paint, photo, style, tmp_path, picture, capsys, arguments, code, message):
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "folder.png").mkdir()
    write_image(tmp_path / "small.png", picture(40, 90))
    write_image(tmp_path / "grey.png", np.full((9, 9, 3), 7, np.uint8))
    names = {
        "photo": photo, "style": style, "text": tmp_path / "text.jpg", "small": tmp_path / "small.png",
        "photo_grey": tmp_path / "grey.png", "folder": tmp_path,
    }  # fmt: skip
    filled = [argument.format(**names) for argument in arguments]
    if "{photo_grey}" in arguments:
        filled.insert(2, str(style))
    assert paint(*filled, "--region", 0) == code
    errors = capsys.readouterr().err
    assert message in errors
    assert "Traceback" not in errors
    assert not (tmp_path / "out.png").exists()


def test_an_unwritable_output_is_told_before_the_work(weights, photo, style, tmp_path, capsys):
    target = tmp_path / "photo.png" / "below" / "out.png"
    arguments = [
        "paint",
        str(photo),
        str(style),
        "-o",
        str(target),
        "--loss-network",
        str(weights / "narrow.pth"),
    ]
    assert run([*arguments, "--region", "0"]) == 1
    assert "cannot write" in capsys.readouterr().err


def test_without_weights_the_shipped_loss_network_paints_and_the_region_term_is_off(
    photo, style, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    arguments = ["paint", str(photo), str(style), "-o", str(tmp_path / "out.png"), "--size", "64"]
    assert run([*arguments, "--steps", "2"]) == 0
    errors = capsys.readouterr().err
    assert "loss network small" in errors
    assert "the region term is off; `artrt models pull squeezenet1_1`" in errors
    assert (tmp_path / "out.png").is_file()
    assert run([*arguments, "--region", "0.1"]) == 1
    assert "artrt models pull squeezenet1_1" in capsys.readouterr().err
