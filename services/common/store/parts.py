"""Parts: claimed, leased, given back, finished. Every write by a worker shows its fence, (attempt, owner)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Attr

from services.common.domain.records import Job, Part, part_name
from services.common.domain.retry_policy import LONGEST_WAIT_MS
from services.common.domain.states import OPEN, JobStatus, PartStatus
from services.common.store.codec import UnknownVersionError, from_item, to_item
from services.common.store.table import ABSENT, ConditionFailedError, Key, Operation, Put, Update

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from boto3.dynamodb.conditions import ConditionBase

    from services.common.store.events import Announcement
    from services.common.store.table import Table

MAX_PARTS = 70
"""Of one recording: so many fit one transaction, with the job, its event and its deliveries."""
LEFT = ["due_kind", "due_at", "owner"]
"""What a part loses that nobody needs to see to any more."""


class FencedError(Exception):
    """The part is not ours any more: stop, write nothing, tell nobody."""


def part_key(job_id: str, part_id: str) -> Key:
    return f"JOB#{job_id}", part_id


def part_item(part: Part) -> dict[str, object]:
    """`client_id` without `sort` keeps it out of the client's index."""
    pk, sk = part_key(part.job_id, part.part_id)
    return to_item(part, pk=pk, sk=sk, due_kind=part.status.value)


def fence(part: Part) -> ConditionBase:
    """Only the holder of this very claim may write."""
    return Attr("attempt").eq(part.attempt) & Attr("owner").eq(part.owner) & Attr("status").eq(PartStatus.RUNNING.value)


def closing(part: Part) -> Update:
    """A part that nobody is to do any more; whoever works on it meets the fence at the next heartbeat."""
    return Update(
        key=part_key(part.job_id, part.part_id),
        when=Attr("status").is_in(sorted(OPEN)),
        set={"status": PartStatus.CANCELED},
        remove=LEFT,
    )


