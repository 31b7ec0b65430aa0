"""One service of AWS that fails in one way under a real system: while its worker boots, idles and works."""

from __future__ import annotations

import hashlib
import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import IO, Any

from services.common.domain import object_keys
from services.common.domain.records import FIRST_PART
from services.gpu_worker.engine.decode.catalogue import PACKAGED
from services.gpu_worker.engine.decode.model_files import relative
from services.local import resources
from services.local.client import Client
from services.local.ec2 import start_worker
from services.local.receiver import Receiver
from services.local.stack import Stack, StackSettings
from tests.support.audio import MEETING
from tests.support.aws_proxy import AwsProxy, Fault
from tests.support.random_model import UNTRAINED, write_random_model

USUAL_SECONDS = 120.0
"""An outage as the table means it; the other times below belong to it, and a shorter one shortens them all."""
LEASE, HEARTBEAT, SWEEP, DELAY, BOOT = 60.0, 10.0, 15.0, 5.0, 300.0
WITHIN_SECONDS = 60.0
"""By then a job goes on and, being short, is done."""
LEAST_BOOT = 30.0
"""A busy processor is no shorter because an outage is."""
LATE_SECONDS = 2.0
"""From the end of a lease to the end of the work: the watch looks every second, on a processor that is busy."""
LONG = 8
"""Meetings in a row: still one part, and more than is done before the outage begins."""


class Phase(StrEnum):
    """What the worker is at when the outage begins."""

    BOOT = "boot"
    IDLE = "idle"
    BUSY = "busy"


