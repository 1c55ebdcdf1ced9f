from __future__ import annotations

import asyncio
import base64
import http.client
import random
import socket
import time

import pytest

from artrt.engine.sinks import WebOptions
from artrt.engine.sinks.web.bodies import LARGEST_BODY
from artrt.engine.sinks.web.hosts import is_loopback
from artrt.engine.sinks.web.limits import Buckets, Places
from artrt.engine.sinks.web.security import Guard
from artrt.engine.sinks.web.sink import WebSink
from artrt.engine.sinks.web.tokens import Tokens
from support.page import Client, page

TOKEN = "correct-horse-battery"


def eventually(condition, *, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.1)


def ask(guard, *, method="GET", path="/api/state", client="10.0.0.9", query=b"", body=b"", **headers):
    """Status and headers of a request that goes straight to the guard."""
    sent = []
    names = {"host": "127.0.0.1:8080"} | {name.replace("_", "-"): value for name, value in headers.items()}
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query,
        "client": (client, 1234),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in names.items()],
    }

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message):
        sent.append(message)

    asyncio.run(guard(scope, receive, send))
    return sent[0]["status"], dict(sent[0]["headers"])


async def app(scope, receive, send):
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8080", 200),
        ("localhost:8080", 200),
        ("[::1]:8080", 200),
        ("127.0.0.2", 200),
        ("evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("192.168.1.5:8080", 421),
        ("", 421),
        ("[", 421),
    ],
)
def test_foreign_hosts_are_refused(host, status):
    assert ask(Guard(app, token=None), host=host)[0] == status


def test_with_a_token_bare_addresses_are_taken_and_names_are_not():
    guard = Guard(app, token=TOKEN, hosts=("studio.example",))
    for host, status in (("192.168.1.5", 200), ("studio.example", 200), ("evil.example", 421)):
        assert ask(guard, host=host, authorization=f"Bearer {TOKEN}")[0] == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "http://127.0.0.1:8080"}, 200),
        ({"origin": "http://127.0.0.1:9999"}, 403),
        ({"origin": "https://127.0.0.1:8080"}, 403),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec_fetch_site": "cross-site"}, 403),
        ({"sec_fetch_site": "same-site"}, 403),
        ({"sec_fetch_site": "same-origin"}, 200),
        ({}, 200),
    ],
)
def test_foreign_origins_are_refused(headers, status):
    assert ask(Guard(app, token=None), method="POST", **headers)[0] == status


def test_a_link_from_elsewhere_may_open_the_page_but_nothing_else():
    guard = Guard(app, token=None)
    link = {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate"}
    assert ask(guard, path="/", **link)[0] == 200
    assert ask(guard, path="/snapshot.png", **link)[0] == 403


def test_the_token_is_asked_for():
    guard = Guard(app, token=TOKEN)
    assert ask(guard)[0] == 401
    assert ask(guard, authorization="Bearer wrong")[0] == 401
    assert ask(guard, authorization=f"Basic {TOKEN}")[0] == 401
    assert ask(guard, authorization=f"Bearer {TOKEN}")[0] == 200
    assert ask(guard, cookie=f"artrt_token={TOKEN}")[0] == 200
    assert ask(guard, cookie="artrt_token=wr\xe4ng")[0] == 401
    assert ask(guard, query=f"token={TOKEN}".encode())[0] == 401, "in the address only for the page itself"
    assert ask(guard, path="/healthz")[0] == 200


def test_the_stream_token_only_looks():
    guard, stream = Guard(app, token=TOKEN), Tokens(TOKEN).stream
    query = f"token={stream}".encode()
    assert ask(guard, path="/stream.mjpg", query=query)[0] == 200
    assert ask(guard, path="/snapshot.png", query=query)[0] == 200
    assert ask(guard, path="/stream.mjpg", query=b"token=wrong")[0] == 401
    assert ask(guard, path="/stream.mjpg", query=query, method="POST")[0] == 401
    for path in ("/", "/api/state", "/api/controls"):
        assert ask(guard, path=path, query=query)[0] == 401
        assert ask(guard, path=path, authorization=f"Bearer {stream}")[0] == 401
        assert ask(guard, path=path, cookie=f"artrt_token={stream}")[0] == 401
    assert Tokens(TOKEN).stream == stream
    assert Tokens(TOKEN + "x").stream != stream
    assert Tokens(None).stream is None


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"anyone:{password}".encode()).decode()


def test_players_may_log_in_with_a_password():
    guard = Guard(app, token=TOKEN)
    for password, status in ((Tokens(TOKEN).stream, 200), (TOKEN, 200), ("wrong", 401)):
        assert ask(guard, path="/stream.mjpg", authorization=basic(password))[0] == status
    assert ask(guard, path="/stream.mjpg", authorization="Basic !!")[0] == 401
    assert ask(guard, path="/api/state", authorization=basic(TOKEN))[0] == 401


