"""Other programs steer what plays, over real datagrams on this machine."""

from __future__ import annotations

import random
import socket
import time
from contextlib import contextmanager

import pytest
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from artrt.engine.errors import OutputError, UsageError
from artrt.engine.frame import read_image
from artrt.engine.looks.amounts import Amount
from artrt.engine.looks.controls import Controls
from artrt.engine.looks.look import NUMBERS
from artrt.engine.playing.pipeline import Pipeline
from artrt.engine.sinks import RecordingQuota, open_sink
from artrt.engine.sinks.osc import OscSink
from support.clips import probe
from support.page import COLOURS, quantize, stylize, vector


class Osc:
    """A program that sends messages and hears the answers."""

    def __init__(self, port: int = 0):
        self.port = port
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(10)

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.socket.getsockname()[1]}"

    def send(self, address: str, *values) -> None:
        self.raw(message(address, *values).dgram)

    def raw(self, data: bytes) -> None:
        self.socket.sendto(data, ("127.0.0.1", self.port))

    def heard(self) -> tuple[str, list]:
        answer = OscMessage(self.socket.recv(65535))
        return answer.address, answer.params

    def ask(self, address: str, *values) -> tuple[str, list]:
        self.send(address, *values)
        return self.heard()

    def state(self) -> dict:
        address, values = self.ask("/artrt/state")
        assert address == "/artrt/state"
        return dict(zip(values[::2], values[1::2], strict=True))

    def refused(self, address: str, *values) -> str:
        """What was said against a message."""
        answer, (about, text) = self.ask(address, *values)
        assert (answer, about) == ("/artrt/error", address)
        return text


def message(address: str, *values) -> OscMessage:
    builder = OscMessageBuilder(address)
    for value in values:
        builder.add_arg(value)
    return builder.build()


@contextmanager
def playing(folder, **options):
    """A pipeline with every number, and a program beside it."""
    controls = Controls(
        styles=list(COLOURS), resolve=vector, style="blue", switches={"quantize": False}, cross_fade_seconds=0
    )
    controls.add_amounts({"colors": Amount(16, 2, 256)})
    sink = OscSink("osc://127.0.0.1:0", quota=RecordingQuota(folder=folder), **options)
    with Pipeline("test://64x48@50", [quantize, stylize], [sink], controls=controls) as pipeline:
        client = Osc(sink.port)
        yield pipeline, client
        client.socket.close()


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    folder = tmp_path_factory.mktemp("osc")
    with playing(folder) as (pipeline, client):
        yield pipeline, client, folder


@pytest.fixture
def played(stage):
    """The shared pipeline, back at its start."""
    pipeline, client, _ = stage
    pipeline.set(style="blue", quantize=False, **{name: number.default for name, number in NUMBERS.items()})
    pipeline.pause(False)
    return pipeline, client


def eventually(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)


@pytest.mark.parametrize("name", NUMBERS)
def test_every_number_has_an_address(played, name):
    pipeline, client = played
    wanted = (NUMBERS[name].minimum + NUMBERS[name].maximum) / 2
    client.send(f"/artrt/{name}", wanted)
    assert client.state()[name] == pytest.approx(wanted)
    assert pipeline.controls.state.numbers[name] == pytest.approx(wanted)
    client.send(f"/artrt/{name}/add", -100)
    assert client.state()[name] == NUMBERS[name].minimum


def test_the_amount_of_an_effect(played):
    pipeline, client = played
    client.send("/artrt/colors", 23.7)
    assert client.state()["colors"] == pipeline.controls.state.amounts["colors"].value == 24
    assert "expected a whole number from 2 to 256" in client.refused("/artrt/colors", 1)
    assert "nan is not a whole number" in client.refused("/artrt/colors", float("nan"))
    assert "no loaded stage has this control" in client.refused("/artrt/regions", 5)


