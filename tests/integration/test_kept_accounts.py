"""The emulator's account in a folder: what was kept comes back after a kill, and what is on disk is always whole."""

from __future__ import annotations

import itertools
import os
import resource
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.common.domain.times import now_ms
from services.local import resources
from services.local.ec2 import KEPT_PATH
from services.local.emulator.kept.ledger import FILE, Entry, Ledger, Place
from services.local.kept_folder import KeptFolder
from tests.support.emulator import ROOT, Emulator

PATIENCE_SECONDS = 60
"""Much longer than anything takes that is waited for, on a busy machine too."""
ITEM = {
    "pk": {"S": "JOB#ö"},
    "sk": {"S": "JOB"},
    "count": {"N": "-1.50"},
    "more": {"M": {"list": {"L": [{"BOOL": True}, {"NULL": True}, {"S": ""}]}, "bytes": {"B": b"\x00\xff"}}},
    "words": {"SS": ["en", "två"]},
    "client_id": {"S": "alice"},
    "sort": {"S": "1"},
}
FORM = {"audio.mp3": b"sound", "big.wav": bytes(range(256)) * 2_000}
"""The second is more than moto holds in memory here."""
IN_MEMORY = 100_000
PART = b"p" * (5 << 20)


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Emulator]]:
    """Starts the emulator on the same folder, with everything that a deployment has in the account."""
    monkeypatch.setenv("MOTO_S3_DEFAULT_KEY_BUFFER_SIZE", str(IN_MEMORY))
    started: list[Emulator] = []

    def on_folder() -> Emulator:
        emulator = Emulator(tmp_path, keep=tmp_path / "kept")
        started.append(emulator)
        resources.create(emulator.session, emulator.endpoint)
        return emulator

    yield on_folder
    for emulator in started:
        emulator.close()


def wait_until_kept(emulator: Emulator) -> None:
    """Wait until what was written by now is on disk."""
    written, until = now_ms(), time.monotonic() + PATIENCE_SECONDS
    while state(emulator)["as_of"] < written:
        assert time.monotonic() < until, state(emulator)
        time.sleep(0.05)


def state(emulator: Emulator) -> Any:
    return httpx.get(f"{emulator.endpoint}{KEPT_PATH}", trust_env=False).raise_for_status().json()


def everything(emulator: Emulator) -> dict[str, Any]:
    """What a client can see of the account."""
    s3, sqs, kms = emulator.client("s3"), emulator.client("sqs"), emulator.client("kms")
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket=resources.BUCKET).get("Contents", [])]
    queue = sqs.get_queue_url(QueueName=resources.QUEUE)["QueueUrl"]
    messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, VisibilityTimeout=0).get("Messages", [])
    uploads = s3.list_multipart_uploads(Bucket=resources.BUCKET).get("Uploads", [])
    return {
        "items": emulator.client("dynamodb").scan(TableName=resources.TABLE)["Items"],
        "objects": {key: seen(s3, key) for key in keys},
        "parts": [
            (upload["Key"], upload["UploadId"], parts_of(s3, upload["Key"], upload["UploadId"])) for upload in uploads
        ],
        "messages": {message["Body"] for message in messages if "ObjectCreated" in message["Body"]},
        "keys": {entry["KeyId"] for entry in kms.list_keys()["Keys"]},
    }


def seen(s3: Any, key: str) -> Any:
    found = s3.get_object(Bucket=resources.BUCKET, Key=key)
    tags = s3.get_object_tagging(Bucket=resources.BUCKET, Key=key)["TagSet"]
    kept = ("ETag", "LastModified", "ContentType", "ContentLength", "Metadata")
    return found["Body"].read(), tags, [found[name] for name in kept]


def parts_of(s3: Any, key: str, upload_id: str) -> Any:
    return s3.list_parts(Bucket=resources.BUCKET, Key=key, UploadId=upload_id)["Parts"]


def put(s3: Any, key: str, body: bytes = b"x", **more: Any) -> None:
    s3.put_object(Bucket=resources.BUCKET, Key=key, Body=body, **more)


