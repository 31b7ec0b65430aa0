"""How far a job is: never more than it is, never a number that means nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.domain.progress import (
    ALMOST,
    FIXED_SECONDS,
    START_SECONDS,
    Progress,
    ProgressStage,
    progress,
)
from services.common.domain.records import FIRST_PART, MERGE_PART, Job, Part, part_name
from services.common.domain.stages import SPEED, STAGES
from services.common.domain.states import TERMINAL, JobStatus, PartStatus, Waiting
from services.common.domain.times import HOUR_MS, MINUTE_MS, SECOND_MS

NOW = 1_800_000_000_000
MINUTE, HOUR = 60.0, 3_600.0
JOB = Job(
    job_id="job_1",
    client_id="alice",
    status=JobStatus.QUEUED,
    created_at=NOW - MINUTE_MS,
    source_key="uploads/alice/a.mp3",
    file_name="a.mp3",
    times={"queued": NOW},
)
PART = Part(
    job_id="job_1", part_id=FIRST_PART, status=PartStatus.QUEUED, client_id="alice", created_at=NOW, seconds=MINUTE
)
RUNNING = replace(JOB, status=JobStatus.RUNNING, times={"queued": NOW, "claimed": NOW})

moments = st.integers(NOW - 30 * 24 * HOUR_MS, NOW + 24 * HOUR_MS)
shares = st.floats(0, 1)


@st.composite
def a_part(draw: st.DrawFn, part_id: str) -> Part:
    return replace(
        PART,
        part_id=part_id,
        status=draw(st.sampled_from(PartStatus)),
        seconds=draw(st.floats(0, 100 * HOUR)),
        progress=draw(shares),
        not_before=draw(st.just(0) | moments),
        created_at=draw(moments),
    )


@st.composite
def anything(draw: st.DrawFn) -> tuple[Job, list[Part] | None]:
    """A job in any state with any parts, also such as never fit together, and times from clocks that disagree."""
    count = draw(st.integers(1, 5))
    names = [part_name(index) for index in range(count)] + draw(st.sampled_from(([], [MERGE_PART])))
    job = replace(
        JOB,
        status=draw(st.sampled_from(JobStatus)),
        waiting=draw(st.none() | st.sampled_from(Waiting)),
        parts=count,
        parts_done=draw(st.integers(0, count)),
        generation=draw(st.integers(0, 2)),
        times=draw(st.dictionaries(st.sampled_from(["queued", "claimed", "completed"]), moments)),
    )
    parts = draw(st.sampled_from((names, [], None)))
    return job, parts if parts is None else [draw(a_part(name)) for name in parts]


def of(job: Job, *parts: Part, now: int = NOW, ahead: int | None = None) -> Progress:
    return progress(job, parts, now=now, ahead=ahead)


@given(known=anything(), ahead=st.none() | st.integers(0, 499))
def test_every_number_stays_within_its_bounds(known: tuple[Job, list[Part] | None], ahead: int | None) -> None:
    job, parts = known
    found = progress(job, parts, now=NOW, ahead=ahead)

    assert found.fraction is None or 0 <= found.fraction <= 1
    assert (found.fraction == 1) is (job.status is JobStatus.COMPLETED)
    assert found.queue_position is None or (job.status is JobStatus.QUEUED and 1 <= found.queue_position <= 500)
    assert (found.stage is ProgressStage.ENDED) is (job.status in TERMINAL)
    if found.estimated_seconds is not None:
        audio = sum(part.seconds for part in parts or ())
        rest = max([part.not_before - NOW for part in parts or ()], default=0) / SECOND_MS
        longest = max(START_SECONDS, rest) + FIXED_SECONDS + ((ahead or 0) + 1) * audio / SPEED
        assert isinstance(found.estimated_seconds, int)
        assert 0 <= found.estimated_seconds <= max(longest, FIXED_SECONDS + audio) + 1
        assert job.status in {JobStatus.QUEUED, JobStatus.RUNNING}


@given(
    lengths=st.lists(st.floats(1, 10 * HOUR), min_size=1, max_size=4),
    done=st.data(),
    worked=st.integers(0, 10 * HOUR_MS),
)
def test_more_text_is_never_less_progress_nor_more_to_wait_for(
    lengths: list[float], done: st.DataObject, worked: int
) -> None:
    parts = [
        replace(PART, part_id=part_name(index), status=PartStatus.RUNNING, seconds=seconds)
        for index, seconds in enumerate(lengths)
    ]
    job = replace(RUNNING, parts=len(parts), times={"claimed": NOW - worked})
    before = [replace(part, progress=done.draw(st.floats(0.001, 1))) for part in parts]
    after = [replace(part, progress=done.draw(st.floats(part.progress, 1))) for part in before]
    first, second = of(job, *before), of(job, *after)

    assert first.fraction is not None
    assert second.fraction is not None
    assert first.estimated_seconds is not None
    assert second.estimated_seconds is not None
    assert first.fraction <= second.fraction
    assert first.estimated_seconds >= second.estimated_seconds


def test_a_job_goes_through_its_stages() -> None:
    claimed = replace(PART, status=PartStatus.RUNNING)
    three = replace(RUNNING, parts=3)
    others = [replace(PART, part_id=part_name(index)) for index in (1, 2)]
    merge = replace(PART, part_id=MERGE_PART, seconds=0)
    done = [replace(part, status=PartStatus.DONE, progress=1.0) for part in (PART, *others)]

    assert of(replace(JOB, status=JobStatus.AWAITING_UPLOAD)).stage is ProgressStage.AWAITING_UPLOAD
    assert of(JOB, PART, ahead=3).stage is ProgressStage.QUEUED
    assert of(JOB, PART, ahead=0).stage is ProgressStage.STARTING
    assert of(replace(JOB, waiting="capacity"), PART, ahead=0).stage is ProgressStage.QUEUED
    assert of(JOB, replace(PART, not_before=NOW + 1), ahead=0).stage is ProgressStage.QUEUED
    assert of(RUNNING, claimed).stage is ProgressStage.READING
    assert of(RUNNING, replace(claimed, progress=0.1)).stage is ProgressStage.TRANSCRIBING
    assert of(three, claimed, *others).stage is ProgressStage.READING
    assert of(three, claimed, *done[1:]).stage is ProgressStage.TRANSCRIBING
    assert of(replace(three, parts_done=3), *done, merge).stage is ProgressStage.MERGING
    for status in TERMINAL:
        assert of(replace(JOB, status=status), PART).stage is ProgressStage.ENDED


def test_the_fraction_is_of_the_audio_and_not_of_the_parts() -> None:
    long = replace(PART, status=PartStatus.RUNNING, seconds=90, progress=0.5)
    short = replace(PART, part_id=part_name(1), status=PartStatus.DONE, seconds=10, progress=1.0)

    assert of(replace(RUNNING, parts=2, parts_done=1), long, short).fraction == 0.55
    assert of(replace(RUNNING, status=JobStatus.FAILED), long).fraction == 0.5
    assert of(RUNNING, replace(long, progress=1.0)).fraction == ALMOST, "its files are not written yet"
    assert of(replace(RUNNING, status=JobStatus.COMPLETED), long).fraction == 1


def test_without_its_parts_a_job_says_no_more_than_is_known() -> None:
    def alone(job: Job) -> tuple[ProgressStage, float | None]:
        found = progress(job, now=NOW)
        assert found.estimated_seconds is found.queue_position is None
        return found.stage, found.fraction

    assert alone(JOB) == (ProgressStage.QUEUED, 0)
    assert alone(replace(JOB, generation=1)) == (ProgressStage.QUEUED, None), "something may be left of the run before"
    assert alone(RUNNING) == (ProgressStage.TRANSCRIBING, None)
    assert alone(replace(RUNNING, status=JobStatus.QUEUED)) == (ProgressStage.QUEUED, None)
    assert alone(replace(RUNNING, parts=4, parts_done=1)) == (ProgressStage.TRANSCRIBING, 0.25)
    assert alone(replace(RUNNING, parts=4, parts_done=4)) == (ProgressStage.MERGING, ALMOST)
    assert alone(replace(RUNNING, status=JobStatus.COMPLETED)) == (ProgressStage.ENDED, 1)


def test_before_its_claim_a_job_is_held_against_the_budget_of_the_stages() -> None:
    budget = sum(stage.public_image for stage in STAGES) - STAGES[0].public_image
    assert of(JOB, PART, ahead=0).estimated_seconds == budget, "a minute of speech"
    assert of(JOB, PART, now=NOW + 20 * SECOND_MS, ahead=0).estimated_seconds == budget - 20
    assert of(JOB, PART, now=NOW + HOUR_MS, ahead=0).estimated_seconds == STAGES[-1].public_image
    assert of(JOB, PART, ahead=4).estimated_seconds == budget + 4, "four others of a minute each"
    assert of(JOB, replace(PART, not_before=NOW + HOUR_MS), ahead=0).estimated_seconds == HOUR + 6
    interrupted = replace(RUNNING, status=JobStatus.QUEUED)
    assert of(interrupted, PART, now=NOW + HOUR_MS, ahead=0).estimated_seconds == budget, "another machine must start"


@pytest.mark.parametrize("reason", Waiting)
def test_nothing_is_estimated_where_nothing_tells(reason: Waiting) -> None:
    assert of(replace(JOB, waiting=reason), PART, ahead=0).estimated_seconds is None
    assert of(JOB, PART, ahead=None).estimated_seconds is None
    assert of(replace(JOB, status=JobStatus.AWAITING_UPLOAD)).estimated_seconds is None
    assert all(of(replace(JOB, status=status), PART).estimated_seconds is None for status in TERMINAL)


def estimate(seconds: float, share: float, after: float, **more: Any) -> int | None:
    part = replace(PART, status=PartStatus.RUNNING, seconds=seconds, progress=share)
    return of(replace(RUNNING, **more), part, now=NOW + round(after * SECOND_MS)).estimated_seconds


def test_once_there_is_text_the_pace_so_far_counts() -> None:
    assert estimate(HOUR, 0, 0) == 65, "at the assumed speed"
    assert estimate(HOUR, 0.5, 30) == 30, "as fast as assumed"
    slow, slower = estimate(HOUR, 0.1, 60), estimate(HOUR, 0.1, 600)
    assert slow == 135, "the assumed speed still counts for a third"
    assert slower == 945, "at 3.4 seconds a second; by the pace alone it would be 5,400"
    assert estimate(HOUR, 0.01, 24 * HOUR) == 3_564, "no slower than real time is believed"


def test_what_an_earlier_attempt_has_done_is_not_taken_for_the_pace() -> None:
    assert estimate(10 * HOUR, 0.9, 1) == 59, "nine hours were not done in a second"


def test_merging_takes_as_long_as_writing_the_results() -> None:
    merge = replace(PART, part_id=MERGE_PART, seconds=0, created_at=NOW)
    done = replace(PART, status=PartStatus.DONE, progress=1.0)
    job = replace(RUNNING, parts=2, parts_done=2)

    assert of(job, done, done, merge).estimated_seconds == 5
    assert of(job, done, done, merge, now=NOW + HOUR_MS).estimated_seconds == 0