@pytest.mark.parametrize("asked", ["green", 2, 2.0, "2"])
def test_a_style_by_its_name_or_number(played, asked):
    _, client = played
    client.send("/artrt/style", asked)
    state = client.state()
    assert (state["style"], state["style_number"]) == ("green", 2)
    assert client.ask("/artrt/styles") == ("/artrt/styles", list(COLOURS))


def test_a_background_comes_and_goes(played):
    pipeline, client = played
    client.send("/artrt/background", 3)
    assert client.state()["background"] == pipeline.controls.state.background == "red"
    client.send("/artrt/background")
    assert client.state()["background"] == ""
    assert "unknown style 'a.jpg'" in client.refused("/artrt/background", "a.jpg")


def test_a_fader_between_two_styles(played):
    pipeline, client = played
    client.send("/artrt/mix", "blue", 2, 0.25)
    assert client.state()["style"] == "blue:0.750+green:0.250"
    assert pipeline.controls.values()["style"].tolist() == [191.25, 63.75, 0]
    client.send("/artrt/mix", 1.0)
    assert client.state()["style"] == "green:1.000"
    assert "0 to 1" in client.refused("/artrt/mix", 1.5)


def test_buttons_act_when_they_are_pressed(played):
    _, client = played
    for values, style in (((), "green"), ((1,), "red"), ((0,), "red"), ((0.0,), "red"), ((True,), "blue")):
        client.send("/artrt/next", *values)
        assert client.state()["style"] == style
    client.send("/artrt/previous")
    assert client.state()["style"] == "red"


@pytest.mark.parametrize("name", ["quantize", "pause"])
def test_switches_are_set_and_toggled(played, name):
    pipeline, client = played
    for values, on in (((1,), 1), ((0.0,), 0), ((True,), 1), ((), 0), ((), 1)):
        client.send(f"/artrt/{name}", *values)
        assert client.state()[name] == on
    assert pipeline.paused == (name == "pause")


@pytest.mark.parametrize(
    ("address", "values", "said"),
    [
        ("/artrt/strength", (1.5,), "`float` <= 1.0"),
        ("/artrt/strength", (float("nan"),), "`float` >= 0.0"),
        ("/artrt/strength", ("much",), "Expected `float"),
        ("/artrt/strength", (True,), "Expected `float"),
        ("/artrt/strength", (), "expected one value, got 0"),
        ("/artrt/strength", (0.1, 0.2), "expected one value, got 2"),
        ("/artrt/strength/add", ("a",), "'a' is not a number"),
        ("/artrt/strenght", (0.5,), "did you mean 'strength'"),
        ("/artrt/style", ("/etc/passwd",), "unknown style '/etc/passwd'"),
        ("/artrt/style", ("x" * 300,), "length <= 200"),
        ("/artrt/style", (0,), "a number from 1 to 3"),
        ("/artrt/style", (1.5,), "a number from 1 to 3"),
        ("/artrt/style", (b"\xff",), "is not a number"),
        ("/artrt/mix", (), "two styles and the share"),
        ("/artrt/pause", (2,), "expected 1 or 0, got 2"),
        ("/artrt/record", ("yes",), "'yes' is not a number"),
        ("/other", (), "no such address"),
    ],
)
def test_what_is_not_valid_is_refused_and_changes_nothing(played, address, values, said):
    pipeline, client = played
    before = pipeline.controls.state, pipeline.paused
    assert said in client.refused(address, *values)
    assert (pipeline.controls.state, pipeline.paused) == before


def test_snapshots_and_recordings(stage):
    pipeline, client, folder = stage
    eventually(lambda: pipeline.stats().frames_out > 3)
    address, (name,) = client.ask("/artrt/snapshot")
    assert address == "/artrt/wrote"
    assert read_image(folder / name).shape == (48, 64, 3)
    client.send("/artrt/record", 1)
    assert client.state()["record"] == 1
    time.sleep(0.3)
    client.send("/artrt/record")
    assert client.state()["record"] == 0
    (film,) = folder.glob("*.mp4")
    assert probe(film).frames > 3


