"""`/view`: a page with only the picture, for a browser source in OBS, a screen, or a frame in another page."""

from __future__ import annotations

import secrets
from html import escape
from urllib.parse import urlencode

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>artrt</title>
<style nonce="{nonce}">
html, body {{ margin: 0; height: 100%; background: transparent; overflow: hidden }}
img {{ display: block; width: 100%; height: 100%; object-fit: {fit} }}
</style></head>
<body><img src="{stream}" alt="The picture, live"></body></html>
"""
#: Replaces the header that forbids frames; browsers ignore an unknown value.
FRAMED = {"x-frame-options": "ALLOWALL", "cross-origin-resource-policy": "cross-origin"}
#: How the picture fills the page: completely visible, or cropped to fill it.
FITS = ("contain", "cover")


def view_page(*, token: str | None, fit: str, style: str | None = None) -> tuple[str, dict[str, str]]:
    """The page and its headers. Other pages may embed it: the stream token allows viewing.

    Args:
        token: The request's token, which the picture also needs.
        fit: One of `FITS`.
        style: A style of the viewer's choice; None shows the picture as it is played.
    """
    nonce = secrets.token_urlsafe(16)
    query = {name: value for name, value in {"style": style, "token": token}.items() if value}
    stream = "stream.mjpg" + (f"?{urlencode(query)}" if query else "")
    policy = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; img-src 'self'; base-uri 'none'; form-action 'none'"
    )
    headers = {"content-security-policy": policy, "referrer-policy": "no-referrer", **FRAMED}
    return _PAGE.format(nonce=nonce, fit=fit, stream=escape(stream)), headers