def test_behind_a_proxy_that_adds_tls():
    guard = Guard(app, token=TOKEN, hosts=("studio.example",))
    shown = {"authorization": f"Bearer {TOKEN}", "host": "studio.example"}
    for origin, status in (
        ("https://studio.example", 200),
        ("http://studio.example", 200),
        ("https://evil.example", 403),
        ("https://studio.example:444", 403),
    ):
        assert ask(guard, method="POST", origin=origin, **shown)[0] == status
    assert ask(Guard(app, token=None, hosts=("Studio.Example",)), host="studio.example")[0] == 200


def test_a_browser_without_the_token_gets_a_form():
    with page(options=WebOptions(token=TOKEN)) as (_, _, client):
        stranger = Client(client.port)
        asked = stranger.get("/", Accept="text/html,*/*")
        assert asked.status == 401
        assert b'<form method="post" action="/login">' in asked.body
        assert "form-action 'self'" in asked.headers["content-security-policy"]
        assert b"<form" not in stranger.get("/", Accept="*/*").body
        wrong = stranger.post("/login", "token=wrong", Accept="text/html")
        assert (wrong.status, b"That is not the token" in wrong.body) == (401, True)
        right = stranger.post("/login", f"token={TOKEN}")
        assert right.status == 303
        cookie = right.headers["set-cookie"].partition(";")[0]
        assert stranger.get("/api/state", Cookie=cookie).status == 200


def test_the_form_does_not_help_to_guess():
    with page(options=WebOptions(token=TOKEN)) as (_, _, client):
        stranger = Client(client.port)
        for k in range(10):
            assert stranger.post("/login", f"token=guess{k}").status == 401
        assert stranger.post("/login", f"token={TOKEN}").status == 401


def test_the_address_that_a_proxy_names_counts():
    """Viewers behind one proxy do not share the limit of one address."""
    options = WebOptions(max_clients=2, hosts=("studio.example",))
    with page(options=options) as (_, _, client):
        names = {"Host": "studio.example"}
        one = {**names, "X-Forwarded-For": "10.0.0.1"}
        held = http.client.HTTPConnection("127.0.0.1", client.port, timeout=30)
        held.request("GET", "/stream.mjpg", headers=one)
        assert held.getresponse().status == 200
        assert client.get("/stream.mjpg", **one).status == 503
        another = http.client.HTTPConnection("127.0.0.1", client.port, timeout=30)
        another.request("GET", "/stream.mjpg", headers={**names, "X-Forwarded-For": "10.0.0.2"})
        assert another.getresponse().status == 200
        for connection in (held, another):
            connection.close()


def test_the_token_in_the_address_becomes_a_cookie():
    status, headers = ask(Guard(app, token=TOKEN, secure=True), path="/", query=f"token={TOKEN}".encode())
    assert status == 303
    assert headers[b"location"] == b"/"
    cookie = headers[b"set-cookie"].decode()
    for part in (TOKEN, "HttpOnly", "SameSite=Strict", "Secure"):
        assert part in cookie
    assert ask(Guard(app, token=TOKEN), path="/", query=b"token=wrong")[0] == 401
    assert ask(Guard(app, token=TOKEN), path="/", query=b"a=1&" * 50 + b"token=wrong")[0] == 401


def test_guessing_is_slowed_down():
    guard = Guard(app, token=TOKEN, burst=10_000)
    for k in range(10):
        assert ask(guard, authorization=f"Bearer guess{k}")[0] == 401
    assert ask(guard, authorization=f"Bearer {TOKEN}")[0] == 401, "even the right one waits now"
    assert ask(guard, client="10.0.0.10", authorization=f"Bearer {TOKEN}")[0] == 200


def test_tokens_are_compared_in_constant_time(monkeypatch):
    seen = []
    monkeypatch.setattr(
        "artrt.engine.sinks.web.tokens.hmac.compare_digest", lambda a, b: bool(seen.append((a, b)))
    )
    assert ask(Guard(app, token=TOKEN), authorization="Bearer guess")[0] == 401
    assert seen == [(b"guess", TOKEN.encode())]


def test_large_bodies_are_refused():
    guard = Guard(app, token=None)
    assert ask(guard, method="POST", content_length=str(LARGEST_BODY + 1))[0] == 413
    chunked = {"transfer_encoding": "chunked"}
    assert ask(guard, method="POST", body=b"x" * (LARGEST_BODY + 1), **chunked)[0] == 413
    assert ask(guard, method="POST", body=b"x" * LARGEST_BODY, **chunked)[0] == 200
    assert ask(guard, method="POST", content_length="lots")[0] == 413


