"""Removes secrets from addresses: the one place that decides what may be printed, logged or served."""

from __future__ import annotations

import re

HIDDEN = "***"
#: `user:password@`, up to the last @: a password may contain any character, also slashes and @. Paths have one slash.
_LOGIN = re.compile(r"(?<![\w.+-])((?!test|screen|csi)[a-z][\w.+-]+:/{1,2})[^\s'\"]*@", re.IGNORECASE)
#: Query parameters whose values give access to anyone who knows them.
_SECRETS = r"token|key|api_?key|pass|passwd|password|pwd|secret|auth|signature|sig|access_token|streamid"
_QUERY = re.compile(rf"([?&](?:{_SECRETS})=)[^&#\s'\"]+", re.IGNORECASE)
#: The stream key: the part of an RTMP address after the application.
_STREAM_KEY = re.compile(r"(rtmpt?s?:/{1,2}[^\s/'\"]+/[^\s/'\"]+/)[^\s'\"]+", re.IGNORECASE)


def redacted(text: str) -> str:
    """Removes logins, tokens and stream keys from the addresses in a text; leaves the rest unchanged.

    Args:
        text: An address, or any text with addresses in it.

    Example:
        >>> redacted("rtsp://admin:s3cret@camera/1 is gone")
        'rtsp://camera/1 is gone'
        >>> redacted("http://host/video?token=abc&fps=5")
        'http://host/video?token=***&fps=5'
    """
    if ":/" not in text:
        return text
    text = _LOGIN.sub(r"\1", text)
    text = _QUERY.sub(rf"\1{HIDDEN}", text)
    return _STREAM_KEY.sub(rf"\1{HIDDEN}", text)