MET = frozenset(
    {
        *(("dynamodb", phase) for phase in Phase),
        *(("s3", phase) for phase in (Phase.BOOT, Phase.BUSY)),
        ("ssm", Phase.BOOT),
    }
)
"""Where some call must meet the outage. KMS is called for what has ended, which may be over when it begins."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One outage and what came of it."""

    service: str
    fault: str
    phase: str
    disturbed: int
    """Calls that met it."""
    done_after: float
    """Seconds from its end until the job was done; below 0, it did not keep the job."""
    attempts: int
    silent_after: float | None
    """Seconds from the last beat that can have been heard until the worker let its part go; None where it did not."""
    faults: Sequence[str]
    """What should not have been."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Times:
    """Of one trial, in seconds, in proportion to the outage."""

    outage: float

    def of(self, usual: float) -> float:
        return usual * min(1.0, self.outage / USUAL_SECONDS)


class Trial:
    """A system of its own, with a proxy between it and the emulator."""

    def __init__(self, service: str, fault: Fault, seconds: float, model: Path, *, meetings: int = LONG) -> None:
        self.service, self.fault, self.times = service, fault, Times(outage=seconds)
        self._model = model
        self._meetings = meetings
        self._proxy = AwsProxy()
        self._at_boot: Callable[[], None] = lambda: None
        self.process: subprocess.Popen[bytes] | None = None
        self.machines = 0
        self._kept: list[tuple[str, str]] = []
        self._began = 0.0

    def run(self, phases: Sequence[Phase] = tuple(Phase)) -> list[Row]:
        """The phases, one after another, on one machine."""
        with self._system() as stack, Receiver() as receiver:
            client = Client(stack, "acme")
            made = client.register(receiver.url, events=["transcription.completed"])
            receiver.trust(made["secret"])
            steps = {Phase.BOOT: self._boot, Phase.IDLE: self._idle, Phase.BUSY: self._busy}
            return [self._row(stack, client, phase, steps[phase]) for phase in phases]

    @contextmanager
    def _system(self) -> Iterator[Stack]:
        of = self.times.of
        with ExitStack() as running:
            memory = running.enter_context(tempfile.TemporaryDirectory(prefix="outage-model-"))
            running.enter_context(self._proxy)
            settings = StackSettings(
                models_folder=self._model,
                lease_seconds=of(LEASE),
                heartbeat_seconds=of(HEARTBEAT),
                sweep_seconds=of(SWEEP),
                boot_seconds=round(max(LEAST_BOOT, of(BOOT))),
                idle_seconds=3_600,
                worker={**UNTRAINED, "MEMORY_FOLDER": memory, "CHECKPOINT_SECONDS": "0.5"},
                boot=self._start,
                through=self._proxy.serve,
            )
            stack = running.enter_context(Stack(settings))
            self._put_model(stack)
            yield stack

    def _put_model(self, stack: Stack) -> None:
        """Into the bucket, so that a boot has something to wait for there."""
        contents = {path.name: path.read_bytes() for path in self._model.iterdir()}
        digests = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
        record = json.dumps({"revision": "random", "sha256": digests}).encode()
        for name, content in {**contents, "digests.json": record}.items():
            stack.s3.put_object(
                Bucket=resources.BUCKET, Key=object_keys.model_file(relative(PACKAGED), name), Body=content
            )

    def _start(self, instance_id: str, environment: Mapping[str, str], log: IO[bytes]) -> subprocess.Popen[bytes]:
        self._at_boot()
        self.machines += 1
        self.process = start_worker(instance_id, environment, log)
        return self.process

    def _begin(self) -> None:
        self._began = time.time()
        self._proxy.begin(self.service, self.fault, self.times.of(DELAY))

    def _row(self, stack: Stack, client: Client, phase: Phase, step: Callable[[Stack, Client], str]) -> Row:
        try:
            job_id = step(stack, client)
        except TimeoutError as error:
            self._proxy.end()
            return self._verdict(phase, 0.0, 0, [f"it did not come to that: {error}"])
        ended = time.time()
        try:
            job = client.wait(job_id, seconds=WITHIN_SECONDS)
        except TimeoutError:
            job = client.job(job_id)
        found = [] if job["status"] == "completed" else [f"the job is {job['status']} {WITHIN_SECONDS:.0f} s later"]
        parts = stack.store.parts.of_job(job_id)
        if not self._proxy.disturbed and (self.service, phase) in MET:
            found.append("no call met the outage: this proved nothing")
        found += [f"{part.part_id} has {part.deaths} deaths" for part in parts if part.deaths]
        found += [f"{part.part_id} has {part.losses} losses" for part in parts if part.losses]
        silent = self._silent_after(stack)
        if silent and silent > self.times.of(LEASE) + LATE_SECONDS:
            found.append(f"the worker let go {silent:.1f} s after its last beat")
        breaker = stack.store.fleet.breaker()
        if breaker and breaker.silent_boots:
            found.append(f"{breaker.silent_boots} silent boots")
        if self.machines != 1 or self.process is None or self.process.poll() is not None:
            found.append(f"{self.machines} machines were started, and the last one's worker may be gone")
        deliveries = stack.store.deliveries.of_job(job_id)
        found += [f"a delivery is {one.status}" for one in deliveries if one.status in {"exhausted", "dropped"}]
        if found:
            self._kept.append((phase, stack.log_text()))
        done = stack.store.jobs.get(job_id)
        after = done.times.get("completed", 0) / 1_000 - ended if done else 0.0
        return self._verdict(phase, after, max(part.attempt for part in parts), found, silent)

    def _silent_after(self, stack: Stack) -> float | None:
        """By the worker's log, in which the outage's own lines are the last ones of their kind."""
        lines = [json.loads(line) for line in stack.log_text().splitlines() if '"part.self_fenced"' in line]
        moments = [datetime.fromisoformat(line["timestamp"]).timestamp() for line in lines]
        return next((moment - self._began for moment in moments if moment > self._began), None)

    def _verdict(
        self, phase: Phase, after: float, attempts: int, found: Sequence[str], silent: float | None = None
    ) -> Row:
        return Row(
            service=self.service,
            fault=self.fault,
            phase=phase,
            disturbed=self._proxy.disturbed,
            done_after=round(after, 1),
            attempts=attempts,
            silent_after=silent and round(silent, 1),
            faults=found,
        )

    def broken(self, phase: Phase, why: str) -> Row:
        """The row of a system that could not be run."""
        return self._verdict(phase, 0.0, 0, [why])

    @property
    def logs(self) -> list[tuple[str, str]]:
        """All that was logged, for each phase with a fault."""
        return self._kept

    # Each goes through one outage, and returns the job by which it is seen whether all is well again.

    def _boot(self, stack: Stack, client: Client) -> str:
        """It begins before the worker's first call."""
        self._at_boot = self._begin
        job_id = client.send(MEETING.read_bytes(), "boot.mp3")
        stack.machines.wait_for(1, seconds=WITHIN_SECONDS)
        self._at_boot = lambda: None
        time.sleep(self.times.outage)
        self._proxy.end()
        return job_id

    def _idle(self, stack: Stack, client: Client) -> str:
        """A job comes when it has just ended."""
        self._settle(stack, client)
        self._begin()
        time.sleep(self.times.outage)
        self._proxy.end()
        return client.send(MEETING.read_bytes(), "idle.mp3")

    def _busy(self, stack: Stack, client: Client) -> str:
        """It begins in the middle of a recording, once something of it was kept."""
        job_id = client.send(MEETING.read_bytes() * self._meetings, "busy.mp3")
        client.wait(job_id, until={"running"}, seconds=WITHIN_SECONDS)
        until = time.monotonic() + WITHIN_SECONDS
        prefix = object_keys.checkpoints(job_id, FIRST_PART)
        while not stack.s3.list_objects_v2(Bucket=resources.BUCKET, Prefix=prefix).get("KeyCount"):
            if time.monotonic() > until:
                raise TimeoutError("nothing of the recording was ever kept")
            time.sleep(0.05)
        self._begin()
        time.sleep(self.times.outage)
        self._proxy.end()
        return job_id

    def _settle(self, stack: Stack, client: Client) -> None:
        """There is a worker, with nothing to do: where no phase came before, a job brings it."""
        if not stack.machines.running:
            client.wait(client.send(MEETING.read_bytes(), "first.mp3"), seconds=WITHIN_SECONDS)


def random_model(folder: Path) -> Path:
    """The model that all trials share."""
    return write_random_model(folder)
