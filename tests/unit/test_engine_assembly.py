"""From clip results to the transcript and its quality report."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given

from services.common.domain.options import Options
from services.common.transcript.quality import Remark
from services.common.transcript.sentences import LONGEST_PAUSE
from services.common.transcript.transcript import Transcript
from services.common.transcript.words import Word
from services.gpu_worker.engine.assembly import assemble
from services.gpu_worker.engine.audio.sound import RATE
from services.gpu_worker.engine.decode.results import ClipResult
from services.gpu_worker.engine.plan.plan import Clip, Plan, PlannedPart
from services.gpu_worker.engine.quality_report import report
from tests.support.transcripts import MODEL, SOURCE, TICK, recordings, spoken, transcript


def test_a_missing_clip_is_no_transcript() -> None:
    plan = Plan(RATE, 1, "sv", RATE, (Clip(0, 0, ((0, RATE),)),), (PlannedPart(0, 0, RATE, 0, 1),), SOURCE)
    with pytest.raises(ValueError, match="clips"):
        assemble(plan, [], Options(), MODEL)


def test_times_never_run_backwards_or_beyond_the_recording() -> None:
    words = (Word(" ett", 5.0, 4.0, 0.9), Word(" två", 4.5, 6.0, 0.9), Word(" tre.", 59.9, 70.0, 0.9))
    heard = [word for segment in transcript(words).segments for word in segment.words]
    assert all(before.end <= after.start for before, after in pairwise(heard))
    assert all(0 <= word.start <= word.end <= 60 for word in heard)


def test_doubts_stay_with_the_segments_they_are_about() -> None:
    flags = [segment.flags for segment in transcript(spoken("Säkert."), spoken("Osäkert.", 5)).segments]
    assert flags == [(), ("unsure",)]


@given(recordings())
def test_no_segment_reaches_over_a_long_silence_that_was_cut_out(recording: tuple[Plan, Transcript]) -> None:
    plan, result = recording
    for channel in range(plan.channels):
        spans = [span for clip in plan.clips if clip.channel == channel for span in clip.spans]
        silences = [(end / RATE, start / RATE) for (_, end), (start, _) in pairwise(spans)]
        long = [silence for silence in silences if silence[1] - silence[0] > LONGEST_PAUSE + SLACK]
        for segment in [segment for segment in result.segments if segment.channel == channel]:
            assert not any(segment.start < start - SLACK and end + SLACK < segment.end for start, end in long)


SLACK = 60 * TICK
"""Each word without length pushes those behind it on by a tick."""


@pytest.mark.parametrize("samples", [17_016, 17_032])
def test_a_last_word_ends_with_the_recording_when_that_ends_at_half_a_millisecond(samples: int) -> None:
    clips = (Clip(0, 0, ((0, samples),)),)
    plan = Plan(samples, 1, "sv", samples, clips, (PlannedPart(0, 0, samples, 0, 1),), SOURCE)
    result = ClipResult(index=0, words=(Word(" Ja.", 0.5, 2.0, 0.9),), logprob=-0.2, no_speech=0.0)
    told = assemble(plan, [result], Options(), MODEL)
    assert told.segments[0].end == told.seconds


def test_the_report_counts_what_was_doubted() -> None:
    quality = transcript(spoken("Ett två."), spoken("Tre.", 5), ()).quality
    assert (quality.clips, quality.flagged_clips, quality.flags) == (3, 1, {"unsure": 1})
    assert quality.covered_share == pytest.approx(2 / 3, abs=0.001)
    assert quality.confidence["mean"] == 0.9
    assert quality.short()["flagged_clips"] == 1


def test_a_webhook_says_what_is_missing_of_a_recording_and_where() -> None:
    words = spoken("Hej.")
    remarks = (Remark("gaps", "Sound is missing.", 3.5), Remark("tracks_left_out", "Track 2 is left out."))
    plan = Plan(
        RATE, 1, "sv", RATE, (Clip(0, 0, ((0, RATE),)),), (PlannedPart(0, 0, RATE, 0, 1),), SOURCE, None, remarks
    )
    quality = report(plan, [ClipResult(index=0, words=words, logprob=-0.2, no_speech=0.0)])
    assert quality.short()["warnings"] == ["gaps", "tracks_left_out"]
    assert quality.short()["remarks"] == [
        {"code": "gaps", "message": "Sound is missing.", "at": 3.5},
        {"code": "tracks_left_out", "message": "Track 2 is left out.", "at": None},
    ]
