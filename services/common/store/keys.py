"""The keys of the table and of its indexes: all of them are made here and nowhere else.

`pk` and `sk` are the table's own keys. Two indexes show an item only while it has their attributes: `due`
(`due_kind`, `due_at`) holds everything that needs a next step, sorted by when, and `by_client` (`client_id`, `sort`)
holds a client's jobs and events in order of time. Times in `due_at` are epoch milliseconds; in a `sort` they have 13
digits. An event's id begins with its time, so a job's events and deliveries lie in order of time too. The time of the
event of a job is the job's `sequence`, which only grows.

| item | pk | sk | due as | by_client's sort |
|---|---|---|---|---|
| job | `JOB#<job>` | `JOB` | `upload`: when it expires; `corrected`: when that is told | `JOB#<created>#<job>` |
| tombstone of an erased job | `JOB#<job>` | `JOB` | `erasure`: when to search once more | |
| part | `JOB#<job>` | `PART#0000`, `PART#MERGE` | `queued`: its turn; `running`: its lease's end | |
| event | `JOB#<job or callback>` | `EVENT#<event>` | | `EVENT#<created>#<event>` |
| delivery | `JOB#<job or callback>` | `DELIVERY#<event>#<callback>` | `delivery`: next try, or its sender's lease | |
| callback of one job | `JOB#<job>` | `CALLBACK#<callback>` | | |
| callback | `CLIENT#<client>` | `CALLBACK#<callback>` | | |
| client, with its uploads' defaults and counts of callbacks and vocabularies | `CLIENT#<client>` | `CLIENT` | | |
| share of a job | `JOB#<job>` | `SHARE#<share>` | | |
| vocabulary | `CLIENT#<client>` | `VOCABULARY#<name>` | | |
| client, in the list of all, with whether it has defaults | `CLIENT#` | `<client>` | | |
| client's place in the fair queue | `CLIENT#<client>` | `TURN` | | |
| API key, with its rate limit | `KEY#<sha256>` | `KEY` | | |
| API key, in its client's list | `CLIENT#<client>` | `KEY#<sha256>` | | |
| idempotency record | `IDEMPOTENCY#<client>#<key>` | the same | | |
| slot | `SLOT` | `00`, `01`, … | `slot`: its lease's end, or the sweep's next look | |
| circuit breaker of launches | `FLEET` | `BREAKER` | | |
| what the hourly search remembers | `FLEET` | `SEARCH` | | |
| how far the daily walk through the bucket is | `FLEET` | `WALK` | | |
| how far the hourly audit is | `FLEET` | `AUDIT` | | |
| machine without a slot | `FLEET` | `STRAY#<instance>` | | |
| why a slot's last machine ended | `FLEET` | `END#<slot>` | | |
| person's own box that works | `FLEET` | `OWN#<owner>` | | |
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from services.common.domain.records import PART, Callback, Delivery, Event, Job, Part
from services.common.domain.states import OPEN, JobStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    # The API has to do with no machine, and starts without their records.
    from services.common.domain.machines import Slot

    Record = Job | Part | Event | Delivery | Callback | Slot

Key = tuple[str, str]
"""`pk` and `sk`."""

JOB, EVENT, DELIVERY = "JOB", "EVENT", "DELIVERY"
JOBS, PARTS, EVENTS, DELIVERIES, CALLBACKS = "JOB#", PART, "EVENT#", "DELIVERY#", "CALLBACK#"
"""How the keys of a kind begin: sort keys, and the `sort` of jobs and events."""
API_KEYS, VOCABULARIES, SHARES, STRAYS, ENDS, OWN_BOXES = "KEY#", "VOCABULARY#", "SHARE#", "STRAY#", "END#", "OWN#"
CLIENT, ALL_CLIENTS = "CLIENT", "CLIENT#"
SLOTS, FLEET = "SLOT", "FLEET"
BREAKER: Key = (FLEET, "BREAKER")
SEARCH: Key = (FLEET, "SEARCH")
WALK: Key = (FLEET, "WALK")
AUDIT: Key = (FLEET, "AUDIT")


class Due(StrEnum):
    """What an item needs next: the index's `due_kind`."""

    UPLOAD = "upload"
    QUEUED = "queued"
    RUNNING = "running"
    DELIVERY = "delivery"
    SLOT = "slot"
    ERASURE = "erasure"
    CORRECTED = "corrected"


