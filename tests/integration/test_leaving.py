"""A worker that is told to leave has left within ten seconds, whatever hangs, and nothing of what it held is lost."""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError

from services.common.domain.records import FIRST_PART, Delivery, Job, Part
from services.common.domain.states import JobStatus, PartStatus
from services.common.store.leases import Leases
from services.gpu_worker.machine.identity import Identity
from services.gpu_worker.machine.shutdown import FORCED, LEAVE_SECONDS
from services.gpu_worker.machine.work_folder import WorkFolder
from tests.support.gateway import Client
from tests.support.step_engine import StepEngine
from tests.support.wired import wired
from tests.support.world import World, lively

pytestmark = pytest.mark.alone

QUICKLY = 2.0
"""Seconds in which a worker leaves when nothing hangs."""
PATIENCE = 20.0
"""Seconds for what must come about at all."""


class Machine:
    """A worker without a slot, in threads of this process; its engine and its receiver answer when the test says so."""

    def __init__(self, world: World, *, idle_seconds: float = PATIENCE) -> None:
        self.at_clip, self.decode = threading.Event(), threading.Event()
        self.asked, self.answer = threading.Event(), threading.Event()
        self.engine_patience: list[float] = []
        settings = lively(idle_seconds=idle_seconds, heartbeat_seconds=0.1)
        identity = Identity(owner="worker", machine=None, slot=None, launch_id=None, market="own")
        engine: Any = StepEngine(1, 1, self._clip)
        engine.close = self.engine_patience.append
        life = wired(
            world,
            settings,
            identity,
            dispatcher=self,
            folder=WorkFolder(Path(tempfile.gettempdir())),
            make_engine=lambda _: engine,
        )
        self.worker, self.sender, self.presence = life.worker, life.sender, life.presence
        self._running = threading.Thread(target=life.run, daemon=True)

    def start(self) -> None:
        self._running.start()

    def send(self, delivery: Delivery) -> None:
        """A first try is under way."""
        self.sender.send([delivery])
        assert self.asked.wait(PATIENCE)

    def seconds_to_leave(self) -> float:
        began = time.monotonic()
        threading.Thread(target=self.worker.leaving.leave, args=("spot notice",), daemon=True).start()
        return self.seconds_to_end(began)

    def seconds_to_end(self, began: float) -> float:
        self._running.join(PATIENCE)
        assert not self._running.is_alive(), "it is still there"
        return time.monotonic() - began

    def free(self) -> None:
        """Whatever hangs goes on."""
        self.decode.set()
        self.answer.set()

    def attempt(self, _: Delivery) -> None:
        """As the dispatcher: a receiver that takes its time."""
        self.asked.set()
        self.answer.wait()

    def _clip(self) -> None:
        """A batch on the device, in earnest once the self-test is passed."""
        if self.worker.held:
            self.at_clip.set()
            self.decode.wait()


@pytest.fixture
def machine(world: World) -> Iterator[Machine]:
    made = Machine(world)
    yield made
    made.free()


@pytest.fixture
def job(world: World, alice: Client) -> Job:
    return world.arrived(alice.post("/api/jobs", {"file_name": "a.mp3"}).json["job_id"])


def part_of(world: World, job: Job) -> Part:
    part = world.store.parts.get(job.job_id, FIRST_PART)
    assert part
    return part


def delivery_of_an_ended_job(world: World) -> Delivery:
    (delivery,) = world.completed(world.callback("https://hooks.example.com/"), name="job_0")
    return delivery


def test_what_is_held_is_given_back_when_its_batch_is_done(world: World, machine: Machine, job: Job) -> None:
    machine.start()
    assert machine.at_clip.wait(PATIENCE)
    threading.Timer(0.3, machine.decode.set).start()
    assert machine.seconds_to_leave() < QUICKLY
    part = part_of(world, job)
    assert (part.status, part.attempt, part.deaths, part.losses) == (PartStatus.QUEUED, 1, 0, 0)


def test_a_part_that_is_stuck_is_given_back_all_the_same_and_nothing_is_held_against_it(
    world: World, machine: Machine, job: Job
) -> None:
    machine.start()
    assert machine.at_clip.wait(PATIENCE)
    assert FORCED.held <= machine.seconds_to_leave() < FORCED.held + QUICKLY
    given_back = part_of(world, job)
    assert (given_back.status, given_back.deaths, given_back.losses) == (PartStatus.QUEUED, 0, 0)
    machine.free()
    _until(lambda: not machine.worker.held)
    assert part_of(world, job) == given_back, "whoever still works on it meets the fence"
    after = world.store.jobs.get(job.job_id)
    assert after
    assert after.status is JobStatus.QUEUED


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_receiver_that_hangs_keeps_nobody(world: World, machine: Machine) -> None:
    delivery = delivery_of_an_ended_job(world)
    machine.start()
    machine.send(delivery)
    assert FORCED.sender <= machine.seconds_to_leave() < FORCED.sender + QUICKLY


def test_whatever_hangs_at_once_the_worker_leaves_in_time(
    world: World, machine: Machine, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = delivery_of_an_ended_job(world)
    machine.start()
    assert machine.at_clip.wait(PATIENCE)
    machine.send(delivery)
    calling = threading.Event()

    def hang(*_: object, **__: object) -> None:
        """A call of AWS in a network that is gone."""
        calling.set()
        machine.answer.wait()
        raise ConnectTimeoutError(endpoint_url="https://dynamodb.example.com")

    monkeypatch.setattr(Leases, "heartbeat", hang)
    monkeypatch.setattr(machine.presence, "leave", hang)
    assert calling.wait(PATIENCE)
    seconds = machine.seconds_to_leave()
    sys.stdout.write(f"{seconds:6.1f} s  from being told to leave until the worker has left\n")
    assert seconds < LEAVE_SECONDS
    assert machine.engine_patience == [FORCED.engine]
    assert part_of(world, job).status is PartStatus.QUEUED


def test_a_worker_with_nothing_to_do_waits_for_its_receivers(world: World) -> None:
    machine = Machine(world, idle_seconds=0)
    delivery = delivery_of_an_ended_job(world)
    machine.send(delivery)
    threading.Timer(FORCED.sender + 1, machine.free).start()
    began = time.monotonic()
    machine.start()
    assert machine.seconds_to_end(began) > FORCED.sender
