"""A camera, a Stylizer, and code of your own.  python examples/embed.py [CAMERA or FILE] [FRAMES]."""

from __future__ import annotations

import sys

import cv2
import numpy as np

import artrt


def main(source: str = "0", frames: str = "100") -> None:
    """Paints frames and does something with each: here, its mean colour."""
    camera = cv2.VideoCapture(int(source) if source.isdigit() else source)
    if not camera.isOpened():
        sys.exit(f"cannot open {source}: give a camera's number or a video file")
    with artrt.Stylizer("starry-night", strength=0.9) as stylizer:
        print(f"runs on {stylizer.provider} ({stylizer.reason})")
        for number in range(int(frames)):
            there, frame = camera.read()
            if not there:
                break
            painting = stylizer(frame)  # uint8 [H, W, 3] in BGR, as OpenCV has it
            blue, green, red = np.round(painting.mean(axis=(0, 1))).astype(int)
            print(f"frame {number}: {painting.shape[1]}x{painting.shape[0]}, rgb({red}, {green}, {blue})")
    camera.release()


if __name__ == "__main__":
    main(*sys.argv[1:])
