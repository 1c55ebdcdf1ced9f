"""HEIC, the photo format of phones: read with the extra `heif`, recognised by content, and never written."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec

from ..errors import InputError
from .formats import IMAGE_SUFFIXES

HEIF_SUFFIXES = frozenset({".heic", ".heif", ".hif"})
#: Pillow's name of the format, after `prepare` was called.
KIND = "HEIF"
MISSING = "HEIC needs pi-heif: pip install 'artrt[heif]'"
_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1")


def available() -> bool:
    """Whether HEIC can be read: the extra is installed."""
    return find_spec("pi_heif") is not None


def readable_suffixes() -> frozenset[str]:
    """The suffixes of all picture formats that can be read."""
    return IMAGE_SUFFIXES | HEIF_SUFFIXES if available() else IMAGE_SUFFIXES


def is_heif(data: bytes) -> bool:
    """Whether a file is HEIC, by its first bytes; AVIF has a similar header, but is another format."""
    brands = data[8 : int.from_bytes(data[:4], "big")]
    return data[4:8] == b"ftyp" and data[8:12] in _BRANDS and b"avif" not in brands


def prepare(name: str) -> None:
    """Registers HEIC with Pillow.

    Args:
        name: What the error calls the file.

    Raises:
        InputError: The extra is not installed.
    """
    if not available():
        raise InputError(f"cannot read {name}: {MISSING}")
    _register()


@cache
def _register() -> None:
    import pi_heif

    pi_heif.register_heif_opener()
