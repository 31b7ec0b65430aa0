"""No message leaves for anything but the public internet, asserted on the sockets themselves."""

from __future__ import annotations

import socket
from ipaddress import ip_address
from typing import Any

import pytest

from services.common.webhooks import address, endpoint
from services.common.webhooks.outcome import Failure
from services.common.webhooks.transport import post
from tests.support.sockets import record_dialled

REFUSED = [
    # IPv4: this host, loopback, private, shared, link-local (the metadata service), test, multicast, reserved
    *("0.0.0.0", "0.1.2.3", "127.0.0.1", "127.255.255.254", "10.0.0.1", "172.16.0.1", "172.31.255.255"),
    *("192.168.1.1", "100.64.0.1", "100.127.255.255", "169.254.169.254", "169.254.170.2", "169.254.169.123"),
    *("192.0.0.1", "192.0.0.170", "192.0.2.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1"),
    *("192.88.99.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"),
    # IPv6: unspecified, loopback, link-local, unique local (EC2's metadata service), site-local, multicast
    *("[::]", "[::1]", "[fe80::1]", "[fe80::a9fe:a9fe]", "[fc00::1]", "[fd00:ec2::254]", "[fdff::1]"),
    *("[fec0::1]", "[feff::1]", "[ff02::1]", "[ff0e::1]"),
    # IPv6 that carries IPv4: mapped, compatible, translated, NAT64, 6to4, Teredo
    *("[::ffff:127.0.0.1]", "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]", "[::ffff:10.0.0.1]"),
    *("[::ffff:0:127.0.0.1]", "[::a9fe:a9fe]", "[::127.0.0.1]", "[::8.8.8.8]"),
    *("[64:ff9b::a9fe:a9fe]", "[64:ff9b::8.8.8.8]", "[64:ff9b:1::1]", "[64:ff9b:1:ffff::a9fe:a9fe]"),
    *("[2002:a9fe:a9fe::1]", "[2002:7f00:1::]", "[2002:808:808::1]", "[2001::1]", "[2001:0:a9fe:a9fe::1]"),
    # IPv6 for documentation, benchmarks, discarding, segment routing, and what nobody was given
    *("[2001:db8::1]", "[2001:2::1]", "[2001:10::1]", "[2001:20::1]", "[3fff::1]", "[100::1]", "[5f00::1]"),
    *("[4000::1]", "[0:0:0:0:0:ffff:7f00:1]", "[0000:0000:0000:0000:0000:0000:0000:0001]"),
]
MISSPELLED = [
    # what getaddrinfo takes for an IPv4 address and a URL parser for a name
    *("2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "017700000001", "127.1", "127.0.1", "0", "0x0"),
    *("2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518", "169.0376.0xa9.0376", "127.0.0.01"),
    *("127.0.0.1.", "localhost", "localhost.", "metadata", "[::1", "::1", "[127.0.0.1]", "[::1%25lo]"),
    *("[fe80::1%25eth0]", "[2a00:1450::1%25eth0]", "127.0.0.1%2f.example.com", "a..example.com"),
    *("-a.example.com", "127。0。0。1", "①②⑦.⓪.⓪.①", "ⓔxample.com", "", ".", "exa mple.com"),
    *("exam\tple.com", "example.com\\@127.0.0.1", f"{'a' * 64}.com", f"{'a.' * 127}com"),
    # around the host
    *("1.1.1.1@127.0.0.1", "user:word@example.com", "example.com:80", "example.com:22", "example.com:0"),
    *("example.com:99999", "example.com#@127.0.0.1"),
]


def answers(monkeypatch: pytest.MonkeyPatch, *rounds: list[str]) -> list[str]:
    """Let each look-up give the next round of addresses; returns the names that were asked for."""
    asked: list[str] = []

    def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        addresses = rounds[min(len(asked), len(rounds) - 1)]
        asked.append(host)
        return [
            (socket.AF_INET6 if ":" in text else socket.AF_INET, socket.SOCK_STREAM, 6, "", (text, port))
            for text in addresses
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


@pytest.mark.parametrize("host", REFUSED)
def test_an_address_outside_the_public_internet_is_refused_and_never_dialled(host: str) -> None:
    with record_dialled() as dialled:
        outcome = post(f"https://{host}/hook", {}, b"{}", deadline_seconds=2)

    assert outcome.error is Failure.ADDRESS_REFUSED
    assert dialled == []


@pytest.mark.parametrize("host", MISSPELLED)
def test_an_odd_spelling_is_no_way_around_the_guard(host: str) -> None:
    with record_dialled() as dialled:
        outcome = post(f"https://{host}/hook", {}, b"{}", deadline_seconds=2)

    assert outcome.error in {Failure.INVALID_URL, Failure.ADDRESS_REFUSED}
    assert dialled == []


@pytest.mark.parametrize("host", REFUSED)
def test_a_name_that_resolves_to_a_refused_address_is_never_dialled(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, [host.strip("[]")])

    with record_dialled() as dialled:
        outcome = post("https://hooks.example.com/", {}, b"{}", deadline_seconds=2)

    assert outcome.error is Failure.ADDRESS_REFUSED
    assert dialled == []


def test_one_refused_address_among_public_ones_condemns_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, ["93.184.215.14", "10.0.0.1"])

    with record_dialled() as dialled:
        outcome = post("https://hooks.example.com/", {}, b"{}", deadline_seconds=2)

    assert outcome.error is Failure.ADDRESS_REFUSED
    assert dialled == []


def test_a_name_that_changes_between_two_look_ups_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answers(monkeypatch, ["203.0.112.7"], ["127.0.0.1"])
    connected: list[Any] = []

    def refuse(address: Any, **_: Any) -> socket.socket:
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", refuse)

    outcome = post("https://hooks.example.com/", {}, b"{}", deadline_seconds=2)

    assert outcome.error is Failure.CONNECT_FAILED
    assert asked == ["hooks.example.com"]
    assert connected == [("203.0.112.7", 443)]


def test_a_name_without_an_address_is_an_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)

    assert post("https://hooks.example.com/", {}, b"{}").error is Failure.DNS_FAILED


