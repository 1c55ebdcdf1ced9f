"""The picture in a style that the viewer chooses, for `/view?style=NAME`. The style of the player does not change."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator

import cv2

from ...errors import UnknownStyleError, UsageError
from ..player import Player
from .hub import Hub, Picture
from .stream import FIRST_PART, part

SHORT_SIDE_PX = 360


class StyledPictures:
    """Paints the newest frame in styles that viewers request, on one CPU thread; each style once for all its viewers.

    Args:
        player: Its styles are accepted.
        hub: Has the newest picture.
        most: Largest number of styles at once.
        jpeg_quality: 1 to 100.
    """

    def __init__(self, player: Player, hub: Hub, *, most: int = 2, jpeg_quality: int = 80) -> None:
        self._player, self._hub, self._most = player, hub, most
        self._settings = [cv2.IMWRITE_JPEG_QUALITY, jpeg_quality]
        self._viewers: Counter[str] = Counter()
        self._locks: dict[str, asyncio.Lock] = {}
        self._painted: dict[str, tuple[int, bytes]] = {}

    def checked(self, style: str) -> str:
        """The name of a style that can be shown.

        Raises:
            UnknownStyleError: It is not in the player's list.
            UsageError: The player has no other styles.
        """
        controls = self._player.controls
        if controls.preview is None:
            raise UsageError("this picture has no other styles")
        if style not in controls.state.styles:
            raise UnknownStyleError(style, known=controls.state.styles)
        return style

    def has_room(self, style: str) -> bool:
        """Whether the style is painted already, or one more may be painted."""
        return style in self._viewers or len(self._viewers) < self._most

    async def parts(self, style: str) -> AsyncGenerator[bytes, None]:
        """Yields every new picture in the style, as a part of multipart/x-mixed-replace."""
        if not self.has_room(style):  # several came at once
            return
        self._viewers[style] += 1
        self._locks.setdefault(style, asyncio.Lock())
        try:
            yield FIRST_PART
            number = 0
            while await self._hub.newer_than(number) is not None:
                number, data = await self._newest(style)
                yield part(data)
        finally:
            self._leave(style)

    async def _newest(self, style: str) -> tuple[int, bytes]:
        """Number and JPEG of the newest picture in the style; viewers who come together get the same one."""
        async with self._locks[style]:
            picture = self._hub.newest()
            assert picture is not None
            known = self._painted.get(style)
            if known is None or known[0] != picture.number:
                known = (picture.number, await asyncio.to_thread(self._jpeg, style, picture))
                self._painted[style] = known
            return known

    def _jpeg(self, style: str, picture: Picture) -> bytes:
        preview = self._player.controls.preview
        assert preview is not None
        frame = picture.result.frame.image
        image = preview(style, frame, short_side_px=min(SHORT_SIDE_PX, *frame.shape[:2]))
        return bytes(cv2.imencode(".jpg", image, self._settings)[1].tobytes())

    def _leave(self, style: str) -> None:
        self._viewers[style] -= 1
        if self._viewers[style] <= 0:
            del self._viewers[style]
            self._locks.pop(style, None)
            self._painted.pop(style, None)
