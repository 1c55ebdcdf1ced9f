"""Visitors: identified by a cookie, with their files and limits of space."""

from __future__ import annotations

import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import ArtrtError, InputError
from .kinds import Kind
from .options import Limits

COOKIE = "artrt_visitor"
MOST_VISITORS = 4096
ITEMS_EACH = 200
_PLAIN = re.compile(r"[^\w .()-]+", re.ASCII)


class NoRoomError(ArtrtError):
    """There is too little space for a visitor's file."""


@dataclass(slots=True)
class Item:
    """A file of a visitor: a photograph, a video, a painting or a style.

    Args:
        id: A generated id, the only name that clients can use.
        kind: "photo", "video" or "style".
        title: The client's file name, only for display.
        path: Path in the private folder.
        file: Its type, by content.
        facts: Information for the page, such as the size in pixels.
    """

    id: str
    kind: str
    title: str
    path: Path
    file: Kind
    facts: dict[str, object] = field(default_factory=dict)


@dataclass(slots=True)
class Visitor:
    """A browser with a cookie of the studio.

    Args:
        id: The secret in the cookie.
        address: Network address of the first visit.
        folder: The visitor's part of the private folder; created with the first file.
        seen: Time of the last request.
        items: The visitor's files, by id.
        reserved: Bytes of uploads in progress.
    """

    id: str
    address: str
    folder: Path
    seen: float
    items: dict[str, Item] = field(default_factory=dict)
    reserved: int = 0

    def item(self, number: str, kind: str) -> Item:
        """Finds one of the visitor's files.

        Raises:
            InputError: The visitor has no such file.
        """
        item = self.items.get(number)
        if item is None or item.kind != kind:
            raise InputError(f"no such {kind}")
        return item

    def add(self, kind: str, *, title: str, file: Kind) -> Item:
        """Adds a file to the visitor's folder; the caller writes it.

        Raises:
            NoRoomError: The visitor has too many files.
        """
        if len(self.items) >= ITEMS_EACH:
            raise NoRoomError(f"at most {ITEMS_EACH} files at once: delete some")
        number = secrets.token_urlsafe(9)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        item = Item(number, kind, plain_title(title), self.folder / f"{kind}-{number}{file.suffix}", file)
        self.items[number] = item
        return item

    def drop(self, item: Item) -> None:
        """Deletes a file and the files that belong to it."""
        self.items.pop(item.id, None)
        for path in self.folder.glob(f"{item.path.stem}*"):
            path.unlink(missing_ok=True)

    @property
    def styles(self) -> list[Item]:
        """The visitor's styles, without those that are still being made: they have no name yet."""
        return [item for item in self.items.values() if item.kind == "style" and "name" in item.facts]

    @property
    def used_bytes(self) -> int:
        """Bytes of the visitor's files, including uploads in progress."""
        return self.reserved + _size_of(self.folder)


class Visitors:
    """All visitors and the private folder.

    Args:
        folder: The private folder; must exist.
        limits: Limits of space.
        clock: Returns the time in seconds.
    """

    def __init__(self, folder: Path, *, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._limits = limits
        self._clock = clock
        self._all: dict[str, Visitor] = {}

    def __iter__(self) -> Iterator[Visitor]:
        return iter(list(self._all.values()))

    def known(self, cookie: str | None) -> Visitor | None:
        """The visitor of a cookie, or None."""
        visitor = self._all.get(cookie or "")
        if visitor is not None:
            visitor.seen = self._clock()
        return visitor

    def welcome(self, address: str) -> Visitor:
        """Adds a visitor; if there are too many, removes one without files."""
        if len(self._all) >= MOST_VISITORS:
            idle = next((visitor for visitor in self._all.values() if not visitor.items), None)
            self.dismiss(idle or min(self._all.values(), key=lambda visitor: visitor.seen))
        number = secrets.token_urlsafe(24)
        visitor = Visitor(number, address, self._folder / secrets.token_hex(8), self._clock())
        self._all[number] = visitor
        return visitor

    def require_room(self, visitor: Visitor, size: int) -> None:
        """Checks that this many more bytes of a visitor fit.

        Raises:
            NoRoomError: They do not fit; the message names the limit.
        """
        limits = self._limits
        if visitor.used_bytes + size > limits.visitor_bytes:
            raise NoRoomError(f"your files may take {_shown(limits.visitor_bytes)} together: delete some")
        used = {each.id: each.used_bytes for each in self._all.values()}
        beside = sum(used[each.id] for each in self._all.values() if each.address == visitor.address)
        if beside + size > limits.disk_bytes // 2 or sum(used.values()) + size > limits.disk_bytes:
            raise NoRoomError("the studio is full at the moment: try again later")

    def sweep(self) -> None:
        """Deletes the files of visitors without recent requests."""
        now = self._clock()
        for visitor in self:
            if now - visitor.seen > self._limits.age_seconds:
                self.dismiss(visitor)

    def dismiss(self, visitor: Visitor) -> None:
        """Removes a visitor and deletes the visitor's files."""
        self._all.pop(visitor.id, None)
        shutil.rmtree(visitor.folder, ignore_errors=True)


def plain_title(text: str) -> str:
    """Cleans a client's file name for display and download; it is never used as a path on the server."""
    stem = _PLAIN.sub("_", text.replace("\\", "/").rsplit("/", 1)[-1]).rsplit(".", 1)[0].strip(" ._")
    return stem[:80] or "picture"


def _size_of(folder: Path) -> int:
    total = 0
    for path in folder.glob("*"):
        try:
            total += path.stat().st_size
        except FileNotFoundError:  # deleted meanwhile
            continue
    return total


def _shown(size: int) -> str:
    return f"{size / 1e9:g} GB" if size >= 1e9 else f"{size / 1e6:g} MB"
