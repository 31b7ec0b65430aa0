"""A deployment in the emulator, within this process: table, bucket, key, and a clock that the test moves."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any
from unittest.mock import patch

import moto.core.botocore_stubber
import moto.core.models
import moto.kms.models
import moto.s3.models
import pytest
from moto import mock_aws

from services.common.domain.events import EventType, Places
from services.common.domain.ids import event_id
from services.common.domain.lifecycle.job_changes import Arrival, Outcome, arrive, end
from services.common.domain.object_keys import DEFAULT_CLIENT
from services.common.domain.records import FIRST_PART, KNOWN_VERSIONS, Callback, Delivery, Event, Job, Part
from services.common.domain.states import JobStatus
from services.common.domain.times import MINUTE_MS, SECOND_MS
from services.common.erasure import Erasure
from services.common.source_object import SourceObjects
from services.common.store.announcements import Announcement, Announcer
from services.common.store.codec import Item, attribute, decode
from services.common.store.commands import Commands
from services.common.store.keys import Key
from services.common.store.store import Store
from services.common.webhooks import secrets
from services.common.webhooks.vault import Vault
from services.gpu_worker.settings import WorkerSettings
from services.local.emulator import dynamodb, multipart
from services.local.resources import TABLE_SHAPE
from services.orchestrator.intake import Intake
from services.orchestrator.upload_owners import Owners
from tests.support.faults import Faults
from tests.support.shared_aws import REGION, shared_aws

TABLE, BUCKET = "transcription-jobs", "recordings"
MODELS = ("whisper-base",)

# The emulator makes a key pair with every key, which takes longer than most tests: one serves them all.
moto.kms.models.generate_private_key = cache(moto.kms.models.generate_private_key)
# It also prepares answers for calls through `requests`, which no code here makes.
moto.core.models.RESPONSES_METHODS = []


def lively(**more: Any) -> WorkerSettings:
    """Settings of a worker in threads of this process, which looks and beats often and takes any device for good."""
    usual: dict[str, Any] = {
        "table_name": TABLE,
        "bucket_name": BUCKET,
        "deployment": "test",
        "secrets_key_id": "key",
        "models": MODELS,
        "device": "cpu",
        "self_test_likeness": 0,
        "self_test_floor_cpu": 0,
        "index_lag_seconds": 0,
        "poll_seconds": 0.1,
    }
    return WorkerSettings(**usual | more)


class Clock:
    """Epoch milliseconds that stand still until the test moves them."""

    def __init__(self, now: int = 1_800_000_000_000) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now

    def pass_(self, milliseconds: int) -> None:
        self.now += milliseconds


class World:
    """One deployment, with the few things that most tests arrange."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.faults = Faults()
        self.aws = shared_aws()
        self.aws.disturb(self.faults)
        self.dynamodb = self.aws.dynamodb()
        self.dynamodb.create_table(TableName=TABLE, **TABLE_SHAPE)
        self.s3 = self.aws.s3()
        self.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.kms = self.aws.kms()
        self.key_id = self.kms.create_key()["KeyMetadata"]["KeyId"]
        self.store = Store(self.dynamodb, TABLE)
        self.vault = Vault(self.kms, self.key_id)
        self._seen: list[Item] | None = None
        self.places = Places(bucket=BUCKET, public_url="https://api.example.com", retention_days=30)

    @property
    def now(self) -> int:
        """Epoch milliseconds, as the clock shows them; tests set it."""
        return self.clock.now

    @now.setter
    def now(self, now: int) -> None:
        self.clock.now = now

    def jobs(self, client_id: str = DEFAULT_CLIENT) -> list[Job]:
        """A client's jobs, newest first."""
        return list(self.store.jobs.of_client(client_id, limit=100))

    def job(self, job_id: str) -> Job:
        """A job, which must exist."""
        job = self.store.jobs.get(job_id)
        assert job, f"{job_id} is not there"
        return job

    def events(self, job: Job) -> list[Item]:
        """The items of a job's events."""
        pk = f"JOB#{job.job_id}"
        return [item for item in self.all_items() if item["pk"] == pk and item["sk"].startswith("EVENT#")]

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """Within this context the table does not change, and reads of it are remembered."""
        self._seen = self.all_items()
        try:
            yield
        finally:
            self._seen = None

    def all_items(self) -> list[Item]:
        """Everything that the table holds, in order of its keys."""
        if self._seen is not None:
            return self._seen
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=TABLE)
        items = [decode(item) for page in pages for item in page["Items"]]
        return sorted(items, key=lambda item: (item["pk"], item["sk"]))

    def change(self, key: Key, **attributes: object) -> None:
        """Change these attributes of an item without the store; None removes one."""
        wanted = {name: value for name, value in attributes.items() if value is not None}
        setting = [f"#{name} = :{name}" for name in wanted]
        removing = [f"#{name}" for name in attributes if name not in wanted]
        clauses = [("SET", setting), ("REMOVE", removing)]
        how: dict[str, Any] = {
            "UpdateExpression": " ".join(f"{verb} {', '.join(entries)}" for verb, entries in clauses if entries),
            "ExpressionAttributeNames": {f"#{name}": name for name in attributes},
        }
        if wanted:
            how["ExpressionAttributeValues"] = {f":{name}": attribute(value) for name, value in wanted.items()}
        self.dynamodb.update_item(TableName=TABLE, Key=_key(key), **how)

    def delete(self, key: Key) -> None:
        """Delete an item without the store."""
        self.dynamodb.delete_item(TableName=TABLE, Key=_key(key))

    def of_another_version(self, pk: str, sk: str) -> None:
        """Give an item the version of a newer deployment."""
        self.change((pk, sk), schema_version=max(KNOWN_VERSIONS) + 1)

    def callback(self, url: str, *, client_id: str = "alice", name: str = "cb_1", **more: Any) -> Callback:
        """A registered callback with one secret, listening to completed and failed jobs."""
        secret = secrets.new_secret()
        sealed = self.vault.seal(secret, client_id=client_id, callback_id=name)
        callback = Callback(
            **{
                "callback_id": name,
                "client_id": client_id,
                "url": url,
                "events": ["transcription.completed", "transcription.failed", "callback.disabled"],
                "secrets": [{"ciphertext": sealed, "created_at": self.clock()}],
                "created_at": self.clock(),
                **more,
            }
        )
        self.store.callbacks.register(callback)
        return callback

    def announced(self, job: Job, kind: EventType) -> Announcement:
        """The announcement of a job's present state."""
        return self.announcer.tell(job, kind, self.clock())

    @property
    def announcer(self) -> Announcer:
        return Announcer(self.store.callbacks, self.places)

    @property
    def commands(self) -> Commands:
        recordings = SourceObjects(self.s3, BUCKET)
        return Commands(self.store, self.announcer, recordings.uploaded_at, recordings.give_up)

    def arrived(self, job_id: str, content: bytes = b"sound", due_at: int = 0) -> Job:
        """Upload the recording that a job waits for, so that the job is queued."""
        job = self.store.jobs.get(job_id)
        assert job is not None
        etag = self.s3.put_object(Bucket=BUCKET, Key=job.source_key, Body=content)["ETag"].strip('"')
        now = self.clock()
        recording = Arrival(etag=etag, size=5, modified=0, uploaded=now, queued=now, expires_at=2_000_000_000)
        change = arrive(job, recording)
        told = self.announced(change.after, EventType.QUEUED)
        assert self.store.jobs.arrive(change, told, seconds=1, due_at=due_at)
        return change.after

    def claimed(self, job: Job) -> tuple[Job, Part]:
        """Let a worker claim a queued job's part."""
        part = self.store.parts.get(job.job_id, FIRST_PART)
        assert part is not None
        lease_ends = self.clock() + MINUTE_MS
        mine = self.store.leases.claim(part, job, owner="worker", lease_ends=lease_ends, started=None, times={})
        running = self.store.jobs.get(job.job_id)
        assert mine is not None
        assert running is not None
        return running, mine

    def ended(self, job: Job, outcome: Outcome) -> Job:
        """Let a worker claim a queued job and end it like this."""
        running, part = self.claimed(job)
        ending = end(running, outcome, {"completed": self.clock()}, self.clock())
        kind = EventType.FAILED if outcome.error else EventType.COMPLETED
        self.store.endings.finish(part, ending, self.announced(ending.after, kind))
        return ending.after

    def completed(self, *callbacks: Callback, name: str = "job_1", **more: Any) -> list[Delivery]:
        """Complete a job, with its event and its deliveries; returns the deliveries."""
        job = Job(
            job_id=name,
            client_id=callbacks[0].client_id,
            status=JobStatus.COMPLETED,
            created_at=self.clock(),
            source_key=f"uploads/{callbacks[0].client_id}/{name}/a.mp3",
            file_name="a.mp3",
        )
        event = Event(
            job_id=name,
            event_id=event_id(name, EventType.COMPLETED, "0", self.clock()),
            client_id=job.client_id,
            type=EventType.COMPLETED.value,
            created_at=self.clock(),
            body='{"type":"transcription.completed","data":{"text":"åäö"}}',
            expires_at=self.clock() // 1000 + 86_400 * 30,
        )
        announcement = Announcement(event, job, callbacks, **more)
        self.store.jobs.take_in(job, announcement, seconds=1.0, due_at=self.clock())
        return list(announcement.deliveries)


