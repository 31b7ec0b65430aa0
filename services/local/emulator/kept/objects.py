"""The objects of buckets that are kept, with their dates, ETags, checksums, metadata and tags."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from moto.s3.models import FakeKey, FakeMultipart, S3Backend

from services.local.emulator.kept.contents import KeptContent, content_of
from services.local.emulator.kept.ledger import Entry, Ledger, Place
from services.local.emulator.kept.writes import after_each
from services.local.resources import REGION

KIND = "object"
ACCOUNT = "123456789012"
"""The emulator's one account."""
_FIELDS = (
    *("_storage_class", "_etag", "encryption", "kms_key_id", "bucket_key_enabled", "website_redirect_location"),
    *("checksum_algorithm", "checksum_value", "checksum_type", "checksum_parts"),
)


class Objects:
    """Which objects were written or deleted since it was asked last.

    A bucket that is created gets the objects that a bucket of its name had when the emulator ended.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._kept: dict[str, list[tuple[Any, dict[str, str]]]] = defaultdict(list)
        for entry in ledger.read(KIND):
            assert entry.content, entry
            key = restored(entry.name, entry.about, entry.content, entry.holder)
            self._kept[entry.holder].append((key, dict(entry.about["tags"])))
        self._changed: set[tuple[str, str]] = set()
        self._backends: dict[str, Any] = {}
        self._follow_writes()

    def changes(self) -> Iterator[Entry]:
        """Every object that was written or deleted; called in the turn of all writes."""
        for bucket, name in self._changed:
            backend = self._backends[bucket]
            key = backend.buckets[bucket].keys.get(name) if bucket in backend.buckets else None
            place = Place(KIND, bucket, name)
            if isinstance(key, FakeKey):
                tags = backend.tagger.get_tag_dict_for_resource(key.arn)
                yield Entry(place=place, about=described(key) | {"tags": tags}, content=content_of(key))
            else:
                yield Entry(place=place, about=None)
        self._changed.clear()

    def _note(self, bucket: str, name: str) -> None:
        if bucket in self._backends:
            self._changed.add((bucket, name))

    def _follow_writes(self) -> None:
        def by_name(told: Any, _: object) -> None:
            self._note(told["bucket_name"], told["key_name"])

        def by_key(told: Any, _: object) -> None:
            self._note(told["key"].bucket_name, told["key"].name)

        def completed(told: Any, key: Any) -> None:
            if key is not None:
                self._note(told["bucket_name"], key.name)

        after_each(S3Backend, "create_bucket", self._refill)
        after_each(S3Backend, "put_object", by_name)
        after_each(S3Backend, "delete_object", by_name)
        after_each(S3Backend, "put_object_tagging", by_key)
        after_each(S3Backend, "complete_multipart_upload", completed)
        after_each(
            S3Backend, "copy_object", lambda told, _: self._note(told["dest_bucket_name"], told["dest_key_name"])
        )
        # A form gives an object its metadata after everything else.
        after_each(FakeKey, "set_metadata", lambda told, _: self._note(told["self"].bucket_name, told["self"].name))

    def _refill(self, told: Any, bucket: Any) -> None:
        self._backends[bucket.name] = told["self"]
        for key, tags in self._kept.pop(bucket.name, []):
            bucket.keys[key.name] = key
            if tags:
                tagger = told["self"].tagger
                tagger.tag_resource(key.arn, tagger.convert_dict_to_tags_input(tags))


def described(key: Any) -> dict[str, Any]:
    """An object or a part as JSON, without its content."""
    with key.lock:
        assert key.etag  # computed when it is first asked for, from the content
    multipart = key.multipart and {"id": key.multipart.id, "numbers": list(key.multipart.partlist)}
    return {
        **{name: getattr(key, name) for name in _FIELDS},
        "metadata": dict(key.metadata),
        "modified": key.last_modified.isoformat(),
        "multipart": multipart,
    }


def restored(name: Any, about: Any, content: Path, bucket: str | None = None) -> Any:
    """The object or the part that was described so."""
    key = FakeKey(name, b"", ACCOUNT, REGION, version_id="null", bucket_name=bucket)
    for field in _FIELDS:
        setattr(key, field, about[field])
    key._metadata.clear()
    key._metadata.update(about["metadata"])
    key.last_modified = datetime.fromisoformat(about["modified"])
    if about["multipart"]:
        key.multipart = FakeMultipart(name, {}, ACCOUNT, REGION)
        key.multipart.id, key.multipart.partlist = about["multipart"]["id"], list(about["multipart"]["numbers"])
    KeptContent(content).give_to(key)
    return key
