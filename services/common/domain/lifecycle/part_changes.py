"""Every change of a part, and new parts. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from services.common.domain.lifecycle.change import Change
from services.common.domain.records import FIRST_PART, MERGE_PART, Job, Part, part_name
from services.common.domain.states import PartStatus, PartTransition

_NOTHING_HELD_AGAINST_IT: Mapping[str, Any] = {
    **dict.fromkeys(("deaths", "losses", "faults", "not_before", "behind", "beat"), 0),
    "on_device": False,
    "suspected": False,
}
_FRESH: Mapping[str, Any] = {
    "status": PartStatus.QUEUED,
    "owner": None,
    "attempt": 0,
    "progress": 0.0,
    **_NOTHING_HELD_AGAINST_IT,
}


def first_part(job: Job, seconds: float, due_at: int) -> Part:
    """The first part of a job, which is the whole recording.

    Args:
        job: its job.
        seconds: of audio, estimated.
        due_at: its place in the queue.

    """
    return Part(
        job_id=job.job_id,
        part_id=FIRST_PART,
        status=PartStatus.QUEUED,
        client_id=job.client_id,
        created_at=job.times.get("queued", job.created_at),
        seconds=seconds,
        due_at=due_at,
        expires_at=job.expires_at,
    )


def begin_anew(job: Job, before: Part | None, seconds: float, due_at: int) -> Part:
    """The first part of a job that begins anew, in the place of the part `before`, if there was one.

    Its attempts go on counting: a worker that still holds the part before meets the fence.
    """
    return replace(first_part(job, seconds, due_at), attempt=before.attempt if before else 0)


def further_parts(part: Part, lengths: Sequence[float], due_at: int) -> list[Part]:
    """The parts into which `part` is split, without the first one.

    `lengths` are those of all parts, in seconds of audio.
    """
    fresh = replace(part, **_FRESH, parts=len(lengths), due_at=due_at)
    return [replace(fresh, part_id=part_name(index), seconds=lengths[index]) for index in range(1, len(lengths))]


def merge_part(part: Part, due_at: int) -> Part:
    """The part that merges the texts of all others; `part` is the one that was finished last."""
    return replace(part, **_FRESH, part_id=MERGE_PART, seconds=0.0, created_at=due_at, due_at=due_at)


def claim(part: Part, owner: str, lease_ends: int) -> Change[Part]:
    """A worker claims the part. The new attempt and the owner are the fence of its later writes."""
    fields = {"owner": owner, "attempt": part.attempt + 1, "beat": 0, "on_device": False, "due_at": lease_ends}
    return Change(before=part, transition=PartTransition.CLAIM, set=fields)


def beat(part: Part, lease_ends: int, *, on_device: bool, progress: float) -> Change[Part]:
    """A heartbeat of the part's worker; `on_device`: the part is being decoded, and a death would count against it."""
    fields = {"beat": part.beat + 1, "due_at": lease_ends, "on_device": on_device, "progress": progress}
    return Change(before=part, transition=PartTransition.BEAT, set=fields)


def split_part(part: Part, lengths: Sequence[float]) -> Change[Part]:
    """The claimed part of a recording that is split becomes its first part; lengths are in seconds of audio."""
    fields = {"parts": len(lengths), "seconds": lengths[0]}
    return Change(before=part, transition=PartTransition.SPLIT, set=fields)


def give_back(
    part: Part, due_at: int, *, counted: str | None, not_before: int, behind: int, suspected: bool
) -> Change[Part]:
    """The worker gives the part back to the queue.

    `counted` is the counter that is raised, None if nothing counts against it.
    """
    return Change(
        before=part,
        transition=PartTransition.GIVE_BACK,
        set={
            "owner": None,
            "due_at": due_at,
            "on_device": False,
            "progress": part.progress,
            "not_before": not_before,
            "behind": behind,
            "suspected": suspected,
        },
        add={counted: 1} if counted else {},
    )


def take_away(part: Part, now: int) -> Change[Part]:
    """The worker fell silent, and the part is queued again.

    If it was on the device, that counts as a death, else as a loss.
    """
    fields = {"owner": None, "due_at": now, "on_device": False, "behind": now if part.on_device else 0}
    counted = "deaths" if part.on_device else "losses"
    return Change(before=part, transition=PartTransition.TAKE_AWAY, set=fields, add={counted: 1})


def finish(part: Part) -> Change[Part]:
    """The part is done."""
    return Change(before=part, transition=PartTransition.FINISH, set={"owner": None, "progress": 1.0})


def fail(part: Part) -> Change[Part]:
    """The part has failed, and its job fails with it."""
    return Change(before=part, transition=PartTransition.FAIL, set={"owner": None})


def give_up(part: Part) -> Change[Part]:
    """Workers fell silent over the part too often, and its job fails."""
    fields = {"owner": None, "deaths": part.deaths + part.on_device}
    return Change(before=part, transition=PartTransition.FAIL, set=fields)


def close(part: Part) -> Change[Part]:
    """The part is not to be done any more. A worker that holds it meets the fence at its next heartbeat."""
    return Change(before=part, transition=PartTransition.CLOSE, set={"owner": None})


def retry_part(part: Part, due_at: int, queued: int) -> Change[Part]:
    """A part of a failed job that runs again is queued, and all that counted against it is reset.

    It waits from `queued` on, epoch milliseconds: its wait in the run before is no reason for an on-demand machine.
    """
    fields = {**_NOTHING_HELD_AGAINST_IT, "owner": None, "due_at": due_at, "created_at": queued}
    return Change(before=part, transition=PartTransition.RETRY, set=fields)