@pytest.mark.parametrize(
    "text",
    [
        *("8.8.8.8", "1.1.1.1", "93.184.215.14", "203.0.112.7"),
        *("::ffff:8.8.8.8", "2606:4700:4700::1111", "2a00:1450:400f::1"),
    ],
)
def test_public_addresses_pass(text: str) -> None:
    assert address.is_public(ip_address(text))


@pytest.mark.parametrize("scheme", ["http", "ftp", "file", "gopher", "httpx", ""])
def test_only_https_is_spoken(scheme: str) -> None:
    with pytest.raises(endpoint.InvalidUrlError):
        endpoint.parse(f"{scheme}://hooks.example.com/")


@pytest.mark.parametrize(
    ("url", "authority", "target"),
    [
        ("https://Hooks.Example.com", "hooks.example.com", "/"),
        ("https://hooks.example.com:8443/a?b=c", "hooks.example.com:8443", "/a?b=c"),
        ("https://[2606:4700:4700::1111]/a", "[2606:4700:4700::1111]", "/a"),
    ],
)
def test_a_good_url_keeps_its_authority_and_target(url: str, authority: str, target: str) -> None:
    parsed = endpoint.parse(url)

    assert (parsed.authority, parsed.target) == (authority, target)


def test_a_receiver_on_ones_own_machine_needs_the_explicit_permission() -> None:
    url = "http://127.0.0.1:8000/hook"

    assert endpoint.parse(url, allow_private=True).authority == "127.0.0.1:8000"
    with pytest.raises(endpoint.InvalidUrlError):
        endpoint.parse(url)
