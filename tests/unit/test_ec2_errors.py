"""Each of EC2's words has one meaning, and no refusal of the spot market keeps jobs from a machine on demand."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from services.common.domain.states import Waiting
from services.orchestrator.ec2_errors import MEANINGS, UNKNOWN, Meaning, meaning_of
from services.orchestrator.state_reasons import CAUSES
from tests.support.documents import text_of

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


def row(meaning: Meaning) -> str:
    codes = ", ".join(f"`{code}`" for code in meaning.codes) or "any other"
    where = " of one pool" if meaning.pool_only else ""
    return f"| {codes}{where} | {meaning.words} | `{meaning.waiting}` | {'yes' if meaning.other_market else 'no'} |"


def test_the_runbook_has_the_same_table() -> None:
    below = text_of("docs/operations.md").split("\n### What EC2 says of a launch\n")[1].split("\n## ")[0]
    rows = [line for line in below.splitlines() if line.startswith("|")][2:]
    assert rows == [row(meaning) for meaning in (*MEANINGS, UNKNOWN)]


def test_where_the_guide_names_a_code_the_job_waits_for_what_it_says() -> None:
    table = text_of("docs/deploy.md").split("\n## When nothing happens\n")[1]
    named = [
        (waiting, code)
        for waiting, seen in re.findall(r"^\| `waiting: (\w+)`(.*?) \|", table, re.MULTILINE)
        for code in re.findall(r"`([A-Z]\w+(?:\.\w+)*)`", seen)
    ]
    assert len(named) >= 4
    for waiting, code in named:
        found = CAUSES.get(code) or meaning_of(code)
        assert found is not None
        assert found is not UNKNOWN
        assert (found.waiting, code) == (waiting, code)