@contextmanager
def dated_by(clock: Callable[[], int]) -> Iterator[None]:
    """Let the emulated S3 date objects by this clock."""
    with patch.object(
        moto.s3.models, "utcnow", lambda: datetime.fromtimestamp(clock() / SECOND_MS, UTC).replace(tzinfo=None)
    ):
        yield


def intake_of(world: World) -> Intake:
    """The orchestrator's intake for this deployment."""
    erasure, owners = Erasure(world.store, world.s3, BUCKET), partial(Owners, world.store, MODELS)
    return Intake(world.store, world.s3, world.announcer, world.commands, erasure, owners=owners)


def _key(key: Key) -> dict[str, Any]:
    return {"pk": {"S": key[0]}, "sk": {"S": key[1]}}


@contextmanager
def emulated(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Emulate AWS inside this process. Calls run one at a time: else two threads could meet the same condition."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    for name in ("AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    stubber = moto.core.botocore_stubber.BotocoreStubber
    original, lock = stubber.process_request, threading.RLock()

    def one_at_a_time(self: Any, request: Any) -> Any:
        with lock:
            return original(self, request)

    monkeypatch.setattr(stubber, "process_request", one_at_a_time)
    dynamodb.apply()
    multipart.apply()
    with mock_aws():
        world = World()
        with dated_by(world.clock):
            yield world
