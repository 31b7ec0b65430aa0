"""A snapshot as lines for a terminal of any size. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from services.cli.columns import cut
from services.cli.printing import NOTHING, clock, dollars, duration
from services.common.domain.states import JobStatus
from services.common.domain.times import HOUR_MS, SECOND_MS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from services.cli.operator.watch.snapshot import End, Machine, Queue, Snapshot, Work

BAR = 20
FULL, REST = ("━", "─"), ("#", "-")
LEAST_ENDS = 3
"""Rows that the machines leave to the last ends, if there are so many."""
_HOUR_SECONDS = HOUR_MS // SECOND_MS


def drawn(snapshot: Snapshot, *, columns: int, rows: int | None = None, plain: bool = False) -> list[str]:
    """The lines of a snapshot; none is wider than the terminal, nor are they more than it has rows.

    Args:
        snapshot: what is shown.
        columns: of the terminal.
        rows: of the terminal; None: all is shown.
        plain: whether the terminal takes ASCII alone.

    """
    head = [*_head(snapshot), *_queue(snapshot.queue)]
    works = [line for machine in snapshot.machines for line in _machine(machine, plain=plain)]
    ends = list(map(_end, snapshot.ended))
    if rows is not None:
        left = max(0, rows - len(head))
        works = _fitting(works, max(1, left - min(LEAST_ENDS, len(ends))), "machine lines")
        ends = ends[: max(0, left - len(works))]
    lines = [*head, *works, *ends]
    return [cut(line, columns).rstrip() for line in (lines if rows is None else lines[:rows])]


def _head(snapshot: Snapshot) -> Iterator[str]:
    at = datetime.fromtimestamp(snapshot.at / SECOND_MS, UTC).astimezone()
    today, each = snapshot.today, snapshot.today["dollars_per_audio_hour"]
    told = f", {dollars(each)} an hour of audio" if each is not None else ""
    yield f"{at:%H:%M:%S}  today {dollars(today['dollars'])}, {_jobs(today['jobs'])}, {today['failed']} failed{told}"
    audio = f"{_hours(snapshot.audio_seconds_an_hour)} of audio"
    yield f"last hour  {_jobs(snapshot.jobs_an_hour)} completed, {audio}"
    number = len(snapshot.machines)
    running = f"{number} machine{'' if number == 1 else 's'}"
    yield f"{running}, {dollars(snapshot.dollars_an_hour)} an hour" if number else "no machine"


def _queue(queue: Queue) -> Iterator[str]:
    if queue.oldest_wait_seconds is None:
        yield "queue empty"
        return
    more = "" if queue.is_whole else "more than "
    audio = f"{_hours(queue.audio_seconds)} of audio"
    yield f"queue {more}{_jobs(queue.jobs)}, {audio}, the oldest waits {duration(queue.oldest_wait_seconds)}"
    if queue.waiting_reason:
        yield f"  it waits: {queue.waiting_reason}"


def _machine(machine: Machine, *, plain: bool) -> Iterator[str]:
    age = duration(machine.age_seconds) if machine.age_seconds is not None else "own box"
    kind = " ".join(word for word in (machine.instance_type, machine.market, machine.zone) if word)
    yield f"  {machine.name}  {machine.stage}, {age}  {kind}  {machine.instance_id or ''}"
    for work in machine.parts:
        length = f"{clock(work.audio_seconds):>8}"
        yield f"    {_bar(work, plain=plain)}  {length}  {work.client}  {work.job_id}  {work.part}"


def _bar(work: Work, *, plain: bool) -> str:
    full = round(work.progress * BAR)
    done, rest = REST if plain else FULL
    return f"{done * full}{rest * (BAR - full)} {work.progress:4.0%}"


def _end(end: End) -> str:
    at = datetime.fromtimestamp(end.ended_at / SECOND_MS, UTC).astimezone()
    told = end.status if end.status == JobStatus.COMPLETED or not end.code else f"{end.status} {end.code}"
    cost = dollars(end.dollars) if end.dollars is not None else NOTHING
    return f"{at:%H:%M}  {told:<10} {clock(end.audio_seconds) or NOTHING:>8}  {cost:>8}  {end.client}  {end.job_id}"


def _fitting(lines: Sequence[str], most: int, what: str) -> list[str]:
    if len(lines) <= most:
        return list(lines)
    return [*lines[: most - 1], f"  … and {len(lines) - most + 1} more {what}"]


def _jobs(number: int) -> str:
    return f"{number} job{'' if number == 1 else 's'}"


def _hours(seconds: float) -> str:
    return f"{seconds / _HOUR_SECONDS:.1f} h"
