"""The `artrt` command: finds sub-commands, turns known errors into one line and an exit code."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import Any

import click

from .. import __version__
from ..engine.addresses import redacted
from ..engine.errors import ArtrtError
from ._lazy_group import LazyGroup, verbatim_examples
from .signals import Terminated, raise_on_signals

# name -> (module under artrt.cli, one line of help). The module defines a click command named `command`;
# it is imported only when it runs, so that `artrt --help` is fast.
COMMANDS: dict[str, tuple[str, str]] = {
    "stylize": ("stylize", "Stylise pictures, folders and videos."),
    "batch": ("batch", "Stylise everything below a folder with several workers."),
    "live": ("live", "Play a camera, stream or file in a style, in real time."),
    "studio": ("studio", "Open a web page to paint photographs, videos and cameras."),
    "serve": ("serve", "Show a camera, stream or file on a web page with live controls."),
    "styles": ("styles", "List the styles, or show one."),
    "quantize": ("quantize", "Reduce pictures and videos to K colours (k-means)."),
    "superpixels": ("superpixels", "Split pictures and videos into regions of one colour (SLIC)."),
    "paint": ("paint", "Paint one picture by optimisation: slow, high quality."),
    "reconstruct": ("reconstruct", "Show what a loss network keeps of a picture."),
    "models": ("models", "Download and list the pretrained loss networks."),
    "export": ("export", "Write models or TensorRT engines for deployment."),
    "doctor": ("doctor", "Check this machine and a provider."),
    "bench": ("bench", "Time models, stages and exported folders."),
    "saliency": ("saliency", "Masks and heat maps of the salient region."),
    "eval": ("eval", "Score styles, a trunk, or another program's pictures."),
    "train": ("train", "Train a trunk, a new style, or the saliency network."),
}

INTERRUPTED = 130
DEBUG = "--debug"

# Extra or package that installs a module or a system library that could not be imported.
EXTRAS = {
    "aiortc": "serve",
    "cyndilib": "ndi",
    "mss": "screen",
    "onnx": "train",
    "onnxruntime": "cpu",
    "onnxscript": "train",
    "openvino": "openvino",
    "pi_heif": "heif",
    "platformdirs": "train",
    "pythonosc": "osc",
    "pyvirtualcam": "vcam",
    "ray": "batch",
    "skimage": "train",
    "sklearn": "train",
    "starlette": "serve",
    "tensorboard": "train",
    "textual_image": "terminal",
    "torch": "train",
    "uvicorn": "serve",
    "websockets": "serve",
}
# OpenCV and its FFmpeg print many lines about a missing camera; artrt prints one.
QUIET = {"OPENCV_LOG_LEVEL": "SILENT", "OPENCV_FFMPEG_LOGLEVEL": "-8"}
OPENCV_FIX = "apt-get install libgl1 libglib2.0-0, or use opencv-python-headless in place of opencv-python"


class _NobodyReadsError(Exception):
    """The reader of the output has ended, as with `| head`; not an error."""


class _Root(LazyGroup):
    """All commands."""

    def invoke(self, ctx: click.Context) -> Any:
        """Like click's method, but without its exit code 1 for a closed pipe."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise _NobodyReadsError from error


@click.group(
    cls=_Root,
    table=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(__version__, prog_name="artrt")
@click.option(DEBUG, is_flag=True, help="Show where an error came from.")
def cli(debug: bool) -> None:
    r"""Neural style transfer in real time: pictures, videos, cameras; training, export, deployment.

    \b
    artrt stylize photo.jpg -o painting.jpg --style starry-night
    """


verbatim_examples(cli)


def main(arguments: list[str] | None = None) -> None:
    """Runs the command line and exits with its code.

    Args:
        arguments: Words after `artrt`; None uses the arguments of the process.
    """
    for name, level in QUIET.items():
        os.environ.setdefault(name, level)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a file name may have another encoding
    raise_on_signals()
    sys.exit(run(arguments))


def run(arguments: list[str] | None = None) -> int:
    """Runs the command line and returns the exit code; errors are printed on stderr as one line.

    Args:
        arguments: Words after `artrt`; None uses the arguments of the process.
    """
    words = sys.argv[1:] if arguments is None else arguments
    debug = DEBUG in words  # accepted everywhere, so that it can be added at the end after an error
    try:
        code = _run([word for word in words if word != DEBUG], debug=debug)
        sys.stdout.flush()  # otherwise Python would complain at exit
    except (_NobodyReadsError, BrokenPipeError):
        _close_stdout()
        return 0
    except Exception as error:
        if debug:
            raise
        if isinstance(error, OSError):
            _close_stdout()
            return _fail(_said(error), ArtrtError.exit_code)
        message = redacted(f"{type(error).__name__}: {error}")
        return _fail(f"{message} (a bug in artrt: add {DEBUG} to see where)", ArtrtError.exit_code)
    return code


def _run(words: list[str], *, debug: bool) -> int:
    """Runs the command line; known errors become one line and an exit code."""
    try:
        result: Any = cli.main(args=words, prog_name="artrt", standalone_mode=False)
    except ArtrtError as error:
        if debug:
            raise
        _tell_kept(error)
        return _fail(str(error), error.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 0
    except click.ClickException as error:
        return _fail(error.format_message() + _see_help(error), error.exit_code)
    except (click.Abort, KeyboardInterrupt) as error:
        cause = error if isinstance(error, KeyboardInterrupt) else error.__cause__ or error.__context__
        _tell_kept(cause)
        if isinstance(cause, Terminated):
            return _fail(str(cause), cause.exit_code)
        return _fail("interrupted", INTERRUPTED)
    except ImportError as error:
        message = missing_import(error)
        if message is None:
            raise
        return _fail(message, 1)
    return result if isinstance(result, int) else 0


def _see_help(error: click.ClickException) -> str:
    """A hint at the command's --help, for errors in its options."""
    context = getattr(error, "ctx", None)
    return "" if context is None else f" ({context.command_path} --help)"


def _said(error: OSError) -> str:
    """The system's message with the file name; without one, it concerns the output."""
    return f"{error.filename or 'cannot write the output'}: {error.strerror or error}"


def _close_stdout() -> None:
    """Discards the rest of stdout, so that Python does not complain at exit."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _tell_kept(error: BaseException | None) -> None:
    """Prints the file with the part that was finished before an error."""
    if kept := getattr(error, "kept", None):
        with contextlib.suppress(OSError):
            click.echo(f"artrt: the part that was finished is in {kept}", err=True)


def missing_import(error: ImportError) -> str | None:
    """What to install after an import failed because of a missing package or system library, or None."""
    package = (error.name or "").partition(".")[0]
    if isinstance(error, ModuleNotFoundError) and package in EXTRAS:
        return f"this needs {package}: pip install 'artrt[{EXTRAS[package]}]'"
    if ".so" in str(error) and "cannot open shared object" in str(error):
        fix = (
            f"; {OPENCV_FIX}"
            if any(name in str(error) for name in ("libGL", "libgthread", "libglib"))
            else ""
        )
        return f"a system library is missing: {error}{fix}"
    return None


def _fail(message: str, code: int) -> int:
    from ._report import with_origin

    with contextlib.suppress(OSError):  # the terminal was closed
        click.echo(f"artrt: error: {' '.join(with_origin(message).split())}", err=True)
    return code


if __name__ == "__main__":
    main()
