"""The real model on a real recording, through the whole system."""

from __future__ import annotations

import json

import pytest

from services.local.client import Client
from services.local.receiver import Receiver
from services.local.stack import Stack
from tests.support.audio import MEETING, error_rate, recognisable, rising, sentences

MAX_ERROR_RATE = 0.16


@pytest.fixture(scope="module")
def transcript() -> dict[str, str]:
    """What the system made of the meeting, by format."""
    with Stack() as stack, Receiver() as receiver:
        client = Client(stack, "acme")
        receiver.trust(client.register(receiver.url)["secret"])
        job_id = client.send(MEETING.read_bytes(), MEETING.name, options={"words": True})
        message = receiver.messages.get(timeout=120)
        assert message.type == "transcription.completed", message.data
        return {form: client.transcript(job_id, form) for form in ("txt", "json", "srt", "vtt", "tsv")}


def test_character_error_rate_on_two_minutes_of_speech_is_at_most_16_percent(transcript: dict[str, str]) -> None:
    assert error_rate(transcript["txt"], " ".join(sentences())) <= MAX_ERROR_RATE


@pytest.mark.parametrize("sentence", sentences())
def test_every_sentence_is_recognisable(transcript: dict[str, str], sentence: str) -> None:
    assert recognisable(sentence, transcript["txt"]) < 0.5


def test_a_lost_end_would_be_noticed(transcript: dict[str, str]) -> None:
    words = transcript["txt"].split()
    without_end = " ".join(words[: len(words) * 9 // 10])
    assert max(recognisable(sentence, without_end) for sentence in sentences()) >= 0.5


def test_times_rise_and_stay_within_the_recording(transcript: dict[str, str]) -> None:
    result = json.loads(transcript["json"])
    times = [moment for segment in result["segments"] for moment in (segment["start"], segment["end"])]
    assert rising(times)
    assert times[-1] <= result["duration"] <= 127.5
