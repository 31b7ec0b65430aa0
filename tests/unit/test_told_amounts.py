"""Bytes, as people are told of them."""

from __future__ import annotations

from services.cli.printing import amount, share


def test_bytes_are_told_in_the_unit_of_the_whole() -> None:
    assert [amount(size) for size in (5, 60_000, 3_140_000, 12_000_000_000)] == [
        "5 bytes",
        "60 kB",
        "3.1 MB",
        "12.0 GB",
    ]
    assert share(3_100_000_000, 12_000_000_000) == "3.1 of 12.0 GB"
    assert share(0, 5) == "0 of 5 bytes"
