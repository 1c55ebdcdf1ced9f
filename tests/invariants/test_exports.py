"""The public names: sorted, complete, and the same in all three places that name them."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
import typing

import pytest

import artrt


def type_checked_names(root):
    tree = ast.parse((root / "__init__.py").read_text(encoding="utf-8"))
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    return {
        alias.name: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


# The names of the first public API; programs import them from `artrt`.
FIRST_NAMES = """
ArtrtError Chain ChainOptions ContractError Control Effect FakeSession Frame InputError
IntegrityError LiveOptions MissingExtraError OutputError ParityError Pipeline ProviderError
Quantized Regions Result Saliency Session SourceLostError Stage StageSpec StateTensor Style Stylizer
UnknownStyleError UnsupportedImageError UsageError Zoo build_chain load_stage load_style
open_session quantize read_image saliency save_style stream styles superpixels write_image
"""


def test_the_first_names_are_still_exported():
    assert set(FIRST_NAMES.split()) <= set(artrt.__all__)


def test_exports_are_sorted_and_unique():
    assert artrt.__all__ == sorted(set(artrt.__all__))


def test_lazy_table_equals_the_type_checked_imports(root):
    assert type_checked_names(root) == artrt._EXPORTS


def test_every_lazy_name_is_exported():
    assert set(artrt._EXPORTS) <= set(artrt.__all__)
    own = {name for name in artrt.__all__ if name not in artrt._EXPORTS}
    assert all(callable(vars(artrt)[name]) for name in own)


@pytest.mark.parametrize("name", artrt.__all__)
def test_exported_name_exists_and_is_documented(name):
    assert getattr(artrt, name).__doc__


def test_every_error_is_exported():
    from artrt.engine import errors

    kinds = {name for name, value in vars(errors).items() if name.endswith("Error")}
    assert kinds <= set(artrt.__all__)


def test_dir_lists_the_exports():
    assert set(artrt.__all__) <= set(dir(artrt))


@pytest.mark.parametrize("name", ["cli", "engine", "export", "models"])
def test_packages_are_reached_without_importing_them_by_name(name):
    code = f"import artrt; assert artrt.{name}.__name__ == 'artrt.{name}'"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'artrt' has no attribute 'Styliser'"):
        _ = artrt.Styliser


def hints_of(function):
    """The types that stand in a signature; none when it names a class of a package that only the type checker needs."""
    try:
        return typing.get_type_hints(function).values()
    except NameError:
        return ()


def classes_in(hint):
    """Our own classes inside a type."""
    if isinstance(hint, type) and hint.__module__.startswith("artrt."):
        yield hint
    for part in typing.get_args(hint):
        yield from classes_in(part)


# Made by functions of artrt, not by their constructors.
MADE_ELSEWHERE = {"LocalizationNetwork", "LossNetwork"}


def public_functions(name):
    """A function itself; of a class its constructor, its call and its public methods."""
    value = getattr(artrt, name)
    if inspect.isfunction(value):
        return [value]
    kept = {"__call__"} if name in MADE_ELSEWHERE else {"__call__", "__init__"}
    return [
        member
        for key, member in inspect.getmembers(value)
        if inspect.isfunction(member) and (key[0] != "_" or key in kept)
    ]


def test_every_type_of_a_public_signature_is_exported():
    missing = {
        f"{name}.{function.__name__}: {kind.__name__}"
        for name in artrt.__all__
        for function in public_functions(name)
        for hint in hints_of(function)
        for kind in classes_in(hint)
        if kind.__name__[0] != "_" and kind.__name__ not in artrt.__all__
    }
    assert missing == set()
