"""Machines for the queue: a slot first, then a launch; never more machines than slots."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from botocore.exceptions import BotoCoreError, ClientError

from services.common.domain.clock import MINUTE, SECOND
from services.common.domain.ids import new_id
from services.common.domain.records import Slot
from services.common.domain.states import SlotStatus, Waiting
from services.orchestrator.launch import Launched, Launcher, Refused
from services.orchestrator.policy import (
    Demand,
    launches_allowed,
    market_after_refusal,
    next_slot,
    wanted_machines,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from services.common.domain.records import Part
    from services.common.store.store import Store
    from services.orchestrator.settings import OrchestratorSettings

log = structlog.get_logger()
GLANCE = 100
"""Parts looked at after each batch of uploads: enough to see that a machine is needed."""
WHOLE_QUEUE = 20_000
"""Parts looked at by the sweep, which decides how many machines: more would change nothing but the bill."""
TOLD = 25
"""Jobs at the head of the queue that are told why they wait."""
BROKEN = Refused(
    waiting=Waiting.BREAKER,
    reason="Several machines in a row never reported: no other is launched for a while. See docs/operations.md.",
)


class Fleet:
    """The machines of one deployment."""

    def __init__(
        self,
        store: Store,
        launcher: Launcher,
        settings: OrchestratorSettings,
        *,
        name_launch: Callable[[], str] = lambda: new_id("launch"),
    ) -> None:
        self._store = store
        self._launcher = launcher
        self._settings = settings
        self._name_launch = name_launch

    def ensure(self, now: int, fresh: Sequence[float] = (), *, seen: int = GLANCE) -> Refused | None:
        """Launch what the queue deserves; returns why EC2 gave less, if it did.

        `fresh`: seconds of audio of each part queued a moment ago, which the index may not show yet.
        `seen`: how much of the queue is looked at.
        """
        queue = list(self._store.parts.ready(now, seen))
        demand = _demand(queue, fresh, now)
        wanted = wanted_machines(demand, self._settings.max_workers)
        if not wanted:
            return None
        refused = self._fill(wanted, demand, now)
        if refused:
            self._tell(queue, refused)
        return refused

    def _fill(self, wanted: int, demand: Demand, now: int) -> Refused | None:
        checked = False
        while True:
            slots = {slot.slot: slot for slot in self._store.slots.all()}
            name = next_slot(wanted, slots, self._settings.max_workers)
            if name is None:
                return None
            if not checked and not launches_allowed(self._store.fleet.breaker(), now, len(slots)):
                return BROKEN
            checked = True
            refused = self._take(name, "spot", now)
            if refused and refused.waiting is Waiting.CAPACITY:
                market = market_after_refusal(demand, self._settings.on_demand_after_minutes)
                refused = self._take(name, market, now) if market else refused
            if refused:
                return refused
            if len(slots) + 1 >= wanted + sum(slot.status is SlotStatus.LEAVING for slot in slots.values()):
                return None

    def _take(self, name: str, market: str, now: int) -> Refused | None:
        """Take the slot, then launch. Who finds it taken reads again: another's machine counts too."""
        launch_id = self._name_launch()
        request = self._launcher.request(slot=name, launch_id=launch_id, market=market)
        if isinstance(request, Refused):
            return request
        slot = Slot(
            slot=name,
            status=SlotStatus.LAUNCHING,
            launch_id=launch_id,
            request=request,
            taken_at=now,
            due_at=now + MINUTE,
            market=market,
            times={"capacity_asked": now},
        )
        if not self._store.slots.take(slot):
            return None
        return self.launch(slot, now)

    def launch(self, slot: Slot, now: int) -> Refused | None:
        """Ask for the slot's machine, for the first time or again."""
        try:
            answer = self._launcher.launch(slot.request)
        except (ClientError, BotoCoreError) as error:
            # Whether a machine came is not known: the slot stays taken, and the sweep asks again word for word.
            log.warning("launch.unknown", slot=slot.slot, launch_id=slot.launch_id, error=str(error))
            return None
        if isinstance(answer, Refused):
            log.warning("launch.refused", slot=slot.slot, waiting=answer.waiting.value, reason=answer.reason)
            self._store.slots.free(slot)
            return answer
        self._launched(slot, answer, now)
        return None

    def _launched(self, slot: Slot, machine: Launched, now: int) -> None:
        allowance = self._settings.provision_seconds if slot.request["provision"] else self._settings.boot_seconds
        self._store.slots.launched(
            slot,
            instance_id=machine.instance_id,
            instance_type=machine.instance_type,
            zone=machine.zone,
            now=now,
            due_at=now + allowance * SECOND,
        )
        log.info(
            "machine.launched",
            slot=slot.slot,
            instance_id=machine.instance_id,
            type=machine.instance_type,
            zone=machine.zone,
            market=slot.market,
            provision=slot.request["provision"],
        )

    def _tell(self, queue: Sequence[Part], refused: Refused) -> None:
        """Say on the jobs at the head of the queue why they wait."""
        for part in queue[:TOLD]:
            self._store.jobs.waits(part.job_id, refused.waiting, refused.reason)


def _demand(queue: Sequence[Part], fresh: Sequence[float], now: int) -> Demand:
    return Demand(
        parts=max(len(queue), len(fresh)),
        seconds=max(sum(part.seconds for part in queue), sum(fresh)),
        oldest_wait_ms=max((now - part.created_at for part in queue), default=0),
    )
