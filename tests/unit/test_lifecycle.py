"""Every change of a job, a part and a slot goes the ways of the tables, and only those; docs/states.md draws them."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.domain.lifecycle import job_changes, part_changes, slot_changes
from services.common.domain.lifecycle.change import Change
from services.common.domain.machines import Slot
from services.common.domain.records import FIRST_PART, MERGE_PART, Job, Part
from services.common.domain.states import (
    OPEN,
    TERMINAL,
    JobStatus,
    JobTransition,
    PartStatus,
    PartTransition,
    SlotStatus,
    SlotTransition,
    Transition,
)

ROOT = Path(__file__).parents[2]
ARRIVAL = job_changes.Arrival(etag="new", size=7, modified=5_000, uploaded=5_500, queued=6_000, expires_at=9)
DONE = job_changes.Outcome(result={"attempt": 1}, cost={"dollars": 1})
FAILED = job_changes.Outcome(error={"code": "X"})
CORRECTION = {"number": 7, "changed_at": 9}
JOB = Job(
    job_id="job_1",
    client_id="alice",
    status=JobStatus.QUEUED,
    created_at=1,
    source_key="uploads/a",
    file_name="a",
    times={"created": 1, "uploaded": 2, "queued": 3, "claimed": 4},
    waiting="capacity",
    waiting_reason="none",
    error={"code": "OLD"},
    parts=3,
    parts_done=2,
    generation=1,
)
PART = Part(
    job_id="job_1",
    part_id=FIRST_PART,
    status=PartStatus.RUNNING,
    client_id="alice",
    created_at=1,
    attempt=2,
    owner="worker",
    beat=5,
    on_device=True,
    deaths=1,
    losses=2,
    faults=1,
    progress=0.5,
    due_at=7,
    not_before=8,
    behind=9,
    suspected=True,
)
SLOT = Slot(slot="00", status=SlotStatus.LAUNCHING, launch_id="launch_1", request={}, taken_at=1)


def jobs(job: Job) -> dict[Transition, Change[Job]]:
    return {
        JobTransition.ARRIVE: job_changes.arrive(job, ARRIVAL),
        JobTransition.EXPIRE: job_changes.expire(job, 9),
        JobTransition.RENEW_UPLOAD: job_changes.renew_upload(job, until=9, multipart={"upload_id": "x"}),
        JobTransition.NOTE_UPLOAD: job_changes.note_upload(job, etag="other", modified=8),
        JobTransition.START: job_changes.start(job, {"claimed": 9}, 9),
        JobTransition.SPLIT: job_changes.split_job(job, 4),
        JobTransition.COUNT: job_changes.count_part(job, {"dollars": 1}),
        JobTransition.INTERRUPT: job_changes.interrupt(job, 9),
        JobTransition.COMPLETE: job_changes.end(job, DONE, {"completed": 9}, 9),
        JobTransition.FAIL: job_changes.end(job, FAILED, {"failed": 9}, 9),
        JobTransition.CANCEL: job_changes.cancel(job, 9, seen=4),
        JobTransition.RETRY: job_changes.retry(job, 9),
        JobTransition.ANNOTATE: job_changes.annotate(job, {"reference": "case 7", "metadata": {}}, 9),
        JobTransition.CORRECT: job_changes.correct(job, CORRECTION, tell_at=9, expires_at=8, now=9),
        JobTransition.TELL_CORRECTION: job_changes.tell_correction(job, 9),
        JobTransition.BEGIN_ANEW: job_changes.begin_anew(job, ARRIVAL),
    }


def parts(part: Part) -> dict[Transition, Change[Part]]:
    return {
        PartTransition.CLAIM: part_changes.claim(part, "me", 9),
        PartTransition.BEAT: part_changes.beat(part, 9, on_device=False, progress=0.6),
        PartTransition.SPLIT: part_changes.split_part(part, [1.0, 2.0]),
        PartTransition.GIVE_BACK: part_changes.give_back(
            part, 9, counted="faults", not_before=1, behind=0, suspected=False
        ),
        PartTransition.TAKE_AWAY: part_changes.take_away(part, 9),
        PartTransition.FINISH: part_changes.finish(part),
        PartTransition.FAIL: part_changes.fail(part),
        PartTransition.CLOSE: part_changes.close(part),
        PartTransition.RETRY: part_changes.retry_part(part, 9, 8),
    }


def slots(slot: Slot) -> dict[Transition, Change[Slot]]:
    return {
        SlotTransition.NAME: slot_changes.name(
            slot, instance_id="i-1", instance_type="g4dn.xlarge", zone=None, now=9, due_at=10
        ),
        SlotTransition.LOOK_AGAIN: slot_changes.look_again(slot, 9, suspected=True, note=None),
        SlotTransition.STAY: slot_changes.stay(slot, 9),
    }


UNREAD = [
    job_changes.wait("capacity", "none"),
    slot_changes.report(owner="me", beat=1, due_at=9, note=None, times={"booted": 3}),
    slot_changes.leave(9, None),
]
FRESH = {PartTransition.BEGIN_ANEW}
"""Writes a whole part: `part_changes.begin_anew`."""


def test_every_way_of_the_tables_has_the_one_change_that_goes_it() -> None:
    changes: dict[Any, Any] = {**jobs(JOB), **parts(PART), **slots(SLOT)}
    unread = {change.transition for change in UNREAD}
    assert {*JobTransition, *PartTransition, *SlotTransition} == set(changes) | unread | FRESH
    assert [change.transition for change in changes.values()] == list(changes)


@pytest.mark.parametrize("change", [*jobs(JOB).values(), *parts(PART).values(), *slots(SLOT).values()])
def test_a_change_leaves_the_record_in_the_state_of_its_way_and_names_whatever_it_touches(change: Any) -> None:
    before, after = change.before, change.after
    assert after.status is (change.transition.target or before.status)
    touched = {name for name in before.__dataclass_fields__ if getattr(before, name) != getattr(after, name)}
    assert touched <= {path.partition(".")[0] for path in (*change.set, *change.add, "status")}


def test_a_time_that_is_noted_leaves_the_others() -> None:
    assert job_changes.start(JOB, {"claimed": 9}).after.times == {**JOB.times, "claimed": 9}
    assert job_changes.cancel(JOB, 9, seen=0).after.times == {**JOB.times, "canceled": 9}


def test_what_ends_or_runs_waits_for_nothing() -> None:
    for way in (JobTransition.START, JobTransition.COMPLETE, JobTransition.FAIL, JobTransition.CANCEL):
        after = jobs(JOB)[way].after
        assert (after.waiting, after.waiting_reason) == (None, None), way


def test_a_retry_keeps_what_is_done_and_a_beginning_anew_nothing() -> None:
    again, anew = job_changes.retry(JOB, 9).after, job_changes.begin_anew(JOB, ARRIVAL).after
    assert (again.generation, again.parts, again.parts_done, again.edition, again.error) == (2, 3, 2, 0, None)
    assert again.times == {"created": 1, "uploaded": 2, "queued": 9}
    assert (anew.generation, anew.parts, anew.parts_done, anew.edition, anew.error) == (2, 1, 0, 1, None)
    assert (anew.source_etag, anew.times) == ("new", {"created": 1, "uploaded": 5_500, "queued": 6_000})


@given(on_device=st.booleans(), deaths=st.integers(0, 5), losses=st.integers(0, 5))
def test_a_silent_workers_part_has_one_death_or_one_loss_more(*, on_device: bool, deaths: int, losses: int) -> None:
    part = Part(**{**PART.__dict__, "on_device": on_device, "deaths": deaths, "losses": losses})
    after = part_changes.take_away(part, 9).after
    assert (after.deaths - deaths, after.losses - losses) == ((1, 0) if on_device else (0, 1))
    assert after.behind == (9 if on_device else 0)


def test_a_job_that_begins_anew_has_one_fresh_part_whose_attempts_count_on() -> None:
    fresh = part_changes.begin_anew(JOB, PART, 60.0, 9)
    assert (fresh.status, fresh.attempt, fresh.owner, fresh.deaths, fresh.losses) == (PartStatus.QUEUED, 2, None, 0, 0)
    assert part_changes.begin_anew(JOB, None, 60.0, 9) == part_changes.first_part(JOB, 60.0, 9)


def test_further_parts_and_the_merge_begin_with_nothing_held_against_them() -> None:
    made = [*part_changes.further_parts(PART, [1.0, 2.0, 3.0], 9), part_changes.merge_part(PART, 9)]
    assert [part.part_id for part in made] == ["PART#0001", "PART#0002", MERGE_PART]
    assert [part.seconds for part in made] == [2.0, 3.0, 0.0]
    for part in made:
        assert (part.status, part.owner, part.attempt, part.beat, part.progress) == (PartStatus.QUEUED, None, 0, 0, 0)
        assert (part.deaths, part.losses, part.faults, part.behind, part.suspected, part.on_device) == (0,) * 6
        assert part.due_at == 9


def test_an_open_part_can_always_be_closed_and_no_part_of_an_ended_job_needs_more() -> None:
    assert set(OPEN) == set(PartTransition.CLOSE.sources)
    assert all(way.target not in TERMINAL or way.sources <= set(JobStatus) for way in JobTransition)


def edges(kind: type[Transition]) -> set[tuple[str, str, str]]:
    found = set()
    for way in kind:
        for source in way.sources:
            assert isinstance(source, StrEnum)
            found.add((source.value, (way.target or source).value, way.words))
    return found


@pytest.mark.parametrize(("drawing", "kind"), enumerate([JobTransition, PartTransition, SlotTransition], 1))
def test_the_drawn_states_are_those_of_the_tables(drawing: int, kind: type[Transition]) -> None:
    text = (ROOT / "docs" / "states.md").read_text(encoding="utf-8")
    drawn = text.split("```mermaid")[drawing].split("```")[0]
    assert set(re.findall(r"^    (\w+) --> (\w+): (.+)$", drawn, re.MULTILINE)) == edges(kind)
