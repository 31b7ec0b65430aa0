"""Cursors: where a page ended, opaque to whoever passes it back. Any text of the right shape is a place."""

from __future__ import annotations

import re

from services.api.problems import Problem

PATTERN = r"^[a-z2-7]{35}$"
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_TIME_CHARACTERS = 9
"""Of base32: 45 bits of milliseconds, which last until the year 3084."""
_PREFIXES = {"JOB": "job_", "EVENT": "evt_"}


def encode(sort: str | None) -> str | None:
    """The cursor of `JOB#<milliseconds>#job_…` or `EVENT#<milliseconds>#evt_…`."""
    if sort is None:
        return None
    _, milliseconds, name = sort.split("#")
    number, time = int(milliseconds), ""
    for _ in range(_TIME_CHARACTERS):
        number, digit = divmod(number, len(_ALPHABET))
        time = _ALPHABET[digit] + time
    return time + name.partition("_")[2]


def decode(cursor: str | None, kind: str) -> str | None:
    """The `sort` that a cursor stands for; `kind` is `JOB` or `EVENT`.

    Raises:
        Problem: 422, it is no cursor.

    """
    if cursor is None:
        return None
    if not re.fullmatch(PATTERN[1:-1], cursor):
        raise Problem(422, "INVALID_CURSOR", "Pass `next` of the page before, unchanged.", field="after")
    number = 0
    for character in cursor[:_TIME_CHARACTERS]:
        number = number * len(_ALPHABET) + _ALPHABET.index(character)
    return f"{kind}#{number:013d}#{_PREFIXES[kind]}{cursor[_TIME_CHARACTERS:]}"