def kill(emulator: Emulator) -> None:
    process = emulator.process
    process.kill()
    process.wait()


def test_after_a_kill_or_a_clean_end_everything_is_as_it_was_and_what_was_begun_goes_on(
    start: Callable[[], Emulator],
) -> None:
    first = start()
    dynamodb, s3, kms = first.client("dynamodb"), first.client("s3"), first.client("kms")
    gone = {"pk": {"S": "gone"}, "sk": {"S": "JOB"}}
    for item in (ITEM, gone, {**gone, "sk": {"S": "too"}}):
        dynamodb.put_item(TableName=resources.TABLE, Item=item)
    for name, content in FORM.items():
        put(s3, f"uploads/å {name}", content, ContentType="audio/mpeg", Metadata={"who": "alice"}, Tagging="a=b")
    put(s3, "results/gone")
    (key_id,) = everything(first)["keys"]
    sealed = kms.encrypt(KeyId=key_id, Plaintext=b"whsec")["CiphertextBlob"]
    upload_id = s3.create_multipart_upload(Bucket=resources.BUCKET, Key="uploads/parts")["UploadId"]
    whole = {"Bucket": resources.BUCKET, "Key": "uploads/parts", "UploadId": upload_id}
    s3.upload_part(**whole, PartNumber=1, Body=PART)
    wait_until_kept(first)
    # What was on disk already is changed and removed there too.
    dynamodb.delete_item(TableName=resources.TABLE, Key=gone)
    dynamodb.update_item(
        TableName=resources.TABLE,
        Key={**gone, "sk": {"S": "too"}},
        UpdateExpression="SET n = :n",
        ExpressionAttributeValues={":n": {"N": "1"}},
    )
    s3.delete_object(Bucket=resources.BUCKET, Key="results/gone")
    put(s3, "uploads/å audio.mp3", b"another")
    before = everything(first)
    wait_until_kept(first)
    kill(first)

    second = start()
    assert everything(second) == before
    assert second.client("kms").decrypt(CiphertextBlob=sealed)["Plaintext"] == b"whsec"
    s3 = second.client("s3")
    s3.upload_part(**whole, PartNumber=2, Body=b"end")
    tags = [
        {"PartNumber": part["PartNumber"], "ETag": part["ETag"]} for part in parts_of(s3, "uploads/parts", upload_id)
    ]
    s3.complete_multipart_upload(**whole, MultipartUpload={"Parts": tags})
    before = everything(second)
    # A clean end keeps what came last.
    second.close()

    third = start()
    assert everything(third) == before
    assert before["objects"]["uploads/parts"][0] == PART + b"end"
    assert before["parts"] == []
    index = third.client("dynamodb").query(
        TableName=resources.TABLE,
        IndexName="by_client",
        KeyConditionExpression="client_id = :client",
        ExpressionAttributeValues={":client": {"S": "alice"}},
    )
    assert index["Items"] == [ITEM]


def test_what_is_said_of_an_object_changes_and_its_content_stays(start: Callable[[], Emulator]) -> None:
    """The content of an object of an earlier run is read where it lies on disk."""
    first = start()
    put(first.client("s3"), "uploads/a.mp3", b"sound")
    wait_until_kept(first)
    kill(first)
    second = start()
    s3 = second.client("s3")
    for tag in ("a", "b"):
        told = {"TagSet": [{"Key": tag, "Value": "1"}]}
        s3.put_object_tagging(Bucket=resources.BUCKET, Key="uploads/a.mp3", Tagging=told)
        wait_until_kept(second)
        assert seen(s3, "uploads/a.mp3")[:2] == (b"sound", told["TagSet"])
    assert state(second)["trouble"] is None
    kill(second)
    assert seen(start().client("s3"), "uploads/a.mp3")[:2] == (b"sound", told["TagSet"])


