"""Tokens: how clients send them, how they are checked, and the form that asks for them.

The page's token allows everything. The stream token is derived from it and allows only viewing, because video players
send it in an address, which may be logged.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from .bodies import Scope

COOKIE = "artrt_token"
LOGIN = "/login"
# Paths that the stream token allows.
STREAM_PATHS = frozenset({"/stream.mjpg", "/snapshot.png", "/view"})


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of a page and of its stream.

    Args:
        page: Allows everything; None means that no token is required.
    """

    page: str | None

    @property
    def stream(self) -> str | None:
        """The token for viewing only; the page's token cannot be derived from it."""
        if self.page is None:
            return None
        return hmac.new(self.page.encode(), b"artrt stream", hashlib.sha256).hexdigest()[:32]

    def matches(self, shown: str) -> bool:
        """Whether this equals the page's token."""
        return self.page is not None and hmac.compare_digest(shown.encode(), self.page.encode())

    def allows(self, scope: Scope, headers: Mapping[str, str]) -> bool | None:
        """Whether a request has a valid token; None if it has none."""
        shown = next(_shown(scope, headers), None)
        if shown is None:
            return None
        token, where = shown
        if where == "page":
            return self.matches(token)
        stream = self.stream or ""
        return hmac.compare_digest(token.encode(), stream.encode()) or (
            where == "password" and self.matches(token)
        )

    def cookie(self, *, secure: bool) -> bytes:
        """The cookie header that stores the token in a browser."""
        secured = "; Secure" if secure else ""
        text = f"{COOKIE}={self.page}; HttpOnly; SameSite=Strict; Path=/; Max-Age=2592000{secured}"
        return text.encode()


def in_query(scope: Scope) -> str | None:
    """The token in a request's address."""
    return _field(scope.get("query_string", b""))


def in_form(body: bytes) -> str | None:
    """The token entered in the form."""
    return _field(body)


def form(*, wrong: bool) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """The page that asks for the token, and its headers."""
    nonce = secrets.token_urlsafe(16)
    policy = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    )
    text = "That is not the token." if wrong else "artrt printed it when it started, after “?token=”."
    headers = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-security-policy", policy.encode()),
        # With "no-referrer" browsers send `Origin: null` with the form, which is refused.
        (b"referrer-policy", b"same-origin"),
    ]
    return FORM.format(nonce=nonce, login=LOGIN, text=text).encode(), headers


FORM = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>artrt</title>
<style nonce="{nonce}">
  body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 24rem; margin: 15vh auto; padding: 1rem }}
  input, button {{ font: inherit; padding: .5rem; width: 100%; box-sizing: border-box; margin-top: .5rem }}
</style>
<form method="post" action="{login}">
  <label>This page needs its token.
    <input name="token" type="password" autocomplete="current-password" required autofocus></label>
  <button>Open</button>
  <p role="status">{text}</p>
</form>
</html>
"""


def _shown(scope: Scope, headers: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The tokens of a request, with their kind: "page", "stream" or "password"."""
    kind, _, value = headers.get("authorization", "").partition(" ")
    watches = scope["path"] in STREAM_PATHS and scope.get("method") in ("GET", "HEAD")
    if kind.lower() == "bearer":
        yield value.strip(), "page"
    if kind.lower() == "basic" and watches:
        yield _password(value), "password"
    if scope["path"] == "/" and (token := in_query(scope)) is not None:
        yield token, "page"
    if watches and (token := in_query(scope)) is not None:
        yield token, "stream"
    if (token := _in_cookie(headers)) is not None:
        yield token, "page"


def _in_cookie(headers: Mapping[str, str]) -> str | None:
    try:
        cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return None
    return None if cookie is None else cookie.value


def _password(value: str) -> str:
    try:
        return base64.b64decode(value.strip(), validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _field(text: bytes) -> str | None:
    try:
        return parse_qs(text.decode("latin-1"), max_num_fields=16).get("token", [None])[0]
    except ValueError:  # too many fields
        return None
