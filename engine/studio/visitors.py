"""Visitors: who they are (a cookie), what they brought, and how much room that may take."""

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
    """There is no room for what a visitor sends."""


@dataclass(slots=True)
class Item:
    """A file of a visitor: a photograph, a video, a painting or a style.

    Args:
        id: Made up here; the only name that a client can use for it.
        kind: "photo", "video" or "style".
        title: The name that the client gave, for showing only.
        path: Where it lies in the private folder.
        file: What it is by its content.
        facts: Size in pixels and the like, for the page.
    """

    id: str
    kind: str
    title: str
    path: Path
    file: Kind
    facts: dict[str, object] = field(default_factory=dict)


@dataclass(slots=True)
class Visitor:
    """A browser that came with a cookie of ours, or gets one.

    Args:
        id: Secret, in the cookie.
        address: Network address at the first visit.
        folder: Its part of the private folder; made with the first file.
        seen: When it last asked for something.
        items: What it brought, by id.
        reserved: Bytes of uploads that are on their way.
    """

    id: str
    address: str
    folder: Path
    seen: float
    items: dict[str, Item] = field(default_factory=dict)
    reserved: int = 0

    def item(self, number: str, kind: str) -> Item:
        """One of its files.

        Raises:
            InputError: It has no such file.
        """
        item = self.items.get(number)
        if item is None or item.kind != kind:
            raise InputError(f"no such {kind}")
        return item

    def add(self, kind: str, *, title: str, file: Kind) -> Item:
        """Makes room for one more file in its folder; the caller writes it.

        Raises:
            NoRoomError: It has too many.
        """
        if len(self.items) >= ITEMS_EACH:
            raise NoRoomError(f"at most {ITEMS_EACH} files at once: delete some")
        number = secrets.token_urlsafe(9)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        item = Item(number, kind, plain_title(title), self.folder / f"{kind}-{number}{file.suffix}", file)
        self.items[number] = item
        return item

    def drop(self, item: Item) -> None:
        """Deletes one of its files and what was made beside it."""
        self.items.pop(item.id, None)
        for path in self.folder.glob(f"{item.path.stem}*"):
            path.unlink(missing_ok=True)

    @property
    def used_bytes(self) -> int:
        """Bytes of its files, and of those on their way."""
        return self.reserved + _size_of(self.folder)


class Visitors:
    """All visitors and the private folder.

    Args:
        folder: The private folder; exists.
        limits: How much room there is.
        clock: Seconds.
    """

    def __init__(self, folder: Path, *, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._limits = limits
        self._clock = clock
        self._all: dict[str, Visitor] = {}

    def __iter__(self) -> Iterator[Visitor]:
        return iter(list(self._all.values()))

    def known(self, cookie: str | None) -> Visitor | None:
        """The visitor of a cookie, None when there is none."""
        visitor = self._all.get(cookie or "")
        if visitor is not None:
            visitor.seen = self._clock()
        return visitor

    def welcome(self, address: str) -> Visitor:
        """A new visitor; when there are too many, one who brought nothing is forgotten."""
        if len(self._all) >= MOST_VISITORS:
            idle = next((visitor for visitor in self._all.values() if not visitor.items), None)
            self.dismiss(idle or min(self._all.values(), key=lambda visitor: visitor.seen))
        number = secrets.token_urlsafe(24)
        visitor = Visitor(number, address, self._folder / secrets.token_hex(8), self._clock())
        self._all[number] = visitor
        return visitor

    def require_room(self, visitor: Visitor, size: int) -> None:
        """Checks that so many more bytes of a visitor fit.

        Raises:
            NoRoomError: They do not; the message says which limit.
        """
        limits = self._limits
        if visitor.used_bytes + size > limits.visitor_bytes:
            raise NoRoomError(f"your files may take {_shown(limits.visitor_bytes)} together: delete some")
        used = {each.id: each.used_bytes for each in self._all.values()}
        beside = sum(used[each.id] for each in self._all.values() if each.address == visitor.address)
        if beside + size > limits.disk_bytes // 2 or sum(used.values()) + size > limits.disk_bytes:
            raise NoRoomError("the studio is full at the moment: try again later")

    def sweep(self) -> None:
        """Deletes the files of visitors who were away for too long."""
        now = self._clock()
        for visitor in self:
            if now - visitor.seen > self._limits.age_seconds:
                self.dismiss(visitor)

    def dismiss(self, visitor: Visitor) -> None:
        """Forgets a visitor and deletes the files."""
        self._all.pop(visitor.id, None)
        shutil.rmtree(visitor.folder, ignore_errors=True)


def plain_title(text: str) -> str:
    """A client's file name as something that can be shown and offered for download: never used as a path here."""
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
