"""Protects the web page: an ASGI wrapper that checks every request.

In this order: rate (429), host (421), origin (403), token (401), size and time of the body (413, 408), requests in
progress (503). `/healthz` passes without any of them.
"""

from __future__ import annotations

from collections.abc import Mapping

from .bodies import (
    LARGEST_BODY,
    App,
    BodyTooLargeError,
    BodyTooSlowError,
    Message,
    Receive,
    Scope,
    Send,
    counted_body,
    has_body,
    read_body,
    with_body,
)
from .hosts import Hosts
from .limits import Buckets, Places
from .tokens import LOGIN, Tokens, form, in_form, in_query

# Requests per client address: burst, and rate per second.
BURST, PER_SECOND = 120.0, 40.0
# The same for wrong tokens.
WRONG_BURST, WRONG_PER_SECOND = 10.0, 0.2
# Requests in progress: in total, and per address.
RUNNING, RUNNING_EACH = 128, 16
OPEN_PATHS = frozenset({"/healthz"})
# Endless answers; their viewers are counted elsewhere.
ENDLESS = frozenset({"/stream.mjpg", "/api/events"})

HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
]
CLOSE = (b"connection", b"close")


class Guard:
    """Checks every request before the application gets it.

    Args:
        app: The application.
        token: Required as `Authorization: Bearer`, cookie, or once as `/?token=`; None requires nothing.
        hosts: Accepted host names besides this machine's.
        secure: Whether it is served over TLS.
        burst: Burst of requests per address.
        per_second: Average requests per second and address.
        running_each: Requests in progress per address.
        bodies: Paths with a larger limit of the body's bytes, and this limit.
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
        running_each: int = RUNNING_EACH,
        bodies: Mapping[str, int] | None = None,
    ) -> None:
        self._app = app
        self._bodies = dict(bodies or {})
        self._tokens = Tokens(token)
        self._hosts = Hosts(
            frozenset(host.lower() for host in hosts), secure=secure, guarded=token is not None
        )
        self._secure = secure
        self._requests = Buckets(burst, per_second)
        self._wrong_tokens = Buckets(WRONG_BURST, WRONG_PER_SECOND)
        self._running = Places(RUNNING, each=running_each)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request to the application, or refuses it."""
        if scope["type"] not in ("http", "websocket"):
            return
        headers = _headers(scope)
        if scope["path"] in OPEN_PATHS and not has_body(headers):
            await self._app(scope, receive, _marked(send))
            return
        refusal = self._refusal(scope, headers)
        if scope["type"] == "websocket":
            await self._connect(scope, receive, send, refused=refusal is not None)
        elif refusal is None:
            await self._with_body(scope, receive, send, headers)
        elif refusal[0] == 401 and "text/html" in headers.get("accept", ""):
            await _ask_for_token(send, wrong=False)
        else:
            await answer(send, *refusal, close=scope["path"] not in self._bodies)

    async def _connect(self, scope: Scope, receive: Receive, send: Send, *, refused: bool) -> None:
        """Passes a WebSocket to the application, or refuses it (403)."""
        if refused:
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        else:
            await self._app(scope, receive, send)

    def _largest_body(self, scope: Scope) -> int:
        return self._bodies.get(scope["path"], LARGEST_BODY)

    def _refusal(self, scope: Scope, headers: dict[str, str]) -> tuple[int, str] | None:
        address = client_address(scope)
        if not self._requests.take(address):
            return 429, "too many requests"
        if not self._hosts.knows(headers.get("host", "")):
            return 421, "this host name is not allowed; allow it with --allow-host NAME"
        if not self._hosts.same_origin(scope, headers):
            return 403, "requests from other sites are refused"
        if not self._authorised(scope, headers, address):
            return 401, "a token is required"
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self._largest_body(scope):
            return 413, "the request is too large"
        return None

    def _authorised(self, scope: Scope, headers: dict[str, str], address: str) -> bool:
        if self._tokens.page is None or _is_login(scope):
            return True
        if self._wrong_tokens.level(address) < 1.0:
            return False
        allowed = self._tokens.allows(scope, headers)
        if allowed is False:
            self._wrong_tokens.take(address)
        return bool(allowed)

    async def _with_body(self, scope: Scope, receive: Receive, send: Send, headers: dict[str, str]) -> None:
        counted, address = scope["path"] not in ENDLESS, client_address(scope)
        if counted and not self._running.take(address):
            await answer(send, 503, "too many requests at once", close=True)
            return
        try:
            if scope["path"] in self._bodies:  # an upload, which the application reads in pieces
                receive = counted_body(receive, limit=self._bodies[scope["path"]])
            elif has_body(headers):
                receive = with_body(await read_body(receive), receive)
            await self._pass_on(scope, receive, send)
        except BodyTooLargeError:
            await answer(send, 413, "the request is too large", close=True)
        except BodyTooSlowError:
            await answer(send, 408, "the request did not arrive in time", close=True)
        finally:
            if counted:
                self._running.leave(address)

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._tokens.page is not None and _is_login(scope):
            await self._log_in(scope, receive, send)
        elif self._tokens.page is not None and scope["path"] == "/" and in_query(scope) is not None:
            await self._welcome(send)
        else:
            await self._app(scope, receive, _marked(send))

    async def _log_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles the token form."""
        address = client_address(scope)
        shown = in_form((await receive()).get("body", b"")) or ""
        if self._wrong_tokens.level(address) >= 1.0 and self._tokens.matches(shown):
            await self._welcome(send)
        else:
            self._wrong_tokens.take(address)
            await _ask_for_token(send, wrong=True)

    async def _welcome(self, send: Send) -> None:
        """Stores the token in a cookie and removes it from the address bar."""
        cookie = (b"set-cookie", self._tokens.cookie(secure=self._secure))
        await answer(send, 303, "", headers=[cookie, (b"location", b"/")])


async def answer(
    send: Send,
    status: int,
    text: str,
    *,
    headers: list[tuple[bytes, bytes]] | None = None,
    close: bool = False,
) -> None:
    """Sends a short text answer.

    Args:
        send: ASGI's send.
        status: HTTP status.
        text: The body.
        headers: Additional headers.
        close: Close the connection, so that the rest of the request is not received.
    """
    start = [(b"content-type", b"text/plain; charset=utf-8"), *HEADERS, *(headers or [])]
    await _whole(send, status, text.encode(), headers=[*start, *([CLOSE] if close else [])])


async def _ask_for_token(send: Send, *, wrong: bool) -> None:
    page, headers = form(wrong=wrong)
    await _whole(_marked(send), 401, page, headers=[*headers, CLOSE])


async def _whole(send: Send, status: int, body: bytes, *, headers: list[tuple[bytes, bytes]]) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def client_address(scope: Scope) -> str:
    """The address of the client."""
    return str((scope.get("client") or ("", 0))[0])


def _marked(send: Send) -> Send:
    """Adds the security headers to answers."""

    async def marked(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = {name for name, _ in message.get("headers", [])}
            extra = [(name, value) for name, value in HEADERS if name not in own]
            message = {**message, "headers": [*message.get("headers", []), *extra]}
        await send(message)

    return marked


def _is_login(scope: Scope) -> bool:
    return (scope["path"], scope.get("method")) == (LOGIN, "POST")


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
