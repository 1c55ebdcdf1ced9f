"""Small generated video files, and what is in a video file."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np


@dataclass(frozen=True)
class Probe:
    """What ffprobe would say."""

    frames: int
    rate: Fraction
    width: int
    height: int
    seconds: float
    start: float
    audio: str | None
    audio_seconds: float


def make_clip(
    path: Path, *, frames=30, width=64, height=48, rate=Fraction(25), audio: str | None = None, times=None
) -> Path:
    """Writes a clip whose frame `k` is grey of level 8k (mod 240) in its middle; a tone as audio."""
    with av.open(str(path), "w") as container:
        codec = "libvpx-vp9" if path.suffix == ".webm" else "libx264"
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        base = Fraction(1, 1000) if times is not None else 1 / Fraction(rate)
        stream.codec_context.time_base = base
        sound = container.add_stream(audio, rate=48000, layout="mono") if audio else None
        for k in range(frames):
            picture = av.VideoFrame.from_ndarray(level_picture(k, width, height), format="bgr24")
            picture.pts = k if times is None else round(times[k] * 1000)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
        if sound is not None:
            _write_tone(container, sound, seconds=float(frames / Fraction(rate)))
    return path


def make_clip_of_two_tracks(path: Path) -> Path:
    """An MP4 whose first picture and audio tracks are the poorer ones: 32x24 and 8 kHz before 64x48 and 48 kHz."""
    random = np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        tracks = []
        for width, frames, rate in ((32, 10, 8000), (64, 20, 48000)):
            stream = container.add_stream("libx264", rate=frames)
            stream.width, stream.height, stream.pix_fmt = width, width * 3 // 4, "yuv420p"
            sound = container.add_stream("aac", rate=rate, layout="mono")
            for track in (stream, sound):
                track.disposition = av.stream.Disposition.default
            tracks.append((stream, sound, frames, rate))
        for stream, sound, frames, rate in tracks:
            for k in range(frames):
                image = level_picture(k, stream.width, stream.height)
                image[::2, ::2] = random.integers(0, 40 if stream.width == 32 else 255, image[::2, ::2].shape)
                picture = av.VideoFrame.from_ndarray(image, format="bgr24")
                picture.pts, picture.time_base = k, Fraction(1, frames)
                container.mux(stream.encode(picture))
            container.mux(stream.encode(None))
            _write_tone(container, sound, seconds=1.0, rate=rate)
    return path


def cut_off(clip: Path, *, share: float) -> Path:
    """The clip with its index in front and only a share of what comes after it: a download that broke off."""
    whole = clip.with_name(f"whole-{clip.name}")
    with av.open(str(clip)) as source, av.open(str(whole), "w", options={"movflags": "faststart"}) as target:
        track = source.streams.video[0]
        copy = target.add_stream_from_template(track)
        for packet in source.demux(track):
            if packet.dts is not None:
                packet.stream = copy
                target.mux(packet)
    data = whole.read_bytes()
    whole.unlink()
    pictures = data.index(b"mdat")
    clip.write_bytes(data[: pictures + round(share * (len(data) - pictures))])
    return clip


def level_picture(k: int, width: int, height: int) -> np.ndarray:
    """uint8 [H, W, 3]: level 8k (mod 240)."""
    return np.full((height, width, 3), 8 * k % 240, np.uint8)


def rotate_clip(path: Path, degrees: int) -> None:
    """Writes a rotation (clockwise, for display) into the header of an MP4."""
    cosine, sine = {90: (0, 1), 180: (-1, 0), 270: (0, -1)}[degrees]
    data = bytearray(path.read_bytes())
    start = data.index(b"tkhd") + 4 + 40
    unit = 1 << 16
    matrix = struct.pack(">9i", cosine * unit, sine * unit, 0, -sine * unit, cosine * unit, 0, 0, 0, 1 << 30)
    data[start : start + 36] = matrix
    path.write_bytes(bytes(data))


def probe(path: Path) -> Probe:
    """Decodes a whole file."""
    with av.open(str(path)) as container:
        stream = container.streams.best("video")
        times = [frame.time for frame in container.decode(stream)]
        rate, width, height = stream.average_rate, stream.width, stream.height
    audio, audio_seconds = None, 0.0
    with av.open(str(path)) as container:
        if container.streams.audio:
            track = container.streams.best("audio", related=container.streams.best("video"))
            audio = track.codec_context.name
            samples = sum(frame.samples for frame in container.decode(track))
            audio_seconds = samples / track.rate
    seconds = times[-1] - times[0] + float(1 / rate)
    return Probe(len(times), rate, width, height, seconds, times[0], audio, audio_seconds)


def levels(path: Path) -> list[float]:
    """Mean level of every frame."""
    with av.open(str(path)) as container:
        return [float(frame.to_ndarray(format="bgr24").mean()) for frame in container.decode(video=0)]


def _write_tone(container, stream, *, seconds: float, rate: int = 48000) -> None:
    total = round(rate * seconds)
    wave = (np.sin(np.arange(total) * 2 * np.pi * 440 / rate) * 8000).astype(np.int16)
    for start in range(0, total, 1024):
        block = wave[None, start : start + 1024]
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block), format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))
