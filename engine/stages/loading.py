"""Loads a stage from a file."""

from __future__ import annotations

import os

from ..errors import ContractError
from ..sessions import open_session
from .stage import Stage


def load_stage(
    path: str | os.PathLike[str],
    *,
    provider: str = "auto",
    threads: int | None = None,
    size: tuple[int, int] | None = None,
    steady: bool = False,
    precision: str = "fp32",
    at_once: int = 1,
    kind: type[Stage] = Stage,
) -> Stage:
    """Loads a stage from an ONNX file or a TensorRT engine.

    Args:
        path: The file; its metadata contains the stage contract.
        provider: See `open_session`.
        threads: Threads of one inference on a CPU.
        size: (height, width) of the expected frames in pixels, when known.
        steady: Many frames of one size are expected.
        precision: "fp32", or "bf16" for OpenVINO.
        at_once: Number of frames that may be painted at the same time.
        kind: The class of the stage to create.

    Raises:
        InputError: The file is missing.
        ContractError: It is not a stage.
        ProviderError: The provider is not available.
    """
    session = open_session(
        path,
        provider=provider,
        threads=threads,
        size=size,
        steady=steady,
        precision=precision,
        at_once=at_once,
    )
    try:
        return kind(session)
    except ContractError as error:
        session.close()
        raise ContractError(f"{path}: {error}") from error
