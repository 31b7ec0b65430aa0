"""A deployment whose every process runs step by step in one thread, on a clock of its own, and may die at any call."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

from botocore.exceptions import ClientError
from moto import mock_aws

from services.api.idempotency import Idempotency
from services.api.problems import Problem
from services.api.routes import job_actions
from services.api.schemas.jobs import JobUpdate
from services.api.service import Service
from services.api.settings import ApiSettings
from services.common.domain.errors import TranscriberError
from services.common.domain.object_keys import DEFAULT_CLIENT
from services.common.domain.records import Job
from services.common.domain.states import SlotStatus
from services.common.domain.times import HOUR_MS, SECOND_MS, rfc3339
from services.common.store.clients import Caller
from services.common.webhooks.dispatch import Dispatcher
from services.common.webhooks.outcome import AttemptOutcome
from services.gpu_worker.engine.speakers.grid import windows_between
from services.gpu_worker.machine.identity import Identity
from services.gpu_worker.machine.work_folder import WorkFolder
from services.gpu_worker.queue.life import Life
from services.gpu_worker.queue.worker import Worker
from services.gpu_worker.settings import WorkerSettings
from services.local import resources
from services.local.emulator import dynamodb, multipart
from services.orchestrator.handler import take_batch
from services.orchestrator.service import Orchestrator
from services.orchestrator.settings import OrchestratorSettings
from tests.support.ec2 import FakeEc2
from tests.support.faults import Crash, Mode
from tests.support.inline import InlineExecutor, InlineThread
from tests.support.step_engine import StepEngine, make_plan
from tests.support.step_speakers import StepSpeakers
from tests.support.wired import wired
from tests.support.world import BUCKET, TABLE, World, dated_by

MAX_WORKERS = 2
LEASE_SECONDS = 60
SWEEP_SECONDS = 50.0
"""How much of the function's time each sweep has left."""
ROUNDS = 40
"""Rounds of half a minute each, after which everything that can recover has recovered."""
ASKED = 3
"""How often a client asks at most: one of its requests may go without an answer."""
KINDS_DUE = ("queued", "running", "delivery", "slot", "upload", "erasure")


class NoVault:
    """Decrypts every secret to the same one, without a call of KMS."""

    def open(self, *_: Any) -> list[str]:
        return ["whsec_" + "A" * 43 + "="]


