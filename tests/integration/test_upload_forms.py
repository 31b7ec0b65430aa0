"""The form of an upload is good for one key, whatever the recording is called."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

import httpx
import pytest

from tests.support.api_jobs import create
from tests.support.file_names import HOSTILE
from tests.support.gateway import Client
from tests.support.served_s3 import ServedS3
from tests.support.world import BUCKET, World

CHECKSUM = base64.b64encode(bytes(32)).decode()
FOLDER = "uploads/alice/job_1/"
DENIED = "Invalid according to Policy: "


@pytest.fixture(scope="module")
def s3() -> Iterator[ServedS3]:
    served = ServedS3()
    yield served
    served.close()


def form(world: World, key: str, **more: Any) -> dict[str, str]:
    """One that is good for this key, and for as much as boto3 makes of it."""
    fields: dict[str, str] = world.s3.generate_presigned_post(BUCKET, key, **more)["fields"]
    return fields


def keys(world: World) -> list[str]:
    return [entry["Key"] for entry in world.s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def refused(reply: httpx.Response, message: str) -> None:
    """As S3 refuses what is not as the policy says."""
    assert (reply.status_code, "<Code>AccessDenied</Code>" in reply.text) == (403, True), reply.text
    assert message in reply.text


def test_whatever_its_name_a_jobs_form_says_one_key_one_type_one_length_and_one_content(alice: Client) -> None:
    for name, segment in HOSTILE.items():
        job = create(alice, file_name=name, size=7, content_type="audio/mpeg", checksum_sha256=CHECKSUM)
        fields = dict(job["upload"]["fields"])
        policy = json.loads(base64.b64decode(fields.pop("policy")))
        assert fields.pop("x-amz-signature")

        assert job["file_name"] == name
        assert fields == {
            "key": f"uploads/alice/{job['job_id']}/{segment}",
            "Content-Type": "audio/mpeg",
            "x-amz-checksum-algorithm": "SHA256",
            "x-amz-checksum-sha256": CHECKSUM,
            "x-amz-algorithm": "AWS4-HMAC-SHA256",
            "x-amz-credential": fields["x-amz-credential"],
            "x-amz-date": fields["x-amz-date"],
        }
        assert not any("$" in value for value in fields.values())
        exactly = [["content-length-range", 7, 7], {"bucket": BUCKET}, *({field: fields[field]} for field in fields)]
        assert sorted(policy["conditions"], key=json.dumps) == sorted(exactly, key=json.dumps)


def test_whatever_its_name_a_recording_is_put_at_its_jobs_key_and_nowhere_else(
    world: World, alice: Client, s3: ServedS3
) -> None:
    for name in HOSTILE:
        job = create(alice, file_name=name)
        fields = job["upload"]["fields"]
        for elsewhere in ("other.wav", "${filename}"):
            refused(
                s3.post({**fields, "key": f"uploads/alice/{job['job_id']}/{elsewhere}"}),
                f'{DENIED}Policy Condition failed: ["eq", "$key", ',
            )
        assert keys(world) == []

        assert s3.post(fields).status_code == 204, name
        key = world.job(job["job_id"]).source_key
        assert keys(world) == [key]
        world.s3.delete_object(Bucket=BUCKET, Key=key)


def test_the_emulator_puts_the_files_name_into_a_key_and_holds_it_to_its_folder_as_s3_does(
    world: World, s3: ServedS3
) -> None:
    """What a form is good for that boto3 makes of such a key."""
    fields = form(world, f"{FOLDER}${{filename}}")
    assert s3.post(fields, name="mine.wav").status_code == 204
    assert s3.post({**fields, "key": f"{FOLDER}other.wav"}).status_code == 204
    assert keys(world) == [f"{FOLDER}mine.wav", f"{FOLDER}other.wav"]

    condition = f'["starts-with", "$key", "{FOLDER}"]'
    refused(s3.post({**fields, "key": "uploads/bob/mine.wav"}), f"{DENIED}Policy Condition failed: {condition}")
    refused(s3.post(form(world, f"{FOLDER}a${{filename}}b")), f"{DENIED}Policy Condition failed: ")
    assert len(keys(world)) == 2


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"Content-Type": "text/html"}, f'{DENIED}Policy Condition failed: ["eq", "$Content-Type", "audio/mpeg"]'),
        ({"Content-Type": None}, f"{DENIED}Policy Condition failed: "),
        ({"x-amz-checksum-sha256": "A" * 43 + "="}, f"{DENIED}Extra input fields: x-amz-checksum-sha256"),
        ({"acl": "public-read"}, f"{DENIED}Extra input fields: acl"),
        ({"bucket": "another"}, f"{DENIED}Policy Condition failed: "),
        ({"policy": None}, "Access Denied"),
    ],
)
def test_the_emulator_takes_no_field_that_the_policy_does_not_name_or_names_otherwise(
    world: World, alice: Client, s3: ServedS3, changed: Mapping[str, str | None], message: str
) -> None:
    fields = create(alice, content_type="audio/mpeg")["upload"]["fields"] | changed

    refused(s3.post({name: value for name, value in fields.items() if value is not None}), message)
    assert keys(world) == []


def test_the_emulator_takes_no_other_content_than_the_one_whose_checksum_the_form_says(
    world: World, alice: Client, s3: ServedS3
) -> None:
    fields = create(alice, checksum_sha256=base64.b64encode(sha256(b"recording").digest()).decode())["upload"]["fields"]

    reply = s3.post(fields, b"recordinG")
    assert (reply.status_code, "<Code>BadDigest</Code>" in reply.text) == (400, True), reply.text
    assert keys(world) == []
    assert s3.post(fields, b"recording").status_code == 204


def test_the_emulator_takes_nothing_once_a_form_has_ended(world: World, s3: ServedS3) -> None:
    refused(s3.post(form(world, f"{FOLDER}a.wav", ExpiresIn=-1)), f"{DENIED}Policy expired.")
    assert s3.post(form(world, f"{FOLDER}a.wav", ExpiresIn=60)).status_code == 204


@pytest.mark.parametrize(("size", "code"), [(9, "EntityTooSmall"), (10, ""), (11, ""), (12, "EntityTooLarge")])
def test_the_emulator_holds_an_upload_to_the_lengths_that_were_signed(
    world: World, s3: ServedS3, size: int, code: str
) -> None:
    reply = s3.post(form(world, f"{FOLDER}a.wav", Conditions=[["content-length-range", 10, 11]]), bytes(size))

    assert reply.status_code == (400 if code else 204)
    assert code in reply.text
