"""Writes the manifest of the zoo:  python -m artrt.export.zoo [FOLDER]."""

from __future__ import annotations

import sys
from pathlib import Path

from ..engine.zoo.zoo import SHIPPED, write_manifest


def main(arguments: list[str]) -> None:
    """Writes `manifest.json` of the given folder, or of the shipped zoo.

    Args:
        arguments: At most one folder.
    """
    path = write_manifest(Path(arguments[0]) if arguments else SHIPPED)
    sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
