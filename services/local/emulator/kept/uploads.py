"""The uploads in parts that are under way, and their parts, that are kept."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from moto.s3.models import FakeMultipart, S3Backend
from requests.structures import CaseInsensitiveDict

from services.local.emulator.kept.contents import content_of
from services.local.emulator.kept.ledger import Entry, Ledger, Place
from services.local.emulator.kept.objects import ACCOUNT, described, restored
from services.local.emulator.kept.writes import after_each
from services.local.resources import REGION

UPLOAD, PART = "upload", "part"


class Uploads:
    """Which uploads in parts were begun, got parts or ended since it was asked last.

    A bucket that is created gets the uploads that were under way in a bucket of its name when the emulator ended.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._kept: dict[str, dict[str, Any]] = defaultdict(dict)
        self._numbers: dict[str, set[int]] = defaultdict(set)
        """Of the parts that are on disk, by the upload's id."""
        for entry in ledger.read(UPLOAD):
            self._kept[entry.holder][entry.name] = _upload(entry.name, entry.about)
        for entry in ledger.read(PART):
            assert entry.content, entry
            upload_id, number = json.loads(entry.name)
            upload = self._kept[entry.holder][upload_id]
            upload.parts[number] = restored(number, entry.about, entry.content)
            upload.partlist = sorted(upload.parts)
            self._numbers[upload_id].add(number)
        self._changed: dict[tuple[str, str], set[int]] = defaultdict(set)
        self._buckets: dict[str, Any] = {}
        self._follow_writes()

    def changes(self) -> Iterator[Entry]:
        """Every upload or part that was begun or has ended; called in the turn of all writes."""
        for (bucket, upload_id), numbers in self._changed.items():
            upload = self._buckets[bucket].multiparts.get(upload_id)
            place = Place(UPLOAD, bucket, upload_id)
            if upload is None:
                yield Entry(place=place, about=None)
                for number in self._numbers.pop(upload_id, ()):
                    yield Entry(place=_place(bucket, upload_id, number), about=None)
                continue
            yield Entry(place=place, about=_described(upload))
            self._numbers[upload_id] |= numbers
            for number in numbers:
                part = upload.parts[number]
                yield Entry(place=_place(bucket, upload_id, number), about=described(part), content=content_of(part))
        self._changed.clear()

    def _follow_writes(self) -> None:
        def note(told: Any, _: object) -> None:
            self._changed[told["bucket_name"], told["multipart_id"]].update(
                {told["part_id"]} if "part_id" in told else ()
            )

        def copied(told: Any, _: object) -> None:
            self._changed[told["dest_bucket_name"], told["multipart_id"]].add(told["part_id"])

        after_each(S3Backend, "create_bucket", self._refill)
        after_each(
            S3Backend,
            "create_multipart_upload",
            lambda told, upload: note({"bucket_name": told["bucket_name"], "multipart_id": upload.id}, None),
        )
        for method in ("upload_part", "complete_multipart_upload", "abort_multipart_upload"):
            after_each(S3Backend, method, note)
        after_each(S3Backend, "upload_part_copy", copied)

    def _refill(self, _: object, bucket: Any) -> None:
        self._buckets[bucket.name] = bucket
        bucket.multiparts.update(self._kept.pop(bucket.name, {}))


def _place(bucket: str, upload_id: str, number: int) -> Place:
    return Place(PART, bucket, json.dumps([upload_id, number]))


def _described(upload: Any) -> dict[str, Any]:
    return {
        "key": upload.key_name,
        "metadata": dict(upload.metadata),
        "storage": upload.storage,
        "tags": upload.tags,
        "encryption": upload.sse_encryption,
        "kms_key_id": upload.kms_key_id,
        "begun": upload.begun.isoformat(),
    }


def _upload(upload_id: str, about: Any) -> Any:
    upload = FakeMultipart(
        about["key"],
        CaseInsensitiveDict(about["metadata"]),
        ACCOUNT,
        REGION,
        storage=about["storage"],
        tags=about["tags"],
        sse_encryption=about["encryption"],
        kms_key_id=about["kms_key_id"],
    )
    upload.id, upload.begun = upload_id, datetime.fromisoformat(about["begun"])
    return upload
