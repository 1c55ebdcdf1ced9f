"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from ..engine.looks.look import Look, Number

Command = TypeVar("Command", bound=Callable[..., Any])
Option = Callable[[Any], Any]

PROVIDERS = ("auto", "cpu", "cuda", "tensorrt", "openvino")


def gathered(name: str, make: Callable[..., Any], *options: Option) -> Callable[[Command], Command]:
    """Adds options whose values the command gets as one argument.

    Args:
        name: Name of the argument.
        make: Called with the values of the options under their names; makes the argument.
        options: The options, in the order of `--help`.
    """

    def decorate(function: Command) -> Command:
        @wraps(function)
        def with_value(**values: Any) -> Any:
            made = make(**{key: values.pop(key) for key in keys})
            return function(**{name: made}, **values)

        shared = list(getattr(function, "__click_params__", ()))
        decorated: Any = with_value
        decorated.__click_params__ = [*shared]  # wraps() copies the reference, not the list
        for option in reversed(options):
            decorated = option(decorated)
        keys = [option.name for option in decorated.__click_params__[len(shared) :]]
        return cast(Command, decorated)

    return decorate


def provider_option(function: Command) -> Command:
    """Adds `--provider`, with $ARTRT_PROVIDER as its default."""
    return click.option(
        "--provider",
        type=click.Choice(PROVIDERS),
        default="auto",
        show_default=True,
        help="Backend; a named one never falls back. $ARTRT_PROVIDER overrides auto.",
    )(function)


def weights_option(text: str, *, name: str = "weights") -> Option:
    """Makes `--weights`, a folder of weight files.

    Args:
        text: Its help.
        name: Name of the argument, a `Path` or None.
    """
    folder = click.Path(path_type=Path, file_okay=False, exists=True)
    return click.option("--weights", "--weights-dir", name, type=folder, metavar="DIR", help=text)


def stages_option(function: Command) -> Command:
    """Adds `--stages`, as text."""
    return click.option(
        "--stages",
        default="stylize",
        show_default=True,
        metavar="A[:N],B,…",
        help="Stages in order, such as quantize:16,superpixels:800,stylize.",
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
    text = "Scale the input first: short side, px, or width x height, px."
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


def json_option(function: Command) -> Command:
    """Adds `--json`, passed as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")(function)


def given(name: str, value: str) -> str | None:
    """The value of an option if it was given; None for the default."""
    source = click.get_current_context().get_parameter_source(name)
    return None if source is click.core.ParameterSource.DEFAULT else value


def look_options(function: Command) -> Command:
    """Adds the options of how and where pictures are painted; the command gets them as one `look`."""
    from ..engine.looks.look import NUMBERS

    return gathered(
        "look",
        _look,
        style_option,
        click.option("--engine", metavar="DIR", help="A folder of `artrt export`, in place of --model."),
        click.option(
            "--background",
            metavar="STYLE",
            help="Paint the background in a second style, given like --style.",
        ),
        style_scale_option,
        click.option(
            "--model",
            "-m",
            default="small",
            show_default=True,
            help="Style transformer, or a stage's .onnx file.",
        ),
        *(number_option(name) for name in NUMBERS),
        click.option(
            "--quantize", metavar="K[:before|after]", help="Colours by k-means, before or after the style."
        ),
        click.option(
            "--superpixels", metavar="N[:before|after]", help="Superpixels, before or after the style."
        ),
        threads_option,
        precision_option,
        provider_option,
    )(function)


def _look(*, style: str, **values: Any) -> Look:
    from ..engine.looks.look import Look

    return Look(style=given("style", style), **values)
