"""How jobs end: with the part that decides, in one transaction with the event and its deliveries.

A job that fails takes its other parts along. Left in the queue they would be nobody's, hide from the workers what
stands behind them, and bring machines that have nothing to do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Attr

from services.common.domain.records import MERGE_PART, Job, Part
from services.common.domain.states import JobStatus, PartStatus, sources
from services.common.store.parts import LEFT, FencedError, Parts, closing, fence, job_key_of, part_item, part_key
from services.common.store.table import ABSENT, ConditionFailedError, Operation, Put, Update

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.common.store.events import Announcement
    from services.common.store.table import Table


@dataclass(frozen=True, kw_only=True)
class JobOutcome:
    """How a job ended: exactly one of `result` and `error`."""

    result: Mapping[str, Any] | None = None
    error: Mapping[str, Any] | None = None
    cost: Mapping[str, Any] | None = None

    @property
    def status(self) -> JobStatus:
        return JobStatus.FAILED if self.error else JobStatus.COMPLETED


def ended(job: Job, outcome: JobOutcome, times: Mapping[str, int]) -> Job:
    """`job` after `outcome`."""
    return replace(
        job,
        status=outcome.status,
        result=outcome.result,
        error=outcome.error,
        cost=outcome.cost or job.cost,
        times={**job.times, **times},
        waiting=None,
        waiting_reason=None,
    )


class Endings:
    """The last writes of parts and jobs of one table."""

    def __init__(self, table: Table, parts: Parts) -> None:
        self._table = table
        self._parts = parts

    def finish(self, part: Part, job: Job, outcome: JobOutcome, announcement: Announcement) -> None:
        """The part that decides: the job ends with it, in one transaction with its event and deliveries.

        Args:
            part: as claimed.
            job: as it is afterwards (`ended`).
            outcome: what it ends with.
            announcement: of the end.

        Raises:
            FencedError: it is not ours to end.

        """
        status = PartStatus.FAILED if outcome.error else PartStatus.DONE
        own = Update(
            key=part_key(part.job_id, part.part_id),
            when=fence(part),
            set={"status": status, "progress": 1.0},
            remove=LEFT,
        )
        try:
            self._end(own, job, outcome, announcement)
        except ConditionFailedError:
            if not self._parts.already(part, status):
                raise FencedError(part.part_id) from None

    def give_up(self, part: Part, job: Job, outcome: JobOutcome, announcement: Announcement) -> bool:
        """The job ends because of a part whose worker fell silent; False if it has been heard of meanwhile."""
        own = Update(
            key=part_key(part.job_id, part.part_id),
            when=fence(part) & Attr("beat").eq(part.beat),
            set={"status": PartStatus.FAILED, "deaths": part.deaths + part.on_device},
            remove=LEFT,
        )
        try:
            self._end(own, job, outcome, announcement)
        except ConditionFailedError:
            return False
        return True

    def _end(self, own: Update, job: Job, outcome: JobOutcome, announcement: Announcement) -> None:
        """The part that decides (`own`), the job, its other parts, event and deliveries: all of it or nothing.

        Raises:
            ConditionFailedError: the part or the job is not as required.

        """
        while True:
            others = self._others(own, job, outcome)
            try:
                self._table.transact([own, _job_after(job, outcome), *others, *announcement.operations()])
            except ConditionFailedError as error:
                part_found, job_found, *found = error.items
                if part_found or job_found or not any(found[: len(others)]):
                    raise
                # Only another part has ended meanwhile, which leaves one fewer to close.
            else:
                return

    def _others(self, own: Update, job: Job, outcome: JobOutcome) -> list[Operation]:
        if outcome.result or job.parts == 1:
            return []
        return [closing(part) for part in self._parts.open_of(job.job_id) if part.part_id != own.key[1]]

    def finish_slice(self, part: Part, job: Job, *, merge_due_at: int) -> bool:
        """One of several parts is done; the last one makes the merge due. False: others finished meanwhile, read again.

        Raises:
            FencedError: the part is not ours to finish.

        """
        own = Update(
            key=part_key(part.job_id, part.part_id),
            when=fence(part),
            set={"status": PartStatus.DONE, "progress": 1.0},
            remove=LEFT,
        )
        count = Update(
            key=job_key_of(job),
            when=Attr("status").eq(JobStatus.RUNNING.value) & Attr("parts_done").eq(job.parts_done),
            set={"parts_done": job.parts_done + 1},
        )
        operations: list[Operation] = [own, count]
        if job.parts_done + 1 == job.parts:
            merge = replace(
                part,
                part_id=MERGE_PART,
                status=PartStatus.QUEUED,
                owner=None,
                attempt=0,
                beat=0,
                on_device=False,
                deaths=0,
                losses=0,
                faults=0,
                not_before=0,
                behind=0,
                suspected=False,
                progress=0.0,
                seconds=0.0,
                created_at=merge_due_at,
                due_at=merge_due_at,
            )
            operations.append(Put(item=part_item(merge), when=ABSENT))
        try:
            self._table.transact(operations)
        except ConditionFailedError:
            if self._parts.already(part, PartStatus.DONE):
                return True
            current = self._parts.get(part.job_id, part.part_id)
            if current is None or (current.attempt, current.owner) != (part.attempt, part.owner):
                raise FencedError(part.part_id) from None
            return False
        return True


def _job_after(job: Job, outcome: JobOutcome) -> Update:
    """The job, as it is afterwards (`ended`), provided that it may still end so and has the parts that it had."""
    return Update(
        key=job_key_of(job),
        when=Attr("status").is_in(sources(outcome.status)) & Attr("parts").eq(job.parts),
        set={
            "status": outcome.status,
            "result": outcome.result,
            "error": outcome.error,
            "cost": job.cost,
            "times": job.times,
            "waiting": None,
            "waiting_reason": None,
        },
    )
