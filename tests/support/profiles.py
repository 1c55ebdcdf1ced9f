"""Small ICC profiles of displays, made from their primaries and a gamma."""

from __future__ import annotations

import io
import struct

import numpy as np
from PIL import Image, ImageCms


def profile(primaries, gamma: float) -> bytes:
    """A version 2 profile of a display; `primaries` are XYZ under D50 of red, green and blue."""

    def fixed(*values):
        return b"".join(struct.pack(">i", round(value * 65536)) for value in values)

    curve = struct.pack(">4sIIH2x", b"curv", 0, 1, round(gamma * 256))
    name = struct.pack(">4sII5s", b"desc", 0, 5, b"test\0") + bytes(79)
    tags = [(b"desc", name), (b"cprt", b"text\0\0\0\0none\0\0\0\0")]
    tags += [(b"wtpt", b"XYZ \0\0\0\0" + fixed(0.9642, 1, 0.8249))]
    tags += [
        (letter + b"XYZ", b"XYZ \0\0\0\0" + fixed(*xyz))
        for letter, xyz in zip((b"r", b"g", b"b"), primaries, strict=True)
    ]
    tags += [(letter + b"TRC", curve) for letter in (b"r", b"g", b"b")]
    table, body, start = b"", b"", 132 + 12 * len(tags)
    for tag, data in tags:
        table += struct.pack(">4sII", tag, start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    head = struct.pack(
        ">I4sI4s4s4s12x4s28x", start + len(body), b"", 0x02100000, b"mntr", b"RGB ", b"XYZ ", b"acsp"
    )
    head += fixed(0.9642, 1, 0.8249)
    return head + bytes(128 - len(head)) + struct.pack(">I", len(tags)) + table + body


DISPLAY_P3 = profile([(0.5151, 0.2412, -0.0011), (0.2920, 0.6922, 0.0419), (0.1571, 0.0666, 0.7841)], 2.2)
ADOBE_RGB = profile([(0.6097, 0.3111, 0.0195), (0.2053, 0.6257, 0.0609), (0.1492, 0.0632, 0.7446)], 2.2)


def of_srgb(image: np.ndarray, target: bytes, mode: str = "RGB") -> Image.Image:
    """A BGR picture in sRGB as a Pillow picture whose numbers are those of a profile."""
    return ImageCms.profileToProfile(
        Image.fromarray(np.ascontiguousarray(image[..., ::-1])),
        ImageCms.createProfile("sRGB"),
        ImageCms.ImageCmsProfile(io.BytesIO(target)),
        outputMode=mode,
    )
