"""Launches machines into slots. Each takes its slot before its launch, so there are never more machines than slots."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from botocore.exceptions import BotoCoreError, ClientError

from services.common.domain.ids import new_id
from services.common.domain.machines import Slot
from services.common.domain.states import SlotStatus
from services.common.domain.times import MINUTE_MS, SECOND_MS, now_ms
from services.orchestrator import measuring
from services.orchestrator.launch import Launched, Launcher, Refused, both_refused, most_useful
from services.orchestrator.scaling import market_after_refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from services.common.store.store import Store
    from services.orchestrator.scaling import Demand
    from services.orchestrator.settings import OrchestratorSettings

log = structlog.get_logger()


class SlotLaunches:
    """Fills slots, and repeats launches whose answer was lost."""

    def __init__(
        self,
        store: Store,
        launcher: Launcher,
        settings: OrchestratorSettings,
        *,
        name_launch: Callable[[], str] = lambda: new_id("launch"),
        clock: Callable[[], int] = now_ms,
    ) -> None:
        self._store = store
        self._launcher = launcher
        self._settings = settings
        self._name_launch = name_launch
        self._clock = clock

    def fill(self, name: str, demand: Demand, now: int, stay_until: int) -> Launched | Refused | None:
        """Launch a spot machine for this slot; if that market refuses, an on-demand one, if the operator allows it."""
        spot = self._ask(name, "spot", now, stay_until)
        market = market_after_refusal(demand, self._settings.on_demand_after_minutes)
        if not (isinstance(spot, Refused) and spot.other_market and market):
            return spot
        answer = self._ask(name, market, now, stay_until)
        return both_refused(spot, answer) if isinstance(answer, Refused) else answer

    def _ask(self, name: str, market: str, now: int, stay_until: int) -> Launched | Refused | None:
        """Ask a market for any of the types, then for those of which EC2 tried none, as it tries a few pools only."""
        answer = self._take_and_launch(name, market, now, stay_until)
        while isinstance(answer, Refused) and answer.untried:
            further = self._take_and_launch(name, market, now, stay_until, answer.untried)
            answer = most_useful(answer, further) if isinstance(further, Refused) else further
        return answer

    def _take_and_launch(
        self, name: str, market: str, now: int, stay_until: int, types: Sequence[str] = ()
    ) -> Launched | Refused | None:
        """Take the slot, then launch; None if the slot was taken already, and the caller reads the slots again."""
        launch_id = self._name_launch()
        request = self._launcher.request(slot=name, launch_id=launch_id, market=market, types=types)
        if isinstance(request, Refused):
            measuring.refused(request.waiting)
            return request
        slot = Slot(
            slot=name,
            status=SlotStatus.LAUNCHING,
            launch_id=launch_id,
            request=request,
            taken_at=now,
            due_at=now + MINUTE_MS,
            market=market,
            stay_until=stay_until if market == "spot" else 0,
            times={"capacity_asked": self._clock()},
        )
        if not self._store.slots.take(slot):
            return None
        return self.launch(slot, now)

    def launch(self, slot: Slot, now: int) -> Launched | Refused | None:
        """Ask EC2 for the slot's machine, for the first time or again; None if the answer was lost."""
        try:
            answer = self._launcher.launch(slot.request)
        except (ClientError, BotoCoreError) as error:
            # It is not known whether a machine was launched. The slot stays taken, and the sweep repeats the request.
            log.warning("launch.unknown", slot=slot.slot, launch_id=slot.launch_id, error=error)
            return None
        if isinstance(answer, Refused):
            log.warning("launch.refused", slot=slot.slot, waiting=answer.waiting.value, reason=answer.reason)
            measuring.refused(answer.waiting)
            self._store.slots.free(slot)
        else:
            self._record_launch(slot, answer, now)
        return answer

    def _record_launch(self, slot: Slot, machine: Launched, now: int) -> None:
        allowance = self._settings.provision_seconds if slot.request["provision"] else self._settings.boot_seconds
        self._store.slots.launched(
            slot,
            instance_id=machine.instance_id,
            instance_type=machine.instance_type,
            zone=machine.zone,
            now=self._clock(),
            due_at=now + allowance * SECOND_MS,
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