class StepWorld(World):
    """One deployment, its processes, its machines and its receiver."""

    def __init__(
        self,
        *,
        parts: int = 1,
        early: int = 0,
        speakers: int = 0,
        max_workers: int = MAX_WORKERS,
        boot_ms: int = 0,
        linger_ms: int = 0,
    ) -> None:
        """A deployment without any recording.

        Args:
            parts: of each recording.
            early: see `StepEngine`.
            speakers: 1: they are told apart in what is uploaded.
            max_workers: how many machines there may be.
            boot_ms: how long a machine takes until its worker begins.
            linger_ms: how long it takes to power off once its worker has ended.

        """
        super().__init__()
        if speakers:
            self.store.clients.register(DEFAULT_CLIENT)
            self.store.clients.set_defaults(DEFAULT_CLIENT, {"speakers": "auto"})
        self.parts = parts
        self.early = early
        """How many clips of a recording are decoded before it is known how long it is."""
        self.speakers = StepSpeakers(len(windows_between(0, make_plan(parts).samples)))
        self.engines: list[StepEngine] = []
        self.max_workers = max_workers
        self.breaches: list[str] = []
        """The rules that a launch has broken, as sentences."""
        self.patience_ms = 10 * 60 * SECOND_MS
        self.ec2 = FakeEc2(self.faults.around, self._check_launch)
        self.aws.disturb(self.faults, self.ec2)
        self.aws.ssm().put_parameter(Name="/image", Value="ami-1", Type="String")
        self.received: dict[str, bytes] = {}
        self.queue: list[dict[str, Any]] = []
        self.uploads: Counter[str] = Counter()
        """How often each key was uploaded."""
        self.told: dict[str, str] = {}
        """The body of each key's last S3 event."""
        self.each_clip: Callable[[Worker], None] = lambda _: None
        self.trouble: Callable[[str], None] = lambda _: None
        """May raise at a worker's call, by its name."""
        self.broken: list[str] = []
        """The effects of failing AWS calls on workers and recordings."""
        self.make_folder: Callable[[], WorkFolder] = lambda: WorkFolder(Path(tempfile.gettempdir()))
        """Each worker's folder for recordings."""
        self.skew_ms = 0
        """By how many milliseconds the next worker's clock is wrong."""
        self.orchestrator_skew_ms = 0
        self._boot_ms = boot_ms
        self._boots_at: dict[str, int] = {}
        self._linger_ms = linger_ms
        self._ends: dict[str, int] = {}
        self._boots = 0
        self.lives: dict[Worker, Life] = {}
        """Of all workers that ever were."""
        known: dict[str, Any] = {
            "table_name": TABLE,
            "bucket_name": BUCKET,
            "deployment": resources.DEPLOYMENT,
            "secrets_key_id": "key",
            "models": ("whisper-base",),
            "public_url": self.places.public_url,
        }
        self.orchestrator_settings = OrchestratorSettings(
            **known,
            launch_template_id="lt-1",
            spot_launch_template_id="lt-2",
            subnet_ids=("subnet-a",),
            instance_types=("g4dn.xlarge",),
            image_parameter="/image",
            fallback_image_parameter="/fallback",
            max_workers=max_workers,
        )
        self.worker_settings = WorkerSettings(
            **known, checkpoint_seconds=0, idle_seconds=-1, index_lag_seconds=0, poll_seconds=0
        )
        self.api = Service(ApiSettings(**known), self.aws, clock=self.clock)

    def wait(self, seconds: float) -> None:
        self.now += round(seconds * SECOND_MS)

    def listen(self) -> None:
        """Register a callback for all events."""
        kinds = ("queued", "started", "interrupted", "completed", "failed", "canceled", "expired")
        events = [f"transcription.{kind}" for kind in kinds]
        self.callback("https://receiver.example.com/", client_id="default", events=events, secrets=[])

    def upload(self, name: str = "uploads/a.wav", content: bytes = b"sound" * 1000, size: int | None = None) -> None:
        """Put a recording, and let S3 tell of it; `size` in bytes is what S3 says, if not the truth."""
        self.s3.put_object(Bucket=BUCKET, Key=name, Body=content)
        self._arrived(name, size)

    def _arrived(self, name: str, size: int | None = None) -> None:
        """S3 tells of an object that has come."""
        there = self.s3.head_object(Bucket=BUCKET, Key=name)
        self.uploads[name] += 1
        record = {
            "eventVersion": "2.1",
            "eventName": "ObjectCreated:Put",
            "eventTime": rfc3339(self.now),
            "s3": {
                "bucket": {"name": BUCKET},
                "object": {"key": name, "eTag": there["ETag"].strip('"'), "size": size or there["ContentLength"]},
            },
        }
        self.told[name] = json.dumps({"Records": [record]})
        self.tell(name)

    def tell(self, name: str = "uploads/a.wav") -> None:
        """Send S3's event of an upload, perhaps once more."""
        self.queue.append({"messageId": f"m{len(self.queue)}", "body": self.told[name]})

    def age(self, milliseconds: int) -> None:
        """Let so much time pass at once, to the beginning of an hour: what has outlived itself is gone."""
        self.now = (self.now + milliseconds) // HOUR_MS * HOUR_MS + HOUR_MS
        for item in self.all_items():
            if item.get("expires_at", self.now) * SECOND_MS < self.now:
                self.delete((item["pk"], item["sk"]))

    # What a client does: the API's own functions, in a process that dies alone.

    def cancel(self, job: Job) -> None:
        with self._request():
            job_actions.cancel_job(job.job_id, _caller(job), self.api, self._once(job))

    def send_in_parts(self, job: Job, content: bytes = b"sound" * 1000) -> None:
        """Upload a registered job's recording in one part; whoever gets no answer asks again."""
        for _ in range(ASKED):
            upload = None
            with self._request():
                upload = job_actions.renew_upload(job.job_id, _caller(job), self.api).multipart
            found = self.store.jobs.get(job.job_id)
            if upload and upload.links and found and found.multipart:
                about = {"Bucket": BUCKET, "Key": job.source_key, "UploadId": found.multipart["upload_id"]}
                self.s3.upload_part(**about, PartNumber=1, Body=content)
            with self._request():
                job_actions.complete_upload(job.job_id, _caller(job), self.api)
        self._arrived(job.source_key)

    def retry(self, job: Job) -> None:
        with self._request():
            job_actions.retry_job(job.job_id, _caller(job), self.api, self._once(job))

    def update(self, job: Job, reference: str) -> None:
        wanted = JobUpdate(reference=reference, metadata={"noted": reference})
        with self._request():
            job_actions.update_job(job.job_id, wanted, _caller(job), self.api)

    def erase(self, job: Job) -> None:
        with self._request():
            job_actions.erase_job(job.job_id, _caller(job), self.api)

    @contextmanager
    def _request(self) -> Iterator[None]:
        """Make a request of the API; a refusal or a missing answer is ignored."""
        with suppress(Crash, Problem, TranscriberError), self.faults.watching():
            yield

    def _once(self, job: Job) -> Idempotency:
        return Idempotency(client_id=job.client_id, api_key="key", key=None, fingerprint="", now=self.now)

    # The processes.

    def orchestrator(self) -> Orchestrator:
        skew = self.orchestrator_skew_ms
        return Orchestrator(self.orchestrator_settings, self.aws, clock=lambda: self.now + skew, wait=self.wait)

    def worker(
        self,
        machine: dict[str, Any],
        start: Callable[[Callable[[], None]], None] = lambda task: task(),
    ) -> Worker:
        """A process on this machine, as it is after its boot; `start` is given the work on each part it claims."""
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

        made: list[Worker] = []
        life = wired(
            self,
            self.worker_settings,
            identity,
            dispatcher=self.dispatcher(identity.owner),
            folder=self.make_folder(),
            make_engine=lambda _: self._engine(lambda: self._clip(made[0])),
            clock=clock,
            start=start,
            speakers=self.speakers,
        )
        made.append(life.worker)
        self.lives[life.worker] = life
        life.presence.beat()
        return life.worker

    def _engine(self, each_clip: Callable[[], None]) -> StepEngine:
        self.engines.append(StepEngine(self.parts, self._boots, each_clip, early=self.early))
        return self.engines[-1]

    def dispatcher(self, name: str) -> Dispatcher:
        """A dispatcher that sends webhooks, under this name."""
        vault: Any = NoVault()
        return Dispatcher(self.store, vault, sender=name, clock=self.clock, allow_private=False)

    def post(self, url: str, headers: dict[str, str], body: bytes, **_: Any) -> AttemptOutcome:
        """Receive a message: keep it, and check that a repeated one equals the first."""
        message_id = headers["webhook-id"]
        assert self.received.setdefault(message_id, body) == body, "the same id with other bytes"
        return AttemptOutcome(milliseconds=1, status=204)

    def beat(self, worker: Worker) -> None:
        """One heartbeat of all that it holds, and of its slot."""
        self.lives[worker].heartbeats.beat()

    def _clip(self, worker: Worker) -> None:
        self.beat(worker)
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

    # What happens, process by process.

    def serve_queue(self, *, watched: bool = True) -> None:
        """Run the event source mapping: messages whose handling fails or dies come again."""
        for message in list(self.queue):
            try:
                with self.faults.watching(watched=watched):
                    failed = take_batch(self.orchestrator(), [message])
            except Crash:
                continue
            if not failed:
                self.queue.remove(message)

    def sweep(self) -> None:
        with suppress(Crash), self.faults.watching():
            self.orchestrator().sweep.run(lambda: SWEEP_SECONDS)

    def run_machines(self, *, watched: bool = True) -> None:
        """Let every machine boot its worker, work until nothing is left, and end."""
        for machine in list(self.ec2.running):
            instance_id = machine["InstanceId"]
            if self.now < self._boots_at.setdefault(instance_id, self.now + self._boot_ms):
                continue
            if instance_id not in self._ends:
                with suppress(Crash), self.faults.watching(watched=watched):
                    self._work(self.worker(machine))
                self._ends[instance_id] = self.now + self._linger_ms
            if self.now >= self._ends[instance_id]:
                self.ec2.end(instance_id)

    def _work(self, worker: Worker) -> None:
        """Run a worker while AWS calls fail; an error that ends the worker is noted in `broken`."""
        before, self.faults.refuse = self.faults.refuse, lambda name: (before(name), self.trouble(name))[0]
        try:
            worker.work()
        except ClientError as error:
            self.broken.append(f"a worker ended: {error.response['Error']['Code']}")
        finally:
            self.faults.refuse = before

    def quiet(self) -> bool:
        """Whether no item is due, no message is queued and no machine runs."""
        due = any(item.get("due_kind") in KINDS_DUE for item in self.all_items())
        return not (self.queue or due or self.ec2.running)

    def settle(self, each_round: Callable[[int], None] = lambda _: None) -> None:
        """Let time pass until the deployment is `quiet`."""
        for number in range(ROUNDS):
            self.serve_queue()
            each_round(number)
            self.run_machines()
            self.sweep()
            with self.standing_still():
                if self.quiet():
                    return
                self._let_time_pass()

    def _let_time_pass(self) -> None:
        """To the next minute's half, or, if nothing is due until later, to when it is: idle sweeps prove nothing."""
        items = self.all_items()
        due = [item["due_at"] for item in items if item.get("due_kind") not in {None, "queued"}]
        queued = any(item.get("due_kind") == "queued" for item in items)
        running = {machine["InstanceId"] for machine in self.ec2.running}
        ends = [end for instance_id, end in self._ends.items() if instance_id in running]
        busy = queued or self.queue or not due
        self.now = self.now + 30 * SECOND_MS if busy else max(self.now + 30 * SECOND_MS, min(due + ends))

    def warm_up(self) -> None:
        """An earlier recording has been done, and its machine is about to go; its job is erased and forgotten."""
        self.upload("uploads/earlier.wav")
        self.serve_queue(watched=False)
        self.run_machines(watched=False)
        self.s3.delete_object(Bucket=BUCKET, Key="uploads/earlier.wav")
        for item in self.all_items():
            if item["pk"].startswith("JOB#"):
                self.delete((item["pk"], item["sk"]))

    def rival(self, mode: Mode) -> None:
        """While one process stands still at a call: its lease ends, and others go on without it."""
        self.now += 2 * LEASE_SECONDS * SECOND_MS
        orchestrator = self.orchestrator()
        orchestrator.sweep.run(lambda: SWEEP_SECONDS)
        if mode is Mode.STEAL:
            for part in list(self.store.parts.queue()):
                if job := self.store.jobs.get(part.job_id):
                    self.store.leases.claim(
                        part, job, owner="thief", lease_ends=self.now + 60 * SECOND_MS, started=None, times={}
                    )
            return
        if self.queue:
            take_batch(orchestrator, list(self.queue))
        for machine in list(self.ec2.running):
            if machine["InstanceId"] not in self._ends:
                self.worker(machine).work()


