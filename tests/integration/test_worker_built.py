"""A worker is put together for what it is: a machine of the fleet, or a person's own box."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from services.gpu_worker import wiring
from services.gpu_worker.engine.processes.readers import ReaderProcesses
from services.gpu_worker.machine.identity import identify
from services.gpu_worker.machine.metadata import Machine
from services.gpu_worker.machine.presence import Presence
from services.gpu_worker.machine.work_folder import WorkFolder
from services.gpu_worker.queue.worker import Worker
from tests.support.world import World, lively
from tests.support.written import put_job

ADDED = "KBLab/kb-whisper-small"
MACHINE = Machine(
    instance_id="i-1",
    instance_type="g4dn.xlarge",
    zone="eu-north-1a",
    region="eu-north-1",
    tags={"transcribe-config": "/test/worker", "transcribe-slot": "00", "transcribe-launch-id": "launch_1"},
)


@pytest.fixture
def built(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[[Machine | None], tuple[Worker, bool]]:
    """Makes the worker of a machine, and tells whether it is held to the lock."""
    held: list[bool] = []

    def models(*_: Any, locked: bool, **__: Any) -> Any:
        held.append(locked)
        return SimpleNamespace(ready=str, speakers=Path)

    monkeypatch.setattr(wiring, "Models", models)
    monkeypatch.setattr(ReaderProcesses, "warm_up", lambda _: None)

    def build(machine: Machine | None) -> tuple[Worker, bool]:
        identity, settings = identify(machine, "worker_1"), lively()
        presence = Presence(world.store, identity, settings, world.clock)
        folder = WorkFolder(Path())
        life = wiring.build(settings, identity, world.aws, presence=presence, folder=folder, clock=world.clock)
        return life.worker, held.pop()

    return build


def test_a_machine_of_the_fleet_is_held_to_the_lock_and_a_persons_own_box_is_not(
    built: Callable[[Machine | None], tuple[Worker, bool]],
) -> None:
    assert [built(machine)[1] for machine in (MACHINE, None)] == [True, False]


def test_a_machine_asks_its_parameter_which_models_there_are_by_now(
    world: World, built: Callable[[Machine | None], tuple[Worker, bool]]
) -> None:
    told = {**lively().model_dump(mode="json", exclude_none=True), "models": f"whisper-base,{ADDED}"}
    world.aws.ssm().put_parameter(Name="/test/worker", Value=json.dumps(told), Type="String")
    put_job(world, options={"model": ADDED})
    _, wrong = built(MACHINE)[0].claimer.options(world.job("job_1"))
    assert wrong is None
