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
from services.local.emulator.kept.ledger import CONTENTS, FILE, Entry, KeptFolderError, Ledger, Place
from services.local.kept_folder import Addresses, KeptFolder
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


def test_what_cannot_be_written_as_a_whole_leaves_all_as_it_was_and_can_be_written_later(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "kept")
    first = Entry(place=Place("object", "b", "1"), about={"n": 1}, content=lambda file: file.write(b"first"))
    ledger.write([first])

    def full(_: Any) -> None:
        raise OSError(28, "No space left on device")

    second = Entry(place=Place("object", "b", "2"), about={}, content=lambda file: file.write(b"second"))
    changed = Entry(place=first.place, about={"n": 2}, content=lambda file: file.write(b"changed"))
    with pytest.raises(OSError, match="No space"):
        ledger.write([second, changed, Entry(place=Place("object", "b", "3"), about={}, content=full)])
    (kept,) = ledger.read("object")
    assert (kept.name, kept.about, kept.content and kept.content.read_bytes()) == ("1", {"n": 1}, b"first")
    assert len(list((tmp_path / "kept" / CONTENTS).iterdir())) == 1
    ledger.write([second, changed])
    assert [entry.about for entry in ledger.read("object")] == [{"n": 2}, {}]
    ledger.close()


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


def test_a_kill_in_the_middle_of_writing_leaves_the_last_whole_write(tmp_path: Path) -> None:
    """A program writes three objects and an item together, again and again, each time with the next number."""
    write = (
        "import itertools, sys\nfrom pathlib import Path\n"
        "from services.local.emulator.kept.ledger import Entry, Ledger, Place\n"
        "ledger = Ledger(Path('kept'))\n"
        "for number in itertools.count(sum(entry.about for entry in ledger.read('item'))):\n"
        "    content = lambda file: file.write(b'%d' % number * 20_000)\n"
        "    objects = [Entry(place=Place('object', 'b', n), about=number, content=content) for n in 'xyz']\n"
        "    ledger.write([*objects, Entry(place=Place('item', 't', 'i'), about=number)])\n"
        "    print(number, flush=True)\n"
    )
    latest = 0
    for wait in range(1, 9):
        writing = subprocess.Popen(
            [sys.executable, "-c", write],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert writing.stdout
        told = [int(writing.stdout.readline()) for _ in range(2)]
        time.sleep(wait * 0.003)  # so that the kill comes at another place each time
        writing.kill()
        told += map(int, writing.communicate()[0].split())
        with closing(Ledger(tmp_path / "kept")) as ledger:
            (item,) = ledger.read("item")
            objects = list(ledger.read("object"))
            assert item.about in {told[-1], told[-1] + 1}
            assert [entry.about for entry in objects] == [item.about] * 3
            contents = [entry.content.read_bytes() for entry in objects if entry.content]
            assert contents == [b"%d" % item.about * 20_000] * 3
        assert item.about > latest
        latest = item.about


def test_what_a_crash_left_half_done_is_removed_and_what_is_missing_is_said(tmp_path: Path) -> None:
    with closing(Ledger(tmp_path)) as ledger:
        ledger.write([Entry(place=Place("object", "b", "1"), about={}, content=lambda file: file.write(b"x"))])
    (tmp_path / CONTENTS / "7").write_bytes(b"never finished")
    with closing(Ledger(tmp_path)):
        assert [path.name for path in (tmp_path / CONTENTS).iterdir()] == ["1"]
    (tmp_path / CONTENTS / "1").unlink()
    with pytest.raises(KeptFolderError, match=r"lacks 1 of its files, such as 1: somebody removed them\."):
        Ledger(tmp_path)


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


def test_only_its_owner_can_read_a_kept_account(tmp_path: Path) -> None:
    os.umask(os.umask(0o022))
    with KeptFolder(tmp_path / "kept"):
        pass
    for path in [tmp_path / "kept", *(tmp_path / "kept").rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_folder_remembers_its_key_and_its_addresses(tmp_path: Path) -> None:
    with KeptFolder(tmp_path / "kept") as folder:
        key = folder.api_key
        folder.remember(Addresses(api=1, aws=2))
    with KeptFolder(tmp_path / "kept") as folder:
        assert (folder.api_key, folder.addresses) == (key, Addresses(api=1, aws=2))


def test_a_folder_in_use_is_refused_until_nobody_that_holds_it_lives(tmp_path: Path) -> None:
    """The emulator inherits the lock, and may live on for a moment."""
    with KeptFolder(tmp_path / "kept") as folder:
        heir = subprocess.Popen(
            [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE, pass_fds=[folder.lock]
        )
        with pytest.raises(KeptFolderError, match=f"in use by another local system .process {os.getpid()}."):
            KeptFolder(tmp_path / "kept")
    with pytest.raises(KeptFolderError, match="in use"):
        KeptFolder(tmp_path / "kept")
    heir.communicate()
    with KeptFolder(tmp_path / "kept"):
        pass


def _foreign_files(folder: Path) -> None:
    (folder / "thesis.txt").write_text("mine")


def _foreign_contents(folder: Path) -> None:
    """As of a book, whose files lie in a folder of this name."""
    (folder / CONTENTS).mkdir()
    (folder / CONTENTS / "1").write_text("mine")


def _other_program(folder: Path) -> None:
    with closing(sqlite3.connect(folder / FILE)) as database:
        database.execute("CREATE TABLE songs (name TEXT)")


def _other_version(folder: Path) -> None:
    Ledger(folder).close()
    with closing(sqlite3.connect(folder / FILE)) as database:
        database.execute("PRAGMA user_version = 99")


def _no_database(folder: Path) -> None:
    (folder / FILE).write_bytes(b"something else " * 100)


def _link(folder: Path) -> None:
    (folder.parent / "elsewhere").write_bytes(b"")
    (folder / FILE).symlink_to(folder.parent / "elsewhere")


def _torn_entry(folder: Path) -> None:
    KeptFolder(folder).__exit__()
    with closing(sqlite3.connect(folder / FILE)) as database, database:
        database.execute("UPDATE entries SET about = '{'")


def _torn_schema(folder: Path) -> None:
    """SQLite's message shows the piece that is wrong, and Python cannot read that as text."""
    KeptFolder(folder).__exit__()
    whole = (folder / FILE).read_bytes()
    (folder / FILE).write_bytes(whole.replace(b"tableentries", b"table\xffntries"))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_torn_entry, "account.sqlite3 cannot be read .Expecting property name.*: choose another folder"),
        (_torn_schema, "account.sqlite3 cannot be read .*: choose another folder"),
        (_foreign_files, "holds other files: choose a new or empty folder"),
        (_foreign_contents, "holds other files: choose a new or empty folder"),
        (_other_program, "is a file of another program: choose another folder"),
        (_other_version, "was written by another version of this program .its format is 99, this one's is 1."),
        (_no_database, "cannot be read .file is not a database.: choose another folder"),
        (_link, "cannot be used .Too many levels of symbolic links.: choose a folder"),
    ],
)
def test_a_folder_that_is_no_kept_account_is_refused_and_left_alone(
    spoil: Callable[[Path], None], said: str, tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    spoil(folder)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(KeptFolderError, match=said):
        KeptFolder(folder)
    assert before.items() <= {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}.items()


def test_a_file_where_the_folder_should_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(KeptFolderError, match=r"file cannot be used \(File exists\): choose a folder"):
        KeptFolder(tmp_path / "file")