class Parts:
    """The part items of one table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, job_id: str, part_id: str) -> Part | None:
        item = self._table.get(part_key(job_id, part_id))
        return from_item(Part, item) if item else None

    def of_job(self, job_id: str) -> list[Part]:
        return list(_known(self._table.items(f"JOB#{job_id}", "PART#")))

    def open_of(self, job_id: str) -> list[Part]:
        """Those that somebody works on or is still to take."""
        return [part for part in self.of_job(job_id) if part.status in OPEN]

    def queue(self) -> Iterator[Part]:
        """What waits, in the order in which it is to be taken."""
        return _known(self._table.due(PartStatus.QUEUED.value))

    def ready(self, now: int, limit: int) -> list[Part]:
        """The first `limit` of the queue that may be claimed now; those that rest hide nobody behind them.

        A part over which a process died comes after all that were queued by then, and before those that came later.
        """
        ready: list[Part] = []
        last: list[Part] = []
        for part in _known(self._table.due(PartStatus.QUEUED.value, page=limit)):
            if part.behind and now < part.behind + LONGEST_WAIT_MS:
                last.append(part)
            elif part.not_before <= now:
                ready.append(part)
            if len(ready) == limit:
                break
        return [part for part in last if all(other.created_at > part.behind for other in ready)] + ready

    def running(self, limit: int | None = None) -> Iterator[Part]:
        """What is being worked on, as the index shows it."""
        return _known(self._table.due(PartStatus.RUNNING.value, limit=limit))

    def overdue(self, now: int) -> Iterator[Part]:
        """Running parts whose lease has ended, by the index."""
        return _known(self._table.due(PartStatus.RUNNING.value, before=now))

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
        mine = replace(
            part, status=PartStatus.RUNNING, owner=owner, attempt=part.attempt + 1, beat=0, due_at=lease_ends
        )
        taking = Update(
            key=part_key(part.job_id, part.part_id),
            when=Attr("status").eq(PartStatus.QUEUED.value) & Attr("attempt").eq(part.attempt),
            set={
                "status": PartStatus.RUNNING,
                "owner": owner,
                "attempt": mine.attempt,
                "beat": 0,
                "on_device": False,
                "due_kind": PartStatus.RUNNING,
                "due_at": lease_ends,
            },
        )
        agreeing = Update(
            key=job_key_of(job),
            # Of another generation it may be another recording's.
            when=Attr("status").eq(job.status.value)
            & Attr("parts").eq(part.parts)
            & Attr("generation").eq(job.generation),
            set={"status": JobStatus.RUNNING, "waiting": None, "waiting_reason": None}
            | {f"times.{stage}": moment for stage, moment in times.items()},
        )
        try:
            self._table.transact([taking, agreeing, *(started.operations() if started else [])])
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
        beat = Update(
            key=part_key(part.job_id, part.part_id),
            when=fence(part),
            set={"beat": part.beat + 1, "due_at": lease_ends, "on_device": on_device, "progress": progress},
        )
        try:
            self._table.write(beat)
        except ConditionFailedError:
            raise FencedError(part.part_id) from None
        return replace(part, beat=part.beat + 1, due_at=lease_ends, on_device=on_device, progress=progress)

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
        back = Update(
            key=part_key(part.job_id, part.part_id),
            when=fence(part),
            set={
                "status": PartStatus.QUEUED,
                "due_kind": PartStatus.QUEUED,
                "due_at": due_at,
                "on_device": False,
                "progress": part.progress,
                "not_before": not_before,
                "behind": behind,
                "suspected": suspected,
            },
            add={counted: 1} if counted else {},
            remove=["owner"],
        )
        try:
            self._table.transact([back, *_requeued(job, interrupted)])
        except ConditionFailedError:
            if not self.already(part, PartStatus.QUEUED):
                raise FencedError(part.part_id) from None

    def take_away(self, part: Part, *, due_at: int, job: Job | None, interrupted: Announcement | None) -> bool:
        """Queue a part whose worker fell silent; False if it has been heard of meanwhile."""
        away = Update(
            key=part_key(part.job_id, part.part_id),
            when=fence(part) & Attr("beat").eq(part.beat),
            set={
                "status": PartStatus.QUEUED,
                "due_kind": PartStatus.QUEUED,
                "due_at": due_at,
                "on_device": False,
                "behind": due_at if part.on_device else 0,
            },
            add={"deaths": 1} if part.on_device else {"losses": 1},
            remove=["owner"],
        )
        try:
            self._table.transact([away, *_requeued(job, interrupted)])
        except ConditionFailedError:
            return False
        return True

    def close(self, part: Part) -> bool:
        """Nobody is to do this part, whose job was found ended or gone after the part was read.

        False if the part is another since then: a retry gives it a turn of its own, which no earlier one equals.
        """
        ending = closing(part)
        same = Attr("attempt").eq(part.attempt) & Attr("due_at").eq(part.due_at)
        try:
            self._table.write(replace(ending, when=ending.when & same))
        except ConditionFailedError:
            return False
        return True

    def split(self, part: Part, job: Job, lengths: Sequence[float], *, due_at: int) -> Part:
        """Cut a recording into at most `MAX_PARTS` parts of these lengths, in seconds: all of them or none.

        Returns the first one, which stays claimed; the others join the queue.

        Raises:
            FencedError: the part is not ours to cut, or its job is no longer to be done.

        """
        count = len(lengths)
        others = [
            Part(
                job_id=part.job_id,
                part_id=part_name(index),
                status=PartStatus.QUEUED,
                client_id=part.client_id,
                created_at=part.created_at,
                seconds=lengths[index],
                parts=count,
                due_at=due_at,
                expires_at=part.expires_at,
            )
            for index in range(1, count)
        ]
        own = Update(
            key=part_key(part.job_id, part.part_id),
            when=fence(part),
            set={"parts": count, "seconds": lengths[0]},
        )
        flip = Update(
            key=job_key_of(job),
            when=Attr("status").eq(JobStatus.RUNNING.value) & Attr("parts").eq(1),
            set={"parts": count},
        )
        try:
            self._table.transact([own, flip, *(Put(item=part_item(other), when=ABSENT) for other in others)])
        except ConditionFailedError:
            current = self.get(part.job_id, part.part_id)
            if current is None or (current.attempt, current.parts) != (part.attempt, count):
                raise FencedError(part.part_id) from None
        return replace(part, parts=count, seconds=lengths[0])

    def already(self, part: Part, status: PartStatus) -> bool:
        """Whether an earlier try of ours, whose reply was lost, has done it: an attempt is never anyone else's."""
        current = self.get(part.job_id, part.part_id)
        return current is not None and current.attempt == part.attempt and current.status is status


def job_key_of(job: Job) -> Key:
    return f"JOB#{job.job_id}", "JOB"


def _requeued(job: Job | None, interrupted: Announcement | None) -> list[Operation]:
    """What else happens when the only part of a job goes back to the queue."""
    if job is None:
        return []
    back = Update(
        key=job_key_of(job),
        # Of one part, by the table and not by what its worker knows: the reply to a split may have been lost.
        when=Attr("status").eq(JobStatus.RUNNING.value) & Attr("parts").eq(1),
        set={"status": JobStatus.QUEUED},
    )
    return [back, *(interrupted.operations() if interrupted else [])]


def _known(items: Iterator[dict[str, Any]]) -> Iterator[Part]:
    for item in items:
        try:
            yield from_item(Part, item)
        except UnknownVersionError:
            continue
