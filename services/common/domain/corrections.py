"""Corrections: what people change of a machine's words, as a list of changes against these. Pure.

The machine's words never change. The index of a word is its place among the words of all segments, from 0. A correction
is the whole list, not a step from the correction before.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

from services.common.domain.annotations import MAX_NAMES, NAME, PRINTABLE_WORDS, is_printable
from services.common.domain.errors import InvalidCorrectionError

MAX_SPEAKERS = MAX_NAMES
"""A client has names for so many. A person may add speakers whom the machine did not find."""
BY_CLIENT = "client"
"""Who saves a correction with an API key; otherwise it is the id of a share."""
_INK = re.compile(NAME)
_CHANGE, _SEGMENT = {"first", "end", "segments"}, {"speaker", "pieces"}
_RANGE = 2
"""How many numbers a range has."""


class Kept(NamedTuple):
    """Words of the machine that stay as they are: those from `first` to before `end`."""

    first: int
    end: int


Piece = Kept | str
"""Kept words, or the text of new ones."""


@dataclass(frozen=True, slots=True)
class CorrectedSegment:
    """A segment as a person wrote it: one or more pieces in order."""

    speaker: int | None
    """Who says it, as a place in `Transcript.voices` or behind them; None: not known."""
    pieces: tuple[Piece, ...]

    def to_json(self) -> dict[str, Any]:
        """A JSON object that `parse` takes back as a part of a change."""
        pieces = [piece if isinstance(piece, str) else list(piece) for piece in self.pieces]
        return {"speaker": self.speaker, "pieces": pieces}


@dataclass(frozen=True, slots=True)
class Change:
    """Segments that take the place of the machine's words from `first` to before `end`.

    With `first == end` they are put before that word. Without segments, the words are deleted.
    """

    first: int
    end: int
    segments: tuple[CorrectedSegment, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """A JSON object that `parse` takes back."""
        return {
            "first": self.first,
            "end": self.end,
            "segments": [segment.to_json() for segment in self.segments],
        }


def parse(changes: object) -> tuple[Change, ...]:
    """The changes that a client gave, as a list of JSON objects.

    Whether they fit a machine's words is seen when they are applied (`services/common/transcript/corrected.py`).

    Raises:
        InvalidCorrectionError: they are not written as changes, not in order, or a text cannot be printed. `field`
            names the place, such as `changes.3.segments.0.pieces.1`.

    """
    parsed = tuple(_change(change, place) for change, place in _listed(changes, "changes"))
    for number, (before, after) in enumerate(pairwise(parsed), 1):
        if after.first < before.end:
            raise InvalidCorrectionError(
                f"changes.{number}.first", f"Changes are in order: begin at {before.end} or later."
            )
        if before.first == before.end == after.first == after.end:
            raise InvalidCorrectionError(f"changes.{number}", "Put all that is inserted at one place into one change.")
    return parsed


def _change(data: object, place: str) -> Change:
    found = _object(data, place, _CHANGE)
    first, end = _index(found["first"], f"{place}.first"), _index(found["end"], f"{place}.end")
    if end < first:
        raise InvalidCorrectionError(f"{place}.end", f"Give {first} or more: it is the word behind the last one.")
    segments = tuple(_segment(segment, at) for segment, at in _listed(found["segments"], f"{place}.segments"))
    change = Change(first, end, segments)
    _check_order(change, place)
    return change


def _check_order(change: Change, place: str) -> None:
    """Refuse kept words that are not among the replaced ones, or not in their order."""
    earliest = change.first
    for number, segment in enumerate(change.segments):
        for index, piece in enumerate(segment.pieces):
            if isinstance(piece, str):
                continue
            if not earliest <= piece.first < piece.end <= change.end:
                raise InvalidCorrectionError(
                    f"{place}.segments.{number}.pieces.{index}",
                    f"Words that are kept lie within the change and in their order: here, from {earliest} to "
                    f"{change.end}.",
                )
            earliest = piece.end


def _segment(data: object, place: str) -> CorrectedSegment:
    found = _object(data, place, _SEGMENT)
    pieces = tuple(_piece(piece, at) for piece, at in _listed(found["pieces"], f"{place}.pieces"))
    if not pieces:
        raise InvalidCorrectionError(f"{place}.pieces", "A segment has words: leave it out instead.")
    return CorrectedSegment(_speaker(found["speaker"], f"{place}.speaker"), pieces)


def _speaker(value: object, place: str) -> int | None:
    speaker = None if value is None else _index(value, place)
    if speaker is not None and speaker >= MAX_SPEAKERS:
        raise InvalidCorrectionError(place, f"Give null, or a number from 0 to {MAX_SPEAKERS - 1}.")
    return speaker


def _piece(value: object, place: str) -> Piece:
    if isinstance(value, str):
        if not is_printable(value):
            raise InvalidCorrectionError(place, f"Give a text {PRINTABLE_WORDS}.")
        if not _INK.match(value):
            raise InvalidCorrectionError(place, "Give a text with a word in it.")
        return value
    if isinstance(value, list) and len(value) == _RANGE:
        return Kept(_index(value[0], place), _index(value[1], place))
    raise InvalidCorrectionError(place, "Give a text, or two numbers: the first word that is kept, and the one behind.")


def _index(value: object, place: str) -> int:
    # JSON has one kind of number, so `2.0` is a whole one; `true` is no number in JSON.
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InvalidCorrectionError(place, "Give a whole number, 0 or more.")
    return value


def _listed(value: object, place: str) -> list[tuple[object, str]]:
    """The entries of a list, each with its place."""
    if not isinstance(value, list):
        raise InvalidCorrectionError(place, "Give a list.")
    return [(entry, f"{place}.{number}") for number, entry in enumerate(value)]


def _object(value: object, place: str, names: set[str]) -> Mapping[str, Any]:
    """An object with exactly these members."""
    if not isinstance(value, dict) or set(value) != names:
        raise InvalidCorrectionError(place, f"Give an object with {', '.join(sorted(names))}, and nothing else.")
    return value


def to_json(changes: Sequence[Change]) -> list[dict[str, Any]]:
    """A JSON array that `parse` takes back."""
    return [change.to_json() for change in changes]
