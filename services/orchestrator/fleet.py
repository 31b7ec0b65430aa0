"""Launches machines for the queue. Each takes a slot before its launch, so there are never more machines than slots."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import structlog
from botocore.exceptions import BotoCoreError, ClientError

from services.common.domain.ids import new_id
from services.common.domain.machines import Slot
from services.common.domain.states import SlotStatus, Waiting
from services.common.domain.times import MINUTE_MS, SECOND_MS, now_ms
from services.orchestrator.expected import NOTHING
from services.orchestrator.launch import Launched, Launcher, Refused, both_refused, most_useful
from services.orchestrator.scaling import (
    Demand,
    launches_allowed,
    market_after_refusal,
    mended,
    next_slot,
    wanted_machines,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from services.common.domain.machines import Breaker
    from services.common.domain.records import Part
    from services.common.store.store import Store
    from services.orchestrator.expected import Expected
    from services.orchestrator.settings import OrchestratorSettings

log = structlog.get_logger()
GLANCE = 100
"""Parts that are read after each batch of uploads: enough to see that a machine is needed."""
WHOLE_QUEUE = 20_000
"""Parts that the sweep reads to decide how many machines are needed: reading more would only cost more."""
NOTED = 25
"""Jobs at the head of the queue on which it is noted why they wait."""
BROKEN = "Several machines in a row never reported: no other is launched for a while. See docs/operations.md."


class Fleet:
    """The machines of one deployment."""

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

    def ensure(
        self, now: int, fresh: Sequence[float] = (), *, seen: int = GLANCE, expected: Expected = NOTHING
    ) -> Refused | None:
        """Launch as many machines as the queue needs, or as are expected to have work.

        Returns why there are fewer, if a launch was refused.

        Args:
            now: epoch milliseconds.
            fresh: seconds of audio of each part queued a moment ago, which the index may not show yet.
            seen: how many parts of the queue are read.
            expected: machines that are wanted even if nothing is queued.

        """
        queue = list(self._store.parts.ready(now, seen))
        demand = _demand(queue, fresh, now)
        most = self._settings.max_workers
        wanted = max(wanted_machines(demand, most), min(expected.machines, most))
        if not wanted:
            return None
        answer = self._launch_missing(wanted, demand, now, queue if seen > GLANCE else (), expected)
        if isinstance(answer, Refused):
            self._note_waiting(queue, answer)
            return answer
        if answer:
            self._clear_waiting(part for part in queue if part.created_at < now)
        return None

    def _launch_missing(
        self, wanted: int, demand: Demand, now: int, queue: Sequence[Part], expected: Expected
    ) -> Launched | Refused | None:
        """Launch until there are enough machines.

        Returns EC2's last answer, None if none was needed or the answer was lost.

        `queue`: the jobs whose note is removed if the breaker closes. If it is empty and there are enough machines, the
        breaker is not read.
        """
        slots = self._slots()
        self._keep(slots, expected)
        enough = next_slot(wanted, slots, self._settings.max_workers) is None
        if enough and not queue:
            return None
        breaker = self._breaker(slots.values(), queue)
        if enough:
            return None
        answer: Launched | Refused | None = None
        while name := next_slot(wanted, slots, self._settings.max_workers):
            if not launches_allowed(breaker, slots.values(), now):
                return _breaker_refusal(breaker)
            stay_until = expected.stay_until if len(_staying(slots)) < expected.machines else 0
            answer = self._launch_into(name, demand, now, stay_until) or answer
            enough = len(slots) + 1 >= wanted + sum(slot.status is SlotStatus.LEAVING for slot in slots.values())
            if enough or isinstance(answer, Refused):
                break
            slots = self._slots()
        # The account ended the last machine at its start and will end this one too, until an operator mends the cause.
        return _breaker_refusal(breaker) if isinstance(answer, Launched) and breaker and breaker.waiting else answer

    def _slots(self) -> dict[str, Slot]:
        return {slot.slot: slot for slot in self._store.slots.all()}

    def _keep(self, slots: Mapping[str, Slot], expected: Expected) -> None:
        """Tell the machines in the lowest slots to wait for the work that is expected."""
        for slot in _staying(slots)[: expected.machines]:
            if slot.stay_until < expected.stay_until:
                self._store.slots.stay(slot, expected.stay_until)

    def _breaker(self, slots: Collection[Slot], queue: Sequence[Part]) -> Breaker | None:
        """The breaker; None if there is none, or if a machine has reported since it opened and it closes now."""
        breaker = self._store.fleet.breaker()
        if breaker is None or not mended(breaker, slots):
            return breaker
        log.info("breaker.closed")
        self._store.fleet.good_boot()
        self._clear_waiting(queue)
        return None

    def _launch_into(self, name: str, demand: Demand, now: int, stay_until: int) -> Launched | Refused | None:
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
            return request
        slot = Slot(
            slot=name,
            status=SlotStatus.LAUNCHING,
            launch_id=launch_id,
            request=request,
            taken_at=now,
            due_at=now + MINUTE_MS,
            market=market,
            stay_until=stay_until,
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

    def _note_waiting(self, queue: Sequence[Part], refused: Refused) -> None:
        """Note on the jobs at the head of the queue why they wait."""
        for part in queue[:NOTED]:
            self._store.jobs.waits(part.job_id, refused.waiting, refused.reason)

    def _clear_waiting(self, queue: Iterable[Part]) -> None:
        """A machine comes: remove the notes.

        They were written from the queue's head on, so the first job without one ends the loop. A note that is missed
        here is removed when the job is claimed.
        """
        for part in islice(queue, NOTED):
            if not self._store.jobs.waits_no_longer(part.job_id):
                return


def _staying(slots: Mapping[str, Slot]) -> list[Slot]:
    """The slots whose machines do not leave, the lowest first."""
    return [slot for _, slot in sorted(slots.items()) if slot.status is not SlotStatus.LEAVING]


def _breaker_refusal(breaker: Breaker | None) -> Refused:
    """Why the breaker keeps machines from being launched, or from staying: how the last one ended."""
    reason = breaker.reason if breaker else None
    if breaker and breaker.waiting:
        return Refused(waiting=Waiting(breaker.waiting), reason=reason or BROKEN)
    return Refused(waiting=Waiting.BREAKER, reason=f"{BROKEN} The last one: {reason}" if reason else BROKEN)


def _demand(queue: Sequence[Part], fresh: Sequence[float], now: int) -> Demand:
    return Demand(
        parts=max(len(queue), len(fresh)),
        seconds=max(sum(part.seconds for part in queue), sum(fresh)),
        oldest_wait_ms=max((now - part.created_at for part in queue), default=0),
    )
