"""A job as `transcribe show` tells of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from services.api.contract.example_records import COMPLETED, QUEUED
from services.cli.recordings.output.job_facts import described
from services.common.domain.options import in_effect


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def lines(job: dict[str, Any], **more: Any) -> list[str]:
    return [" ".join(line.split()) for line in described({**job, **more})]


def test_of_a_completed_job_what_came_of_it_is_told() -> None:
    told = lines(COMPLETED)
    for line in (
        "status completed",
        "created 2026-11-26 09:00",
        "completed 2026-11-26 09:01",
        "kept until 2026-12-26 09:00",
        "duration 1:01",
        "model KBLab/kb-whisper-small",
        "option hotwords: Åsa Örjansdotter",
        "confidence 94%, 1% of the words are doubtful",
        "remark 15.7 s of sound are missing at 28.2 s.",
        "cost $0.0042, 80 s of a machine, g4dn.xlarge, spot",
        "reference case 2026-114",
        "metadata department=north",
        "option speakers: auto",
        "S1 Anna Ek",
        "S3 Bo",
    ):
        assert line in told
    assert not [line for line in told if line.startswith("S2")], "who has no name"


def test_when_the_text_was_corrected_is_told() -> None:
    assert "corrected 2026-11-26 10:30" in lines(
        COMPLETED, correction={"number": 7, "changed_at": "2026-11-26T10:30:00.000Z"}
    )


def test_how_many_speakers_were_told_apart_is_told_if_they_were() -> None:
    quality: Any = COMPLETED["quality"]
    assert "speakers 3" in lines(COMPLETED, quality={**quality, "speaker_count": 3})
    unknown = lines(COMPLETED, quality={**quality, "speaker_count": None})
    assert not [line for line in unknown if line.startswith("speakers")]


def test_of_an_open_job_how_far_it_is_and_how_to_wait_for_it() -> None:
    assert "status queued, starting, number 1 in the queue, about 4 min left" in lines(QUEUED)
    assert lines(QUEUED)[-1] == f"next transcribe show {QUEUED['job_id']} --follow"
    reason = "There is no capacity."
    assert f"waits {reason}" in lines(QUEUED, waiting="capacity", waiting_reason=reason)


def test_of_a_failed_job_why_and_what_to_do() -> None:
    error = {"code": "LOST_TOO_OFTEN", "message": "Its machines vanished.", "retryable": True}
    told = lines(COMPLETED, status="failed", error=error, quality=None, cost=None, model=None)
    assert "error Its machines vanished (LOST_TOO_OFTEN); it may succeed if it is tried again." in told
    assert told[-1] == f"next transcribe retry {COMPLETED['job_id']}"
    assert not lines(COMPLETED, status="failed", error={**error, "retryable": False})[-1].startswith("next")
    assert described(COMPLETED, " --local")[-1].endswith("-f txt,srt --local")


def test_only_options_that_differ_from_the_defaults_are_told() -> None:
    chosen = in_effect({"words": True, "tracks": [1, 2], "formats": ["txt", "docx"]}, "KBLab/kb-whisper-small")
    options = [line for line in lines(QUEUED, options=chosen) if line.startswith("option ")]
    assert options == ["option words: yes", "option tracks: 1, 2", "option formats: txt, docx"]


def test_what_others_wrote_cannot_move_the_cursor() -> None:
    told = described({**QUEUED, "file_name": "a\x1b[2J\n.mp3", "metadata": {"k\x07": "\r"}})
    assert not any(set(line) & set("\x1b\x07\r\n") for line in told)
