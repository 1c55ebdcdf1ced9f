from __future__ import annotations

import shutil
import subprocess
from fractions import Fraction

import av
import numpy as np
import pytest

from artrt.engine.playing.pipeline import Pipeline
from artrt.engine.sinks import EncodeOptions, open_sink
from support.clips import level_picture


def rich_clip(path, *, subtitle="subrip", tags=None, text=b"Hello"):
    """One second: pictures, a low and a high tone, subtitles, two chapters, tags."""
    with av.open(str(path), "w") as container:
        picture = container.add_stream("libx264", rate=25)
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        sounds = [container.add_stream("aac", rate=48000, layout="mono") for _ in range(2)]
        for sound, language in zip(sounds, ("eng", "deu"), strict=True):
            sound.metadata["language"] = language
        words = container.add_mux_stream(subtitle)
        words.metadata["language"] = "fra"
        container.metadata.update(tags or {"title": "Holiday", "creation_time": "2024-01-02T03:04:05Z"})
        container.set_chapters([chapter(1, 0, 500, "One"), chapter(2, 500, 1000, "Two")])
        for k in range(25):
            frame = av.VideoFrame.from_ndarray(level_picture(k, 64, 48), format="bgr24")
            frame.pts, frame.time_base = k, Fraction(1, 25)
            container.mux(picture.encode(frame))
        container.mux(picture.encode(None))
        container.mux(spoken(words, text))
        for number, sound in enumerate(sounds):
            wave = np.sin(np.arange(48000) * 2 * np.pi * (number + 1) / 100) * 9000
            for start in range(0, 48000, 1024):
                tone = av.AudioFrame.from_ndarray(
                    wave[None, start : start + 1024].astype(np.int16), format="s16", layout="mono"
                )
                tone.sample_rate, tone.pts, tone.time_base = 48000, start, Fraction(1, 48000)
                container.mux(sound.encode(tone))
            container.mux(sound.encode(None))
    return path


def chapter(number, start, end, title):
    return {
        "id": number,
        "start": start,
        "end": end,
        "time_base": Fraction(1, 1000),
        "metadata": {"title": title},
    }


def spoken(stream, text):
    packet = av.Packet(text)
    packet.pts = packet.dts = 200
    packet.duration, packet.time_base, packet.stream = 400, Fraction(1, 1000), stream
    return packet


def carried(source, target, **options):
    """Plays a clip into a file and gives the notes and what the file holds."""
    pipeline = Pipeline(str(source), sinks=[open_sink(target, options=EncodeOptions(**options))])
    pipeline.run()
    with av.open(str(target)) as container:
        tracks = [(s.type, s.metadata.get("language", "und")) for s in container.streams if s.type != "data"]
        chapters = [
            (float(c["start"] * c["time_base"]), c["metadata"]["title"]) for c in container.chapters()
        ]
        return pipeline.notes, tracks, chapters, {k.lower(): v for k, v in container.metadata.items()}


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".mov"])
def test_everything_that_belongs_to_the_pictures_is_kept(tmp_path, suffix):
    clip = rich_clip(tmp_path / "in.mkv")
    notes, tracks, chapters, tags = carried(clip, tmp_path / f"out{suffix}")
    assert notes == ()
    assert tracks[1:3] == [("audio", "eng"), ("audio", "ger" if suffix == ".mov" else "deu")]
    assert tracks[3] == ("subtitle", "fra")
    assert chapters == [(0.0, "One"), (0.5, "Two")]
    assert tags["title"] == "Holiday"
    assert tags["creation_time"].startswith("2024-01-02T03:04:05")
    with av.open(str(tmp_path / f"out{suffix}")) as container:
        words = [packet for packet in container.demux(subtitles=0) if packet.size]
        text = b"".join(bytes(packet) for packet in words)
        assert b"Hello" in text
        assert float(words[-1].pts * words[-1].time_base) in (
            pytest.approx(0.2, abs=0.05),
            pytest.approx(0.6, abs=0.05),
        )


def test_subtitles_of_an_mp4_become_those_of_matroska(tmp_path):
    carried(rich_clip(tmp_path / "in.mkv"), tmp_path / "a.mp4")
    notes, tracks, _, _ = carried(tmp_path / "a.mp4", tmp_path / "b.mkv")
    assert notes == ()
    assert [kind for kind, _ in tracks] == ["video", "audio", "audio", "subtitle"]
    with av.open(str(tmp_path / "b.mkv")) as container:
        assert container.streams.subtitles[0].codec_context.name == "srt"


