"""`osc://HOST:PORT`: controls playback by Open Sound Control, through python-osc.

Programs such as TouchDesigner, Max and Ableton Live, and hardware controllers, send it as datagrams.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
from typing import Any
from urllib.parse import urlsplit

from ..errors import ArtrtError, MissingExtraError, OutputError, UsageError
from ..result import Result
from ..sources import SourceInfo
from .osc_addresses import ERROR, STATE, Answer, OscAddresses
from .player import Player
from .web.hosts import is_loopback
from .web.options import RecordingQuota

LOG = logging.getLogger("artrt.osc")
LARGEST_DATAGRAM = 65535
POLL_SECONDS = 0.1
STOP_SECONDS = 2.0


class OscSink:
    """Handles OSC messages during playback; shows no pictures.

    Args:
        address: osc://127.0.0.1:9000; port 0 chooses a free port.
        reply: HOST:PORT that gets all answers, and every change of the state; None answers only the sender.
        quota: Limits and folder of recordings.

    Raises:
        UsageError: The address is invalid.
    """

    live = True
    main_thread = False

    def __init__(
        self, address: str, *, reply: str | None = None, quota: RecordingQuota | None = None
    ) -> None:
        self.name = address
        self._host, self._port = _place(address.removeprefix("osc://"), text=address)
        self._wanted_reply = None if reply is None else _place(reply, text=reply)
        self._reply: Any = None
        self._quota = quota
        self._player: Player | None = None
        self._addresses: OscAddresses | None = None
        self._newest: Result | None = None
        self._told: object = None
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._port

    @property
    def announcement(self) -> str:
        """One line with the address."""
        warning = (
            ""
            if is_loopback(self._host)
            else "; OSC has no passwords: everyone who can reach this address has control"
        )
        return f"listening for OSC on {self._host}, port {self._port}{warning}"

    def attach(self, player: Player) -> None:
        """Sets the player to control."""
        self._player = player

    def open(self, info: SourceInfo) -> None:
        """Starts to listen.

        Raises:
            MissingExtraError: python-osc is not installed.
            OutputError: The port is in use, or a host is unknown.
        """
        try:
            import pythonosc  # noqa: F401
        except ImportError as error:
            raise MissingExtraError("OSC", package="python-osc", extra="osc") from error
        assert self._player is not None
        self._addresses = OscAddresses(self._player, newest=self._image, quota=self._quota)
        self._socket = self._bind()
        self._thread = threading.Thread(target=self._listen, name="artrt osc", daemon=True)
        self._thread.start()

    def write(self, result: Result) -> None:
        """Keeps the newest result for snapshots."""
        self._newest = result

    def close(self, *, completed: bool) -> None:
        """Stops listening."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(STOP_SECONDS)
        if self._socket is not None:
            self._socket.close()

    def _image(self) -> Any:
        return None if self._newest is None else self._newest.image

    def _bind(self) -> socket.socket:
        try:
            family, kind, _, _, place = socket.getaddrinfo(
                self._host, self._port, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE
            )[0]
            if self._wanted_reply is not None:
                self._reply = socket.getaddrinfo(*self._wanted_reply, family=family, type=kind)[0][4]
        except OSError as error:
            raise OutputError(f"{self.name}: {error.strerror}") from error
        listener = socket.socket(family, kind)
        try:
            listener.bind(place)
        except OSError as error:
            listener.close()
            raise OutputError(f"{self.name}: cannot listen there: {error.strerror or error}") from error
        listener.settimeout(POLL_SECONDS)
        self._port = listener.getsockname()[1]
        return listener

    def _listen(self) -> None:
        """The thread's loop: handles datagrams in order of arrival."""
        assert self._socket is not None
        while not self._closing.is_set():
            try:
                data, asker = self._socket.recvfrom(LARGEST_DATAGRAM)
            except OSError:  # a time-out, or a program that got an answer has ended
                data, asker = b"", None
            self._take(data, asker)
            self._tell_changes()

    def _take(self, data: bytes, asker: Any) -> None:
        for message in _messages(data):
            answer = self._obey(message.address, message.params)
            if answer is not None:
                self._send(answer, self._reply or asker)

    def _obey(self, address: str, values: list[Any]) -> Answer | None:
        assert self._addresses is not None
        try:
            return self._addresses.obey(address, values)
        except ArtrtError as error:
            return ERROR, (address, str(error))
        except Exception as error:
            LOG.error("%s failed: %r", address, error)
            LOG.debug("its traceback", exc_info=True)
            return ERROR, (address, "this failed, and was logged")

    def _tell_changes(self) -> None:
        """Sends changes of the state to the program that follows it."""
        if self._reply is None or self._addresses is None:
            return
        state = self._addresses.state()
        if state != self._told:
            self._told = state
            self._send((STATE, state), self._reply)

    def _send(self, answer: Answer, place: Any) -> None:
        from pythonosc.osc_message_builder import OscMessageBuilder

        assert self._socket is not None
        message = OscMessageBuilder(answer[0])
        for value in answer[1]:
            message.add_arg(value)
        with contextlib.suppress(OSError):  # the receiver has ended
            self._socket.sendto(message.build().dgram, place)


def _messages(data: bytes) -> list[Any]:
    """The messages of a datagram; empty if it is not OSC."""
    from pythonosc.osc_packet import OscPacket

    try:
        return [timed.message for timed in OscPacket(data).messages]
    except Exception as error:  # the parser raises many errors for invalid bytes
        LOG.debug("not OSC: %r", error)
        return []


def _place(place: str, *, text: str) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{place}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if host is None or port is None or parts.path or parts.query:
        raise UsageError(f"'{text}': expected HOST:PORT, as in 127.0.0.1:9000")
    return host, port
