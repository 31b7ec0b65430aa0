"""What EC2 says, and what it means for whoever waits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from services.common.domain.errors import unrecorded
from services.common.domain.states import Waiting
from services.orchestrator.launch import STRATEGIES, Launched, Launcher, Refused, both_refused, classify
from services.orchestrator.settings import OrchestratorSettings
from services.orchestrator.state_reasons import MOST_WORDS
from tests.support.faults import aws_error

CAPACITY, QUOTA, IMAGE = Waiting.CAPACITY, Waiting.QUOTA, Waiting.IMAGE
SETTINGS = OrchestratorSettings(
    table_name="table",
    bucket_name="bucket",
    deployment="test",
    secrets_key_id="key",
    models=("model",),
    launch_template_id="lt-1",
    spot_launch_template_id="lt-2",
    subnet_ids=("subnet-a",),
    instance_types=("g4dn.xlarge",),
    image_parameter="/image",
    fallback_image_parameter="/aws/service/base-image",
    max_workers=1,
)


@pytest.mark.parametrize(
    ("code", "status", "waiting"),
    [
        # Within a fleet's reply: no machine came from that pool.
        ("InsufficientInstanceCapacity", 200, CAPACITY),
        ("UnfulfillableCapacity", 200, CAPACITY),
        ("InternalError", 200, CAPACITY),
        ("MaxSpotInstanceCountExceeded", 200, QUOTA),
        ("UnauthorizedOperation", 200, IMAGE),
        ("InvalidAMIID.NotFound", 200, IMAGE),
        ("InvalidFleetConfiguration", 200, CAPACITY),  # that type is not offered in that zone; others are
        ("SomethingNew", 200, IMAGE),
        # Instead of a reply, and certain all the same.
        ("InsufficientInstanceCapacity", 500, CAPACITY),
        ("RequestLimitExceeded", 503, CAPACITY),
        ("VcpuLimitExceeded", 400, QUOTA),
        ("MaxFleetCountExceeded", 400, QUOTA),
        ("VolumeLimitExceeded", 400, QUOTA),
        ("MaxSpotInstanceCountExceeded", 500, QUOTA),
        ("InvalidFleetConfiguration", 400, IMAGE),
        ("OptInRequired", 401, IMAGE),
        ("PendingVerification", 400, IMAGE),
        ("UnauthorizedOperation", 403, IMAGE),
        ("IdempotentParameterMismatch", 400, IMAGE),
        ("SomethingNew", 400, IMAGE),
        # Instead of a reply, and a machine may have come.
        ("InternalError", 500, None),
        ("InternalFailure", 500, None),
        ("Unavailable", 503, None),
        ("SomethingNew", 500, None),
    ],
)
def test_every_answer_is_a_refusal_with_ec2s_words_unless_a_machine_may_have_come(
    code: str, status: int, waiting: Waiting | None
) -> None:
    refused = classify(code, "its words", status=status)
    expected = (waiting, f"{code}: its words") if waiting else None
    assert (refused and (refused.waiting, refused.reason)) == expected


def test_an_encoded_message_of_thousands_of_characters_does_not_come_to_the_job_whole() -> None:
    refused = classify("UnauthorizedOperation", "x" * 5_000, status=403)
    assert refused is not None
    assert len(refused.reason) == MOST_WORDS


class Ec2:
    def __init__(self, code: str, status: int) -> None:
        self._error = aws_error(code, "CreateFleet", status=status)

    def create_fleet(self, **_: Any) -> Any:
        raise self._error


class Ssm:
    """A parameter store with these parameters."""

    class exceptions:  # noqa: N801 - as boto3 has it
        class ParameterNotFound(Exception):  # noqa: N818 - AWS's name
            """No such parameter."""

    def __init__(self, **parameters: str) -> None:
        self._parameters = {f"/{name}": value for name, value in parameters.items()}

    def get_parameter(self, Name: str) -> Any:  # noqa: N803 - AWS's name
        if Name not in self._parameters:
            raise self.exceptions.ParameterNotFound
        return {"Parameter": {"Value": self._parameters[Name]}}


def test_no_machine_is_launched_that_could_not_fetch_the_default_model() -> None:
    known = SETTINGS.model_copy(update={"unrecorded_models": ("model",)})
    refused = Launcher(None, Ssm(image="none"), known).request(slot="00", launch_id="launch", market="spot")  # type: ignore[arg-type] # as boto3's
    assert refused == Refused(waiting=IMAGE, reason=unrecorded("model"))
    assert "python -m tools.models record model" in refused.reason


def test_an_image_of_ones_own_may_hold_what_is_not_recorded() -> None:
    known = SETTINGS.model_copy(update={"unrecorded_models": ("model",)})
    request = Launcher(None, Ssm(image="ami-1"), known).request(slot="00", launch_id="launch", market="spot")  # type: ignore[arg-type] # as boto3's
    assert not isinstance(request, Refused)


def launcher(ec2: Any = None, ssm: Any = Ssm(image="ami-1")) -> Launcher:  # noqa: B008 - nobody changes it
    return Launcher(ec2, ssm, SETTINGS)


def asked(made: Launcher) -> Launched | Refused:
    request = made.request(slot="00", launch_id="launch", market="spot")
    assert not isinstance(request, Refused)
    return made.launch(request)


def test_a_server_error_leaves_it_open_whether_a_machine_came() -> None:
    with pytest.raises(ClientError):
        asked(launcher(Ec2("InternalError", 500)))


def test_a_client_error_is_an_answer() -> None:
    answer = asked(launcher(Ec2("OptInRequired", 401)))
    assert isinstance(answer, Refused)
    assert answer.waiting is IMAGE


@pytest.mark.parametrize(("ssm", "missing"), [(Ssm(), "/image"), (Ssm(image="none"), "/aws/service/base-image")])
def test_the_parameter_that_is_missing_is_the_one_that_is_named(ssm: Ssm, missing: str) -> None:
    refused = launcher(ssm=ssm).request(slot="00", launch_id="launch", market="spot")
    assert isinstance(refused, Refused)
    assert f"The parameter {missing} " in refused.reason


@pytest.mark.parametrize(("market", "template"), [("on-demand", "lt-1"), ("spot", "lt-2")])
def test_each_market_is_asked_with_its_own_template(market: str, template: str) -> None:
    request = launcher().request(slot="00", launch_id="launch", market=market)
    assert not isinstance(request, Refused)
    assert request["template_id"] == template


class Recording:
    """EC2 with these errors of pools, and what it was asked for."""

    def __init__(self, *codes: str) -> None:
        self.errors = [{"ErrorCode": code, "ErrorMessage": "its words"} for code in codes]
        self.asked: list[dict[str, Any]] = []

    def create_fleet(self, **request: Any) -> Any:
        self.asked.append(request)
        return {"Instances": [], "Errors": self.errors}


@pytest.mark.parametrize(
    ("codes", "told", "other_market"),
    [
        (["UnfulfillableCapacity"] * 9, "UnfulfillableCapacity", True),
        (["MaxSpotInstanceCountExceeded"] * 3 + ["UnfulfillableCapacity"] * 6, "MaxSpotInstanceCountExceeded", True),
        (["InsufficientInstanceCapacity", "MaxSpotInstanceCountExceeded", "Unsupported"], "MaxSpotInstance", True),
        (["InsufficientInstanceCapacity", "InvalidAMIID.NotFound", "SpotMaxPriceTooLow"], "InvalidAMIID", True),
        (["InvalidAMIID.NotFound"] * 3 + ["UnfulfillableCapacity"] * 6, "InvalidAMIID.NotFound", False),
        (["InsufficientFreeAddressesInSubnet"] * 3, "InsufficientFreeAddressesInSubnet", False),
        ([], "EC2 gave no machine and no reason", True),
    ],
)
def test_the_most_useful_of_several_refusals_is_told_and_one_of_the_market_leads_to_the_other(
    codes: list[str], told: str, other_market: bool
) -> None:
    answer = asked(launcher(Recording(*codes)))
    assert isinstance(answer, Refused)
    assert answer.reason.startswith(told)
    assert answer.other_market is other_market


def pools(code: str, *types: str) -> list[dict[str, Any]]:
    return [{"ErrorCode": code, "LaunchTemplateAndOverrides": {"Overrides": {"InstanceType": kind}}} for kind in types]


@pytest.mark.parametrize(
    ("refusal", "untried"),
    [
        (pools("InsufficientInstanceCapacity", "g4dn.xlarge", "g5.xlarge"), ("g4dn.2xlarge",)),
        (pools("MaxSpotInstanceCountExceeded", "g4dn.2xlarge"), ("g4dn.xlarge", "g5.xlarge")),
        (pools("UnauthorizedOperation", "g4dn.xlarge"), ()),
        ([{"ErrorCode": "MaxSpotInstanceCountExceeded"}], ()),  # of no pool: the same request would be made for ever
        ([], ()),
    ],
)
def test_a_type_of_which_no_pool_was_tried_is_worth_asking_for_unless_nothing_else_was_said(
    refusal: list[dict[str, Any]], untried: tuple[str, ...]
) -> None:
    ec2 = Recording()
    ec2.errors = refusal + pools("UnfulfillableCapacity", "g4dn.xlarge", "g4dn.2xlarge", "g5.xlarge")
    answer = asked(launcher(ec2))
    assert isinstance(answer, Refused)
    assert answer.untried == untried


def test_if_both_markets_refuse_the_sentence_names_both_and_what_can_be_mended_counts() -> None:
    spot = Refused(waiting=CAPACITY, reason="InsufficientInstanceCapacity: none")
    on_demand = Refused(waiting=QUOTA, reason="VcpuLimitExceeded: a limit of 0")
    for answer in (both_refused(spot, on_demand), both_refused(on_demand, spot)):
        assert answer.waiting is QUOTA
        assert spot.reason in answer.reason
        assert on_demand.reason in answer.reason


FROZEN: Mapping[str, Any] = {
    "slot": "00",
    "launch_id": "launch_1",
    "image_id": "ami-1",
    "provision": False,
    "template_id": "lt-1",
    "types": ["g4dn.xlarge", "g5.xlarge"],
    "subnets": ["subnet-a", "subnet-b"],
    "deployment": "news",
}
"""A request as release 0.1.0 froze it, without its market."""


@pytest.mark.parametrize(
    ("market", "options"),
    [
        ("spot", {"SpotOptions": {"AllocationStrategy": "price-capacity-optimized"}}),
        ("on-demand", {"OnDemandOptions": {"AllocationStrategy": "prioritized"}}),
    ],
)
def test_a_request_that_an_older_release_froze_is_repeated_as_it_was(market: str, options: dict[str, Any]) -> None:
    """With other parameters under the same token, EC2 would refuse it and keep the machine that may have come."""
    ec2 = Recording()
    launcher(ec2).launch({**FROZEN, "market": market})
    tags = {
        "Name": "news-worker-00",
        "transcribe-deployment": "news",
        "transcribe-slot": "00",
        "transcribe-launch-id": "launch_1",
        "transcribe-market": market,
    }
    assert ec2.asked == [
        {
            "Type": "instant",
            "ClientToken": "launch_1",
            "LaunchTemplateConfigs": [
                {
                    "LaunchTemplateSpecification": {"LaunchTemplateId": "lt-1", "Version": "$Default"},
                    "Overrides": [
                        {"InstanceType": kind, "SubnetId": subnet, "ImageId": "ami-1", "Priority": priority}
                        for kind, priority in (("g4dn.xlarge", 0.0), ("g5.xlarge", 1.0))
                        for subnet in ("subnet-a", "subnet-b")
                    ],
                }
            ],
            "TargetCapacitySpecification": {"TotalTargetCapacity": 1, "DefaultTargetCapacityType": market},
            "TagSpecifications": [
                {"ResourceType": "instance", "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
            ],
            **options,
        }
    ]


@pytest.mark.parametrize(("market", "options"), [("spot", "SpotOptions"), ("on-demand", "OnDemandOptions")])
def test_types_have_no_order_on_either_market(market: str, options: str) -> None:
    ec2 = Recording()
    made = launcher(ec2)
    request = made.request(slot="00", launch_id="launch", market=market)
    assert not isinstance(request, Refused)
    made.launch(request)
    (fleet,) = ec2.asked
    assert fleet[options] == {"AllocationStrategy": STRATEGIES[market]}
    overrides = fleet["LaunchTemplateConfigs"][0]["Overrides"]
    assert overrides == [{"InstanceType": "g4dn.xlarge", "SubnetId": "subnet-a", "ImageId": "ami-1"}]
