"""The stages from upload to text, when no machine runs yet, and how long each may take. Pure.

The seconds are a budget: measured, or taken from sources, or guessed (docs/performance.md says which). `transcribe
stages` shows them beside the times of the jobs of a real account.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.common.domain.times import SECOND_MS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


SPEED = 60.0
"""Seconds of audio that a machine transcribes in a second: a cautious figure (docs/performance.md)."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A stage: from one entry of a job's `times` to another."""

    since: str
    until: str
    own_image: float
    """Seconds, on a machine with an image of one's own."""
    public_image: float
    """Seconds, on a machine with AWS's public image, which must provision itself first."""
    what: str


STAGES = (
    Stage(since="uploaded", until="queued", own_image=2, public_image=2, what="S3's event, queue, function"),
    Stage(since="queued", until="capacity_asked", own_image=1, public_image=1, what="slot taken"),
    Stage(since="capacity_asked", until="launched", own_image=3, public_image=3, what="EC2 chooses zone and type"),
    Stage(since="launched", until="kernel_up", own_image=30, public_image=30, what="EC2 starts the machine"),
    Stage(since="kernel_up", until="booted", own_image=8, public_image=150, what="boot; network; provisioning"),
    Stage(since="booted", until="loaded", own_image=6, public_image=25, what="model in memory and on the device"),
    Stage(since="loaded", until="ready", own_image=3, public_image=3, what="known clip transcribed"),
    Stage(since="ready", until="claimed", own_image=1, public_image=1, what="part claimed"),
    Stage(since="claimed", until="completed", own_image=6, public_image=6, what="a minute of speech"),
)


@dataclass(frozen=True, kw_only=True)
class Took:
    """How long one stage took, in seconds, over so many jobs."""

    stage: Stage
    jobs: int
    median: float = 0
    ninetieth: float = 0
    """The 90th percentile: nine of ten jobs were faster."""


def ledger(jobs: Iterable[Mapping[str, int]]) -> list[Took]:
    """How long each stage took.

    Args:
        jobs: the `times` of jobs. A job that found a running machine has no stages of a launch.

    """
    known = list(map(spans, jobs))
    return [_took(stage, known) for stage in STAGES]


def spans(times: Mapping[str, int]) -> dict[str, float]:
    """How long each stage of one job took: its `until` → seconds. A stage that it did not go through is left out."""
    return {
        stage.until: (times[stage.until] - times[stage.since]) / SECOND_MS
        for stage in STAGES
        if stage.since in times and stage.until in times
    }


def _took(stage: Stage, jobs: Iterable[Mapping[str, float]]) -> Took:
    # The API knows the stages too, and must not wait for this module at a cold start.
    from statistics import median, quantiles  # noqa: PLC0415

    took = sorted(job[stage.until] for job in jobs if stage.until in job)
    if not took:
        return Took(stage=stage, jobs=0)
    ninetieth = quantiles(took, n=10, method="inclusive")[-1] if len(took) > 1 else took[0]
    return Took(stage=stage, jobs=len(took), median=median(took), ninetieth=ninetieth)
