"""What the guide and Terraform say of money is worked out from the prices and from Terraform's defaults."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import hcl2
import pytest
from moto.ec2.models.instance_types import INSTANCE_TYPES

from services.api.settings import ApiSettings
from services.common.domain.prices import ADDRESS_AND_DISK, DOLLARS_PER_HOUR
from tests.support.documents import ROOT, text_of

MARKETS = ("spot", "on-demand")


@cache
def blocks(file: str, kind: str) -> dict[str, Any]:
    """What the blocks of a kind in one of Terraform's files say, by name."""
    found = hcl2.loads((ROOT / "terraform" / file).read_text(encoding="utf-8"))[kind]
    return {name.strip('"'): body for block in found for name, body in block.items()}


def default(name: str) -> Any:
    return blocks("variables.tf", "variable")[name]["default"]


def types() -> list[str]:
    return [name.strip('"') for name in default("instance_types")]


def vcpus(kind: str) -> int:
    return int(INSTANCE_TYPES[kind]["VCpuInfo"]["DefaultVCpus"])


def a_day(kind: str, market: str) -> float:
    """Dollars that the most machines of a type cost in a day."""
    return float(default("max_workers")) * 24 * (DOLLARS_PER_HOUR[kind, market] + ADDRESS_AND_DISK)


def guide() -> str:
    return " ".join(text_of("docs/deploy.md").split())


@pytest.mark.parametrize("kind", types())
def test_the_guides_table_has_each_default_type_with_its_prices(kind: str) -> None:
    hour = ", ".join(f"{DOLLARS_PER_HOUR[kind, market]}" for market in MARKETS)
    day = ", ".join(f"{a_day(kind, market):.0f}" for market in MARKETS)
    assert f"| {kind} | {vcpus(kind)} | {hour} | {day} |" in guide()
    assert default("max_workers") == 2, "the table says two machines"


def test_the_ceiling_is_that_of_the_dearest_type() -> None:
    spot, on_demand = (max(a_day(kind, market) for kind in types()) for market in MARKETS)
    assert f"no more than about {spot:.0f} dollars a day at these spot prices" in guide()
    assert f"so {on_demand:.0f} dollars is the most in any case" in guide()
    assert f"cost some {ADDRESS_AND_DISK} an hour more" in guide()


def test_the_guides_short_answers_are_those_of_its_long_ones() -> None:
    spot, on_demand = (max(a_day(kind, market) for kind in types()) for market in MARKETS)
    assert f"with the default settings | {spot:.0f} at these spot prices, {on_demand:.0f} in any case |" in guide()
    hourly = sorted(DOLLARS_PER_HOUR[kind, "spot"] + ADDRESS_AND_DISK for kind in ("g4dn.xlarge", "g5.xlarge"))
    office_hours = 5 * 10 * 365.25 / 7 / 12
    low, high = (f"{hour * office_hours:.0f}" for hour in hourly)
    assert f"| a machine kept warm in office hours, a month | {low} to {high} |" in guide()
    wait = ApiSettings.model_fields["early_launch_seconds"].default / 3_600
    low, high = (f"{hour * wait:.3f}" for hour in hourly)
    assert f"| a machine started for an upload that never comes | {low} to {high} |" in guide()
    [idle] = re.findall(r"\*\*with the free tier, the key and cents\*\* \| \*\*([\d.]+) \S ([\d.]+)\*\*", guide())
    assert f"| a month in which nobody transcribes | {idle[0]} to {idle[1]} |" in guide()


def test_a_machine_ahead_of_an_upload_that_never_comes_costs_what_the_guide_says() -> None:
    hours = ApiSettings.model_fields["early_launch_seconds"].default / 3_600
    prices = {kind: DOLLARS_PER_HOUR[kind, "spot"] + ADDRESS_AND_DISK for kind in types()}
    cheap, dear = min(prices, key=prices.__getitem__), max(prices, key=prices.__getitem__)
    costs = f"costs about {hours * prices[cheap]:.3f} on a {cheap} and {hours * prices[dear]:.3f} on a {dear}."
    assert costs in guide()
    assert f"it costs {24 * prices[cheap]:.0f} to {24 * prices[dear]:.0f} dollars a day" in guide()


def test_as_large_a_quota_is_asked_for_as_the_largest_type_needs() -> None:
    largest = max(types(), key=vcpus)
    most = default("max_workers")
    assert f"{most} times the {vcpus(largest)} of a {largest}" in guide()
    assert f"--quota-code L-3819A6DF --desired-value {most * vcpus(largest)} " in guide()


def test_terraform_reckons_with_the_same_prices() -> None:
    names = blocks("costs.tf", "locals")
    assert names["address_and_disk"] == ADDRESS_AND_DISK
    told = {
        (kind.strip('"'), market.replace("_", "-")): price
        for kind, prices in names["prices"].items()
        for market, price in prices.items()
    }
    assert told == DOLLARS_PER_HOUR
