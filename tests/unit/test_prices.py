"""What a job says that it cost is known for every machine that a deployment launches unless it is told otherwise."""

from __future__ import annotations

import pytest

from services.common.domain.prices import dollars_per_hour
from services.local.resources import INSTANCE_TYPES


@pytest.mark.parametrize("instance_type", INSTANCE_TYPES)
def test_each_default_machine_has_a_price_and_is_cheaper_on_the_spot_market(instance_type: str) -> None:
    spot, on_demand = (dollars_per_hour(instance_type, market) for market in ("spot", "on-demand"))
    assert spot is not None
    assert on_demand is not None
    assert 0 < spot < on_demand


def test_a_machine_of_an_unknown_price_has_none() -> None:
    assert dollars_per_hour("a-box-under-the-desk", "spot") is None