def test_rates_are_limited_by_address():
    guard = Guard(app, token=None, burst=5, per_second=0.001)
    assert [ask(guard)[0] for _ in range(7)] == [200] * 5 + [429] * 2
    assert ask(guard, client="10.0.0.10")[0] == 200


def test_buckets_fill_again_and_forget():
    now = [0.0]
    buckets = Buckets(2, 1, clock=lambda: now[0])
    assert [buckets.take("a") for _ in range(3)] == [True, True, False]
    now[0] = 1.5
    assert [buckets.take("a") for _ in range(2)] == [True, False]
    for k in range(5000):
        buckets.take(f"address {k}")
    assert len(buckets._levels) <= 4096


def test_a_newcomer_finds_a_place():
    places = Places(8)
    assert [places.take("a") for _ in range(8)].count(True) == 4
    assert [places.take("b") for _ in range(8)].count(True) == 2
    assert [places.take(name) for name in "cde"] == [True, True, False]
    places.leave("a")
    assert not places.take("a")
    assert places.take("e")
    assert places.taken == 8
    assert [Places(100, each=3).take("a") for _ in range(2)] == [True, True]


def test_answers_carry_protective_headers():
    _, headers = ask(Guard(app, token=None))
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert headers[b"cross-origin-resource-policy"] == b"same-origin"
    assert headers[b"cache-control"] == b"no-store"


def test_other_addresses_get_a_token_of_their_own():
    assert WebSink("http://127.0.0.1:0").token is None
    assert WebSink("http://localhost:0").token is None
    first, second = (WebSink("http://0.0.0.0:0") for _ in range(2))
    assert len(first.token) >= 24
    assert first.token != second.token
    assert f"?token={first.token}" in first.announcement
    assert "0.0.0.0" not in first.announcement
    assert WebSink("http://192.168.1.5:9000").url == "http://192.168.1.5:9000/"
    assert WebSink("http://0.0.0.0:0", options=WebOptions(token=TOKEN)).token == TOKEN


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("studio", False),
    ],
)
def test_what_is_this_machine_only(host, loopback):
    assert is_loopback(host) == loopback


def test_a_page_for_others_wants_the_token():
    with page(host="0.0.0.0") as (sink, _, client):
        assert Client(client.port).get("/api/state").status == 401
        assert Client(client.port).get("/stream.mjpg").status == 401
        assert Client(client.port).get("/metrics").status == 401
        assert client.get("/api/state").status == 200
        assert client.get(f"/?token={sink.token}", Authorization="").status == 303


def test_a_fuzz_of_a_thousand_leaves_it_serving(monkeypatch):
    monkeypatch.setattr("artrt.engine.sinks.web.security.Guard", lambda *a, **o: Guard(*a, burst=1e9, **o))
    rng = random.Random(0)
    paths = [
        b"/",
        b"/api/controls",
        b"/api/webrtc",
        b"/stream.mjpg",
        b"/api/styles/\xff.jpg",
        b"/%00",
        b"//",
        b"*",
    ]
    methods = [b"GET", b"POST", b"PUT", b"\x00\x01", b"G" * 9000, b"OPTIONS", b"get"]
    with page() as (_, pipeline, client):
        for _ in range(1000):
            lines = [b"%s %s HTTP/1.%d" % (rng.choice(methods), rng.choice(paths), rng.choice([0, 1, 9]))]
            lines += [b"Host: 127.0.0.1"] * rng.choice([0, 1, 1, 1, 2])
            lines += [rng.randbytes(rng.randrange(30)) for _ in range(rng.randrange(3))]
            lines += [b"Content-Length: %d" % rng.choice([-1, 5, 10**12])] * rng.randrange(2)
            lines += [b"Content-Type: application/json"] * rng.randrange(2)
            data = b"\r\n".join(lines) + b"\r\n\r\n" + rng.randbytes(rng.randrange(60))
            with socket.create_connection(("127.0.0.1", client.port), timeout=30) as connection:
                try:
                    connection.sendall(data[: rng.randrange(1, len(data) + 1)])
                    connection.shutdown(socket.SHUT_WR)
                except OSError:
                    pass

        def state():
            """None while it answers 503, because it has not seen yet that they are gone."""
            answer = client.get("/api/state")
            return answer.json if answer.status == 200 else None

        eventually(state)
        before = pipeline.stats().frames_out
        eventually(lambda: pipeline.stats().frames_out > before)
        eventually(lambda: (state() or {"viewers": 1})["viewers"] == 0)
        assert client.get("/").status == 200


def test_the_bare_picture_opens_with_the_stream_token():
    guard, stream = Guard(app, token=TOKEN), Tokens(TOKEN).stream
    assert ask(guard, path="/view", query=f"token={stream}".encode())[0] == 200
    assert ask(guard, path="/view")[0] == 401
