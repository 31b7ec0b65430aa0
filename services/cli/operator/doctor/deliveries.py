"""Checks of webhooks: callbacks whose receivers fail, and messages that were given up.

No index holds a message that was given up, so jobs are looked through for them. An attempt is the last one three days
after the event, so newer jobs cannot have any; and how many are read is limited.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING

from services.cli.operator.doctor.findings import Finding, ok, warning
from services.common.domain.states import CallbackStatus, DeliveryStatus
from services.common.domain.times import DAY_MS, HOUR_MS, now_ms, rfc3339
from services.common.store import keys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.cli.operator.doctor.patient import Patient
    from services.common.domain.records import Callback, Delivery, Job
    from services.common.store.store import Store

SCHEDULE_DAYS, BACK_DAYS = 3, 14
"""How old a job is at least, and at most, that is looked at for messages that were given up."""
MOST_JOBS, MOST_SECONDS = 300, 10
FAILING_HOURS = 6
"""After so long a failing receiver is no hiccup."""


def receivers(patient: Patient) -> Finding:
    """Whether the addresses that clients registered take messages."""
    now = now_ms()
    store = patient.store()
    callbacks = [one for client in store.clients.all() for one in store.callbacks.of_client(client.client_id)]
    failing = [told for told in (_trouble(one, now) for one in callbacks) if told]
    if not failing:
        return ok(f"{len(callbacks)} callbacks are registered, and none fails.")
    return warning(
        " ".join(failing), "Mend the receiver; `transcribe callbacks enable CALLBACK_ID` lets a disabled one go on."
    )


def exhausted(patient: Patient) -> Finding:
    """Whose messages were given up, of jobs that were made some days ago."""
    store, until = patient.store(), time.monotonic() + MOST_SECONDS
    looked = 0
    gone: list[Delivery] = []
    for job in _jobs(store):
        if looked == MOST_JOBS or time.monotonic() > until:
            break
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
        f"When the receiver is mended: transcribe redeliver {first.job_id} {first.event_id}",
    )


def _jobs(store: Store) -> Iterator[Job]:
    """Jobs that may have such messages, the newest of each client first."""
    now = now_ms()
    for client in store.clients.all():
        has_callbacks = bool(store.callbacks.of_client(client.client_id))
        newest = keys.sort(keys.JOB, now - SCHEDULE_DAYS * DAY_MS)
        for job in store.jobs.page(client.client_id, after=newest, size=MOST_JOBS).records:
            if job.created_at < now - BACK_DAYS * DAY_MS:
                break
            if has_callbacks or job.callback_id:
                yield job


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
