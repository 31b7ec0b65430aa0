"""What a job says that it cost is known for every machine that a deployment launches unless it is told otherwise."""

from __future__ import annotations

import pytest

from services.common.domain.prices import dollars_per_hour, together
from services.local.resources import INSTANCE_TYPES


@pytest.mark.parametrize("instance_type", INSTANCE_TYPES)
def test_each_default_machine_has_a_price_and_is_cheaper_on_the_spot_market(instance_type: str) -> None:
    spot, on_demand = (dollars_per_hour(instance_type, market) for market in ("spot", "on-demand"))
    assert spot is not None
    assert on_demand is not None
    assert 0 < spot < on_demand


def test_a_machine_of_an_unknown_price_has_none() -> None:
    assert dollars_per_hour("a-box-under-the-desk", "spot") is None


def test_what_attempts_have_cost_adds_up_and_the_last_ones_machine_is_told() -> None:
    first = {"machine_seconds": 60.5, "market": "spot", "instance_type": "g4dn.xlarge", "dollars": 0.003}
    last = {"machine_seconds": 10.0, "market": "on-demand", "instance_type": "g5.xlarge", "dollars": 0.002}
    both = together(first, last)
    assert both == {"machine_seconds": 70.5, "market": "on-demand", "instance_type": "g5.xlarge", "dollars": 0.005}
    assert together({}, last) == together(last, {}) == last


def test_dollars_of_one_attempt_alone_are_not_told_as_those_of_all() -> None:
    known, own_box = {"machine_seconds": 1.0, "dollars": 0.1}, {"machine_seconds": 2.0, "market": "own"}
    assert together(known, own_box) == {"machine_seconds": 3.0, "market": "own"}
    assert together(own_box, known) == {"machine_seconds": 3.0}
