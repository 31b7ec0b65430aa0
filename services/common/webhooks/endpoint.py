"""Checks a callback's URL, and looks its addresses up once."""

from __future__ import annotations

import queue
import re
import socket
import threading
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

from services.common.domain.errors import InvalidOptionError
from services.common.webhooks import address

ALLOWED_PORTS = (443, 8443)
MAX_URL_CHARACTERS = 2_048
MAX_HOST_CHARACTERS = 253
"""RFC 1035."""
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_PRINTABLE = re.compile(r"[\x21-\x7e]+")


class InvalidUrlError(InvalidOptionError):
    """The URL breaks a rule, so no messages are sent to it."""

    code = "INVALID_URL"

    def __init__(self, message: str) -> None:
        super().__init__("url", message)


class AddressRefusedError(InvalidUrlError):
    """The URL's host is, or resolves to, an address outside the public internet."""

    code = "ADDRESS_REFUSED"


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """A checked URL."""

    scheme: str
    """`https`, or `http` where private receivers are allowed."""
    host: str
    """A name in lower case, or an address without brackets."""
    port: int
    target: str
    """Path and query, as they stand in the request line."""

    @property
    def authority(self) -> str:
        """Host and port as the Host header carries them; the scheme's own port is left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == {"https": 443, "http": 80}[self.scheme] else f"{host}:{self.port}"


def parse(url: str, *, allow_private: bool = False) -> Endpoint:
    """Check a URL without any use of the network.

    Args:
        url: as the client gave it.
        allow_private: whether plain http, any port and any address are allowed too, for receivers on one's own machine.

    Raises:
        InvalidUrlError: the URL breaks a rule; the message says which.

    """
    if len(url) > MAX_URL_CHARACTERS:
        raise InvalidUrlError(f"A URL has at most {MAX_URL_CHARACTERS} characters.")
    if not _PRINTABLE.fullmatch(url) or "\\" in url:
        raise InvalidUrlError(
            "A URL is printable ASCII without backslashes; other characters are written %XX, names xn--…."
        )
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise InvalidUrlError("An IPv6 address stands in brackets, and nothing else does.") from error
    try:
        port = parts.port
    except ValueError as error:
        raise InvalidUrlError("The URL's port is no number up to 65535.") from error
    if parts.scheme != "https" and not (allow_private and parts.scheme == "http"):
        raise InvalidUrlError(f"A callback's URL begins with {'http:// or ' if allow_private else ''}https://.")
    if "@" in parts.netloc or parts.fragment:
        raise InvalidUrlError("A callback's URL carries no user name, no password and no fragment.")
    if port is None:
        port = 443 if parts.scheme == "https" else 80
    if not (allow_private or port in ALLOWED_PORTS) or port == 0:
        raise InvalidUrlError(f"A callback listens on port {' or '.join(map(str, ALLOWED_PORTS))}.")
    host = _host(parts.hostname or "", bracketed="[" in parts.netloc, allow_private=allow_private)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Endpoint(scheme=parts.scheme, host=host, port=port, target=target)


def _host(host: str, *, bracketed: bool, allow_private: bool) -> str:
    literal = address.parse(host)
    if literal is not None:
        if bracketed != isinstance(literal, IPv6Address):
            raise InvalidUrlError("An IPv6 address stands in brackets, and nothing else does.")
        if not (allow_private or address.is_public(literal)):
            raise AddressRefusedError("A callback's address lies on the public internet.")
        return str(literal)
    labels = host.split(".")
    if len(host) > MAX_HOST_CHARACTERS or not all(_LABEL.fullmatch(label) for label in labels):
        raise InvalidUrlError("The URL's host is neither a name nor an address.")
    # `2130706433`, `0177.1` and `0x7f.1` are names to `ipaddress` and 127.0.0.1 to getaddrinfo.
    if not labels[-1][0].isalpha():
        raise InvalidUrlError(
            "An IPv4 address is written as four decimal numbers; a name's last part begins with a letter."
        )
    if len(labels) == 1 and not allow_private:
        raise InvalidUrlError("The URL's host is a full name with its domain.")
    return host


class ResolutionError(Exception):
    """The name has no address."""


def resolve(endpoint: Endpoint, *, allow_private: bool, timeout_seconds: float) -> list[IPv4Address | IPv6Address]:
    """The addresses to connect to, in the resolver's order, from a single look-up. There is at least one.

    Raises:
        AddressRefusedError: at least one address is not public; then none of them is trusted.
        ResolutionError: the name has no address.
        TimeoutError: the look-up took longer than `timeout_seconds`.

    """
    literal = address.parse(endpoint.host)
    found = [literal] if literal is not None else _look_up(endpoint, timeout_seconds)
    if not (allow_private or all(map(address.is_public, found))):
        raise AddressRefusedError("The URL's host resolves to an address outside the public internet.")
    return found


def _look_up(endpoint: Endpoint, timeout_seconds: float) -> list[IPv4Address | IPv6Address]:
    answers: queue.SimpleQueue[list[IPv4Address | IPv6Address] | OSError | UnicodeError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            infos = socket.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM)
            answers.put(list(dict.fromkeys(ip_address(info[4][0]) for info in infos)))
        except (OSError, UnicodeError) as error:
            answers.put(error)

    # getaddrinfo has no timeout. A thread that is still in it is left alone, and ends by itself.
    threading.Thread(target=ask, name="resolve", daemon=True).start()
    try:
        answer = answers.get(timeout=timeout_seconds)
    except queue.Empty:
        raise TimeoutError from None
    if isinstance(answer, Exception):
        raise ResolutionError(str(answer)) from answer
    if not answer:
        raise ResolutionError("no address")
    return answer
