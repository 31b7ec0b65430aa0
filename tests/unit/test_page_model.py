"""The page's model of a text, under Node: what people edit becomes changes, and changes become the text again."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services.common.domain.corrections import parse
from services.common.transcript.corrected import corrected
from services.common.transcript.segments import Segment
from services.common.transcript.transcript import Transcript
from services.common.transcript.voices import Voice
from services.common.transcript.words import Word
from tests.support.transcripts import dialogue

pytestmark = pytest.mark.npm
FOLDER = Path(__file__).parents[1] / "support" / "page_model"
CASES = 200
MILLISECOND = 0.0011
"""Halves of one are rounded up by one of the two, and to even by the other."""


def node(*command: str) -> str:
    done = subprocess.run(["node", *command], capture_output=True, text=True, timeout=60, check=False, cwd=FOLDER)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_promise_of_the_model_is_kept() -> None:
    assert "\n# pass 0\n" not in node("--test", "--test-reporter=tap", "model.test.mjs", "saving.test.mjs"), (
        "no promise was looked at"
    )


def machine(answer: dict[str, Any]) -> Transcript:
    """The transcript of which the service would tell this."""
    segments = tuple(
        Segment(
            start=said["words"][0][1],
            end=said["words"][-1][2],
            text="".join(word[0] for word in said["words"]).strip(),
            confidence=0.9,
            channel=0,
            flags=(),
            words=tuple(Word.from_json([*word, said["speaker"]]) for word in said["words"]),
            speaker=said["speaker"],
        )
        for said in answer["segments"]
    )
    voices = (Voice(channel=0, seconds=1.0, words=1, confidence=0.9),) * 2
    return replace(dialogue((0, "Ja.")), seconds=answer["duration"], segments=segments, voices=voices)


def test_the_page_shows_a_correction_as_the_service_writes_it() -> None:
    cases = [json.loads(line) for line in node("cases.mjs", str(CASES)).splitlines()]
    assert sum(bool(case["changes"]) for case in cases) > CASES / 2
    for number, case in enumerate(cases):
        written = corrected(machine(case["answer"]), parse(case["changes"])).segments
        shown = case["paragraphs"]
        assert [(said["speaker"], said["text"]) for said in shown] == [
            (segment.speaker, segment.text) for segment in written
        ], number
        for said, segment in zip(shown, written, strict=True):
            for time, word in zip(said["times"], segment.words, strict=True):
                assert time == pytest.approx([word.start, word.end, word.probability], abs=MILLISECOND), number
