"""A deployment in the emulator, within this process: table, bucket, key, and a clock that the test moves."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Literal

import boto3
import moto.core.botocore_stubber
import pytest
from moto import mock_aws

from services.common.aws import Aws
from services.common.domain.clock import MINUTE
from services.common.domain.events import EventType, Places, compose
from services.common.domain.ids import event_id
from services.common.domain.records import FIRST_PART, Callback, Delivery, Event, Job, Part
from services.common.domain.states import JobStatus
from services.common.store.endings import Outcome, ended
from services.common.store.events import Announcement
from services.common.store.jobs import queued
from services.common.store.store import Store
from services.common.webhooks import secrets
from services.common.webhooks.vault import Vault
from services.local import moto_dynamodb
from services.local.resources import TABLE_SHAPE

TABLE, BUCKET = "transcription-jobs", "recordings"
REGION: Literal["eu-north-1"] = "eu-north-1"


class SharedAws(Aws):
    """Clients that are made once for all tests: that is what takes longest, and nothing in them is a test's own."""

    dynamodb = cache(Aws.dynamodb)
    s3 = cache(Aws.s3)
    kms = cache(Aws.kms)


@cache
def _aws() -> Aws:
    return SharedAws(boto3.session.Session(region_name=REGION))


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
        self.aws = _aws()
        self.dynamodb = self.aws.dynamodb()
        self.dynamodb.create_table(TableName=TABLE, **TABLE_SHAPE)
        self.s3 = self.aws.s3()
        self.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.kms = self.aws.kms()
        self.key_id = self.kms.create_key()["KeyMetadata"]["KeyId"]
        self.store = Store(self.dynamodb, TABLE)
        self.vault = Vault(self.kms, self.key_id)
        self.places = Places(bucket=BUCKET, public_url="https://api.example.com", retention_days=30)

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
        """What is told of a job as it stands."""
        event = compose(job, kind, serial=str(job.generation), now=self.clock(), places=self.places)
        return Announcement(event, job.source_key, self.store.callbacks.of_job(job))

    def arrived(self, job_id: str) -> Job:
        """An awaited recording is uploaded, and its job queued."""
        job = self.store.jobs.get(job_id)
        assert job is not None
        etag = self.s3.put_object(Bucket=BUCKET, Key=job.source_key, Body=b"sound")["ETag"].strip('"')
        now = self.clock()
        after = queued(job, etag=etag, size=5, uploaded=now, now=now, expires_at=2_000_000_000)
        assert self.store.jobs.arrive(after, self.announced(after, EventType.QUEUED), seconds=1, due_at=0)
        return after

    def claimed(self, job: Job) -> tuple[Job, Part]:
        """A worker takes a queued job's part."""
        part = self.store.parts.get(job.job_id, FIRST_PART)
        assert part is not None
        lease_ends = self.clock() + MINUTE
        mine = self.store.parts.claim(part, job, owner="worker", lease_ends=lease_ends, started=None, times={})
        running = self.store.jobs.get(job.job_id)
        assert mine is not None
        assert running is not None
        return running, mine

    def ended(self, job: Job, outcome: Outcome) -> Job:
        """A worker takes a queued job and ends it so."""
        running, part = self.claimed(job)
        after = ended(running, outcome, {"completed": self.clock()})
        kind = EventType.FAILED if outcome.error else EventType.COMPLETED
        self.store.endings.finish(part, after, outcome, self.announced(after, kind))
        return after

    def completed(self, *callbacks: Callback, name: str = "job_1", **more: Any) -> list[Delivery]:
        """A job completes and its event is committed with its deliveries; returns those."""
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
            event_id=event_id(name, EventType.COMPLETED, "0"),
            client_id=job.client_id,
            type=EventType.COMPLETED.value,
            created_at=self.clock(),
            body='{"type":"transcription.completed","data":{"text":"åäö"}}',
            expires_at=self.clock() // 1000 + 86_400 * 30,
        )
        announcement = Announcement(event, job.source_key, callbacks, **more)
        self.store.jobs.take_in(job, announcement, seconds=1.0, due_at=self.clock())
        return list(announcement.deliveries)


@contextmanager
def emulated(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """AWS inside this process. Threads take turns at it: without that, two can win one condition."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": REGION,
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    stubber = moto.core.botocore_stubber.BotocoreStubber
    original, lock = stubber.process_request, threading.RLock()

    def one_at_a_time(self: Any, request: Any) -> Any:
        with lock:
            return original(self, request)

    monkeypatch.setattr(stubber, "process_request", one_at_a_time)
    moto_dynamodb.apply()
    with mock_aws():
        yield World()
