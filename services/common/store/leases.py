"""How parts change hands: claimed, leased beat by beat, cut, given back, taken away, closed.

Every write by a worker shows its fence, (attempt, owner).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from boto3.dynamodb.conditions import Attr

from services.common.domain.lifecycle import job_changes, part_changes
from services.common.domain.records import Job, Part
from services.common.domain.states import PartStatus
from services.common.store.changes import fence, same, update
from services.common.store.codec import from_item
from services.common.store.items import item_of
from services.common.store.operations import ABSENT, Operation, Put
from services.common.store.table import ConditionFailedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from services.common.store.announcements import Announcement
    from services.common.store.parts import Parts
    from services.common.store.table import Table


class FencedError(Exception):
    """The part is not ours any more: stop, write nothing, tell nobody."""


class Leases:
    """The rights to work on the parts of one table."""

    def __init__(self, table: Table, parts: Parts) -> None:
        self._table = table
        self._parts = parts

    def claim(
        self,
        part: Part,
        job: Job,
        *,
        owner: str,
        lease_ends: int,
        started: Announcement | None,
        times: Mapping[str, int],
    ) -> Part | None:
        """Take a queued part; None if somebody else was faster or the job is no longer to be done.

        Asked again after its answer was lost, it gives the part as the earlier try has left it.

        `started` and `times` belong to the claim that moves the job from queued to running.
        """
        taking = part_changes.claim(part, owner, lease_ends)
        mine = taking.after
        agreeing = job_changes.start(job, times)
        operations: list[Operation] = [
            update(taking, same(part, "attempt")),
            # Of another generation it may be another recording's; of another number of parts, another plan's.
            update(agreeing, same(job, "status", "generation") & same(part, "parts")),
        ]
        try:
            self._table.transact([*operations, *(started.operations() if started else [])])
        except ConditionFailedError as error:
            found = error.items[0]
            if found and (found["status"], found["attempt"], found.get("owner")) == (mine.status, mine.attempt, owner):
                return from_item(Part, found)
            return None
        return mine

    def heartbeat(self, part: Part, *, lease_ends: int, on_device: bool, progress: float) -> Part:
        """Still here.

        Raises:
            FencedError: the part was taken away or its job canceled.

        """
        beat = part_changes.beat(part, lease_ends, on_device=on_device, progress=progress)
        try:
            self._table.write(update(beat, fence(part)))
        except ConditionFailedError:
            raise FencedError(part.part_id) from None
        return beat.after

    def split(self, part: Part, job: Job, lengths: Sequence[float], *, due_at: int) -> Part:
        """Cut a recording into at most `MAX_PARTS` parts of these lengths, in seconds: all of them or none.

        Returns the first one, which stays claimed; the others join the queue.

        Raises:
            FencedError: the part is not ours to cut, or its job is no longer to be done.

        """
        own, count = part_changes.split_part(part, lengths), len(lengths)
        others = part_changes.further_parts(part, lengths, due_at)
        operations: list[Operation] = [
            update(own, fence(part)),
            update(job_changes.split_job(job, count), Attr("parts").eq(1)),
            *(Put(item=item_of(other), when=ABSENT) for other in others),
        ]
        try:
            self._table.transact(operations)
        except ConditionFailedError:
            current = self._parts.get(part.job_id, part.part_id)
            if current is None or (current.attempt, current.parts) != (part.attempt, count):
                raise FencedError(part.part_id) from None
        return own.after

    def give_back(
        self,
        part: Part,
        *,
        due_at: int,
        job: Job | None,
        interrupted: Announcement | None,
        counted: str | None = None,
        not_before: int = 0,
        behind: int = 0,
        suspected: bool = False,
    ) -> None:
        """Queue the part again, at `due_at`; a job of one part (`job`) goes back with it.

        `counted`: `deaths`, `losses` or `faults`, raised by one; None where nothing speaks against the part.

        Raises:
            FencedError: the part is not ours to give.

        """
        back = part_changes.give_back(
            part, due_at, counted=counted, not_before=not_before, behind=behind, suspected=suspected
        )
        try:
            self._table.transact([update(back, fence(part)), *_requeued(job, interrupted)])
        except ConditionFailedError:
            if not self._parts.already(part, PartStatus.QUEUED):
                raise FencedError(part.part_id) from None

    def take_away(self, part: Part, *, due_at: int, job: Job | None, interrupted: Announcement | None) -> bool:
        """Queue a part whose worker fell silent; False if it has been heard of meanwhile."""
        away = update(part_changes.take_away(part, due_at), fence(part) & same(part, "beat"))
        return self._table.attempt_all([away, *_requeued(job, interrupted)])

    def close(self, part: Part) -> bool:
        """Nobody is to do this part, whose job was found ended or gone after the part was read.

        False if the part is another since then: a retry gives it a turn of its own, which no earlier one equals.
        """
        return self._table.attempt(update(part_changes.close(part), same(part, "attempt", "due_at")))


def _requeued(job: Job | None, interrupted: Announcement | None) -> list[Operation]:
    """What else happens when the only part of a job goes back to the queue."""
    if job is None:
        return []
    # Of one part, by the table and not by what its worker knows: the reply to a split may have been lost.
    back = update(job_changes.interrupt(job), Attr("parts").eq(1))
    return [back, *(interrupted.operations() if interrupted else [])]
