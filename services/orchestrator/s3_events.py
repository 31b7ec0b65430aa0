"""Reads S3's events. Pure: what is no upload of this deployment gives a code, never an exception."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from services.common.domain.object_keys import UPLOADS

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class Upload:
    """An object that has appeared under `uploads/`."""

    key: str
    etag: str
    size: int
    uploaded: int
    """When it was uploaded, epoch milliseconds, by S3's clock."""
    modified: int | None = None
    """S3's LastModified, epoch milliseconds in whole seconds; None if it is not known: events do not hold it."""


@dataclass(frozen=True)
class Ignored:
    """A record that can never become a job; `code` says why."""

    code: str


def read_message(body: object, bucket: str) -> list[Upload | Ignored]:
    """The uploads that one message names, and for each other record why it is ignored.

    Args:
        body: the message's JSON, as it was parsed; None if it is no JSON.
        bucket: the deployment's own.

    """
    if not isinstance(body, dict):
        return [Ignored("NOT_AN_S3_EVENT")]
    if body.get("Event") == "s3:TestEvent":
        return []
    records = body.get("Records")
    if not isinstance(records, list):
        return [Ignored("NOT_AN_S3_EVENT")]
    return [read_record(record, bucket) for record in records]


def read_record(record: object, bucket: str) -> Upload | Ignored:
    """The upload that one record of an S3 event names, or why it is ignored."""
    try:
        return _read(record, bucket)  # type: ignore[arg-type] # anything else raises one of the exceptions below
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError):
        return Ignored("FIELDS_MISSING")


def _read(record: Mapping[str, Any], bucket: str) -> Upload | Ignored:
    if not record["eventVersion"].startswith("2."):
        return Ignored("UNKNOWN_VERSION")
    if not record["eventName"].startswith("ObjectCreated:"):
        return Ignored("NOT_AN_UPLOAD")
    if record["s3"]["bucket"]["name"] != bucket:
        return Ignored("FOREIGN_BUCKET")
    key = unquote_plus(record["s3"]["object"]["key"])
    if not key.startswith(UPLOADS) or key.endswith("/"):
        return Ignored("NOT_AN_UPLOAD")
    return Upload(
        key=key,
        etag=record["s3"]["object"]["eTag"].strip('"'),
        size=int(record["s3"]["object"]["size"]),
        uploaded=round(datetime.fromisoformat(record["eventTime"]).timestamp() * 1_000),
    )
