from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from artrt.engine.errors import InputError
from artrt.engine.frame import Image
from artrt.models.evaluation.frame_pairs import FramePair
from artrt.models.evaluation.judge import (
    EvaluationOptions,
    Judge,
    evaluate,
    evaluate_frames,
    mean_scores,
)
from support.weights import write_weights


def photo(seed: int, height: int = 96, width: int = 128) -> Image:
    small = np.random.default_rng(seed).integers(0, 256, (height // 8, width // 8, 3), np.uint8)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights, two photographs, two style pictures."""
    made = tmp_path_factory.mktemp("judge")
    write_weights(made / "weights")
    for name, seed in (("a", 1), ("b", 2), ("dots", 3), ("lines", 4)):
        cv2.imwrite(str(made / f"{name}.png"), photo(seed))
    return made


@pytest.fixture(scope="module")
def judge(folder: Path) -> Judge:
    return Judge.load(
        weights=folder / "weights", mask_of=lambda image: image[..., 1].astype(np.float32) / 255
    )


def paths(folder: Path, *names: str) -> list[Path]:
    return [folder / f"{name}.png" for name in names]


def styles(folder: Path) -> dict[str, Path]:
    return {"dots": folder / "dots.png", "lines": folder / "lines.png"}


def test_a_photograph_left_alone_keeps_everything(folder: Path, judge: Judge) -> None:
    scores = evaluate(lambda image, style: image, paths(folder, "a", "b"), styles(folder), judge=judge)
    assert [(score.photograph, score.style) for score in scores] == [
        ("a.png", "dots"),
        ("a.png", "lines"),
        ("b.png", "dots"),
        ("b.png", "lines"),
    ]
    for score in scores:
        assert score.content_loss == 0
        kept = (score.painted, score.painted_full, score.painted_half, score.painted_quarter, score.palette)
        assert kept == pytest.approx((0,) * 5, abs=1e-5)
        assert score.semantic == pytest.approx(1, abs=1e-5)
        assert score.cam_correlation == pytest.approx(1, abs=1e-5)
        assert (score.cam_iou, score.top1_kept, score.saliency_iou, score.edge_f1) == (1, 1, 1, 1)
        assert min(score.covariance_errors.values()) > 0.01


def test_the_style_picture_itself_is_fully_painted(folder: Path, judge: Judge) -> None:
    dots = photo(3)
    (score,) = evaluate(
        lambda image, style: dots, paths(folder, "a"), {"dots": folder / "dots.png"}, judge=judge
    )
    assert (score.painted, score.painted_quarter, score.palette) == pytest.approx((1, 1, 1), abs=1e-4)
    assert max(score.covariance_errors.values()) == pytest.approx(0, abs=1e-5)
    assert score.content_loss > 0.05
    assert score.cam_correlation < 0.9
    assert score.ssim < 0.5


def test_means_are_over_photographs_and_then_over_styles(folder: Path, judge: Judge) -> None:
    scores = evaluate(lambda image, style: 255 - image, paths(folder, "a", "b"), styles(folder), judge=judge)
    means = mean_scores(scores)
    dots = [score.painted for score in scores if score.style == "dots"]
    assert means["dots"]["painted"] == pytest.approx(np.mean(dots))
    both = (means["dots"]["painted"] + means["lines"]["painted"]) / 2
    assert means["mean"]["painted"] == pytest.approx(both)
    assert "saliency_iou" in means["mean"]
    assert "covariance_relu5_1" in means["mean"]
    assert "photograph" not in means["mean"]


def test_photographs_are_reduced_and_the_size_of_styles_counts(folder: Path, judge: Judge) -> None:
    sizes = []

    def transform(image: Image, style: str) -> Image:
        sizes.append(image.shape)
        return image

    one = EvaluationOptions(long_side_px=64, style_long_side_px=128)
    other = EvaluationOptions(long_side_px=64, style_long_side_px=64)
    dots = {"dots": folder / "dots.png"}
    first = evaluate(transform, paths(folder, "a"), dots, one, judge=judge)
    second = evaluate(transform, paths(folder, "a"), dots, other, judge=judge)
    assert sizes == [(48, 64, 3)] * 2
    assert first[0].covariance_errors != second[0].covariance_errors


def test_a_changed_size_is_refused(folder: Path, judge: Judge) -> None:
    with pytest.raises(InputError, match=r"a\.png in dots is 64x48, its photograph 128x96"):
        evaluate(lambda image, style: image[::2, ::2], paths(folder, "a"), styles(folder), judge=judge)


def test_without_a_saliency_network_its_score_is_left_out(folder: Path) -> None:
    judge = Judge.load(weights=folder / "weights")
    scores = evaluate(
        lambda image, style: image, paths(folder, "a"), {"dots": folder / "dots.png"}, judge=judge
    )
    assert scores[0].saliency_iou is None
    assert "saliency_iou" not in mean_scores(scores)["mean"]


def test_the_floor_is_how_far_the_halves_of_the_painting_differ(folder: Path, judge: Judge) -> None:
    twice = np.concatenate([photo(3)] * 2, axis=1)
    cv2.imwrite(str(folder / "twice.png"), twice)
    same = judge.style(folder / "twice.png", long_side_px=1000).floor
    other = judge.style(folder / "dots.png", long_side_px=1000).floor
    assert set(same) == {f"relu{number}_1" for number in range(1, 6)}
    assert max(same.values()) < 1e-4 < min(other.values())


def test_progress_is_reported(folder: Path, judge: Judge) -> None:
    told: list[tuple[int, int]] = []
    evaluate(
        lambda image, style: image,
        paths(folder, "a"),
        styles(folder),
        judge=judge,
        report=lambda done, total: told.append((done, total)),
    )
    assert told == [(1, 2), (2, 2)]


def test_a_flickering_painter_has_the_larger_warping_error() -> None:
    still = photo(6)
    pair = FramePair("still", still, still, np.zeros((96, 128, 2), np.float32), np.ones((96, 128), np.bool_))
    calls = iter(range(100))

    def paint(image: Image, style: str) -> Image:
        shift = next(calls) % 2 * 25 if style == "flicker" else 0
        return np.asarray(np.minimum(image, 200) + shift, np.uint8)

    errors = evaluate_frames(paint, [pair, pair], ["steady", "flicker"])
    assert errors["steady"] == errors[""] == 0
    assert errors["flicker"] == pytest.approx((25 / 255) ** 2, rel=1e-5)


def test_without_squeezenet_strokes_and_recognition_are_left_out(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    judge = Judge.load(weights=tmp_path)
    assert [line.split(":")[0].split(",")[0] for line in judge.notices()] == [
        "loss network small",
        "SqueezeNet is not on this machine",
    ]
    (score,) = evaluate(
        lambda image, style: image, paths(folder, "a"), {"dots": folder / "dots.png"}, judge=judge
    )
    assert score.painted is None
    assert score.semantic is None
    assert score.ssim == pytest.approx(1)
    assert score.palette == pytest.approx(0, abs=1e-6)
    means = mean_scores([score])["mean"]
    assert "painted" not in means
    assert 0 < means["covariance_relu3_1"] < 5
