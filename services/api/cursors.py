"""Cursors: where a page of a list ended, opaque to clients. Any text of the right form is a valid cursor."""

from __future__ import annotations

import re

from services.api.problem_codes import ProblemCode
from services.api.problems import Problem
from services.common.domain.ids import TIME_LENGTH, time_text
from services.common.store import keys

_PLACE = "[a-z2-7]{35}"
PATTERNS = {keys.JOB: f"^j?{_PLACE}$", keys.EVENT: f"^e?{_PLACE}$", keys.DELIVERY: r"^[a-z2-7]{52}$"}
"""By kind of list. A cursor begins with the letter of its list; those of release 0.1.0 had none, and lead on."""
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_NAME_CHARACTERS = 26
_PLACE_LENGTH = TIME_LENGTH + _NAME_CHARACTERS
_PREFIXES = {keys.JOB: "job_", keys.EVENT: "evt_"}


def encode(sort: str | None) -> str | None:
    """The cursor of a `sort` of a job or an event, or of a delivery's sort key (`services/common/store/keys.py`)."""
    if sort is None:
        return None
    kind, first, name = sort.split("#")
    if kind == keys.DELIVERY:
        return _bare(first) + _bare(name)
    return kind[0].lower() + time_text(int(first), _ALPHABET) + _bare(name)


def decode(cursor: str | None, kind: str) -> str | None:
    """The `sort` that a cursor stands for; `kind` is `keys.JOB`, `keys.EVENT` or `keys.DELIVERY`.

    Raises:
        Problem: 422, the text is no cursor.

    """
    if cursor is None:
        return None
    if not re.fullmatch(PATTERNS[kind][1:-1], cursor):
        detail = "This is no cursor of this list: pass `next` of the page before, unchanged."
        raise Problem(ProblemCode.INVALID_CURSOR, detail, field="after")
    if kind == keys.DELIVERY:
        event_id, callback_id = f"evt_{cursor[:_NAME_CHARACTERS]}", f"cb_{cursor[_NAME_CHARACTERS:]}"
        return keys.delivery("", event_id, callback_id)[1]
    place = cursor[-_PLACE_LENGTH:]
    return keys.sort(kind, _milliseconds(place[:TIME_LENGTH]), _PREFIXES[kind] + place[TIME_LENGTH:])


def _bare(name: str) -> str:
    return name.partition("_")[2]


def _milliseconds(time: str) -> int:
    number = 0
    for character in time:
        number = number * len(_ALPHABET) + _ALPHABET.index(character)
    return number