def test_a_bundle_is_obeyed_in_its_order_and_at_once(played):
    _, client = played
    bundle = OscBundleBuilder(time.time() + 3600)
    inner = OscBundleBuilder(IMMEDIATELY)
    inner.add_content(message("/artrt/strength", 0.25))
    bundle.add_content(inner.build())
    bundle.add_content(message("/artrt/stroke", 2.0))
    client.raw(bundle.build().dgram)
    state = client.state()
    assert (state["strength"], state["stroke"]) == (0.25, 2.0)


def test_answers_and_news_go_where_they_are_wanted(tmp_path):
    listener = Osc()
    with playing(tmp_path, reply=listener.place) as (pipeline, client):
        assert listener.heard()[1][:2] == ["style", "blue"]  # the state at the beginning
        pipeline.set(style="red")  # by a key, by the page
        assert listener.heard()[1][:4] == ["style", "red", "style_number", 3]
        client.send("/artrt/strength", 7)
        assert listener.heard()[0] == "/artrt/error"
        client.socket.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.heard()
    listener.socket.close()


def test_answers_that_come_back_are_not_answered(played):
    """Two programs whose answers reach each other would else talk for ever."""
    _, client = played
    client.send("/artrt/error", "/artrt/x", "no such address")
    client.send("/artrt/wrote", "a.png")
    client.send("/artrt/state", "style", "blue")
    client.send("/artrt/styles", "blue")
    assert client.state()["style"] == "blue"  # the only answer


def test_no_bytes_end_it(stage):
    pipeline, client, _ = stage
    random.seed(0)
    whole = message("/artrt/strength", 0.5, "a", [1, [2]], b"xyz").dgram
    bundle = OscBundleBuilder(IMMEDIATELY)
    bundle.add_content(message("/artrt/next"))
    for number in range(600):
        data = bytearray(whole if number % 2 else bundle.build().dgram)
        for _ in range(random.randrange(1, 6)):
            data[random.randrange(len(data))] = random.randrange(256)
        client.raw(bytes(data[: random.randrange(len(data) + 1)]))
        if number % 50 == 0:
            time.sleep(0.01)
    for data in (b"", b"/", b"#bundle\0" + b"\0" * 8 + b"\x7f\xff\xff\xff", b"/a\0\0,[[[\0", b"\xff" * 60000):
        client.raw(data)
    client.raw(message("/" + "*" * 9000 + "x").dgram)
    asked = Osc(client.port)
    assert asked.state()["quantize"] in (0, 1)
    asked.socket.close()
    client.socket.setblocking(False)
    try:
        while client.socket.recv(65535):
            pass
    except BlockingIOError:
        client.socket.settimeout(10)
    assert pipeline.stats().frames_out > 0


def test_the_port_is_free_again_at_the_end(tmp_path):
    with playing(tmp_path) as (_, client), pytest.raises(OutputError, match="cannot listen there"):
        Pipeline("test://64x48@50", [], [open_sink(f"osc://127.0.0.1:{client.port}")]).start()
    with Pipeline("test://64x48@50", [], [open_sink(f"osc://127.0.0.1:{client.port}")]):
        pass


@pytest.mark.parametrize("address", ["osc://", "osc://localhost", "osc://127.0.0.1:70000", "osc://a:1/x"])
def test_an_address_is_a_host_and_a_port(address):
    with pytest.raises(UsageError, match="expected HOST:PORT"):
        open_sink(address)


def test_a_host_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(OutputError, match="osc://host.invalid:9000: "):
        Pipeline("test://64x48@50", [], [open_sink("osc://host.invalid:9000")]).start()


@pytest.mark.parametrize(("host", "warns"), [("127.0.0.1", False), ("0.0.0.0", True)])
def test_who_may_steer_is_said(host, warns):
    assert ("no passwords" in open_sink(f"osc://{host}:9000").announcement) == warns
