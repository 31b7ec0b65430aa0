"""Each of EC2's words has one meaning, and no refusal of the spot market keeps jobs from a machine on demand."""

from __future__ import annotations

from collections import Counter

import pytest

from services.common.domain.states import Waiting
from services.orchestrator.ec2_errors import MEANINGS, UNKNOWN, meaning_of

OF_THE_SPOT_MARKET = [
    "InsufficientInstanceCapacity",
    "UnfulfillableCapacity",
    "SpotMaxPriceTooLow",
    "Unsupported",
    "MaxSpotInstanceCountExceeded",
    "MaxFleetCountExceeded",
    "MaxSpotFleetRequestCountExceeded",
    "VcpuLimitExceeded",
    "AuthFailure.ServiceLinkedRoleCreationNotPermitted",
    "InternalError",
    "SomethingNew",
]
OF_BOTH = [
    "InvalidAMIID.NotFound",
    "InvalidLaunchTemplateId.NotFound",
    "InvalidParameterValue",
    "UnauthorizedOperation",
    "OptInRequired",
    "RequestLimitExceeded",
    "VolumeLimitExceeded",
    "IdempotentParameterMismatch",
]


def test_a_code_has_one_row_or_one_for_pools_and_one_for_requests() -> None:
    rows = Counter((code, meaning.pool_only) for meaning in MEANINGS for code in meaning.codes)
    assert set(rows.values()) == {1}
    of_pools = [code for code, pool_only in rows if pool_only]
    assert of_pools == ["InvalidFleetConfiguration"]
    as_pool, as_request = (meaning_of(of_pools[0], status=status) for status in (200, 400))
    assert as_pool is not None
    assert as_request is not None
    assert (as_pool.waiting, as_request.waiting) == (Waiting.CAPACITY, Waiting.IMAGE)


@pytest.mark.parametrize("code", OF_THE_SPOT_MARKET)
@pytest.mark.parametrize("status", [200, 400])
def test_a_refusal_of_the_spot_market_is_a_reason_to_ask_on_demand(code: str, status: int) -> None:
    found = meaning_of(code, status=status)
    assert found is not None
    assert found.other_market


@pytest.mark.parametrize("code", OF_BOTH)
@pytest.mark.parametrize("status", [200, 400])
def test_what_on_demand_would_meet_as_well_is_none(code: str, status: int) -> None:
    found = meaning_of(code, status=status)
    assert found is not None
    assert found is not UNKNOWN
    assert not found.other_market
