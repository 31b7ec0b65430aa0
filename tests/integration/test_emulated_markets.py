"""The orchestrator's launches on the emulated EC2, whose markets lack what AWS's may lack."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import boto3
import pytest
from moto import mock_aws

from services.common.domain.states import Waiting
from services.local import resources
from services.local.emulator import markets, patches
from services.orchestrator.launch import Launched, Launcher, Refused
from services.orchestrator.settings import OrchestratorSettings

ZONES = [f"{resources.REGION}{zone}" for zone in resources.ZONES]
LEAST = "g4dn.xlarge"
CAPACITY = ["InsufficientInstanceCapacity", "none left"]


@cache
def _client(service: str) -> Any:
    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
    return boto3.client(service, resources.REGION, **keys)  # type: ignore[call-overload]


class Account:
    """A launch template and a subnet in each zone."""

    def __init__(self) -> None:
        self.ec2 = _client("ec2")
        templates = {market: resources.launch_template(self.ec2, market) for market in resources.TAGGED}
        vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnets = [
            self.ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=zone)["Subnet"]
            for number, zone in enumerate(ZONES)
        ]
        _client("ssm").put_parameter(Name="/image", Value=resources.IMAGE, Type="String")
        self._settings = OrchestratorSettings(
            table_name="table",
            bucket_name="bucket",
            deployment="test",
            secrets_key_id="key",
            models=("model",),
            launch_template_id=templates["on-demand"],
            spot_launch_template_id=templates["spot"],
            subnet_ids=tuple(subnet["SubnetId"] for subnet in subnets),
            instance_types=resources.INSTANCE_TYPES,
            image_parameter="/image",
            fallback_image_parameter="/fallback",
            max_workers=1,
        )
        self._launches = 0

    def launch(self, market: str, types: Sequence[str] = resources.INSTANCE_TYPES, **more: str) -> Launched | Refused:
        """A launch with these settings in place of the usual ones."""
        self._launches += 1
        settings = self._settings.model_copy(update={"instance_types": types, **more})
        launcher = Launcher(self.ec2, _client("ssm"), settings)
        request = launcher.request(slot="00", launch_id=f"launch-{self._launches}", market=market)
        assert not isinstance(request, Refused)
        return launcher.launch(request)

    def running(self) -> list[Any]:
        found = self.ec2.describe_instances(Filters=[{"Name": "instance-state-name", "Values": ["running"]}])
        return [instance for reservation in found["Reservations"] for instance in reservation["Instances"]]


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    monkeypatch.setattr(markets, "_told", markets.Told())
    monkeypatch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")  # hundreds, at each start, of which none is launched
    patches.apply()
    markets.apply()
    with mock_aws():
        yield Account()


def refused(answer: Launched | Refused) -> tuple[Waiting, str, bool]:
    assert isinstance(answer, Refused)
    return answer.waiting, answer.reason.partition(":")[0], answer.other_market


def launched(answer: Launched | Refused) -> str:
    assert isinstance(answer, Launched), answer
    return answer.instance_type


def test_with_a_spot_quota_of_0_every_spot_launch_is_refused_and_on_demand_gives_a_machine(account: Account) -> None:
    markets.tell({"quotas": {"spot": 0}})
    assert refused(account.launch("spot")) == (Waiting.QUOTA, "MaxSpotInstanceCountExceeded", True)
    assert account.running() == []
    launched(account.launch("on-demand"))
    (machine,) = account.running()
    assert "InstanceLifecycle" not in machine, "EC2 says nothing of a machine on demand, and spot of others"
    quota = _client("service-quotas").get_service_quota(ServiceCode="ec2", QuotaCode="L-3819A6DF")
    assert quota["Quota"]["Value"] == 0, "what Terraform's check reads"


def test_each_market_counts_the_vcpus_of_its_own_running_machines(account: Account) -> None:
    markets.tell({"quotas": {"spot": 12, "on-demand": 4}})
    launched(account.launch("on-demand", [LEAST]))
    assert refused(account.launch("on-demand")) == (Waiting.QUOTA, "VcpuLimitExceeded", True)
    assert launched(account.launch("spot", ["g4dn.2xlarge"])) == "g4dn.2xlarge"
    assert refused(account.launch("spot", ["g4dn.2xlarge"]))[1] == "MaxSpotInstanceCountExceeded"
    assert launched(account.launch("spot", [LEAST])) == LEAST, "there is room for a smaller one"
    account.ec2.terminate_instances(InstanceIds=[account.running()[-1]["InstanceId"]])
    assert launched(account.launch("spot", [LEAST])) == LEAST


def test_a_type_that_a_zone_does_not_offer_starts_in_another(account: Account) -> None:
    markets.tell({"not_offered": [["g5.xlarge", ZONES[0]], ["g5.xlarge", ZONES[1]]]})
    launched(account.launch("spot", ["g5.xlarge"]))
    (machine,) = account.running()
    assert machine["Placement"]["AvailabilityZone"] == ZONES[2]


def test_a_type_that_no_zone_offers_leaves_its_place_to_the_others(account: Account) -> None:
    markets.tell({"not_offered": [["g5.xlarge", zone] for zone in ZONES]})
    assert refused(account.launch("spot", ["g5.xlarge"])) == (Waiting.CAPACITY, "InvalidFleetConfiguration", True)
    assert launched(account.launch("on-demand", ["g5.xlarge", LEAST])) == LEAST


def test_of_three_kinds_of_error_at_once_the_most_useful_is_told_and_on_demand_is_worth_asking_for(
    account: Account,
) -> None:
    kinds = [CAPACITY, ["MaxSpotInstanceCountExceeded", "Max spot instance count exceeded"], ["Unsupported", "no"]]
    refusals = [
        {"market": "spot", "type": LEAST, "zone": zone, "error": kind} for zone, kind in zip(ZONES, kinds, strict=True)
    ]
    markets.tell({"refusals": refusals})
    assert refused(account.launch("spot")) == (Waiting.QUOTA, "MaxSpotInstanceCountExceeded", True)
    assert launched(account.launch("on-demand")) == LEAST


def test_a_missing_right_is_no_reason_to_pay_more_although_pools_were_not_tried(account: Account) -> None:
    markets.tell({"refusals": [{"error": ["UnauthorizedOperation", "You are not authorized"]}]})
    assert refused(account.launch("spot")) == (Waiting.IMAGE, "UnauthorizedOperation", False)


def test_on_demand_takes_the_cheapest_type_wherever_it_stands_in_the_list(account: Account) -> None:
    assert launched(account.launch("on-demand", ["g5.xlarge", "g4dn.2xlarge", LEAST])) == LEAST
    markets.tell({"refusals": [{"type": LEAST, "zone": zone, "error": CAPACITY} for zone in ZONES[:2]]})
    launched(account.launch("on-demand", ["g5.xlarge", LEAST]))
    assert account.running()[-1]["Placement"]["AvailabilityZone"] == ZONES[2]


def test_what_is_launched_on_either_market_carries_the_templates_tags_and_so_does_a_spot_request(
    account: Account,
) -> None:
    for market in resources.TAGGED:
        launched(account.launch(market))
    machines, volumes = account.running(), account.ec2.describe_volumes()["Volumes"]
    requests = account.ec2.describe_spot_instance_requests()["SpotInstanceRequests"]
    assert (len(machines), len(volumes), len(requests)) == (2, 2, 1)
    for made in (*machines, *volumes, *requests):
        assert {"Key": "transcribe-config", "Value": resources.CONFIG_PARAMETER} in made["Tags"]


def test_a_template_that_tags_spot_requests_starts_nothing_on_demand(account: Account) -> None:
    """As release 6.5.1 of terraform-aws-github-runner found out (its issue 4561)."""
    answer = account.launch("on-demand", launch_template_id=resources.launch_template(account.ec2, "spot", "other"))
    assert refused(answer)[1] == "InvalidParameterValue"
    assert isinstance(answer, Refused)
    assert "no Spot instances requests" in answer.reason
    assert account.running() == []


@pytest.mark.parametrize("key", ["cost center", "cost/center", "_index"])
def test_a_tag_that_metadata_could_not_show_keeps_every_machine_from_starting(account: Account, key: str) -> None:
    template = resources.launch_template(account.ec2, "spot", "other", tags={key: "4711"})
    answer = account.launch("spot", spot_launch_template_id=template)
    assert isinstance(answer, Refused)
    assert f"'{key}' is not a valid tag key" in answer.reason
    assert account.running() == []


def test_a_spot_request_that_version_0_1_0_froze_with_its_only_template_still_starts_a_machine(
    account: Account,
) -> None:
    """That template is the on-demand one now."""
    only = resources.launch_template(account.ec2, "on-demand", "other")
    launched(account.launch("spot", spot_launch_template_id=only))
