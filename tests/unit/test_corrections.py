"""What a correction may say, before it is known which words it is about."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.common.domain.corrections import MAX_SPEAKERS, Change, CorrectedSegment, Kept, parse, to_json
from services.common.domain.errors import CorrectedMeanwhileError, InvalidCorrectionError
from services.common.domain.times import DAY_MS, SECOND_MS, extended_expiry
from services.common.domain.versions import Version
from tests.support.transcripts import texts_of_people

SPEAKERS = st.none() | st.integers(0, MAX_SPEAKERS - 1)


@st.composite
def corrections(draw: st.DrawFn) -> tuple[Change, ...]:
    """Changes in order, with kept words in order."""
    changes = []
    moment = 0
    for _ in range(draw(st.integers(0, 4))):
        first = moment + draw(st.integers(0, 3))
        segments, kept = [], first
        for _ in range(draw(st.integers(0, 3))):
            pieces: list[Kept | str] = []
            for _ in range(draw(st.integers(1, 3))):
                if draw(st.booleans()):
                    begin = kept + draw(st.integers(0, 2))
                    kept = begin + draw(st.integers(1, 3))
                    pieces.append(Kept(begin, kept))
                else:
                    pieces.append(draw(texts_of_people()))
            segments.append(CorrectedSegment(draw(SPEAKERS), tuple(pieces)))
        end = kept + draw(st.integers(0, 2))
        changes.append(Change(first, end, tuple(segments)))
        moment = end + (first == end)
    return tuple(changes)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # others use the machine, too
@given(corrections())
def test_what_is_written_as_json_is_read_back(changes: tuple[Change, ...]) -> None:
    assert parse(json.loads(json.dumps(to_json(changes)))) == changes
    version = Version(
        number=7,
        base=5,
        changed_at="2026-11-26T10:30:00.000Z",
        by="client",
        annotations={"reference": None, "metadata": {"a": "b"}, "names": [None, "Bo"]},
        changes=changes,
    )
    assert Version.from_bytes(version.to_bytes()) == version


def one(first: object = 0, end: object = 9, **segment: Any) -> list[dict[str, Any]]:
    """A correction of one change, which has one segment."""
    return [{"first": first, "end": end, "segments": [{"speaker": None, "pieces": ["hej"], **segment}]}]


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        (None, "changes", "list"),
        ({}, "changes", "list"),
        (["hej"], "changes.0", "end, first, segments"),
        ([{"first": 0, "end": 1}], "changes.0", "end, first, segments"),
        ([{"first": 0, "end": 1, "segments": [], "more": 1}], "changes.0", "nothing else"),
        (one(first=-1), "changes.0.first", "whole number"),
        (one(first=True), "changes.0.first", "whole number"),
        (one(first="0"), "changes.0.first", "whole number"),
        (one(end=1.5), "changes.0.end", "whole number"),
        (one(end=float("inf")), "changes.0.end", "whole number"),
        (one(end=float("nan")), "changes.0.end", "whole number"),
        (one(first=4, end=3), "changes.0.end", "4 or more"),
        (one() + one(8, 12), "changes.1.first", "9 or later"),
        (one(3, 3) + one(3, 3), "changes.1", "one change"),
        (one(speaker=MAX_SPEAKERS), "changes.0.segments.0.speaker", "0 to 49"),
        (one(speaker="S1"), "changes.0.segments.0.speaker", "whole number"),
        (one(pieces=[]), "changes.0.segments.0.pieces", "has words"),
        (one(pieces="hej"), "changes.0.segments.0.pieces", "list"),
        (one(pieces=[[1]]), "changes.0.segments.0.pieces.0", "two numbers"),
        (one(pieces=[1]), "changes.0.segments.0.pieces.0", "two numbers"),
        (one(pieces=["hej", [1, 2, 3]]), "changes.0.segments.0.pieces.1", "two numbers"),
        (one(pieces=[[1, "2"]]), "changes.0.segments.0.pieces.0", "whole number"),
        (one(pieces=[[2, 2]]), "changes.0.segments.0.pieces.0", "in their order"),
        (one(pieces=[[8, 10]]), "changes.0.segments.0.pieces.0", "0 to 9"),
        (one(first=2, pieces=[[1, 3]]), "changes.0.segments.0.pieces.0", "2 to 9"),
        (one(pieces=[[4, 6], "x", [5, 7]]), "changes.0.segments.0.pieces.2", "6 to 9"),
        (one(pieces=[""]), "changes.0.segments.0.pieces.0", "a word in it"),
        (one(pieces=["\u200b \u00a0"]), "changes.0.segments.0.pieces.0", "a word in it"),
        (one(pieces=["a\nb"]), "changes.0.segments.0.pieces.0", "line breaks"),
        (one(pieces=["a\u202eb"]), "changes.0.segments.0.pieces.0", "marks of direction"),
        (one(pieces=["\ud83d"]), "changes.0.segments.0.pieces.0", "Give a text"),
    ],
)
def test_what_is_no_correction_is_refused_with_its_place_and_what_to_give(
    changes: object, field: str, words: str
) -> None:
    with pytest.raises(InvalidCorrectionError) as refused:
        parse(changes)
    assert refused.value.field == field
    assert words in str(refused.value)


def test_json_has_one_kind_of_number() -> None:
    assert parse(one(0.0, 3.0, pieces=[[0.0, 2.0]])) == parse(one(0, 3, pieces=[[0, 2]]))


@pytest.mark.parametrize(
    "text", ["👩‍👩‍👧 hej", "שלום עולם", "سلام", "田中さん", "=1+1", "<b>", "e\u0301", "a" * 10_000]
)
def test_any_script_is_a_text(text: str) -> None:
    assert parse(one(pieces=[text]))[0].segments[0].pieces == (text,)


def test_changes_of_segments_beside_each_other_and_an_insertion_between_them_are_in_order() -> None:
    assert len(parse(one(0, 3) + one(3, 3) + one(3, 5))) == 3


def test_who_was_overtaken_is_told_by_whom_in_any_process() -> None:
    sent = pickle.loads(pickle.dumps(CorrectedMeanwhileError(7)))
    assert (sent.latest, "newest correction is 7" in str(sent)) == (7, True)


@pytest.mark.parametrize(
    ("expires", "now", "after"),
    [
        (30, 0, 30),
        (30, 10, 40),
        (30, 360, 365),
        (400, 10, 400),
        (None, 10, None),
    ],
)
def test_who_works_on_a_job_has_it_as_long_as_a_new_one_up_to_its_longest_time(
    expires: int | None, now: int, after: int | None
) -> None:
    """All in days after the job's creation."""
    created = 1_800_000_000_000

    def seconds(days: int | None) -> int | None:
        return None if days is None else (created + days * DAY_MS) // SECOND_MS

    assert extended_expiry(created, seconds(expires), created + now * DAY_MS, 30, 365) == seconds(after)
