from __future__ import annotations

import os

import pytest

from artrt.engine.errors import InputError
from artrt.engine.sources import open_source
from support.clips import make_clip


@pytest.mark.parametrize(
    "name",
    ["2024-08-20T13:28:35.mp4", "Artist: Song.mp4", "test:.mp4", "gst:x.mp4", "a:b/c.mp4", "concat:a|b.mp4"],
)
def test_a_file_may_have_colons_in_its_name(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    os.makedirs(os.path.dirname(name) or ".", exist_ok=True)  # noqa: PTH103, PTH120
    make_clip(tmp_path / "whole.mp4", frames=3).rename(name)
    source = open_source(name)
    assert source.read().image.shape == (48, 64, 3)
    source.close()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.mp4", "ffconcat version 1.0\nfile secret.mp4\n"),
        ("a.mp4", "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{folder}/secret.ts\n#EXT-X-ENDLIST\n"),
        ("a.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nsecret.ts\n#EXT-X-ENDLIST\n"),
        ("a.sdp", "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 9 RTP/AVP 96\n"),
    ],
)
def test_a_list_of_other_files_is_no_video(tmp_path, name, text):
    make_clip(tmp_path / "secret.mp4", frames=3)
    make_clip(tmp_path / "secret.ts", frames=3)
    (tmp_path / name).write_text(text.format(folder=tmp_path))
    with pytest.raises(InputError, match="playlists and scripts|not a readable video"):
        open_source(tmp_path / name)
