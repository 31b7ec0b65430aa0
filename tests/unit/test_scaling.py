from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.domain.machines import Breaker, Slot
from services.common.domain.stages import SPEED
from services.common.domain.states import SlotStatus
from services.common.domain.times import MINUTE_MS
from services.orchestrator.scaling import (
    SILENT_BOOTS,
    TARGET_SECONDS,
    Demand,
    launches_allowed,
    market_after_refusal,
    mended,
    next_slot,
    wanted_machines,
)


def slots(**status: SlotStatus) -> dict[str, Slot]:
    return {
        name[1:]: Slot(slot=name[1:], status=state, launch_id=name, request={}, taken_at=0)
        for name, state in status.items()
    }


RUNNING, LEAVING = SlotStatus.RUNNING, SlotStatus.LEAVING


@pytest.mark.parametrize(
    ("parts", "seconds", "most", "wanted"),
    [
        (0, 0.0, 8, 0),
        (1, 10.0, 8, 1),
        (1, 1e9, 8, 1),
        (100, 100 * 60.0, 8, 1),
        (100, 2.5 * SPEED * TARGET_SECONDS, 8, 3),
        (100, 1e9, 8, 8),
    ],
)
def test_machines_follow_the_audio_that_waits_and_never_outnumber_parts_or_limit(
    parts: int, seconds: float, most: int, wanted: int
) -> None:
    assert wanted_machines(Demand(parts=parts, seconds=seconds), most) == wanted


@given(st.integers(0, 10_000), st.floats(0, 1e9), st.integers(1, 99))
def test_a_queue_always_has_a_machine_and_the_limit_always_holds(parts: int, seconds: float, most: int) -> None:
    wanted = wanted_machines(Demand(parts=parts, seconds=seconds), most)
    assert (wanted > 0) == (parts > 0)
    assert wanted <= most


def test_the_lowest_free_slot_is_filled_first() -> None:
    assert next_slot(3, slots(s00=RUNNING, s02=RUNNING), 8) == "01"


def test_no_slot_is_filled_beyond_the_wanted_number() -> None:
    assert next_slot(2, slots(s00=RUNNING, s01=RUNNING), 8) is None
    assert next_slot(1, slots(s01=RUNNING), 8) is None, "one is enough, whichever it holds"


def test_a_leaving_machine_is_no_capacity_but_keeps_its_slot() -> None:
    assert next_slot(1, slots(s00=LEAVING), 8) == "01"


def test_leaving_machines_count_against_the_limit() -> None:
    assert next_slot(1, slots(s00=LEAVING), 1) is None


@pytest.mark.parametrize(
    ("minutes", "waited", "market"),
    [(0, 10**9, None), (10, 10 * MINUTE_MS - 1, None), (10, 10 * MINUTE_MS, "on-demand")],
)
def test_on_demand_is_asked_for_only_when_allowed_and_after_the_wait(
    minutes: int, waited: int, market: str | None
) -> None:
    assert market_after_refusal(Demand(parts=1, seconds=1, oldest_wait_ms=waited), minutes) == market


def machine(taken_at: int, *, reported: bool) -> Slot:
    return Slot(
        slot="00",
        status=RUNNING if reported else SlotStatus.LAUNCHING,
        launch_id="launch",
        request={},
        taken_at=taken_at,
        owner="worker" if reported else None,
    )


OPEN = Breaker(silent_boots=SILENT_BOOTS, open_until=1_000)


def test_an_open_breaker_lets_one_machine_through_after_its_pause() -> None:
    assert not launches_allowed(OPEN, [], 999)
    assert launches_allowed(OPEN, [], 1_000)
    assert not launches_allowed(OPEN, [machine(1_000, reported=False)], 1_000)


def test_a_machine_from_before_keeps_nobody_from_being_tried_and_proves_nothing() -> None:
    older = machine(500, reported=True)
    assert launches_allowed(OPEN, [older], 1_000)
    assert not mended(OPEN, [older])


def test_the_report_of_the_machine_that_was_let_through_closes_the_breaker() -> None:
    assert not mended(OPEN, [machine(1_000, reported=False)])
    assert mended(OPEN, [machine(1_000, reported=True)])
    few = Breaker(silent_boots=SILENT_BOOTS - 1, open_until=1_000)
    assert not mended(few, [machine(1_000, reported=True)]), "what is not open need not be closed"


def test_a_few_silent_boots_do_not_open_the_breaker() -> None:
    assert launches_allowed(Breaker(silent_boots=SILENT_BOOTS - 1, open_until=10**15), [], 0)
