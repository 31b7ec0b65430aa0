"""`transcribe cost`: what the jobs of some days have cost, by client, from the jobs' own ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.cli.operator import deployment
from services.cli.operator.bill import Bill, interruptions, tells_attempts
from services.cli.printing import as_json, dollars, note, table
from services.common.domain.object_keys import DEFAULT_CLIENT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.cli.operator.days import Days
    from services.common.domain.records import Job
    from services.common.store.store import Store

HEADINGS = ("client", "dollars", "$/h of audio", "jobs", "done", "failed", "audio h", "machine h", "interrupted")
IN_ALL = "in all"
NOT_KNOWN = (
    "Not in it: jobs that were erased or are older than the deployment keeps them (retention_days); and what no job "
    "pays for, as machines that wait for work, their addresses and disks, and attempts that were interrupted."
)


def spending(days: Days, client: str | None, *, json: bool) -> None:
    """Print what the jobs that were made on these days have cost.

    Args:
        days: of this machine's time zone. A job counts on the day on which it was made.
        client: whose jobs; None: everybody's.
        json: whether for programs.

    """
    store = deployment.store()
    bills = dict(_bills(store, days, client))
    everything = Bill()
    for bill in bills.values():
        everything.join(bill)
    if json:
        clients = [{"client": name, **bill.to_json()} for name, bill in bills.items()]
        as_json({"since": f"{days.first}", "until": f"{days.last}", "clients": clients, "all": everything.to_json()})
    else:
        table(HEADINGS, [_row(name, bill) for name, bill in (*bills.items(), (IN_ALL, everything))])
    _say(days, everything)
    if client and not everything.jobs and client != DEFAULT_CLIENT and not store.clients.known(client):
        note(f"No client is called {client}: `transcribe clients list` has all.")


def _bills(store: Store, days: Days, client: str | None) -> Iterator[tuple[str, Bill]]:
    """The bill of each client that has jobs of these days; one job at a time is in memory."""
    for name in [client] if client else store.clients.names():
        bill = Bill()
        for job in store.jobs.made_between(name, days.since, days.until):
            bill.add(job, _interruptions(store, job))
        if bill.jobs or client:
            yield name, bill


def _interruptions(store: Store, job: Job) -> int:
    if tells_attempts(job) or "claimed" not in job.times:
        return interruptions(job)
    return interruptions(job, store.parts.of_job(job.job_id))


def _row(name: str, bill: Bill) -> tuple[object, ...]:
    each = bill.dollars_per_audio_hour
    return (
        name,
        dollars(bill.dollars),
        None if each is None else dollars(each),
        *(bill.jobs, bill.completed, bill.failed),
        *(f"{bill.audio_hours:.2f}", f"{bill.machine_hours:.2f}"),
        bill.interruptions,
    )


def _say(days: Days, bill: Bill) -> None:
    """What people must know to read the numbers."""
    note(f"{days}, by the day on which a job was made, in this machine's time zone.")
    if bill.open:
        note(f"Jobs that have not ended: {bill.open}. What they have cost is not known yet, or only in part.")
    if bill.unpriced:
        note(f"Jobs on own boxes, or types without a price in prices.py: {bill.unpriced}. Their dollars are missing.")
    note(NOT_KNOWN)
