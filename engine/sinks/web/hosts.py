"""Checks the Host and Origin of requests."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from .bodies import Scope


@dataclass(frozen=True, slots=True)
class Hosts:
    """The accepted host names of a page.

    Args:
        allowed: Names besides this machine's, in lower case, such as a proxy's.
        secure: Whether it is served over TLS.
        guarded: Whether a token is required.
    """

    allowed: frozenset[str]
    secure: bool
    guarded: bool

    def knows(self, host: str) -> bool:
        """Whether a Host header names this page; prevents DNS rebinding by other pages.

        An IP address cannot be another page's name: with a token, all IP addresses are accepted, without one only
        loopback addresses.
        """
        name = host_name(host)
        if name is None:
            return False
        if name in self.allowed:
            return True
        try:
            return ipaddress.ip_address(name).is_loopback or self.guarded
        except ValueError:
            return name == "localhost" or (self.guarded and name in _own_names())

    def same_origin(self, scope: Scope, headers: Mapping[str, str]) -> bool:
        """Whether a request comes from the page itself, or only follows a link."""
        origin, host = headers.get("origin"), headers.get("host", "")
        if origin is not None and origin not in {f"{scheme}://{host}" for scheme in self._schemes(host)}:
            return False
        site = headers.get("sec-fetch-site", "none")
        navigates = (
            headers.get("sec-fetch-mode") == "navigate"
            and scope.get("method") == "GET"
            and scope["path"] in ("/", "/view")
        )
        return site in ("none", "same-origin") or navigates

    def _schemes(self, host: str) -> Iterable[str]:
        """The accepted schemes; a proxy may add TLS that is not visible here."""
        if host_name(host) in self.allowed:
            return ("http", "https")
        return ("https",) if self.secure else ("http",)


def host_name(host: str) -> str | None:
    """The name in a Host header, in lower case; None if there is none."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def is_loopback(host: str) -> bool:
    """Whether an address can be reached only from this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _own_names() -> set[str]:
    name = socket.gethostname().lower()
    return {name, f"{name}.local"}
