"""Machines may be wanted for several reasons at once."""

from __future__ import annotations

from services.orchestrator.expected import NOTHING, Expected, together


def test_machines_that_one_reason_wants_serve_the_others_too() -> None:
    schedule, upload = Expected(machines=2, stay_until=5), Expected(machines=1, stay_until=9)
    assert together(schedule, upload) == Expected(machines=2, stay_until=9)
    assert together(schedule, NOTHING) == schedule
    assert together() == NOTHING


def test_a_reason_that_wants_no_machine_keeps_none() -> None:
    assert together(Expected(machines=0, stay_until=9), Expected(machines=1, stay_until=5)).stay_until == 5
