"""Transcripts for the page's tests: the recordings of examples/, with the words that are really said in them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from time import monotonic
from typing import Any, NamedTuple

from playwright.sync_api import Page

from services.common.domain import object_keys
from services.common.domain.options import Options
from services.common.transcript import kept_words
from services.common.transcript.segments import Segment
from services.common.transcript.voices import Voice
from services.common.transcript.words import Word
from services.local import resources
from services.local.stack import Stack
from tests.support.audio import DIALOGUE
from tests.support.page import PATIENCE_MS

SURE = 0.97
_LISTEN = """() => {
    window.heard = [];
    const look = () => {
        requestAnimationFrame(look);
        const media = document.querySelector("audio");
        for (const at of (media && CSS.highlights.get("said")) ?? [])
            window.heard.push([at.startContainer.data.slice(at.startOffset, at.endOffset), media.currentTime]);
    };
    look();
}"""


class Said(NamedTuple):
    """What one speaker says without a long pause."""

    speaker: int | None
    words: Sequence[tuple[str, float, float, float]]
    """Text, start and end in seconds, and probability."""


def dialogue(doubtful: dict[int, float] | None = None) -> list[Said]:
    """The sentences of examples/audio/dialogue.mp3; `doubtful`: the probability of some words, by their number."""
    spoken = json.loads(DIALOGUE.with_suffix(".json").read_text())
    speakers = list(dict.fromkeys(word["speaker"] for word in spoken))
    sentences: list[Said] = []
    number = 0
    for speaker, words in groupby(spoken, lambda word: speakers.index(word["speaker"])):
        sentence: list[tuple[str, float, float, float]] = []
        for word in words:
            probability = (doubtful or {}).get(number, SURE)
            sentence.append((f" {word['text']}", word["start"], word["end"], probability))
            number += 1
            if word["text"][-1] in ".?!":
                sentences.append(Said(speaker, sentence))
                sentence = []
        if sentence:
            sentences.append(Said(speaker, sentence))
    return sentences


def hours_long(count: int) -> list[Said]:
    """So many words, in sentences of twenty by five speakers who take turns; one word in fifty is doubtful."""
    pace, length = 0.36, 20
    numbers = range(count)
    words = [
        (
            f" {'ordet' if number % 3 else 'kommunen'}{number}",
            number * pace,
            number * pace + 0.3,
            SURE - (number % 50 == 0) / 2,
        )
        for number in numbers
    ]
    return [Said(first // length % 5, words[first : first + length]) for first in numbers[::length]]


def listen(page: Page) -> None:
    """From now on, keep the words that the page marks as being said."""
    page.evaluate(_LISTEN)


def until_heard(page: Page, *sentences: Said) -> None:
    """Wait until a word of each was marked while it was said, give or take a busy machine's second."""
    for sentence in sentences:
        last = monotonic() + PATIENCE_MS / 1_000
        while not _heard(page, sentence):
            assert monotonic() < last, sentence.words
            page.wait_for_timeout(100)


def _heard(page: Page, sentence: Said) -> bool:
    marked: list[tuple[str, float]] = page.evaluate("window.heard")
    return any(
        word.strip() == text and start - 1 <= at <= end + 1
        for text, at in marked
        for word, start, end, _ in sentence.words
    )


def put_words(stack: Stack, job_id: str, said: Sequence[Said]) -> None:
    """Let a completed job have these words, as if the machine had heard them."""
    job = stack.store.jobs.get(job_id)
    assert job
    assert job.result
    key = object_keys.words(job.place, job.result["attempt"])
    kept = kept_words.unpack(stack.s3.get_object(Bucket=resources.BUCKET, Key=key)["Body"].read())
    speakers = 1 + max((one.speaker for one in said if one.speaker is not None), default=-1)
    options = Options.from_json(kept.options.to_json() | ({"speakers": "auto"} if speakers else {}))
    voice = Voice(channel=0, seconds=1.0, words=1, confidence=SURE)
    made = replace(kept, segments=tuple(map(_segment, said)), voices=(voice,) * speakers, options=options)
    stack.s3.put_object(Bucket=resources.BUCKET, Key=key, Body=kept_words.pack(made))


def _segment(said: Said) -> Segment:
    words = tuple(Word(*word, said.speaker) for word in said.words)
    more: dict[str, Any] = {"confidence": SURE, "channel": 0, "flags": ()}
    text = "".join(word.text for word in words).strip()
    return Segment(start=words[0].start, end=words[-1].end, text=text, words=words, speaker=said.speaker, **more)
