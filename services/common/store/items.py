"""Turns records into items of the table: their fields with their keys and their attributes of the indexes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.common.domain.events import DIRECT
from services.common.domain.records import Callback, Delivery, Event, Job, Part
from services.common.store import keys
from services.common.store.codec import to_item

if TYPE_CHECKING:
    from collections.abc import Mapping


def item_of(record: keys.Record) -> dict[str, Any]:
    """The whole item of a record."""
    pk, sk = keys.of(record)
    return to_item(record, pk=pk, sk=sk, **_indexed(record))


def _indexed(record: keys.Record) -> Mapping[str, Any]:
    """The attributes by which an index shows the record.

    Parts and deliveries have a `client_id` but no `sort`, which keeps them out of the index `by_client`.
    """
    match record:
        case Job():
            return {"sort": keys.sort(keys.JOB, record.created_at, record.job_id), **keys.due(record)}
        case Part():
            return keys.due(record)
        case Event() if record.type not in DIRECT:
            return {"sort": keys.sort(keys.EVENT, record.created_at, record.event_id)}
        case Delivery():
            return {"due_kind": keys.Due.DELIVERY}
        case Event() | Callback():
            return {}
        case _:  # a slot
            return {"due_kind": keys.Due.SLOT}
