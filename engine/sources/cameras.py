"""Names of cameras as shown by the system."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

DEVICES = Path("/sys/class/video4linux")


def camera_names(folder: Path = DEVICES) -> dict[str, str]:
    """The cameras of this machine: name -> address. Empty if the system does not list them.

    Args:
        folder: Linux's list of video devices; the first entry of each camera is used.
    """
    found: dict[str, str] = {}
    for entry in sorted(folder.glob("video*"), key=lambda path: int(path.name.removeprefix("video") or 0)):
        try:
            name = (entry / "name").read_text(encoding="utf-8").strip()
            index = int((entry / "index").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if index == 0:  # a camera's other devices give metadata
            found[name if name not in found else f"{name} ({entry.name})"] = f"/dev/{entry.name}"
    return found


def source_name(address: str) -> str:
    """The display name of a source: a camera's name, a stream's host, never a password."""
    if address.isdecimal() or address.startswith("/dev/video"):
        device = address if address.startswith("/dev/") else f"/dev/video{address}"
        names = {path: name for name, path in camera_names().items()}
        return names.get(device, f"Camera {address.removeprefix('/dev/video')}")
    parts = urlsplit(address)
    if parts.scheme and parts.hostname and parts.scheme not in ("test", "screen", "csi", "file"):
        return f"{parts.hostname}{parts.path}".rstrip("/")
    return address
