"""All files through the whole system on this machine, sent by two clients at once; what is seen of it from outside."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.common.domain.fair_queue import estimated_seconds
from services.common.domain.records import Job, Part
from services.common.domain.states import TERMINAL
from services.local import resources
from services.local.processes import StackFailedError
from services.local.stack import Stack, StackSettings
from services.orchestrator.scaling import Demand, wanted_machines
from tests.mixture.collection import Made
from tests.support.random_model import UNTRAINED

CLIENTS = ("alfa", "beta")
MAX_WORKERS = 3
"""More than are needed, so that one too many would be seen."""
IDLE_SECONDS = 5.0
"""Longer than any pause between two uploads here: a machine that leaves before them would rightly be replaced."""
LOOK_SECONDS = 0.5


@dataclass(frozen=True, kw_only=True)
class Together:
    """What came of it."""

    jobs: dict[str, list[Job]]
    """Those of each file, by its name: one, if nothing is wrong."""
    parts: dict[str, list[Part]]
    """Those of each job, by its id."""
    logs: dict[str, list[dict[str, Any]]]
    """The lines of each machine's worker, by the name of its log."""
    needed: int
    """Machines that the orchestrator's own rule asks for when all of it is queued."""
    seconds: float
    """From the first upload until the last job's end."""
    trouble: str | None = None
    """The system broke down, or was not done in time."""


def together(made: Sequence[Made], model: Path, *, patience_seconds: float) -> Together:
    """Send them all and wait for the end of each."""
    settings = StackSettings(
        models_folder=model, max_workers=MAX_WORKERS, idle_seconds=IDLE_SECONDS, worker=UNTRAINED, sweep_seconds=1
    )
    with Stack(settings) as stack:
        for client in CLIENTS:
            stack.new_client(client)
        began = time.monotonic()
        with ThreadPoolExecutor(len(CLIENTS)) as pool:
            shares = [made[number :: len(CLIENTS)] for number in range(len(CLIENTS))]
            list(pool.map(lambda client, share: _send(stack, client, share), CLIENTS, shares))
        trouble = _wait(stack, len(made), began + patience_seconds)
        took = time.monotonic() - began
        jobs = _jobs(stack)
        return Together(
            jobs={one.name: [job for job in jobs if job.file_name == one.name] for one in made},
            parts={job.job_id: list(stack.store.parts.of_job(job.job_id)) for job in jobs},
            logs={path.stem: _lines(path) for path in sorted(stack.logs.glob("worker-*.log"))},
            needed=_needed(made),
            seconds=took,
            trouble=trouble,
        )


def _send(stack: Stack, client: str, share: Sequence[Made]) -> None:
    for one in share:
        key = f"uploads/{client}/{one.name}"
        stack.s3.put_object(Bucket=resources.BUCKET, Key=key, Body=one.path.read_bytes())


def _wait(stack: Stack, count: int, until: float) -> str | None:
    while sum(job.status in TERMINAL for job in _jobs(stack)) < count:
        try:
            stack.check()
        except StackFailedError as error:
            return f"the system broke down: {error}"
        if time.monotonic() > until:
            return "not all jobs came to an end in time"
        time.sleep(LOOK_SECONDS)
    return None


def _jobs(stack: Stack) -> list[Job]:
    return [job for client in CLIENTS for job in stack.store.jobs.of_client(client, limit=10_000)]


def _lines(path: Path) -> list[dict[str, Any]]:
    """What was logged; what else came to the console is nothing that we can read."""
    return [json.loads(text) for text in path.read_text("utf-8", "replace").splitlines() if text.startswith("{")]


def _needed(made: Sequence[Made]) -> int:
    seconds = sum(estimated_seconds(one.path.stat().st_size) for one in made)
    return wanted_machines(Demand(parts=len(made), seconds=seconds), MAX_WORKERS)
