"""What a deployment goes through, undisturbed; the matrix disturbs it at every call."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from services.common.domain.errors import InvalidMediaError
from services.common.domain.records import Job, part_name
from services.common.domain.registrations import message
from services.common.domain.times import DAY_MS, HOUR_MS, SECOND_MS
from services.gpu_worker.engine.processes.device_link import DeviceDiedError
from services.gpu_worker.queue.worker import Worker
from tests.support.faults import Crash, aws_error
from tests.support.step_world import StepWorld
from tests.support.uploads import registered

REFUSED = 1 / 3


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A name, what happens, and how the job may end."""

    name: str
    run: Callable[[StepWorld], None]
    expected: set[str] = field(default_factory=lambda: {"completed"})
    shape: dict[str, int] = field(default_factory=dict)
    disturbed: bool = True
    """Whether the matrix goes through its calls, or it only has to hold by itself."""


def each_job(world: StepWorld, do: Callable[[Job], None]) -> None:
    """Do it to every job of the scenario's client."""
    for job in world.jobs():
        do(job)


def _plain(world: StepWorld) -> None:
    world.upload()
    world.settle()


def _interrupted(world: StepWorld) -> None:
    """A spot notice in the middle of the first attempt."""
    seen: list[int] = []

    def notice(worker: Worker) -> None:
        seen.append(1)
        if len(seen) == 2:
            worker.leaving.leave("spot notice")

    world.each_clip = notice
    _plain(world)


def _canceled(world: StepWorld) -> None:
    """Canceled while it is being decoded."""
    seen: list[int] = []

    def cancel(_: Worker) -> None:
        seen.append(1)
        if len(seen) == 2:
            each_job(world, world.cancel)

    world.each_clip = cancel
    _plain(world)


def _updated(world: StepWorld) -> None:
    """Its client updates its words while it is being decoded: by then its worker has read the earlier ones."""
    seen: list[int] = []

    def update(_: Worker) -> None:
        seen.append(1)
        if len(seen) == 2:
            each_job(world, lambda job: world.update(job, "case 7"))

    world.each_clip = update
    _plain(world)


def _updated_by_all(world: StepWorld) -> None:
    """The same, undisturbed: the message of the end and the json say so."""
    _updated(world)
    world.broken += [f"{job.status} with {job.reference}" for job in world.jobs() if job.reference != "case 7"]


def _no_capacity(world: StepWorld) -> None:
    """And then a machine that takes longer to boot than the sweep waits before it asks for a lost reply again."""
    world.ec2.missing = 2
    _plain(world)


def _silent_worker(world: StepWorld) -> None:
    """The first worker dies in the middle, without a word; the sweep finds out."""
    seen: list[int] = []

    def die(_: Worker) -> None:
        seen.append(1)
        if len(seen) == 2:
            raise Crash

    world.each_clip = die
    _plain(world)


def _erased(world: StepWorld) -> None:
    """Erased while it is being decoded; a late writer leaves nothing either."""
    seen: list[int] = []

    def erase(_: Worker) -> None:
        seen.append(1)
        if len(seen) == 2:
            each_job(world, world.erase)

    world.each_clip = erase
    world.upload()
    world.settle(lambda number: each_job(world, world.erase) if number else None)
    _erase_until_it_is_done(world)


def _erase_until_it_is_done(world: StepWorld) -> None:
    """Whoever gets no answer asks again."""
    while world.jobs():
        each_job(world, world.erase)
    world.settle()


def _one_part_fails(world: StepWorld) -> None:
    """The second of three parts cannot be decoded; the third waits in the queue, or is a rival's."""

    def fail(worker: Worker) -> None:
        if any(claim.part.part_id == part_name(1) for claim in worker.held):
            raise InvalidMediaError("This part cannot be decoded.")

    world.each_clip = fail
    _plain(world)


def _device_dies(world: StepWorld) -> None:
    """The process that holds the model dies, or hangs and is killed, over the first attempt's second clip."""
    seen: list[int] = []

    def die(_: Worker) -> None:
        seen.append(1)
        if len(seen) == 2:
            raise DeviceDiedError(1)

    world.each_clip = die
    _plain(world)


def _device_died_once(world: StepWorld) -> None:
    """The same, undisturbed: the part goes back at once, and it was its one death."""
    _device_dies(world)
    _blame(world, deaths=1, attempt=2)


def _bad_file(world: StepWorld) -> None:
    """It cannot be read: that is said at once, and the device that was to decode it is as good as before."""

    def fail(_: Worker) -> None:
        raise InvalidMediaError("The recording cannot be read.")

    world.each_clip = fail
    _plain(world)
    _blame(world)