def test_at_every_moment_each_item_on_disk_has_its_object_and_each_upload_its_message(
    start: Callable[[], Emulator], tmp_path: Path
) -> None:
    """A worker writes the object first and the item then; S3 sends the message with the upload."""
    emulator = start()
    dynamodb, s3 = emulator.client("dynamodb"), emulator.client("s3")
    looked = 0
    until = time.monotonic() + PATIENCE_SECONDS
    for number in itertools.count():
        put(s3, f"uploads/{number}")
        item = {"pk": {"S": str(number)}, "sk": {"S": "JOB"}}
        dynamodb.put_item(TableName=resources.TABLE, Item=item)
        if state(emulator)["as_of"] > looked:
            looked = state(emulator)["as_of"]
            with closing(sqlite3.connect(tmp_path / "kept" / FILE)) as disk:
                counts = dict(disk.execute("SELECT kind, count(*) FROM entries GROUP BY kind"))
            objects, items = counts.get("object", 0), counts.get("item", 0)
            messages = counts.get("message", 0) - 1  # S3's test of the queue
            assert objects in {items, items + 1}, counts
            assert messages in {objects, -1}, counts
            if objects > 10 and number > 20:
                break
        assert time.monotonic() < until, counts


def test_a_disk_that_is_full_while_it_serves_is_said_and_served_on(tmp_path: Path) -> None:
    """The size of a file that the process may write stands for the room on the disk."""
    with Emulator(tmp_path, keep=tmp_path / "kept") as emulator:
        s3 = emulator.client("s3")
        s3.create_bucket(Bucket=resources.BUCKET, CreateBucketConfiguration={"LocationConstraint": resources.REGION})
        put(s3, "small")
        wait_until_kept(emulator)
        room = resource.prlimit(emulator.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(emulator.process.pid, resource.RLIMIT_FSIZE, (200_000, room[1]))
        put(s3, "large", bytes(1_000_000))
        until = time.monotonic() + PATIENCE_SECONDS
        while not (trouble := state(emulator)["trouble"]):
            assert time.monotonic() < until
            time.sleep(0.05)
        assert "does not keep what happens now" in trouble
        assert seen(s3, "large")[0] == bytes(1_000_000)
        resource.prlimit(emulator.process.pid, resource.RLIMIT_FSIZE, room)
        wait_until_kept(emulator)
        assert state(emulator)["trouble"] is None


def test_what_came_last_and_is_not_kept_is_said_by_the_exit_code(tmp_path: Path) -> None:
    with Emulator(tmp_path, keep=tmp_path / "kept") as emulator:
        s3 = emulator.client("s3")
        s3.create_bucket(Bucket=resources.BUCKET, CreateBucketConfiguration={"LocationConstraint": resources.REGION})
        room = resource.prlimit(emulator.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(emulator.process.pid, resource.RLIMIT_FSIZE, (200_000, room[1]))
        put(s3, "large", bytes(1_000_000))
    assert emulator.process.returncode == 1
    with Emulator(tmp_path, keep=tmp_path / "kept") as emulator:
        emulator.client("s3").list_buckets()
    assert emulator.process.returncode == 0


def test_what_a_killed_system_leaves_behind_ends_by_itself_and_the_next_one_waits_for_that(tmp_path: Path) -> None:
    killed = (
        "import os, sys\nfrom pathlib import Path\nfrom services.local.kept_folder import KeptFolder\n"
        "from services.local.processes import Processes, listen\n"
        "folder = KeptFolder(Path('kept'))\n"
        "serve = ('emulator', 'services.local.emulator.server', '--keep', str(folder.path))\n"
        "Processes(Path()).start(*serve, serving=listen(), holding=folder.lock)\n"
        "os._exit(9)"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", killed], cwd=tmp_path, env=environment, check=False)
    with KeptFolder(tmp_path / "kept"):
        pass


def test_an_entry_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    with closing(Ledger(tmp_path / "kept")) as ledger:
        ledger.write([Entry(place=Place("message", "queue", "1"), about={"body": "no time"})])
    with Emulator(tmp_path, keep=tmp_path / "kept") as emulator:
        assert emulator.process.wait(PATIENCE_SECONDS) == 1
    told = (tmp_path / "emulator.log").read_text()
    assert (
        told == f"{tmp_path / 'kept'} holds an entry that cannot be read (KeyError: 'sent'): choose another folder.\n"
    )
