from __future__ import annotations

import copy
from typing import Any

import pytest

from services.orchestrator.s3_events import Ignored, Upload, read_message, read_record

BUCKET = "recordings"
RECORD: dict[str, Any] = {
    "eventVersion": "2.1",
    "eventName": "ObjectCreated:Put",
    "eventTime": "2026-11-23T16:51:00.500Z",
    "s3": {
        "bucket": {"name": BUCKET},
        "object": {"key": "uploads/acme/m%C3%B6te+%C3%A5%2B1.mp3", "eTag": "abc", "size": 7},
    },
}


def changed(path: str, value: object) -> dict[str, Any]:
    record = copy.deepcopy(RECORD)
    *steps, last = path.split(".")
    place = record
    for step in steps:
        place = place[step]
    place[last] = value
    return record


def test_keys_arrive_quoted_and_are_read_as_they_were_written() -> None:
    assert read_record(RECORD, BUCKET) == Upload(
        key="uploads/acme/möte å+1.mp3", etag="abc", size=7, uploaded=1_795_452_660_500
    )


@pytest.mark.parametrize(
    ("record", "code"),
    [
        (changed("eventVersion", "3.0"), "UNKNOWN_VERSION"),
        (changed("eventName", "ObjectRemoved:Delete"), "NOT_AN_UPLOAD"),
        (changed("s3.bucket.name", "another"), "FOREIGN_BUCKET"),
        (changed("s3.object.key", "results/x.txt"), "NOT_AN_UPLOAD"),
        (changed("s3.object.key", "uploads/folder/"), "NOT_AN_UPLOAD"),
        (changed("s3.object.size", "many"), "FIELDS_MISSING"),
        (changed("s3.object.size", float("inf")), "FIELDS_MISSING"),
        (changed("s3", {}), "FIELDS_MISSING"),
        (changed("eventTime", "yesterday"), "FIELDS_MISSING"),
        ({}, "FIELDS_MISSING"),
        (None, "FIELDS_MISSING"),
        ("text", "FIELDS_MISSING"),
    ],
)
def test_what_is_no_upload_is_told_by_a_code(record: object, code: str) -> None:
    assert read_record(record, BUCKET) == Ignored(code)


def test_s3s_test_message_is_passed_over() -> None:
    assert read_message({"Event": "s3:TestEvent", "Bucket": BUCKET}, BUCKET) == []


@pytest.mark.parametrize("body", [None, [], "text", {}, {"Records": None}])
def test_a_message_that_is_no_event_is_told_by_a_code(body: object) -> None:
    assert read_message(body, BUCKET) == [Ignored("NOT_AN_S3_EVENT")]
