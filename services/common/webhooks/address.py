"""Decides to which addresses a message may be sent: to the public internet alone.

`ipaddress.is_global` is not enough: it is true for NAT64 and IPv4-compatible spellings of the metadata service, for
multicast, for site-local addresses and for relay prefixes. So this is an allow-list (for IPv6, the one block from which
public addresses are given out) without the blocks that lead back to IPv4 or are reserved inside it.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

_PUBLIC_IPV6 = ip_network("2000::/3")
_REFUSED_IPV4 = (ip_network("192.88.99.0/24"),)  # 6to4 relays (RFC 7526)
_REFUSED_IPV6 = (
    ip_network("2001::/23"),  # protocol assignments, with Teredo (RFC 4380) in front
    ip_network("2002::/16"),  # 6to4: carries any IPv4 address (RFC 3056)
    ip_network("3fff::/20"),  # documentation (RFC 9637), global to older Pythons
)


def parse(text: str) -> IPv4Address | IPv6Address | None:
    """The address that `text` spells in full; None for anything else, such as `127.1`, `0x7f000001` or a name."""
    try:
        return ip_address(text)
    except ValueError:
        return None


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether a packet to this address goes to the public internet, however the address is spelled."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address.scope_id is not None or address not in _PUBLIC_IPV6:
            return False
        refused = any(address in network for network in _REFUSED_IPV6)
    else:
        refused = any(address in network for network in _REFUSED_IPV4)
    return address.is_global and not address.is_multicast and not refused
