"""The memory that a painting takes, and the size that would fit."""

import pytest

from artrt.engine.errors import UsageError
from artrt.models.painting import memory

GB = 1 << 30


def test_more_pixels_need_more_and_tiles_less():
    small = memory.needed_bytes(512, 512, network="compact")
    large = memory.needed_bytes(2048, 2048, network="compact")
    tiled = memory.needed_bytes(2048, 2048, network="compact", tile_px=384)
    assert small < tiled < large
    assert tiled < 3 * GB


def test_a_painting_that_does_not_fit_is_refused_with_a_size_that_does():
    with pytest.raises(UsageError, match=r"needs about \d.*GB.*--size \d+ would fit.*--tile") as caught:
        memory.check_memory(6000, 4000, network="compact", tile_px=0, available=4 * GB)
    side = int(str(caught.value).split("--size ")[1].split()[0])
    memory.check_memory(side, round(side * 2 / 3), network="compact", tile_px=0, available=4 * GB)
    with pytest.raises(UsageError, match="needs about"):
        memory.check_memory(
            side + 64, round((side + 64) * 2 / 3), network="compact", tile_px=0, available=4 * GB
        )


def test_nothing_fits_into_nothing():
    with pytest.raises(UsageError, match="close other programs"):
        memory.check_memory(512, 512, network="vgg19", tile_px=0, available=1 << 20)


def test_unknown_memory_refuses_nothing():
    memory.check_memory(100_000, 100_000, network="compact", tile_px=0, available=None)


def test_this_machine_says_what_is_free():
    available = memory.available_bytes()
    assert available is None or available > 1 << 20


@pytest.mark.parametrize(
    ("folder", "limit", "use", "cache"),
    [
        ("", "memory.max", "memory.current", "inactive_file"),
        ("memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ],
)
def test_a_container_s_limit_counts(tmp_path, monkeypatch, folder, limit, use, cache):
    group = tmp_path / folder
    group.mkdir(exist_ok=True)
    assert memory.free_of_container(tmp_path) is None
    (group / use).write_text("700\n")
    (group / "memory.stat").write_text(f"anon 600\n{cache} 100\n")
    (group / limit).write_text("max\n")
    assert memory.free_of_container(tmp_path) is None
    (group / limit).write_text("1000\n")
    assert memory.free_of_container(tmp_path) == 400
    monkeypatch.setattr(memory, "free_of_container", lambda: 400)
    assert memory.available_bytes() == 400


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("DefaultCPUAllocator: not enough memory"),
        RuntimeError("CUDA out of memory"),
        MemoryError(),
    ],
)
def test_running_out_of_memory_says_what_fits(error):
    with (
        pytest.raises(UsageError, match=r"4000x3000 ran out of memory: --size \d+ would fit, or use --tile"),
        memory.telling_what_fits(3000, 4000, network="compact", tile_px=0),
    ):
        raise error


def test_other_errors_stay_what_they_are():
    with (
        pytest.raises(RuntimeError, match="sizes differ"),
        memory.telling_what_fits(1, 1, network="x", tile_px=0),
    ):
        raise RuntimeError("sizes differ")
