"""Addresses that are made from a schema."""

from __future__ import annotations

import re

from services.common.webhooks.endpoint import MAX_HOST_CHARACTERS


def with_a_host_of_dns(url: str) -> str:
    """The same URL with so many of the host's last labels as a name may have: a pattern counts no characters."""
    host = re.sub(r"^[a-z]+://|[:/?].*", "", url)
    kept = host
    while len(kept) > MAX_HOST_CHARACTERS:
        kept = kept.partition(".")[2]
    return url.replace(host, kept, 1)
