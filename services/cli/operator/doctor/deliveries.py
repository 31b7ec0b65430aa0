"""Checks of webhooks: callbacks whose receivers fail, and messages that were given up.

No index holds a message that was given up, so jobs are looked through for them. An attempt is the last one three days
after the event, so newer jobs cannot have any; and how many are read is limited.
"""

from __future__ import annotations

import time
from collections import Counter
from itertools import islice, takewhile
from typing import TYPE_CHECKING, TypeVar

from services.cli.operator.doctor.findings import Finding, ok, warning
from services.common.domain.states import CallbackStatus, DeliveryStatus
from services.common.domain.times import DAY_MS, HOUR_MS, now_ms, rfc3339
from services.common.store import keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from services.cli.operator.doctor.patient import Patient
    from services.common.domain.records import Callback, Delivery, Job
    from services.common.store.store import Store

Item = TypeVar("Item")
SCHEDULE_DAYS, BACK_DAYS = 3, 14
"""How old a job is at least, and at most, that is looked at for messages that were given up."""
MOST_JOBS, MOST_SECONDS = 300, 10
"""Where there are more, or where there are more clients than can be asked in that time, the others are not seen."""
FAILING_HOURS = 6
"""After so long a failing receiver is no hiccup."""


def receivers(patient: Patient) -> Finding:
    """Whether the addresses that clients registered take messages."""
    now = now_ms()
    store = patient.store()
    callbacks = [one for client in _in_time(store.clients.names()) for one in store.callbacks.of_client(client)]
    failing = [told for told in (_trouble(one, now) for one in callbacks) if told]
    if not failing:
        return ok(f"No callback fails; there are {len(callbacks)}.")
    return warning(
        " ".join(failing),
        "Mend the receiver; its client lets a disabled callback go on with `transcribe callbacks enable CALLBACK_ID`.",
    )


def exhausted(patient: Patient) -> Finding:
    """Whose messages were given up, of jobs that were made some days ago."""
    store = patient.store()
    looked = 0
    gone: list[Delivery] = []
    for job in _in_time(islice(_jobs(store), MOST_JOBS)):
        looked += 1
        gone += [one for one in store.deliveries.of_job(job.job_id) if one.status is DeliveryStatus.EXHAUSTED]
    where = f"among the messages of {looked} jobs that were made {SCHEDULE_DAYS} to {BACK_DAYS} days ago"
    if not gone:
        return ok(f"No message was given up, {where}.")
    by_callback = Counter((one.client_id, one.callback_id) for one in gone)
    told = ", ".join(f"{count} of {client} to {callback}" for (client, callback), count in by_callback.most_common())
    first = gone[0]
    return warning(
        f"Messages were given up, {where}: {told}.",
        f"When the receiver is mended, with a key of {first.client_id}: "
        f"`transcribe redeliver {first.job_id} {first.event_id}.{first.callback_id}`",
    )


def _jobs(store: Store) -> Iterator[Job]:
    """Jobs that may have such messages, the newest of each client first."""
    now = now_ms()
    newest = keys.sort(keys.JOB, now - SCHEDULE_DAYS * DAY_MS)
    for client in _in_time(store.clients.names()):
        has_callbacks = bool(store.callbacks.of_client(client))
        for job in store.jobs.page(client, after=newest, size=MOST_JOBS).records:
            if job.created_at < now - BACK_DAYS * DAY_MS:
                break
            if has_callbacks or job.callback_id:
                yield job


def _in_time(items: Iterable[Item]) -> Iterator[Item]:
    """The items until `MOST_SECONDS` have passed."""
    until = time.monotonic() + MOST_SECONDS
    return takewhile(lambda _: time.monotonic() < until, items)


def _trouble(callback: Callback, now: int) -> str | None:
    """What is wrong with a callback, in a sentence; None if nothing is."""
    name = f"{callback.callback_id} of {callback.client_id}"
    if callback.status is CallbackStatus.DISABLED:
        return f"{name} is disabled: {callback.disabled_reason}."
    since = callback.failing_since
    if since and since < now - FAILING_HOURS * HOUR_MS:
        return f"{name} has taken nothing since {rfc3339(since)}."
    return None


CHECKS = {"callbacks": receivers, "exhausted deliveries": exhausted}
