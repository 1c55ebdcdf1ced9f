"""What the pages say is true: commands, options, code, links, messages, figures."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import sys

import click
import pytest

import artrt
from artrt.cli.main import COMMANDS, cli

FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def pages(root):
    return sorted((root / "docs").glob("*.md"))


def load(root, name):
    """A script of docs/ as a module."""
    spec = importlib.util.spec_from_file_location(name, root / "docs" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def blocks(text, *languages):
    return [code for language, code in FENCE.findall(text) if language in languages]


def shell_commands(text):
    """Words after `artrt` of every command in shell blocks, and in code between backticks."""
    lines = [line for code in blocks(text, "sh") for line in code.splitlines()]
    lines += re.findall(r"`(artrt [a-z][^`]*)`", FENCE.sub("", text).replace("\n", " "))
    for line in lines:
        for part in re.split(r"&&|\|(?!\|)", line.partition(" #")[0]):
            words = [word for word in shlex.split(part) if not re.fullmatch(r"[A-Z_]+=.*", word)]
            if words[:1] == ["artrt"] and len(words) > 1 and "…" not in part:
                yield words[1:]


def check(words):
    """Finds the command, and each option among its parameters."""
    context, command = click.Context(cli, info_name="artrt", **cli.context_settings), cli
    while isinstance(command, click.Group) and words:
        found = command.get_command(context, words[0]) if words[0] not in ("--help", "--version") else None
        if found is None:
            assert words[0].startswith("-") or words[0].isupper(), f"no command {words[0]}"
            break
        command, words = found, words[1:]
        context = click.Context(command, info_name=command.name, parent=context)
    known = {name for option in command.params for name in [*option.opts, *option.secondary_opts]} | {
        "-h",
        "--help",
    }
    for word in words:
        name = word.partition("=")[0]
        if re.match(r"--?[a-z]", name):
            assert name in known, f"artrt {command.name} has no {name}"


def test_pages_are_there(root):
    assert {path.stem for path in pages(root)} >= {
        "index", "quick-start", "how-it-works", "styles", "train-a-style", "region-loss", "deployment", "jetson",
        "live", "metrics", "benchmarks", "api", "cli", "troubleshooting", "painting",
    }  # fmt: skip


def test_every_command_and_option_in_the_pages_exists(root):
    seen = set()
    for path in [*pages(root), root / "README.md"]:
        for words in shell_commands(path.read_text(encoding="utf-8")):
            check(words)
            seen.add(words[0])
    assert len(seen & set(COMMANDS)) > 8


@pytest.mark.parametrize(
    "words", [["stylise"], ["stylize", "a.jpg", "--stile", "x"], ["train", "style", "--hours", "2"]]
)
def test_command_or_option_that_does_not_exist_is_found(words):
    with pytest.raises(AssertionError, match=r"no command|has no"):
        check(words)


def test_options_named_alone_exist(root):
    """`--option` between backticks belongs to some command."""
    known = set(
        re.findall(r"(?<![\w-])--?[a-z][\w-]*", (root / "docs" / "cli.md").read_text(encoding="utf-8"))
    )
    foreign = {"--gpus", "--target", "--quick"}  # of Docker, and of the benchmarks
    for path in pages(root):
        text = FENCE.sub("", path.read_text(encoding="utf-8"))
        named = re.findall(r"`(--[a-z][\w-]*)", text)
        assert set(named) - known - foreign <= set(re.findall(r"python [^`\n]*?(--[a-z-]+)", text)), path.name


def test_cli_page_is_what_help_prints(root):
    page = (root / "docs" / "cli.md").read_text(encoding="utf-8")
    assert page == load(root, "make_cli").page(), "run: python docs/make_cli.py"


def test_every_exported_name_is_in_the_reference(root):
    text = (root / "docs" / "api.md").read_text(encoding="utf-8")
    named = re.findall(r"^::: artrt\.(\w+)$", text, re.MULTILINE)
    modules = {name for name in artrt.__all__ if type(getattr(artrt, name)).__name__ == "module"}
    assert sorted(named) == sorted(set(artrt.__all__) - modules)


def test_every_page_is_in_the_navigation(root):
    config = (root / "mkdocs.yml").read_text(encoding="utf-8")
    named = re.findall(r": ([\w-]+\.md)$", config, re.MULTILINE)
    assert sorted(named) == sorted(path.name for path in pages(root))


def test_links_pictures_and_anchors_exist(root):
    others = [*root.glob("*.md"), *(root / "models" / "zoo" / "cards").glob("*.md")]
    for path in [*pages(root), *others]:
        text = FENCE.sub("", path.read_text(encoding="utf-8"))
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if "://" in target:
                continue
            name, _, anchor = target.partition("#")
            file = path.parent / name if name else path
            assert file.is_file(), f"{path.name}: {target}"
            if anchor:
                assert anchor in anchors(file.read_text(encoding="utf-8")), f"{path.name}: {target}"
        for source in re.findall(r'<video src="\.\./([^"]+)"', text):
            assert (path.parent / source).is_file(), f"{path.name}: {source}"


def anchors(text):
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[\s]+", "-", re.sub(r"[^\w\s-]", "", heading.lower()).strip()) for heading in headings}


def test_files_that_the_pages_name_exist(root):
    for path in pages(root):
        for name in re.findall(
            r"`((?:docs|benchmarks|examples|docker|engine|models|export)/[\w./-]+\.\w+)`", path.read_text()
        ):
            assert (root / name).is_file(), f"{path.name}: {name}"


def test_python_of_the_pages_runs(root, tmp_path, monkeypatch, use_tiny_zoo):
    """Blocks that need neither a camera nor pretrained weights run as they are; the others compile."""
    (tmp_path / "docs").symlink_to(root / "docs")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "zoo").symlink_to(use_tiny_zoo)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ARTRT_PROVIDER", "cpu")
    ran = 0
    for path in pages(root):
        for code in blocks(path.read_text(encoding="utf-8"), "python"):
            compiled = compile(code, path.name, "exec")
            if "models.paint" not in code and '"photo.jpg"' not in code:
                exec(compiled, {})
                ran += 1
    assert ran >= 3


def test_readme_shell_blocks_are_commands_or_known(root):
    """Every line of the README's shell blocks is a checked artrt command, or one of CI's own."""
    others = ("pip install ", "python -m ", "docker ", "pytest")
    for code in blocks((root / "README.md").read_text(encoding="utf-8"), "sh"):
        for line in code.splitlines():
            for part in filter(None, (part.strip() for part in line.partition(" #")[0].split("&&"))):
                assert part.startswith(("artrt ", *others)), part


def test_error_messages_of_troubleshooting_are_in_the_code(root):
    """Each heading in code quotes a message; its fixed parts stand in the source."""
    sources = "\n".join(
        path.read_text(encoding="utf-8")
        for folder in ("engine", "export", "models", "cli")
        for path in (root / folder).rglob("*.py")
    )
    flat = re.sub(r'"\s*\n?\s*f?"', "", re.sub(r"\{[^{}]*\}", "…", sources))
    quoted = re.findall(
        r"^### `(.*)`$", (root / "docs" / "troubleshooting.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert len(quoted) > 15
    for message in quoted:
        for part in message.split("…"):
            part = part.strip(" :;'")
            assert len(part) < 4 or part in flat or all(word in flat for word in re.split(r"[:;] ", part)), (
                message
            )


def test_exit_codes_are_those_of_the_errors(root):
    text = (root / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    codes = {int(code) for code in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)}
    from artrt.engine import errors

    assert codes == {0, 130} | {
        value.exit_code for name, value in vars(errors).items() if name.endswith("Error")
    }


def test_benchmark_page_and_readme_say_what_the_json_says(root):
    script = load(root, "make_benchmarks")
    found = script.records()
    assert (root / "docs" / "benchmarks.md").read_text(encoding="utf-8") == script.page(found), (
        "run: python docs/make_benchmarks.py"
    )
    text = (root / "README.md").read_text(encoding="utf-8")
    assert script.BEGIN in text
    assert text == script.readme(found, text), "run: python docs/make_benchmarks.py"
    if "scaling" in found:
        assert (root / "docs" / "images" / "scaling.svg").read_text() == script.plot(found["scaling"]["rows"])


UNIT = r"(?:ms\b|fps\b|frames/s|frames (?:a|per) second|dB\b|[GMk]B\b|x faster|times (?:as|faster)|%)"
MEASURED = re.compile(rf"(?<![\w.`-])\d[\d.,]* ?{UNIT}")


def measured_figures(text):
    """Figures with a unit of measurement, outside code and outside what make_benchmarks writes."""
    text = re.sub(r"<!-- measurements.*?<!-- /measurements -->", "", FENCE.sub("", text), flags=re.DOTALL)
    return set(MEASURED.findall(text))


def test_figures_in_prose_are_settings_and_never_measurements(root):
    """What was measured stands in tables written from JSON; prose has tolerances and file sizes as in the code."""
    from artrt.engine.effects.saliency import SALIENCY_FILE
    from artrt.engine.sinks.web.options import RecordingQuota
    from artrt.engine.zoo.zoo import ENCODER_FILE, SHIPPED
    from artrt.export.effect_parity import TOLERANCE
    from artrt.export.parity import TOLERANCES
    from artrt.export.web.runtime import WASM, WEBGPU
    from artrt.models.networks.loss_networks import SMALL_FILE
    from artrt.models.networks.pretrained import CATALOGUE, OTHERS

    settings = {f"{tolerance.psnr_db:g} dB" for tolerance in TOLERANCES.values()}
    settings |= {
        f"{tolerance.style_loss:.0%}".replace("%", " %")
        for tolerance in TOLERANCES.values()
        if tolerance.style_loss
    }
    settings.add(f"{TOLERANCE.agreement * 100:g} %")
    fetched = [ways[0] for ways in (*CATALOGUE.values(), *OTHERS.values())]
    settings |= {
        f"{sum(file.size_bytes for file in files) / 1e6:.0f} MB" for files in (*fetched, WASM, WEBGPU)
    }
    shipped = (SMALL_FILE, SALIENCY_FILE, ENCODER_FILE)
    settings |= {f"{(SHIPPED / name).stat().st_size / 1e6:.0f} MB" for name in shipped}
    settings.add("40 dB")  # of tests/export/web/test_site_browser.py
    quota = RecordingQuota()
    settings |= {f"{size / 1e9:.0f} GB" for size in (quota.bytes, quota.each.bytes, quota.each.free_bytes)}
    for path in [*pages(root), root / "README.md", root / "CONTRIBUTING.md"]:
        if path.name not in ("benchmarks.md", "cli.md"):
            assert measured_figures(path.read_text(encoding="utf-8")) <= settings, path.name


@pytest.mark.parametrize(
    "text", ["a frame in 9 ms", "8 times as fast", "40 frames a second", "| 12.5 fps |", "30% more"]
)
def test_measurement_in_prose_is_found(text):
    assert measured_figures(text)
    assert not measured_figures(f"<!-- measurements: -->\n{text}\n<!-- /measurements -->")


def test_figures_of_region_loss_have_their_json(root):
    assert (root / "benchmarks" / "results" / "region_loss.json").is_file()


def test_every_style_of_the_zoo_is_in_the_gallery(root, monkeypatch):
    monkeypatch.delenv("ARTRT_ZOO", raising=False)
    text = (root / "docs" / "styles.md").read_text(encoding="utf-8")
    shown = re.findall(r"^## ([a-z0-9-]+)$", text, re.MULTILINE)
    assert shown == artrt.styles(), "run: python docs/make_gallery.py"


def test_pictures_are_small(root):
    sizes = {path: path.stat().st_size for path in (root / "docs" / "images").rglob("*") if path.is_file()}
    assert max(sizes.values()) < 400_000
    assert sum(sizes.values()) < 7_000_000


def test_site_builds_without_a_warning(root, tmp_path):
    pytest.importorskip("mkdocs", reason="needs MkDocs (pip install 'artrt[docs]')")
    pytest.importorskip("mkdocstrings", reason="needs mkdocstrings (pip install 'artrt[docs]')")
    import subprocess

    command = [
        sys.executable,
        "-m",
        "mkdocs",
        "build",
        "--strict",
        "--quiet",
        "--site-dir",
        str(tmp_path / "site"),
    ]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1", "PYTHONWARNINGS": "default"}
    done = subprocess.run(
        command, cwd=root, capture_output=True, text=True, timeout=180, check=False, env=environment
    )
    assert done.returncode == 0, done.stdout + done.stderr
