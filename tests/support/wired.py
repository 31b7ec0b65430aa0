"""A worker as it is wired for a deployment, in a world of tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from services.gpu_worker.machine.identity import Identity
from services.gpu_worker.machine.presence import Presence
from services.gpu_worker.machine.shutdown import Shutdown
from services.gpu_worker.machine.work_folder import WorkFolder
from services.gpu_worker.queue.life import Life
from services.gpu_worker.settings import WorkerSettings
from services.gpu_worker.wiring import Surroundings, wire
from tests.support.step_speakers import StepSpeakers
from tests.support.world import World


def wired(
    world: World,
    settings: WorkerSettings,
    identity: Identity,
    *,
    dispatcher: Any,
    folder: WorkFolder,
    make_engine: Callable[[str], Any],
    clock: Callable[[], int] | None = None,
    **replaced: Any,
) -> Life:
    """`dispatcher` sends webhooks; its models are those of its settings; `replaced`: what else the test imitates."""
    now = clock or world.clock
    surroundings = Surroundings(
        store=world.store,
        s3=world.s3,
        dispatcher=dispatcher,
        presence=Presence(world.store, identity, settings, now),
        folder=folder,
        clock=now,
        make_engine=make_engine,
        prefetch=lambda _: None,
        models_now=lambda: settings.models,
        **{"speakers": StepSpeakers(0), **replaced},
    )
    return wire(settings, identity, surroundings, Shutdown())
