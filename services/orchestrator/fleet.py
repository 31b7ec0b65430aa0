"""Decides how many machines there are to be, and tells jobs why they wait if there are fewer."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import structlog

from services.common.domain.states import SlotStatus, Waiting
from services.common.store.parts import ready_of
from services.orchestrator import measuring
from services.orchestrator.expected import NOTHING
from services.orchestrator.launch import Launched, Refused
from services.orchestrator.scaling import (
    NO_DEMAND,
    Demand,
    launches_allowed,
    mended,
    next_slot,
    staying,
    wanted_machines,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from services.common.domain.machines import Breaker, Slot
    from services.common.domain.records import Part
    from services.common.store.store import Store
    from services.orchestrator.expected import Expected
    from services.orchestrator.settings import OrchestratorSettings
    from services.orchestrator.slot_launches import SlotLaunches

log = structlog.get_logger()
GLANCE = 100
"""Parts that are read after each batch of uploads: enough to see that a machine is needed."""
WHOLE_QUEUE = 20_000
"""Parts that the sweep reads to decide how many machines are needed, and to measure what waits: reading more would only
cost more."""
NOTED = 25
"""Jobs at the head of the queue on which it is noted why they wait."""
BROKEN = "Several machines in a row never reported: no other is launched for a while. See docs/operations.md."


class Fleet:
    """The machines of one deployment."""

    def __init__(self, store: Store, launches: SlotLaunches, settings: OrchestratorSettings) -> None:
        self._store = store
        self._launches = launches
        self._settings = settings

    def ensure(
        self,
        now: int,
        fresh: Sequence[float] = (),
        *,
        whole: Sequence[Part] | None = None,
        expected: Expected = NOTHING,
    ) -> Refused | None:
        """Launch as many machines as the queue needs, or as are expected to have work.

        Returns why there are fewer than the queue needs, if a launch was refused.

        Args:
            now: epoch milliseconds.
            fresh: seconds of audio of each part queued a moment ago, which the index may not show yet.
            whole: the queue, if it was read already; None: its first parts are read here.
            expected: machines that are wanted even if nothing is queued.

        """
        queue = self._store.parts.ready(now, GLANCE) if whole is None else ready_of(whole, now, WHOLE_QUEUE)
        demand = Demand.of(queue, fresh, now)
        most = self._settings.max_workers
        wanted = max(wanted_machines(demand, most), min(expected.machines, most))
        if not wanted:
            return None
        answer = self._launch_missing(wanted, demand, now, () if whole is None else queue, expected)
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
            there = len(staying(slots))
            # No job waits for a machine that is only expected, and none is worth the on-demand price.
            queued = there < wanted_machines(demand, self._settings.max_workers)
            if not launches_allowed(breaker, slots.values(), now):
                return self._broken(breaker) if queued else answer
            stay_until = expected.stay_until if there < expected.machines else 0
            last = self._launches.fill(name, demand if queued else NO_DEMAND, now, stay_until)
            if isinstance(last, Refused) and not queued:
                break
            answer = last or answer
            enough = len(slots) + 1 >= wanted + sum(slot.status is SlotStatus.LEAVING for slot in slots.values())
            if enough or isinstance(answer, Refused):
                break
            slots = self._slots()
        # The account ended the last machine at its start and will end this one too, until an operator mends the cause.
        return _breaker_refusal(breaker) if isinstance(answer, Launched) and breaker and breaker.waiting else answer

    @staticmethod
    def _broken(breaker: Breaker | None) -> Refused:
        """That the breaker keeps a machine from being launched that is needed."""
        refusal = _breaker_refusal(breaker)
        measuring.refused(refusal.waiting)
        return refusal

    def _slots(self) -> dict[str, Slot]:
        return {slot.slot: slot for slot in self._store.slots.all()}

    def _keep(self, slots: Mapping[str, Slot], expected: Expected) -> None:
        """Tell the machines in the lowest slots to wait for the work that is expected, except for on-demand ones."""
        for slot in staying(slots)[: expected.machines]:
            if slot.market == "spot" and slot.stay_until < expected.stay_until:
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


def _breaker_refusal(breaker: Breaker | None) -> Refused:
    """Why the breaker keeps machines from being launched, or from staying: how the last one ended."""
    reason = breaker.reason if breaker else None
    if breaker and breaker.waiting:
        return Refused(waiting=Waiting(breaker.waiting), reason=reason or BROKEN)
    return Refused(waiting=Waiting.BREAKER, reason=f"{BROKEN} The last one: {reason}" if reason else BROKEN)
