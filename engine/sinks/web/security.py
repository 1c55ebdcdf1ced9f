"""What stands between the page and the rest of the world: an ASGI wrapper that every request passes.

In this order: rate (429), host (421), origin (403), token (401), size of the body (413).
"""

from __future__ import annotations

import hmac
import ipaddress
import socket
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

COOKIE = "artrt_token"
LARGEST_BODY = 64 * 1024
# Requests of one address: so many at once, refilled at so many a second.
BURST, PER_SECOND = 120.0, 40.0
# Wrong tokens of one address likewise.
WRONG_BURST, WRONG_PER_SECOND = 10.0, 0.2
REMEMBERED_ADDRESSES = 4096
OPEN_PATHS = frozenset({"/healthz"})

HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
]


class Buckets:
    """A token bucket for each client address; the oldest addresses are forgotten.

    Args:
        burst: Size of a bucket.
        per_second: How fast it fills.
        clock: Seconds.
    """

    def __init__(
        self, burst: float, per_second: float, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._burst, self._per_second, self._clock = burst, per_second, clock
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def level(self, address: str) -> float:
        """What is left for an address."""
        level, since = self._levels.get(address, (self._burst, self._clock()))
        return min(self._burst, level + (self._clock() - since) * self._per_second)

    def take(self, address: str) -> bool:
        """Takes one; False when nothing is left."""
        level = self.level(address)
        allowed = level >= 1.0
        self._levels[address] = (level - 1.0 if allowed else level, self._clock())
        self._levels.move_to_end(address)
        if len(self._levels) > REMEMBERED_ADDRESSES:
            self._levels.popitem(last=False)
        return allowed


class Guard:
    """Checks every request before the application sees it.

    Args:
        app: The application.
        token: What a client must show as `Authorization: Bearer`, cookie, or once as `/?token=`; None: nothing.
        hosts: Names that the page may be asked for by, besides this machine's own.
        secure: Served over TLS.
        burst: Requests of one address at once.
        per_second: Requests of one address in the long run.
        bodies: Paths whose bodies may have more bytes than others, and how many.
    """

    def __init__(
        self,
        app: App,
        *,
        token: str | None,
        hosts: tuple[str, ...] = (),
        secure: bool = False,
        burst: float = BURST,
        per_second: float = PER_SECOND,
        bodies: Mapping[str, int] | None = None,
    ) -> None:
        self._app = app
        self._bodies = dict(bodies or {})
        self._token = token
        self._hosts = {"localhost", *(host.lower() for host in hosts)}
        if token is not None:
            self._hosts |= {socket.gethostname().lower(), f"{socket.gethostname().lower()}.local"}
        self._secure = secure
        self._requests = Buckets(burst, per_second)
        self._wrong_tokens = Buckets(WRONG_BURST, WRONG_PER_SECOND)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or answers it."""
        if scope["type"] not in ("http", "websocket"):
            return
        headers = _headers(scope)
        refusal = self._refusal(scope, headers)
        if scope["type"] == "websocket":
            await self._connect(scope, receive, send, refused=refusal is not None)
        elif refusal is not None:
            await answer(send, *refusal)
        elif self._brings_token(scope):
            await self._welcome(send)
        else:
            await self._pass_on(scope, receive, send, headers)

    async def _connect(self, scope: Scope, receive: Receive, send: Send, *, refused: bool) -> None:
        """Passes a WebSocket on; one that is refused ends before it began (403)."""
        if refused:
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        else:
            await self._app(scope, receive, send)

    def _largest_body(self, scope: Scope) -> int:
        return self._bodies.get(scope["path"], LARGEST_BODY)

    def _refusal(self, scope: Scope, headers: dict[str, str]) -> tuple[int, str] | None:
        address = (scope.get("client") or ("", 0))[0]
        if not self._requests.take(address):
            return 429, "too many requests"
        if not self._knows_host(headers.get("host", "")):
            return 421, "this host name is not served here"
        if not self._same_origin(scope, headers):
            return 403, "requests from other sites are refused"
        if not self._authorised(scope, headers, address):
            return 401, "a token is needed"
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self._largest_body(scope):
            return 413, "the request is too large"
        return None

    def _knows_host(self, host: str) -> bool:
        """Whether a Host header is this machine's: else a foreign page could come in by DNS rebinding.

        Of plain addresses, those of loopback are accepted; with a token, all are.
        """
        name = _host_name(host)
        if name is None:
            return False
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return name in self._hosts
        return address.is_loopback or self._token is not None or name in self._hosts

    def _same_origin(self, scope: Scope, headers: dict[str, str]) -> bool:
        origin = headers.get("origin")
        if (
            origin is not None
            and origin != f"{'https' if self._secure else 'http'}://{headers.get('host', '')}"
        ):
            return False
        site = headers.get("sec-fetch-site", "none")
        navigates = (
            headers.get("sec-fetch-mode") == "navigate"
            and scope.get("method") == "GET"
            and scope["path"] == "/"
        )
        return site in ("none", "same-origin") or navigates

    def _authorised(self, scope: Scope, headers: dict[str, str], address: str) -> bool:
        if self._token is None or scope["path"] in OPEN_PATHS:
            return True
        if self._wrong_tokens.level(address) < 1.0:
            return False
        shown = _shown_token(scope, headers)
        if shown is not None and hmac.compare_digest(shown.encode(), self._token.encode()):
            return True
        if shown is not None:
            self._wrong_tokens.take(address)
        return False

    def _brings_token(self, scope: Scope) -> bool:
        return (
            self._token is not None and scope["path"] == "/" and b"token=" in scope.get("query_string", b"")
        )

    async def _welcome(self, send: Send) -> None:
        """Keeps the token in a cookie and takes it out of the address bar."""
        secure = "; Secure" if self._secure else ""
        cookie = f"{COOKIE}={self._token}; HttpOnly; SameSite=Strict; Path=/; Max-Age=2592000{secure}"
        await answer(send, 303, "", headers=[(b"set-cookie", cookie.encode()), (b"location", b"/")])

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send, headers: dict[str, str]) -> None:
        received, largest = 0, self._largest_body(scope)
        started = False

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > largest:
                raise BodyTooLargeError
            return message

        async def marked(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                own = {name for name, _ in message.get("headers", [])}
                extra = [(name, value) for name, value in HEADERS if name not in own]
                message = {**message, "headers": [*message.get("headers", []), *extra]}
            await send(message)

        try:
            await self._app(scope, counted, marked)
        except BodyTooLargeError:
            if not started:
                await answer(send, 413, "the request is too large")


class BodyTooLargeError(Exception):
    """More bytes came than a request may have."""


async def answer(
    send: Send, status: int, text: str, *, headers: list[tuple[bytes, bytes]] | None = None
) -> None:
    """Sends a short text answer."""
    start_headers = [(b"content-type", b"text/plain; charset=utf-8"), *HEADERS, *(headers or [])]
    await send({"type": "http.response.start", "status": status, "headers": start_headers})
    await send({"type": "http.response.body", "body": text.encode()})


def is_loopback(host: str) -> bool:
    """Whether an address to listen at is reached from this machine only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


def _host_name(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _shown_token(scope: Scope, headers: dict[str, str]) -> str | None:
    kind, _, value = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return value.strip()
    if scope["path"] == "/" and (shown := _token_in_query(scope)) is not None:
        return shown
    try:
        cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return None
    if cookie is None:
        return None
    token: str = cookie.value
    return token


def _token_in_query(scope: Scope) -> str | None:
    text: str = scope.get("query_string", b"").decode("latin-1")
    try:
        return parse_qs(text, max_num_fields=16).get("token", [None])[0]
    except ValueError:  # too many fields
        return None
