"""Common parts of several commands: options, notices, progress and JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import wraps
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click
from click.shell_completion import CompletionItem

from ..engine.addresses import redacted

if TYPE_CHECKING:
    from ..engine.jobs.job import Done
    from ..engine.looks.look import Look, Number

Command = TypeVar("Command", bound=Callable[..., Any])
Advance = Callable[[float, float | None], None]

PROVIDERS = ("auto", "cpu", "cuda", "tensorrt", "openvino")
PROGRESS_AFTER_SECONDS = 1.0
MOST_NAMES = 20


def provider_option(function: Command) -> Command:
    """Adds `--provider`, with $ARTRT_PROVIDER as its default."""
    return click.option(
        "--provider",
        type=click.Choice(PROVIDERS),
        default="auto",
        show_default=True,
        help="Backend; a named one never falls back. $ARTRT_PROVIDER overrides auto.",
    )(function)


def precision_option(function: Command) -> Command:
    """Adds `--precision`, for the style network."""
    from ..engine.looks.look import PRECISIONS

    return click.option(
        "--precision",
        type=click.Choice(PRECISIONS),
        default="auto",
        show_default=True,
        help="bf16: OpenVINO, on processors with AVX512-BF16 or AMX; auto uses it if the pictures agree.",
    )(function)


def threads_option(function: Command) -> Command:
    """Adds `--threads`, for one inference on a CPU."""
    text = "Threads of one inference on a CPU (default: all cores that the process may use)."
    return click.option("--threads", type=click.IntRange(1, 1024), metavar="N", help=text)(function)


def size_option(function: Command) -> Command:
    """Adds `--size`, for files."""
    text = "Scale the input first: short side in pixels, or width x height."
    return click.option("--size", metavar="SHORT|WxH", help=text)(function)


def metadata_option(function: Command) -> Command:
    """Adds `--strip-metadata`, passed as `keep_metadata`."""
    text = "Drop dates, place, camera and title; they are kept by default."
    return click.option("--strip-metadata", "keep_metadata", flag_value=False, default=True, help=text)(
        function
    )


def _complete_style(context: click.Context, option: click.Parameter, typed: str) -> list[CompletionItem]:
    """Names of styles for the shell, also the second of a mix; else files."""
    from ..engine.errors import ArtrtError
    from ..engine.zoo.zoo import Zoo

    before, plus, start = typed.rpartition("+")
    try:
        names = [name for name in Zoo().styles() if name.startswith(start)]
    except ArtrtError:  # a shell that completes shows no messages
        names = []
    return [CompletionItem(before + plus + name) for name in names] or [CompletionItem(typed, type="file")]


def style_option(function: Command) -> Command:
    """Adds `--style`: a name, mix or picture."""
    return click.option(
        "--style",
        "-s",
        default="starry-night",
        show_default=True,
        metavar="A[:w][+B[:w]]",
        shell_complete=_complete_style,
        help="Style, the picture of any painting, or a mix such as starry-night:0.7+painting.jpg:0.3; a .safetensors "
        "file; 'none' for effects only.",
    )(function)


def style_scale_option(function: Command) -> Command:
    """Adds `--style-scale`, for a picture as style."""
    from ..engine.zoo.picture_style import SCALES

    text = "For a picture as style: coarser strokes above 1, finer below."
    kind, limits = click.FloatRange(*SCALES), "{:g}..{:g}".format(*SCALES)
    return click.option(
        "--style-scale", type=kind, default=1.0, show_default=True, metavar=limits, help=text
    )(function)


def file_arguments(function: Command) -> Command:
    """Adds `INPUT...` and `--output`."""
    text = "A file; for several inputs a folder.  [default for one file: NAME-artrt.EXT beside it]"
    output = click.option("--output", "-o", metavar="OUTPUT", help=text, callback=_or_default_output)
    return click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")(output(function))


def _or_default_output(context: click.Context, option: click.Parameter, value: str | None) -> str:
    from ..engine.jobs.job import default_output

    return value if value is not None else default_output(context.params["inputs"])


def look_options(function: Command) -> Command:
    """Adds the options of how and where pictures are painted; the command gets them as one `look`."""
    from ..engine.looks.look import NUMBERS, Look

    names = [
        "style",
        "background",
        "style_scale",
        "engine",
        "model",
        *NUMBERS,
        "quantize",
        "superpixels",
        "provider",
        "precision",
        "threads",
    ]

    @wraps(function)
    def with_look(**values: Any) -> Any:
        chosen = {name: values.pop(name) for name in names}
        chosen["style"] = given("style", chosen["style"])
        return function(look=Look(**chosen), **values)

    decorated: Any = with_look
    for decorate in (
        provider_option,
        precision_option,
        threads_option,
        click.option(
            "--superpixels", metavar="N[:before|after]", help="Superpixels, before or after the style."
        ),
        click.option(
            "--quantize", metavar="K[:before|after]", help="Colours by k-means, before or after the style."
        ),
        *(number_option(name) for name in reversed(list(NUMBERS))),
        click.option(
            "--model",
            "-m",
            default="small",
            show_default=True,
            help="Style transformer, or a stage's .onnx file.",
        ),
        style_scale_option,
        click.option(
            "--background",
            metavar="STYLE",
            help="Paint the background in a second style, given like --style.",
        ),
        click.option("--engine", metavar="DIR", help="A folder of `artrt export`, in place of --model."),
        style_option,
    ):
        decorated = decorate(decorated)
    return cast(Command, decorated)


class NumberType(click.FloatRange):
    """A number within its limits, or a word for a number."""

    def __init__(self, number: Number) -> None:
        super().__init__(number.minimum, number.maximum)
        self._words = dict(number.words)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Converts text such as "0.5" or "bold" (2)."""
        read = float(super().convert(self._words.get(value, value), param, ctx))
        if read != read:  # click's range check accepts "nan"
            self.fail(f"{value!r} is not a valid number.", param, ctx)
        return read


