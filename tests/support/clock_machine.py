"""A worker with real processes, real recordings and a device that is a clock (and may fail)."""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from services.common.domain.records import FIRST_PART, Job, Part
from services.common.domain.states import TERMINAL
from services.gpu_worker.engine.process import EngineProcess
from services.gpu_worker.engine.processes import device_link
from services.gpu_worker.engine.speakers.work import Speakers
from services.gpu_worker.machine.identity import Identity
from services.gpu_worker.machine.work_folder import WorkFolder
from services.gpu_worker.part.claim import Claim
from tests.support import clock_device
from tests.support.step_speakers import StepSpeakers
from tests.support.wired import wired
from tests.support.world import World, lively

PATIENCE = 60.0
"""Seconds for what must come about at all."""


def with_a_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every engine's device is a clock."""
    monkeypatch.setattr(device_link, "serve", clock_device.serve)
    # Forked from what has the libraries loaded: a clock needs none of them, and a process of its own takes seconds.
    monkeypatch.setattr(device_link, "_SPAWN", multiprocessing.get_context("forkserver"))


class Machine:
    """A worker in threads of this process, its model and its readings in processes of their own."""

    def __init__(
        self,
        world: World,
        model: Path,
        room: Path,
        monkeypatch: pytest.MonkeyPatch,
        *,
        speakers: Speakers | None = None,
        **settings: Any,
    ) -> None:
        """`settings`: of the worker, besides what all tests have; None of `speakers`: ones who say nothing."""
        with_a_clock(monkeypatch)
        self.world = world
        self.engines: list[EngineProcess] = []
        self.left: list[str] = []
        self.claimed: list[str] = []
        """Jobs, in the order of their claims."""
        self._model = model
        self._settings = lively(idle_seconds=PATIENCE, heartbeat_seconds=0.2, work_folder=room, **settings)
        identity = Identity(owner="worker", machine=None, slot=None, launch_id=None, market="own")
        life = wired(
            world,
            self._settings,
            identity,
            dispatcher=None,
            folder=WorkFolder(room),
            make_engine=self._make_engine,
            speakers=speakers or StepSpeakers(0),
        )
        self.worker = life.worker
        self._note(monkeypatch)
        self._running = threading.Thread(target=life.run, daemon=True)

    def _make_engine(self, model: str) -> EngineProcess:
        self.engines.append(EngineProcess(model, self._model, "cpu", patience_seconds=1))
        return self.engines[-1]

    def _note(self, monkeypatch: pytest.MonkeyPatch) -> None:
        claim, leave = self.worker.claimer.claim, self.worker.leaving.leave

        def claimed(job: Job, *arguments: Any) -> Claim | None:
            self.claimed.append(job.job_id)
            return claim(job, *arguments)

        def left(why: str) -> None:
            self.left.append(why)
            leave(why)

        monkeypatch.setattr(self.worker.claimer, "claim", claimed)
        monkeypatch.setattr(self.worker.leaving, "leave", left)

    def start(self) -> None:
        self._running.start()

    def stop(self) -> None:
        self.worker.leaving.leave("the test is over")
        self._running.join(PATIENCE)

    def wait_for(self, *jobs: Job) -> None:
        """Until these have ended."""
        for job in jobs:
            until(partial(self._over, job))

    def _over(self, job: Job) -> bool:
        return self.world.job(job.job_id).status in TERMINAL

    def part(self, job: Job) -> Part:
        found = self.world.store.parts.get(job.job_id, FIRST_PART)
        assert found
        return found


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)