def of_job(subject: str) -> str:
    """The partition of a job, or that of a callback's own messages (its test messages and its challenge)."""
    return f"{JOBS}{subject}"


def of_client(client_id: str) -> str:
    """The partition of a client."""
    return f"{ALL_CLIENTS}{client_id}"


def job(job_id: str) -> Key:
    return of_job(job_id), JOB


def part(job_id: str, part_id: str) -> Key:
    return of_job(job_id), part_id


def event(subject: str, event_id: str) -> Key:
    return of_job(subject), f"{EVENTS}{event_id}"


def delivery(subject: str, event_id: str, callback_id: str) -> Key:
    return of_job(subject), f"{DELIVERIES}{event_id}#{callback_id}"


def callback(client_id: str, callback_id: str, job_id: str | None = None) -> Key:
    """The key of a callback, in its client's partition or in that of the one job for which it was registered."""
    return of_job(job_id) if job_id else of_client(client_id), f"{CALLBACKS}{callback_id}"


def client(client_id: str) -> Key:
    return of_client(client_id), CLIENT


def vocabulary(client_id: str, name: str) -> Key:
    return of_client(client_id), f"{VOCABULARIES}{name}"


def share(job_id: str, share_id: str) -> Key:
    return of_job(job_id), f"{SHARES}{share_id}"


def listed_client(client_id: str) -> Key:
    return ALL_CLIENTS, client_id


def turn(client_id: str) -> Key:
    return of_client(client_id), "TURN"


def api_key(digest: str) -> Key:
    return f"{API_KEYS}{digest}", "KEY"


def listed_api_key(client_id: str, digest: str) -> Key:
    return of_client(client_id), f"{API_KEYS}{digest}"


def idempotency(client_id: str, key: str) -> Key:
    name = f"IDEMPOTENCY#{client_id}#{key}"
    return name, name


def slot(name: str) -> Key:
    return SLOTS, name


def stray(instance_id: str) -> Key:
    return FLEET, f"{STRAYS}{instance_id}"


def end(slot_name: str) -> Key:
    return FLEET, f"{ENDS}{slot_name}"


def own_box(owner: str) -> Key:
    return FLEET, f"{OWN_BOXES}{owner}"


def sort(kind: str, created_at: int, name: str = "") -> str:
    """The `sort` of an item in its client's index.

    Args:
        kind: `JOB` or `EVENT`.
        created_at: epoch milliseconds.
        name: the item's id. Without it, the place is before all items that were made at that time.

    """
    return f"{kind}#{created_at:013d}" + (f"#{name}" if name else "")


def of(record: Record) -> Key:
    """The key of a record."""
    match record:
        case Job():
            return job(record.job_id)
        case Part():
            return part(record.job_id, record.part_id)
        case Event():
            return event(record.job_id, record.event_id)
        case Delivery():
            return delivery(record.job_id, record.event_id, record.callback_id)
        case Callback():
            return callback(record.client_id, record.callback_id, record.job_id)
        case _:
            return slot(record.slot)


def due(record: Job | Part) -> Mapping[str, Any]:
    """The attributes of the index `due` that a job or a part has in its present state.

    They are None where it is not in the index.

    A job is in the index only while its upload is awaited, and after corrections until they are announced. In between,
    its parts are.
    """
    if isinstance(record, Part):
        is_open = record.status in OPEN
        return {"due_kind": Due(record.status) if is_open else None, "due_at": record.due_at if is_open else None}
    if record.status is JobStatus.AWAITING_UPLOAD:
        return {"due_kind": Due.UPLOAD, "due_at": record.upload_expires_at}
    at_rest = record.tell_correction_at
    return {"due_kind": None if at_rest is None else Due.CORRECTED, "due_at": at_rest}