Stepping = TypeVar("Stepping", bound=StepWorld)


def _caller(job: Job) -> Caller:
    return Caller(client_id=job.client_id, name="test", used=1, limit=100)


def step_world(**shape: int) -> AbstractContextManager[StepWorld]:
    """A fresh deployment; pools run inline, so that calls have an order."""
    return step_world_of(StepWorld, **shape)


@contextmanager
def step_world_of(kind: type[Stepping], **shape: int) -> Iterator[Stepping]:
    """The same of another kind."""
    dynamodb.apply()
    multipart.apply()
    with mock_aws():
        world = kind(**shape)
        with (
            dated_by(world.clock),
            patch("services.gpu_worker.part.files.ThreadPoolExecutor", InlineExecutor),
            patch("services.gpu_worker.part.sender.ThreadPoolExecutor", InlineExecutor),
            patch("services.gpu_worker.part.observing.Thread", InlineThread),
            patch("services.orchestrator.drain.ThreadPoolExecutor", InlineExecutor),
            patch("services.gpu_worker.machine.retrying.FIRST_PAUSE_SECONDS", 0.0),
            patch("services.common.webhooks.dispatch.post", world.post),
            patch.object(Orchestrator, "dispatcher", lambda _: world.dispatcher("sweep")),
        ):
            yield world