def number_option(name: str) -> Callable[[Any], Any]:
    """The option of a number of a look, by the number's name."""
    from ..engine.looks.look import NUMBERS

    number = NUMBERS[name]
    return click.option(
        f"--{name.replace('_', '-')}",
        type=NumberType(number),
        default=number.default,
        show_default=True,
        metavar=f"{number.minimum:g}..{number.maximum:g}",
        help=number.help,
    )


def tell_about_weights(look: Look) -> None:
    """Prints a notice if the weights of a mix were scaled."""
    from ..engine.zoo.style import normalise_weights, parse_mix

    if isinstance(look.style, str) and look.style != "none" and not Path(look.style).is_file():
        message = normalise_weights([weight for _, weight in parse_mix(look.style)])[1]
        if message is not None:
            notice(message)


def given(name: str, value: str) -> str | None:
    """The value of an option if it was given; None for the default."""
    source = click.get_current_context().get_parameter_source(name)
    return None if source is click.core.ParameterSource.DEFAULT else value


def json_option(function: Command) -> Command:
    """Adds `--json`, passed as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")(function)


def refuse_json_on(output: str, *, as_json: bool) -> None:
    """Checks that `--json` and the picture do not both use the standard output.

    Raises:
        UsageError: They do.
    """
    from ..engine.errors import UsageError
    from ..engine.pictures.writing import STANDARD_OUTPUT

    if as_json and output in STANDARD_OUTPUT:
        raise UsageError("--json and the picture cannot both go to the standard output: give -o a file")


def tell_result(line: str, *, output: str) -> None:
    """Prints the result line of a file; to stderr if the picture went to the standard output."""
    from ..engine.pictures.writing import STANDARD_OUTPUT

    click.echo(line, err=output in STANDARD_OUTPUT)


def tell_left_out(inputs: Sequence[str]) -> None:
    """Prints the files of the given folders that are neither pictures nor videos."""
    from ..engine.jobs.job import left_out
    from ..engine.pictures.heif import HEIF_SUFFIXES, MISSING

    names = [path.name for path in left_out(inputs)]
    if names:
        more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
        notice(f"skipped, not a picture or video: {', '.join(names[:MOST_NAMES])}{more}")
    if any(Path(name).suffix.lower() in HEIF_SUFFIXES for name in names):
        notice(with_origin(MISSING))


def tell_skipped_folders(inputs: Sequence[str]) -> None:
    """Prints the folders below the given folders that hold pictures or videos, which only `batch` reads."""
    from ..engine.jobs.job import skipped_folders

    folders = skipped_folders(inputs)
    if folders:
        more = f" and {len(folders) - MOST_NAMES} more" if len(folders) > MOST_NAMES else ""
        names = ", ".join(f"{path.name}/" for path in folders[:MOST_NAMES])
        notice(f"skipped folders: {names}{more} (artrt batch reads them too)")


def echo_json(data: object) -> None:
    """Prints one JSON document to stdout."""
    click.echo(json.dumps(data, indent=2, default=str))


def with_origin(text: str) -> str:
    """Replaces the name in "pip install 'artrt[cpu]'" by the folder that this artrt was installed from.

    Args:
        text: A message; without such a hint it stays unchanged.
    """
    if "pip install 'artrt[" not in text:
        return text
    try:
        said = metadata.distribution("artrt").read_text("direct_url.json") or "{}"  # PEP 610
    except metadata.PackageNotFoundError:
        return text
    source = json.loads(said)
    folder = source.get("url", "").removeprefix("file://")
    if "dir_info" not in source or not Path(folder).is_dir():
        return text
    editable = "-e " if source["dir_info"].get("editable") else ""
    return text.replace("pip install 'artrt[", f"pip install {editable}'{folder}[")


def notice(message: str) -> None:
    """Prints one line to stderr; ignores errors, for example a closed terminal."""
    with suppress(OSError):
        click.echo(f"artrt: {' '.join(redacted(message).split())}", err=True)


def tell_notes(done: Done) -> Done:
    """Prints the notes of a finished job, and returns the job."""
    for note in done.notes:
        notice(f"{done.input}: {note}")
    return done


@contextmanager
def progress(description: str) -> Iterator[Advance]:
    """A progress bar on stderr after one second; nothing if stderr is not a terminal.

    Args:
        description: Text before the bar.

    Yields:
        A function that takes the finished amount and the total, or None if the total is unknown.
    """
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    bar = _Bar(description)
    try:
        yield bar.advance
    finally:
        bar.stop()


class _Bar:
    """A rich progress bar that appears after the first second."""

    def __init__(self, description: str) -> None:
        self._description = description
        self._started = time.monotonic()
        self._bar: Any = None
        self._task: Any = None

    def advance(self, done: float, total: float | None) -> None:
        if self._bar is None:
            if time.monotonic() - self._started < PROGRESS_AFTER_SECONDS:
                return
            self._show()
        self._bar.update(self._task, completed=done, total=total)

    def stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()

    def _show(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._bar.add_task(self._description, total=None)
        self._bar.start()
