"""A deployment whose every process runs step by step in one thread, on a clock of its own, and may die at any call."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any, Self
from unittest.mock import patch

import boto3
from moto import mock_aws

from services.common.aws import Aws
from services.common.domain.clock import SECOND
from services.common.domain.events import Places
from services.common.domain.records import SCHEMA_VERSION, Callback
from services.common.domain.states import SlotStatus
from services.common.store.codec import decode
from services.common.store.store import Store
from services.common.webhooks.dispatch import Dispatcher
from services.common.webhooks.outcome import Outcome
from services.gpu_worker.files import Files
from services.gpu_worker.identity import Identity
from services.gpu_worker.presence import Presence
from services.gpu_worker.sender import Sender
from services.gpu_worker.settings import WorkerSettings
from services.gpu_worker.worker import Worker
from services.local import moto_dynamodb, resources
from services.orchestrator.handler import take_batch
from services.orchestrator.service import Orchestrator
from services.orchestrator.settings import OrchestratorSettings
from tests.crash.ec2 import FakeEc2
from tests.crash.engine import StepEngine
from tests.crash.faults import Crash, Faults, Mode

MAX_WORKERS = 2
LEASE_SECONDS = 60
ROUNDS = 40
"""Of half a minute each: whatever can recover has done so by then."""


class InlineExecutor:
    """A pool without threads: everything happens here and now, in order."""

    def __init__(self, *_: Any, **__: Any) -> None:
        """Takes what a pool takes."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to wait for."""

    def submit(self, task: Callable[..., Any], *arguments: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(task(*arguments))
        return future

    def map(self, task: Callable[..., Any], *each: Iterable[Any]) -> Iterator[Any]:
        return iter([task(*arguments) for arguments in zip(*each, strict=True)])

    def shutdown(self, **_: Any) -> None:
        """Nothing was started."""


class CrashAws(Aws):
    """Clients of the emulator, made once per process since making them costs more than a run; EC2 is played by hand."""

    def __init__(self) -> None:
        self.session = boto3.session.Session(
            aws_access_key_id="test", aws_secret_access_key="test", region_name=resources.REGION
        )
        super().__init__(self.session)
        self.session.events.register_first("before-send", self._before_send)
        self.session.events.register("after-call", self._after_call)
        self.faults = Faults()
        self.fake_ec2 = FakeEc2(self.faults.around, lambda: None)
        self._made: dict[str, Any] = {}

    def ec2(self) -> Any:
        return self.fake_ec2

    def dynamodb(self) -> Any:
        return self._once("dynamodb", super().dynamodb)

    def s3(self) -> Any:
        return self._once("s3", super().s3)

    def ssm(self) -> Any:
        return self._once("ssm", super().ssm)

    def _once(self, name: str, make: Callable[[], Any]) -> Any:
        if name not in self._made:
            self._made[name] = make()
        return self._made[name]

    def _before_send(self, event_name: str, **_: Any) -> None:
        self.faults.before_send(event_name)

    def _after_call(self, **_: Any) -> None:
        self.faults.after_call()


@cache
def _aws() -> CrashAws:
    return CrashAws()


class CrashWorld:
    """One scenario's deployment."""

    def __init__(self, *, parts: int = 1, max_workers: int = MAX_WORKERS, boot_ms: int = 0, linger_ms: int = 0) -> None:
        """`boot_ms`, `linger_ms`: how long a machine takes until its worker begins, and to power off once it ended."""
        self.parts = parts
        self.max_workers = max_workers
        self.breaches: list[str] = []
        self.patience_ms = 10 * 60 * SECOND
        self._boot_ms = boot_ms
        self._boots_at: dict[str, int] = {}
        self._linger_ms = linger_ms
        self._ends: dict[str, int] = {}
        self.now = 1_800_000_000_000
        self.faults = Faults()
        self.ec2 = FakeEc2(self.faults.around, self._check_launch)
        self.aws = _aws()
        self.aws.faults, self.aws.fake_ec2 = self.faults, self.ec2
        self._create()
        self.store = Store(self.aws.dynamodb(), resources.TABLE)
        self.received: dict[str, bytes] = {}
        self.queue: list[dict[str, Any]] = []
        self.each_clip: Callable[[Worker], None] = lambda _: None
        self.skew_ms = 0
        """By how much the next worker's clock is wrong."""
        self.orchestrator_skew_ms = 0
        self._boots = 0
        self._launches = 0
        settings = self._settings()
        self.orchestrator_settings = OrchestratorSettings(
            **settings,
            launch_template_id="lt-1",
            subnet_ids=("subnet-a",),
            instance_types=("g4dn.xlarge",),
            image_parameter="/image",
            fallback_image_parameter="/fallback",
            max_workers=max_workers,
        )
        self.worker_settings = WorkerSettings(
            **settings, checkpoint_seconds=0, idle_seconds=-1, index_lag_seconds=0, poll_seconds=0
        )
        self.places = Places(bucket=resources.BUCKET, public_url="", retention_days=30)

    def _settings(self) -> dict[str, Any]:
        return {
            "table_name": resources.TABLE,
            "bucket_name": resources.BUCKET,
            "deployment": resources.DEPLOYMENT,
            "secrets_key_id": "key",
            "models": ("whisper-base",),
        }

    def _create(self) -> None:
        self.aws.dynamodb().create_table(TableName=resources.TABLE, **resources.TABLE_SHAPE)
        self.aws.s3().create_bucket(
            Bucket=resources.BUCKET, CreateBucketConfiguration={"LocationConstraint": resources.REGION}
        )
        self.aws.ssm().put_parameter(Name="/image", Value="ami-1", Type="String")

    def clock(self) -> int:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += round(seconds * SECOND)

    def listen(self) -> None:
        """A callback that hears everything."""
        kinds = ("queued", "started", "interrupted", "completed", "failed", "canceled", "expired")
        self.store.callbacks.register(
            Callback(
                callback_id="cb_1",
                client_id="default",
                url="https://receiver.example.com/",
                events=[f"transcription.{kind}" for kind in kinds],
            )
        )

    def upload(self, name: str = "uploads/a.wav", content: bytes = b"sound" * 1000, size: int | None = None) -> None:
        """Put a recording, and let S3 tell of it; `size` in bytes is what S3 says, if not the truth."""
        reply = self.aws.s3().put_object(Bucket=resources.BUCKET, Key=name, Body=content)
        record = {
            "eventVersion": "2.1",
            "eventName": "ObjectCreated:Put",
            "eventTime": "2027-01-15T08:00:00.000Z",
            "s3": {
                "bucket": {"name": resources.BUCKET},
                "object": {"key": name, "eTag": reply["ETag"].strip('"'), "size": size or len(content)},
            },
        }
        self.queue.append({"messageId": f"m{len(self.queue)}", "body": json.dumps({"Records": [record]})})

    def orchestrator(self) -> Orchestrator:
        skew = self.orchestrator_skew_ms
        return Orchestrator(self.orchestrator_settings, self.aws, clock=lambda: self.now + skew, wait=self.wait)

    def worker(self, machine: dict[str, Any]) -> Worker:
        """A process on this machine, as it is after its boot."""
        self._boots += 1
        tags = {tag["Key"]: tag["Value"] for tag in machine["Tags"]}
        identity = Identity(
            owner=f"worker-{self._boots}",
            machine=None,
            slot=tags["transcribe-slot"],
            launch_id=tags["transcribe-launch-id"],
            market="spot",
        )
        skew = self.skew_ms

        def clock() -> int:
            return self.now + skew

        presence = Presence(self.store, identity, self.worker_settings, clock)
        made: list[Worker] = []
        worker = Worker(
            store=self.store,
            files=Files(self.aws.s3(), resources.BUCKET),
            places=self.places,
            settings=self.worker_settings,
            identity=identity,
            presence=presence,
            sender=self._sender(identity.owner),
            clock=clock,
            make_engine=lambda _: StepEngine(self.parts, self._boots, lambda: self._clip(made[0])),  # type: ignore[arg-type,return-value] # as EngineProcess
            start=lambda task: task(),
        )
        made.append(worker)
        presence.beat()
        return worker

    def _sender(self, name: str) -> Any:
        return Sender(Dispatcher(self.store, self._vault(), sender=name, clock=self.clock, allow_private=False), name)

    def _vault(self) -> Any:
        class NoVault:
            def open(self, *_: Any) -> list[str]:
                return ["whsec_" + "A" * 43 + "="]

        return NoVault()

    def post(self, url: str, headers: dict[str, str], body: bytes, **_: Any) -> Outcome:
        """The receiver: keeps what it was sent, and holds repeated messages against the first."""
        message_id = headers["webhook-id"]
        assert self.received.setdefault(message_id, body) == body, "the same id with other bytes"
        return Outcome(milliseconds=1, status=204)

    def _clip(self, worker: Worker) -> None:
        worker._heart.beat()
        self.each_clip(worker)

    def _check_launch(self) -> None:
        """At every launch: machines that run, and those of them that are not about to leave."""
        with self.faults.watching(watched=False):
            slots = self.store.slots.all()
        leaving = {slot.instance_id for slot in slots if slot.status is SlotStatus.LEAVING}
        staying = [machine for machine in self.ec2.running if machine["InstanceId"] not in leaving]
        if len(self.ec2.running) > self.max_workers:
            self.breaches.append(f"{len(self.ec2.running)} machines with {self.max_workers} slots")
        if len(staying) > 1:
            self.breaches.append(f"{len(staying)} machines where the queue deserves one")

    def of_another_version(self, pk: str, sk: str) -> None:
        """A newer deployment has written this item."""
        self.aws.dynamodb().update_item(
            TableName=resources.TABLE,
            Key={"pk": {"S": pk}, "sk": {"S": sk}},
            UpdateExpression="SET schema_version = :newer",
            ExpressionAttributeValues={":newer": {"N": str(SCHEMA_VERSION + 1)}},
        )

    def all_items(self) -> list[dict[str, Any]]:
        items = self.aws.dynamodb().scan(TableName=resources.TABLE)["Items"]
        return [decode(item) for item in items]

    # What happens, process by process.

    def serve_queue(self, *, watched: bool = True) -> None:
        """The event source mapping: what fails or dies comes again."""
        for message in list(self.queue):
            try:
                with self.faults.watching(watched=watched):
                    failed = take_batch(self.orchestrator(), [message])
            except Crash:
                continue
            if not failed:
                self.queue.remove(message)

    def sweep(self) -> None:
        try:
            with self.faults.watching():
                self.orchestrator().sweep.run(lambda: 50.0)
        except Crash:
            return

    def run_machines(self, *, watched: bool = True) -> None:
        """Every machine boots its worker, works until there is nothing left, and goes."""
        for machine in list(self.ec2.running):
            instance_id = machine["InstanceId"]
            if self.now < self._boots_at.setdefault(instance_id, self.now + self._boot_ms):
                continue
            if instance_id not in self._ends:
                with suppress(Crash), self.faults.watching(watched=watched):
                    self.worker(machine).work()
                self._ends[instance_id] = self.now + self._linger_ms
            if self.now >= self._ends[instance_id]:
                self.ec2.end(instance_id)

    def quiet(self) -> bool:
        """Whether nothing is left that anybody must see to."""
        due = any(
            any(self.store.parts._table.due(kind))
            for kind in ("queued", "running", "delivery", "slot", "upload", "erasure")
        )
        return not (self.queue or due or self.ec2.running)

    def settle(self, each_round: Callable[[int], None] = lambda _: None) -> None:
        """Let time pass until nothing is left to do."""
        for number in range(ROUNDS):
            self.serve_queue()
            each_round(number)
            self.run_machines()
            self.sweep()
            if self.quiet():
                return
            self._let_time_pass()

    def _let_time_pass(self) -> None:
        """To the next minute's half, or, if nothing is due until later, to when it is: idle sweeps prove nothing."""
        due = [item["due_at"] for item in self.all_items() if item.get("due_kind") not in {None, "queued"}]
        queued = any(item.get("due_kind") == "queued" for item in self.all_items())
        ends = [end for instance_id, end in self._ends.items() if instance_id in self._running()]
        busy = queued or self.queue or not due
        self.now = self.now + 30 * SECOND if busy else max(self.now + 30 * SECOND, min(due + ends))

    def _running(self) -> set[str]:
        return {machine["InstanceId"] for machine in self.ec2.running}

    def warm_up(self) -> None:
        """An earlier recording has been done, and its machine is about to go; its job is erased and forgotten."""
        self.upload("uploads/earlier.wav")
        self.serve_queue(watched=False)
        self.run_machines(watched=False)
        for _, job in list(self.store.jobs.of_client("default", after=None, limit=10)):
            for item in self.all_items():
                if item["pk"] == f"JOB#{job.job_id}":
                    self.aws.dynamodb().delete_item(
                        TableName=resources.TABLE, Key={"pk": {"S": item["pk"]}, "sk": {"S": item["sk"]}}
                    )

    def rival(self, mode: Mode) -> None:
        """While one process stands still at a call: its lease ends, and others go on without it."""
        self.now += 2 * LEASE_SECONDS * SECOND
        orchestrator = self.orchestrator()
        orchestrator.sweep.run(lambda: 50.0)
        if mode is Mode.STEAL:
            for part in list(self.store.parts.queue()):
                if job := self.store.jobs.get(part.job_id):
                    self.store.parts.claim(
                        part, job, owner="thief", lease_ends=self.now + 60 * SECOND, started=None, times={}
                    )
            return
        if self.queue:
            take_batch(orchestrator, list(self.queue))
        for machine in list(self.ec2.running):
            if machine["InstanceId"] not in self._ends:
                self.worker(machine).work()


@contextmanager
def crash_world(**shape: int) -> Iterator[CrashWorld]:
    """A fresh deployment; pools run inline, so that calls have an order."""
    moto_dynamodb.quick_answers()
    with mock_aws():
        world = CrashWorld(**shape)
        with (
            patch("services.gpu_worker.files.ThreadPoolExecutor", InlineExecutor),
            patch("services.gpu_worker.sender.ThreadPoolExecutor", InlineExecutor),
            patch("services.orchestrator.drain.ThreadPoolExecutor", InlineExecutor),
            patch("services.common.webhooks.dispatch.post", world.post),
            patch("services.orchestrator.service.Orchestrator._dispatcher", lambda _: _dispatcher(world)),
        ):
            yield world


def _dispatcher(world: CrashWorld) -> Any:
    return Dispatcher(world.store, world._vault(), sender="sweep", clock=world.clock, allow_private=False)
