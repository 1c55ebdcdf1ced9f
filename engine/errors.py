"""Errors of artrt and the exit codes that the command line gives them.

    ArtrtError 1
    ├── InputError 1              a picture, clip, folder or file is missing, empty or unreadable
    │   └── UnsupportedImageError 1   a picture was read, but no stage accepts its shape or type
    ├── OutputError 1             an output cannot be written or encoded
    ├── MissingExtraError 1       an optional dependency is not installed; names the extra
    ├── UsageError 2              options that make no sense or contradict each other
    │   ├── UnknownStyleError 2
    │   └── ContractError 2       an ONNX file that is not a stage, or a stage called wrongly
    ├── ProviderError 3           the requested provider is not available, and why
    ├── ParityError 4             an exported artefact differs from its original
    ├── SourceLostError 5         a live source was lost and could not be reopened
    └── IntegrityError 6          a file's bytes are not what its manifest says

An interrupted command exits with 130 (Ctrl-C is not an error of this tree).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from .addresses import redacted


class ArtrtError(Exception):
    """Base of every error that artrt raises on purpose; `exit_code` is the exit code of the command line.

    Args:
        message: What happened and what to do; logins, tokens and stream keys in its addresses are removed.
    """

    exit_code = 1
    #: A file with the part that was finished before the error, if one was kept.
    kept: str | None = None

    def __init__(self, message: str = "") -> None:
        super().__init__(redacted(message))


class InputError(ArtrtError):
    """An input is missing, empty or unreadable."""


class UnsupportedImageError(InputError):
    """A picture was read, but its shape or type is not supported."""


class OutputError(ArtrtError):
    """An output cannot be written or encoded."""


class MissingExtraError(ArtrtError):
    """An optional dependency is not installed; the message names the extra of artrt that installs it.

    Args:
        feature: What needs the package, in words ("artrt train"); the whole message when no package is named.
        package: The package that could not be imported.
        extra: The extra of artrt that installs it.
    """

    def __init__(self, feature: str, *, package: str = "", extra: str = "") -> None:
        super().__init__(f"{feature} needs {package}: pip install 'artrt[{extra}]'" if package else feature)
        self.package = package
        self.extra = extra


class UsageError(ArtrtError):
    """Options that make no sense or contradict each other."""

    exit_code = 2


class ContractError(UsageError):
    """An ONNX file is not a stage, or a stage was called with the wrong controls."""


class UnknownStyleError(UsageError):
    """No style has that name; the message lists the closest names.

    Args:
        name: The requested name.
        known: The names that exist.
    """

    def __init__(self, name: str, *, known: Iterable[str]) -> None:
        super().__init__(f"unknown style '{name}'; {suggest(name, known)}")
        self.name = name


class ProviderError(ArtrtError):
    """The requested provider is not available; the message names what is missing and the fix."""

    exit_code = 3


class ParityError(ArtrtError):
    """An exported artefact differs from its original by more than the tolerance."""

    exit_code = 4


class SourceLostError(ArtrtError):
    """A live source ended and could not be reopened in time."""

    exit_code = 5


class IntegrityError(ArtrtError):
    """A file, or the artefact it belongs to, differs from its manifest."""

    exit_code = 6


def error_of(kind: str, message: str) -> ArtrtError:
    """Rebuilds an error of another process: the class named `kind`, if it can be built from a message."""
    known = globals().get(kind, ArtrtError)
    try:
        error: ArtrtError = known(message)
    except TypeError:
        error = UsageError(message)
    return error


def suggest(name: str, known: Iterable[str]) -> str:
    """Suggests the names that were probably meant.

    Args:
        name: What was typed.
        known: The accepted names.

    Returns:
        "did you mean 'a' or 'b'?", or the whole list when nothing comes close.
    """
    names = sorted(known)
    close = difflib.get_close_matches(name.lower(), names, n=3, cutoff=0.5)
    if close:
        return "did you mean " + " or ".join(f"'{match}'" for match in close) + "?"
    return "known: " + (", ".join(names) if names else "none")


def check_known(what: str, value: str, known: Iterable[str]) -> None:
    """Checks a name against the accepted ones.

    Raises:
        UsageError: It is unknown; the message names `what` and the closest names.
    """
    names = list(known)
    if value not in names:
        raise UsageError(f"unknown {what} '{value}'; {suggest(value, names)}")
