"""A hook of MkDocs: shows the repository to mkdocstrings under the package's name, whatever the folder is called."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path
from typing import Any

from mkdocs.plugins import event_priority

ROOT = Path(__file__).resolve().parent.parent


@event_priority(100)  # before mkdocstrings reads its settings
def on_config(config: Any) -> Any:
    """Adds a folder that holds the package as `artrt` to the places where mkdocstrings looks."""
    folder = Path(tempfile.mkdtemp(prefix="artrt-docs-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "artrt").symlink_to(ROOT, target_is_directory=True)
    config.plugins["mkdocstrings"].config.handlers["python"]["paths"] = [str(folder)]
    return config
