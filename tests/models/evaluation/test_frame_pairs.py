from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from artrt.engine.errors import InputError
from artrt.models.evaluation.frame_pairs import FLO_MAGIC, dis_pair, find_frame_pairs, read_flow
from artrt.models.evaluation.metrics import warping_error


def scene(seed: int = 0) -> NDArray[np.uint8]:
    small = np.random.default_rng(seed).integers(0, 256, (24, 32, 3), np.uint8)
    return np.asarray(cv2.resize(small, (256, 192), interpolation=cv2.INTER_CUBIC), np.uint8)


def write_flow(path: Path, flow: NDArray[np.float32]) -> None:
    size = np.array(flow.shape[1::-1], "<i4").tobytes()
    path.write_bytes(np.float32(FLO_MAGIC).tobytes() + size + flow.astype("<f4").tobytes())


def write_pair(folder: Path) -> NDArray[np.float32]:
    """Frames that move by 4 pixels to the right, the true flow, and a hidden column."""
    folder.mkdir(parents=True)
    picture = scene()
    cv2.imwrite(str(folder / "frame_0002.png"), picture[20:148, 20:212])
    cv2.imwrite(str(folder / "frame_0003.png"), picture[20:148, 16:208])
    hidden = np.zeros((128, 192), np.uint8)
    hidden[:, :48] = 255
    cv2.imwrite(str(folder / "occlusion_0002.png"), hidden)
    flow = np.zeros((128, 192, 2), np.float32)
    flow[..., 0] = 4
    write_flow(folder / "frame_0002.flo", flow)
    return flow


def test_true_flow_is_read_with_its_occlusions(tmp_path: Path) -> None:
    flow = write_pair(tmp_path / "clip")
    assert np.array_equal(read_flow(tmp_path / "clip" / "frame_0002.flo"), flow)
    (pair,) = find_frame_pairs(tmp_path)
    assert pair.name == "clip"
    assert pair.valid[:, 48:].all()
    assert not pair.valid[:, :48].any()
    assert warping_error(pair.first, pair.second, pair.flow, pair.valid) == 0.0


def test_flow_shrinks_with_the_frames(tmp_path: Path) -> None:
    write_pair(tmp_path / "clip")
    (pair,) = find_frame_pairs(tmp_path, long_side_px=96)
    assert pair.first.shape == (64, 96, 3)
    assert pair.flow[40, 60] == pytest.approx([2, 0])
    assert warping_error(pair.first, pair.second, pair.flow, pair.valid) < 1e-4


def test_a_flow_file_can_be_named(tmp_path: Path) -> None:
    write_pair(tmp_path / "clip")
    flow = tmp_path / "clip" / "frame_0002.flo"
    (pair,) = find_frame_pairs(tmp_path / "clip", flow=str(flow))
    assert pair.flow.max() == 4


def test_dis_flow_follows_a_moving_scene() -> None:
    picture = scene(3)
    pair = dis_pair("moving", picture[10:170, 10:230], picture[10:170, 6:226])
    inside = pair.valid[20:-20, 20:-20]
    assert inside.mean() > 0.8
    assert np.median(pair.flow[20:-20, 20:-20, 0]) == pytest.approx(4, abs=0.3)
    still = warping_error(pair.first, pair.second, pair.flow * 0, pair.valid)
    assert warping_error(pair.first, pair.second, pair.flow, pair.valid) < still / 5


def test_pairs_of_a_clip_are_spread_over_it(tmp_path: Path) -> None:
    for number in range(9):
        cv2.imwrite(str(tmp_path / f"{number:03}.jpg"), scene(7)[:64, number : 64 + number])
    names = [pair.name.split("/")[1] for pair in find_frame_pairs(tmp_path, per_clip=3)]
    assert names == ["000", "004", "007"]


def test_what_is_no_clip_and_no_flow_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no two consecutive frames"):
        list(find_frame_pairs(tmp_path))
    broken = tmp_path / "broken.flo"
    broken.write_bytes(b"PIEHxxxxyyyy")
    with pytest.raises(InputError, match="should have"):
        read_flow(broken)
    broken.write_bytes(b"nothing at all here")
    with pytest.raises(InputError, match=r"not a \.flo file"):
        read_flow(broken)
    with pytest.raises(InputError, match="cannot read"):
        read_flow(tmp_path / "missing.flo")
