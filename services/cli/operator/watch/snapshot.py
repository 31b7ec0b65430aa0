"""What a deployment does at one moment, as people and programs see it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from services.common.domain.prices import ADDRESS_AND_DISK, dollars_per_hour
from services.common.domain.records import MERGE_PART, part_index
from services.common.domain.stages import STAGES
from services.common.domain.states import SlotStatus
from services.common.domain.times import SECOND_MS, rfc3339

if TYPE_CHECKING:
    from services.common.domain.machines import Slot
    from services.common.domain.records import Job, Part

WAITS, WORKS, LEAVES = "waits for work", "works", "leaves"


@dataclass(frozen=True, kw_only=True)
class Queue:
    """The parts that wait."""

    jobs: int
    parts: int
    is_whole: bool
    """Whether these are all; else there are more."""
    audio_seconds: float
    oldest_wait_seconds: float | None
    waiting_reason: str | None
    """Why the one has no machine that has waited longest; None: one comes."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """A part that a machine works on."""

    job_id: str
    client: str
    part: str
    """Such as `2 of 5`, or `merge`; empty: the whole recording."""
    audio_seconds: float
    progress: float
    """Share of its audio that is done, 0 to 1."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A machine, of the fleet or somebody's own."""

    name: str
    """Its slot, or the host name of an own box."""
    stage: str
    age_seconds: float | None
    """Since its launch; None: it is nobody's launch."""
    instance_id: str | None = None
    instance_type: str | None = None
    zone: str | None = None
    market: str = "own"
    parts: Sequence[Work] = ()


@dataclass(frozen=True, kw_only=True)
class End:
    """A job that has ended."""

    job_id: str
    client: str
    status: str
    code: str | None
    ended_at: int
    """Epoch milliseconds."""
    audio_seconds: float | None
    dollars: float | None


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """All of it."""

    at: int
    """Epoch milliseconds."""
    queue: Queue
    machines: Sequence[Machine]
    dollars_an_hour: float
    """What the machines cost that run now, with address and disk, as far as their prices are known."""
    ended: Sequence[End]
    """Within the last hour, the latest first."""
    jobs_an_hour: int
    """Completed within the last hour."""
    audio_seconds_an_hour: float
    today: Mapping[str, Any]
    """`Bill.to_json` of the jobs that were made today."""

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        ended = [asdict(end) | {"ended_at": rfc3339(end.ended_at)} for end in self.ended]
        return asdict(self) | {"at": rfc3339(self.at), "ended": ended}


def queue(parts: Sequence[Part], now: int, *, most: int, waiting_reason: str | None) -> Queue:
    """The queue, of which `most` parts were read at most. Times are epoch milliseconds."""
    waits = [now - part.created_at for part in parts]
    return Queue(
        jobs=len({part.job_id for part in parts}),
        parts=len(parts),
        is_whole=len(parts) < most,
        audio_seconds=round(sum(part.seconds for part in parts), 1),
        oldest_wait_seconds=max(0, *waits) / SECOND_MS if waits else None,
        waiting_reason=waiting_reason,
    )


def machines(
    slots: Sequence[Slot], boxes: Mapping[str, str], running: Sequence[Part], now: int
) -> tuple[list[Machine], float]:
    """The machines with their work, and what they cost in an hour.

    Args:
        slots: all that are taken.
        boxes: people's own boxes: owner → host name.
        running: the parts that are worked on.
        now: epoch milliseconds.

    """
    work: dict[str | None, list[Work]] = {}
    for part in running:
        work.setdefault(part.owner, []).append(_work(part))
    of_slots = [_machine(slot, work.get(slot.owner, ()) if slot.owner else (), now) for slot in slots]
    of_boxes = [
        Machine(name=host, stage=WORKS if owner in work else WAITS, age_seconds=None, parts=work.get(owner, ()))
        for owner, host in boxes.items()
    ]
    prices = (dollars_per_hour(slot.instance_type or "", slot.market) for slot in slots)
    return of_slots + of_boxes, sum(price + ADDRESS_AND_DISK for price in prices if price is not None)


def end(job: Job) -> End | None:
    """The end of a job; None: it has not ended, or the time of its end is not noted, as of an expired one."""
    at = job.times.get(job.status.value)
    if at is None:
        return None
    return End(
        job_id=job.job_id,
        client=job.client_id,
        status=job.status.value,
        code=(job.error or {}).get("code"),
        ended_at=at,
        audio_seconds=(job.result or {}).get("duration_seconds"),
        dollars=job.cost.get("dollars"),
    )


def _machine(slot: Slot, parts: Sequence[Work], now: int) -> Machine:
    return Machine(
        name=slot.slot,
        stage=_stage(slot, working=bool(parts)),
        age_seconds=max(0, now - slot.times.get("launched", slot.taken_at)) / SECOND_MS,
        instance_id=slot.instance_id,
        instance_type=slot.instance_type,
        zone=slot.zone,
        market=slot.market,
        parts=parts,
    )


def _stage(slot: Slot, *, working: bool) -> str:
    """What a machine does, in words; until its first claim, what comes next of its start."""
    if slot.status is SlotStatus.LEAVING:
        return LEAVES
    if working:
        return WORKS
    if "ready" in slot.times:
        return WAITS
    reached = [stage for stage in STAGES if stage.since in slot.times]
    return (reached[-1] if reached else _ASKED).what


def _work(part: Part) -> Work:
    place = "merge" if part.part_id == MERGE_PART else f"{part_index(part) + 1} of {part.parts}"
    return Work(
        job_id=part.job_id,
        client=part.client_id,
        part=place if part.parts > 1 else "",
        audio_seconds=part.seconds,
        progress=min(max(part.progress, 0.0), 1.0),
    )


_ASKED = next(stage for stage in STAGES if stage.since == "capacity_asked")
"""What happens while a slot is taken and has no machine."""
