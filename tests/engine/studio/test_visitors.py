from __future__ import annotations

import pytest

from artrt.engine.errors import InputError
from artrt.engine.studio.kinds import JPEG, picture_kind, video_kind
from artrt.engine.studio.options import Limits
from artrt.engine.studio.style_routes import STYLE, add_style
from artrt.engine.studio.visitors import NoRoomError, Visitors, plain_title
from artrt.engine.zoo.zoo import Zoo


@pytest.fixture
def clock():
    class Clock:
        now = 0.0

        def __call__(self):
            return self.now

    return Clock()


def test_who_was_away_too_long_is_forgotten(tmp_path, clock):
    visitors = Visitors(tmp_path, limits=Limits(age_seconds=10), clock=clock)
    away, here = visitors.welcome("1"), visitors.welcome("1")
    for visitor in (away, here):
        visitor.add("photo", title="a", file=JPEG).path.write_bytes(b"x")
    clock.now = 8
    assert visitors.known(here.id) is here
    clock.now = 12
    visitors.sweep()
    assert visitors.known(away.id) is None
    assert not away.folder.exists()
    assert here.folder.exists()


def test_a_style_counts_when_it_is_made(tmp_path, tiny_zoo):
    visitor = Visitors(tmp_path, limits=Limits()).welcome("1")
    item = visitor.add("style", title="half", file=STYLE)
    assert visitor.styles == []  # a tile that is painted meanwhile must not trip over it
    add_style(item, style=Zoo(tiny_zoo).style("udnie"), title="Mine")
    assert [style.facts["title"] for style in visitor.styles] == ["Mine"]


def test_room_is_counted_with_what_is_on_its_way(tmp_path):
    visitors = Visitors(tmp_path, limits=Limits(visitor_bytes=100, disk_bytes=1000))
    visitor = visitors.welcome("1")
    visitor.reserved = 60
    visitor.add("photo", title="a", file=JPEG).path.write_bytes(bytes(30))
    visitors.require_room(visitor, 10)
    with pytest.raises(NoRoomError, match="together"):
        visitors.require_room(visitor, 11)


def test_one_address_gets_half(tmp_path):
    visitors = Visitors(tmp_path, limits=Limits(visitor_bytes=1000, disk_bytes=1000))
    visitors.welcome("1").reserved = 400
    second, other = visitors.welcome("1"), visitors.welcome("2")
    with pytest.raises(NoRoomError, match="full"):
        visitors.require_room(second, 200)
    visitors.require_room(other, 200)


def test_dropping_a_file_drops_what_was_made_of_it(tmp_path):
    visitor = Visitors(tmp_path, limits=Limits()).welcome("1")
    item, other = (visitor.add("video", title="a", file=JPEG) for _ in range(2))
    for path in (item.path, item.path.with_name(f"{item.path.stem}-poster.jpg"), other.path):
        path.write_bytes(b"x")
    visitor.drop(item)
    assert list(visitor.folder.iterdir()) == [other.path]
    with pytest.raises(InputError, match="no such video"):
        visitor.item(item.id, "video")


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("photo.jpg", "photo"),
        ("C:\\x\\y z.PNG", "y z"),
        ("../../etc/passwd", "passwd"),
        ("a\r\nb.jpg", "a_b"),
        ("", "picture"),
        ("...", "picture"),
        ("ä" * 300 + ".jpg", "ä" * 0 or "picture"),
    ],
)
def test_titles_are_plain(name, title):
    assert plain_title(name) == title


def test_kinds_go_by_content():
    assert picture_kind(b"\xff\xd8\xff\xe0" + bytes(12)).suffix == ".jpg"
    assert picture_kind(b"RIFF0000WEBPVP8 ").suffix == ".webp"
    assert video_kind(b"\0\0\0\x18ftypisom0000").container == "mov"
    assert video_kind(b"\x1aE\xdf\xa3" + bytes(12)).container == "matroska"
    for head in (b"", b"RIFF0000WAVEfmt ", b"#EXTM3U\n", b"<svg xmlns=", b"\0\0\0\x18ftypheic0000"):
        with pytest.raises(InputError, match="not a video"):
            video_kind(head)
        with pytest.raises(InputError, match="send a JPEG"):
            picture_kind(head)