def _blame(world: StepWorld, **expected: int) -> None:
    """What is held against each part, and how often it was tried."""
    for job in world.jobs():
        for part in world.store.parts.of_job(job.job_id):
            found = {"deaths": part.deaths, "losses": part.losses, "attempt": part.attempt}
            if found != {"deaths": 0, "losses": 0, "attempt": 1} | expected:
                world.broken.append(f"{part.part_id}: {found}")


def _throttled(world: StepWorld) -> None:
    """AWS refuses a third of the worker's calls, and takes them when it is asked again."""
    chance = random.Random(1)

    def refuse(name: str) -> None:
        if chance.random() < REFUSED:
            raise aws_error("ThrottlingException", name)

    world.trouble = refuse
    _plain(world)
    _blame(world)


def _uploaded_again(world: StepWorld) -> None:
    """It fails, and is put once more; of each upload S3 tells again and again, and the search sees it every hour."""

    def fail(_: Worker) -> None:
        raise InvalidMediaError("The recording cannot be read.")

    world.each_clip = fail
    _plain(world)
    _told_again(world)
    world.each_clip = lambda _: None
    world.wait(HOUR_MS / SECOND_MS)
    _plain(world)


def _told_again(world: StepWorld) -> None:
    world.tell()
    world.settle()
    world.age(HOUR_MS)
    world.settle()


def _erased_and_uploaded_again(world: StepWorld) -> None:
    """A plain upload is erased, and put once more; days later nothing of it is left, nor does it become a job."""
    _plain(world)
    _erase_until_it_is_done(world)
    world.wait(HOUR_MS / SECOND_MS)
    _plain(world)
    for _ in range(3):
        world.age(DAY_MS)
        world.settle()


def _in_parts(world: StepWorld) -> None:
    """The recording of a job of the API comes in parts, of which there is one."""
    job = registered(world, declared={"size": 5_000, "multipart": True})
    world.send_in_parts(job)
    world.settle()


def _leaving(world: StepWorld) -> None:
    """A second recording comes while the machine is about to leave and takes minutes to power off."""
    world.patience_ms = 180_000
    world.warm_up()
    world.upload("uploads/b.wav")
    world.settle()


def _registered_early(world: StepWorld) -> None:
    """A registration launches a machine, and the recording comes while it boots."""
    world.orchestrator_settings.launch_at_registration = True
    job = registered(world, expected_until=world.now + 30 * SECOND_MS)
    world.queue.append({"messageId": "registered", "body": message(job.job_id)})
    world.serve_queue()
    world.now = max(world.now, job.expected_until)
    world.upload(job.source_key)
    world.settle()


SCENARIOS = (
    Scenario(name="single part", run=_plain),
    Scenario(name="three parts with merge", run=_plain, shape={"parts": 3}),
    Scenario(name="decoded before it is split", run=_plain, shape={"parts": 3, "early": 5}),
    Scenario(name="speakers told apart", run=_plain, shape={"parts": 3, "early": 5, "speakers": 1}),
    Scenario(name="one of three parts fails", run=_one_part_fails, expected={"failed"}, shape={"parts": 3}),
    Scenario(name="interrupted", run=_interrupted),
    Scenario(name="canceled", run=_canceled, expected={"completed", "canceled"}),
    Scenario(name="updated", run=_updated),
    Scenario(name="capacity error", run=_no_capacity, shape={"boot_ms": 90_000}),
    Scenario(name="sweep", run=_silent_worker),
    Scenario(name="device dies", run=_device_dies),
    Scenario(name="erase", run=_erased, expected={"erased"}),
    Scenario(name="uploaded again", run=_uploaded_again),
    Scenario(name="in parts", run=_in_parts),
    Scenario(name="erased, uploaded again", run=_erased_and_uploaded_again, expected={"erased"}),
    Scenario(name="registered early", run=_registered_early),
    Scenario(name="updated for certain", run=_updated_by_all, disturbed=False),
    Scenario(name="device died once", run=_device_died_once, disturbed=False),
    Scenario(name="bad file", run=_bad_file, expected={"failed"}, disturbed=False),
    Scenario(name="throttled", run=_throttled, shape={"parts": 3}, disturbed=False),
    Scenario(name="leaving", run=_leaving, shape={"linger_ms": 600_000}, disturbed=False),
    Scenario(name="every slot taken", run=_leaving, shape={"linger_ms": 120_000, "max_workers": 1}, disturbed=False),
)
