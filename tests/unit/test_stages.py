"""The stages' budget: one chain from upload to text, as the documents tell it and as jobs are held against it."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

from services.common.domain.stages import STAGES, ledger

PERFORMANCE = Path(__file__).parents[2] / "docs" / "performance.md"
MINUTE = 60
SPAN = {"uploaded": 1_000, "queued": 3_500}


def test_each_stage_begins_where_the_one_before_ends() -> None:
    assert [stage.until for stage in STAGES[:-1]] == [stage.since for stage in STAGES[1:]]
    assert all(one.since != other.since for one, other in pairwise(STAGES))


def test_an_own_image_gives_text_within_two_minutes_and_the_public_one_within_five() -> None:
    assert sum(stage.own_image for stage in STAGES) <= 2 * MINUTE
    assert sum(stage.public_image for stage in STAGES) <= 5 * MINUTE


def test_the_documents_tell_the_same_budget() -> None:
    rows = re.findall(r"^\| `(\w+)` → `(\w+)` \| (\d+) s \| (\d+) s \|", PERFORMANCE.read_text("utf-8"), re.MULTILINE)
    told = [(since, until, float(own), float(public)) for since, until, own, public in rows]
    assert told == [(stage.since, stage.until, stage.own_image, stage.public_image) for stage in STAGES]


def test_stages_that_a_job_did_not_wait_for_are_not_counted() -> None:
    first, *others = ledger([SPAN, {"claimed": 1}, {**SPAN, "queued": 5_500}])
    assert (first.jobs, first.median, first.ninetieth) == (2, 3.5, 4.3)
    assert {took.jobs for took in others} == {0}