@pytest.mark.parametrize("between", ["", ".mp4", ".mkv"])
def test_subtitles_become_those_of_webm(tmp_path, between):
    text = b"<i>Salt</i> & <font color=red>pepper</font> <3 {\\an8}up"
    clip = rich_clip(tmp_path / "in.mkv", text=text if between != ".mp4" else b"Salt & pepper <3 up")
    if between:
        carried(clip, tmp_path / f"between{between}")
        clip = tmp_path / f"between{between}"
    notes, tracks, _, _ = carried(clip, tmp_path / "out.webm")
    assert (notes, tracks[3]) == ((), ("subtitle", "fra"))
    with av.open(str(tmp_path / "out.webm")) as container:
        assert container.streams.subtitles[0].codec_context.name == "webvtt"
        (words,) = [packet for packet in container.demux(subtitles=0) if packet.size]
        salt = "<i>Salt</i>" if between != ".mp4" else "Salt"
        assert bytes(words).decode() == f"{salt} &amp; pepper &lt;3 up"
        assert (float(words.pts * words.time_base), words.duration) == (pytest.approx(0.2, abs=0.05), 400)


def test_subtitles_that_webm_has_not_are_said_to_be_lost(tmp_path):
    clip = rich_clip(tmp_path / "in.mkv", subtitle="ass", text=b"0,0,Default,,0,0,0,,Hello")
    notes, _, _, _ = carried(clip, tmp_path / "out.webm")
    assert notes == ("not kept in .webm: 1 subtitle track (ssa); .mkv holds more",)


def test_both_sounds_are_heard_where_they_are_encoded_again(tmp_path):
    clip = rich_clip(tmp_path / "in.mkv")
    notes, tracks, _, _ = carried(clip, tmp_path / "out.webm")
    assert notes == ()
    assert tracks[1:3] == [("audio", "eng"), ("audio", "deu")]
    with av.open(str(tmp_path / "out.webm")) as container:
        for number in range(2):
            container.seek(0)
            sound = container.streams.audio[number]
            wave = np.concatenate([frame.to_ndarray().ravel() for frame in container.decode(sound)])
            assert wave.size / 48000 == pytest.approx(1.0, abs=0.1)
            loudest = np.argmax(np.abs(np.fft.rfft(wave[4800:43200]))) * 48000 / 38400
            assert loudest == pytest.approx(480 * (number + 1), abs=10)


def test_tags_can_be_stripped(tmp_path):
    clip = rich_clip(tmp_path / "in.mkv")
    _, tracks, chapters, tags = carried(clip, tmp_path / "out.mp4", metadata=False)
    assert not {"title", "creation_time"} & set(tags)
    assert (len(tracks), len(chapters)) == (4, 2)


def test_tags_of_phones_are_kept(tmp_path):
    phone = {"com.apple.quicktime.make": "Apple", "location": "+48.2000+016.3000/", "title": "Holiday"}
    clip = rich_clip(tmp_path / "in.mkv", tags=phone)
    _, _, _, tags = carried(clip, tmp_path / "out.mp4")
    assert {name: tags[name] for name in phone} == phone


def test_without_sound_the_rest_is_kept(tmp_path):
    clip = rich_clip(tmp_path / "in.mkv")
    _, tracks, chapters, _ = carried(clip, tmp_path / "out.mkv", audio=False)
    assert [kind for kind, _ in tracks] == ["video", "subtitle"]
    assert len(chapters) == 2


def first_times(path):
    """Seconds of the first picture and of the first sound."""
    with av.open(str(path)) as container:
        picture = next(container.decode(video=0)).time
    with av.open(str(path)) as container:
        sound = next(
            frame for frame in container.decode(audio=0) if np.abs(frame.to_ndarray()).max() > 0.01
        ).time
    return picture, sound


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg")
def test_late_sound_stays_late(tmp_path):
    pictures = ["-f", "lavfi", "-i", "testsrc2=s=96x64:r=25:d=2"]
    sound = ["-itsoffset", "0.6", "-f", "lavfi", "-i", "sine=f=440:d=1.2:r=44100"]
    codecs = ["-c:v", "libx264", "-c:a", "aac"]
    clip = tmp_path / "late.mp4"  # says so in an edit list
    words = ["ffmpeg", "-loglevel", "error", *pictures, *sound, *codecs, str(clip)]
    subprocess.run(words, check=True, timeout=60)
    Pipeline(str(clip), [], [tmp_path / "out.mp4"], frames="all").run()
    (picture, late), (painted, kept) = first_times(clip), first_times(tmp_path / "out.mp4")
    assert late - picture == pytest.approx(0.6, abs=0.05)
    assert kept - painted == pytest.approx(0.6, abs=0.05)
