"""The words that are kept: every format comes of them as it was, also one that was not asked for."""

from __future__ import annotations

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.domain.options import FORMATS, Options
from services.common.transcript import kept_words
from services.common.transcript.formats import render
from services.common.transcript.quality import Quality, Remark
from services.common.transcript.segments import Segment
from services.common.transcript.transcript import Transcript
from services.common.transcript.voices import Voice
from services.common.transcript.words import Word
from tests.support.transcripts import call, spoken, transcript

NUMBERS = st.floats(0, 1e6)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
NAMES = st.lists(st.sampled_from(["repetition", "unsure", "gaps"]), max_size=3).map(tuple)
SPEAKERS = st.none() | st.integers(0, 9)
WORDS = st.builds(Word, TEXTS, NUMBERS, NUMBERS, NUMBERS, SPEAKERS)
SEGMENTS = st.builds(
    Segment,
    start=NUMBERS,
    end=NUMBERS,
    text=TEXTS,
    confidence=NUMBERS,
    channel=st.integers(0, 7),
    flags=NAMES,
    words=st.lists(WORDS, max_size=5).map(tuple),
    speaker=SPEAKERS,
)
QUALITIES = st.builds(
    Quality,
    speech_share=NUMBERS,
    covered_share=NUMBERS,
    flags=st.dictionaries(TEXTS, st.integers(0, 9), max_size=3),
    confidence=st.dictionaries(TEXTS, NUMBERS, max_size=3),
    doubtful_share=NUMBERS,
    truncated_at=st.none() | NUMBERS,
    warnings=NAMES,
    remarks=st.lists(st.builds(Remark, TEXTS, TEXTS, st.none() | NUMBERS), max_size=3).map(tuple),
)
OPTIONS = st.builds(
    Options,
    language=st.sampled_from(["auto", "sv"]),
    words=st.booleans(),
    hotwords=st.none() | TEXTS,
    tracks=st.none() | st.lists(st.integers(1, 9), min_size=1).map(tuple),
    formats=st.lists(st.sampled_from(FORMATS), min_size=1).map(tuple),
    doubtful_places=st.booleans(),
)
TRANSCRIPTS = st.builds(
    Transcript,
    seconds=NUMBERS,
    segments=st.lists(SEGMENTS, max_size=4).map(tuple),
    quality=QUALITIES,
    options=OPTIONS,
    versions=st.dictionaries(TEXTS, TEXTS, max_size=3),
    voices=st.lists(st.builds(Voice, seconds=NUMBERS, confidence=NUMBERS), max_size=3).map(tuple),
    names=st.just(()),
)


@given(TRANSCRIPTS)
def test_any_transcript_is_read_back_as_it_was_kept(told: Transcript) -> None:
    assert kept_words.unpack(kept_words.pack(told)) == told


@pytest.mark.parametrize("form", FORMATS)
def test_a_format_that_was_not_asked_for_is_written_from_the_kept_words(form: str) -> None:
    told = call(formats=["txt"])
    assert render(kept_words.unpack(kept_words.pack(told)), form) == render(told, form)


def test_words_are_kept_whether_or_not_the_json_is_to_have_them() -> None:
    told = transcript(spoken("Hej du."), words=False)
    assert [word.text for word in kept_words.unpack(kept_words.pack(told)).segments[0].words] == [" Hej", " du."]


def test_the_same_transcript_is_kept_in_the_same_bytes() -> None:
    assert kept_words.pack(call()) == kept_words.pack(call())
    assert kept_words.pack(call())[4:8] == bytes(4), "no time in gzip's header"


def test_words_of_another_version_are_not_guessed_at() -> None:
    other = json.dumps({**call().to_json(), "version": 2}).encode()
    with pytest.raises(ValueError, match="version 2"):
        kept_words.unpack(gzip.compress(other))
