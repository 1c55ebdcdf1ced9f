"""Builds a site from a folder with a model and styles: a page that paints in the browser, without a server program.

index.html web.css studio.css js/ fonts/     the page; what it shares with `artrt studio` comes from there
stylize.onnx styles/ manifest.json           as in every exported folder
ort/                                         onnxruntime-web
sample.jpg painted.jpg tiles/ icon-*         pictures, painted by this model
app.json sw.js files.js                      makes it installable, and works without a network
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from ...engine.files import sha256_of
from ...engine.zoo.style import Style
from ...engine.zoo.zoo import MANIFEST
from ..transformer_parity import cpu_stage
from .pictures import ICONS_PX, write_pictures
from .runtime import FOLDER, RuntimeFile, read_runtime

PAGE = Path(__file__).with_name("page")
STUDIO = Path(__file__).resolve().parents[2] / "engine" / "studio" / "page"
#: Files that the page shares with the studio.
SHARED = (
    "studio.css",
    "fonts",
    "js/compare.js",
    "js/dom.js",
    "js/drop.js",
    "js/look.js",
    "js/store.js",
    "js/theme.js",
)
LIST = "files.js"
MODEL = "stylize.onnx"


def write_site(folder: Path, styles: Sequence[Style], *, runtime: Path, files: Sequence[RuntimeFile]) -> None:
    """Adds all files of a site, except the manifest, to a folder with `stylize.onnx` and `styles/`.

    Args:
        folder: The folder.
        styles: Its styles.
        runtime: Folder or archive of onnxruntime-web.
        files: Its files to include.

    Raises:
        InputError: A file of the runtime is missing.
        IntegrityError: A file of the runtime differs from the pinned version.
    """
    _copy_page(folder)
    (folder / FOLDER).mkdir()
    for file, data in read_runtime(runtime, files):
        (folder / file.site_name).write_bytes(data)
    shutil.copyfile(PAGE / "ort-licence.txt", folder / FOLDER / "LICENCE.txt")
    write_pictures(folder, cpu_stage(folder / MODEL, folder), styles)
    _write_json(folder / "app.json", app_facts())
    _write_list(folder, styles)


def app_facts() -> dict[str, object]:
    """The app manifest, which lets browsers install the page like an app."""
    kinds = {".png": "image/png", ".webp": "image/webp"}
    icons = [
        {"src": name, "sizes": f"{side}x{side}", "type": kinds[Path(name).suffix], "purpose": "any maskable"}
        for name, side in ICONS_PX.items()
    ]
    return {
        "name": "artrt",
        "short_name": "artrt",
        "description": "Paints photographs and the camera, on this device",
        "id": "./",
        "start_url": "./",
        "scope": "./",
        "display": "standalone",
        "background_color": "#161616",
        "theme_color": "#161616",
        "icons": icons,
    }


def _copy_page(folder: Path) -> None:
    shutil.copytree(PAGE, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("ort-licence.txt"))
    for name in SHARED:
        source, target = STUDIO / name, folder / name
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copyfile(source, target)


def _write_list(folder: Path, styles: Sequence[Style]) -> None:
    """Writes the service worker's list: all files, those to cache at once, and a version that changes with any file."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    names = [path.relative_to(folder).as_posix() for path in paths]
    digest = hashlib.sha256()
    for name, path in zip(names, paths, strict=True):
        same = (
            "" if name.startswith("styles/") else sha256_of(path)
        )  # facts have no fixed order in style files
        digest.update(f"{name} {same}\n".encode())
    for style in styles:
        digest.update(style.vector.tobytes())
    shell = [name for name in names if _is_shell(name)]
    facts = json.dumps(
        {"version": digest.hexdigest()[:16], "files": [*names, MANIFEST], "shell": shell}, indent=1
    )
    (folder / LIST).write_text(f"self.SITE = {facts};\n", encoding="utf-8")


def _is_shell(name: str) -> bool:
    """Whether the page needs the file to start; other files are cached on first use."""
    return (
        name.endswith((".html", ".css", ".woff2")) or name.startswith(("js/", "icon-")) or name == "app.json"
    )


def _write_json(path: Path, facts: object) -> None:
    path.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
