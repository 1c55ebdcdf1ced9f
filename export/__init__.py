"""From PyTorch to ONNX to TensorRT: graphs, precision, parity and engine building (offline).

The package can be called: `artrt.export("deploy", precision="fp16")` is `export.folder.export_folder`.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _Callable(ModuleType):
    """A module that can be called: `artrt.export` is both the package and its main function."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """See `artrt.export.folder.export_folder`."""
        from .folder import export_folder

        return export_folder(*arguments, **options)


sys.modules[__name__].__class__ = _Callable
