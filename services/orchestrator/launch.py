"""Launches one machine: CreateFleet with a frozen request, which can be repeated if the reply was lost."""

from __future__ import annotations

from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from services.common.domain.errors import unrecorded
from services.common.domain.states import Waiting
from services.orchestrator.ec2_errors import UNTRIED, meaning_of
from services.orchestrator.state_reasons import MOST_WORDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ssm import SSMClient

    from services.orchestrator.settings import OrchestratorSettings

NO_IMAGE = "none"
STRATEGIES = {"spot": "price-capacity-optimized", "on-demand": "lowest-price"}
"""How EC2 chooses among the types and zones, by market. Neither knows an order of types: EC2 takes what has the most
capacity and is cheap, or what is cheapest ("Allocation strategies" in the EC2 User Guide)."""
_ORDERED = {"spot": "price-capacity-optimized", "on-demand": "prioritized"}
"""The strategies of requests that release 0.1 froze, which gave each type a priority."""
_USEFUL_FIRST = (Waiting.IMAGE, Waiting.QUOTA, Waiting.CAPACITY)
"""An image or a quota can be mended, capacity can only be waited for."""


@dataclass(frozen=True, kw_only=True)
class Launched:
    """The machine that EC2 launched."""

    instance_id: str
    instance_type: str
    zone: str | None


@dataclass(frozen=True, kw_only=True)
class Refused:
    """EC2 launched no machine, and what the jobs wait for now."""

    waiting: Waiting
    reason: str
    other_market: bool = False
    """Whether the other market may have a machine all the same."""
    untried: tuple[str, ...] = ()
    """The types of which EC2 tried no pool, although the market may have them: worth asking for by themselves."""


class Launcher:
    """Asks EC2 for machines."""

    def __init__(self, ec2: EC2Client, ssm: SSMClient, settings: OrchestratorSettings) -> None:
        self._ec2 = ec2
        self._ssm = ssm
        self._settings = settings

    def request(self, *, slot: str, launch_id: str, market: str, types: Sequence[str] = ()) -> dict[str, Any] | Refused:
        """Everything that a launch depends on. It is stored with the slot before EC2 is asked.

        `types`: those of the operator's types that are asked for; none means all of them.

        Returns Refused if the image's parameter is missing, or if the default model may not be fetched.
        """
        name = self._settings.image_parameter
        try:
            image = self._parameter(name)
            provision = image == NO_IMAGE
            default = self._settings.models[0]
            if provision and default in self._settings.unrecorded_models:
                return Refused(waiting=Waiting.IMAGE, reason=unrecorded(default))
            if provision:
                name = self._settings.fallback_image_parameter
                image = self._parameter(name)
        except self._ssm.exceptions.ParameterNotFound:
            reason = f"The parameter {name} that names the image is missing: put it right and apply again."
            return Refused(waiting=Waiting.IMAGE, reason=reason)
        return {
            "slot": slot,
            "launch_id": launch_id,
            "market": market,
            "image_id": image,
            "provision": provision,
            "template_id": self._template(market),
            "strategy": STRATEGIES[market],
            "types": list(types or self._settings.instance_types),
            "subnets": list(self._settings.subnet_ids),
            "deployment": self._settings.deployment,
        }

    def launch(self, request: Mapping[str, Any]) -> Launched | Refused:
        """Ask EC2 for the machine. This is idempotent: for the same request, EC2 launches once.

        Raises:
            ClientError, BotoCoreError: it is not known whether a machine was launched; repeat the same request.

        """
        try:
            reply = self._ec2.create_fleet(**_fleet(request))
        except ClientError as error:
            details, status = error.response["Error"], error.response["ResponseMetadata"]["HTTPStatusCode"]
            refused = classify(details["Code"], details.get("Message", ""), status=status)
            if refused is None:
                raise
            return refused
        for instance in reply.get("Instances", []):
            overrides = instance.get("LaunchTemplateAndOverrides", {}).get("Overrides", {})
            return Launched(
                instance_id=instance["InstanceIds"][0],
                instance_type=instance["InstanceType"],
                zone=overrides.get("AvailabilityZone"),
            )
        return _why([dict(error) for error in reply.get("Errors", [])])

    def _template(self, market: str) -> str:
        """EC2 refuses an on-demand launch from a template that tags spot requests, so each market has its own."""
        return self._settings.spot_launch_template_id if market == "spot" else self._settings.launch_template_id

    def _parameter(self, name: str) -> str:
        return self._ssm.get_parameter(Name=name)["Parameter"]["Value"]


def classify(code: str, message: str, *, status: int = HTTPStatus.OK) -> Refused | None:
    """What EC2's error means for the queue; None if it is not known whether a machine was launched.

    Args:
        code: EC2's error code.
        message: EC2's message.
        status: the reply's HTTP status; 200 for an error of one of a fleet's pools.

    """
    meaning = meaning_of(code, status=status)
    if meaning is None:
        return None
    reason = f"{code}: {message}".strip(": ")[:MOST_WORDS]
    return Refused(waiting=meaning.waiting, reason=reason, other_market=meaning.other_market)


def most_useful(*refused: Refused) -> Refused:
    """Of the refusals of one market, the last of them last: what can best be mended.

    The other market is worth asking if it may help with one of them.
    """
    best = min(refused, key=lambda each: _USEFUL_FIRST.index(each.waiting))
    other_market = any(each.other_market for each in refused)
    return replace(best, other_market=other_market, untried=refused[-1].untried)


def both_refused(spot: Refused, on_demand: Refused) -> Refused:
    """What the jobs wait for if neither market has a machine."""
    return Refused(
        waiting=min(spot.waiting, on_demand.waiting, key=_USEFUL_FIRST.index),
        reason=f"Spot was refused ({spot.reason}), and so was on-demand ({on_demand.reason}).",
    )


def _why(errors: list[dict[str, Any]]) -> Refused:
    """What the errors of a fleet's pools come to."""
    tried = [error for error in errors if error.get("ErrorCode") != UNTRIED]
    found = [classify(error.get("ErrorCode", ""), error.get("ErrorMessage", "")) for error in tried or errors]
    refused = list(filter(None, found))
    if not refused:
        return Refused(waiting=Waiting.CAPACITY, reason="EC2 gave no machine and no reason", other_market=True)
    # If no type is known to have been tried, a further request would be this one again, and so for ever.
    worthwhile = _types(tried) and any(each.other_market for each in refused)
    untried = sorted(_types(errors) - _types(tried)) if worthwhile else ()
    return replace(most_useful(*refused), untried=tuple(untried))


def _types(errors: list[dict[str, Any]]) -> set[str]:
    overrides = [error.get("LaunchTemplateAndOverrides", {}).get("Overrides", {}) for error in errors]
    return {each["InstanceType"] for each in overrides if "InstanceType" in each}


def _fleet(request: Mapping[str, Any]) -> dict[str, Any]:
    """CreateFleet's parameters: for the same frozen request always the same ones, or EC2 takes it for another."""
    market, strategy = request["market"], request.get("strategy")
    fleet: dict[str, Any] = {
        "Type": "instant",
        "ClientToken": request["launch_id"],
        "LaunchTemplateConfigs": [
            {
                "LaunchTemplateSpecification": {
                    "LaunchTemplateId": request["template_id"],
                    "Version": "$Default",
                },
                "Overrides": [
                    {"InstanceType": kind, "SubnetId": subnet, "ImageId": request["image_id"]}
                    | ({} if strategy else {"Priority": float(place)})
                    for place, kind in enumerate(request["types"])
                    for subnet in request["subnets"]
                ],
            }
        ],
        "TargetCapacitySpecification": {
            "TotalTargetCapacity": 1,
            "DefaultTargetCapacityType": market,
        },
        "TagSpecifications": [{"ResourceType": "instance", "Tags": _tags(request)}],
    }
    options = "SpotOptions" if market == "spot" else "OnDemandOptions"
    fleet[options] = {"AllocationStrategy": strategy or _ORDERED[market]}
    return fleet


def _tags(request: Mapping[str, Any]) -> list[dict[str, str]]:
    tags = {
        "Name": f"{request['deployment']}-worker-{request['slot']}",
        "transcribe-deployment": request["deployment"],
        "transcribe-slot": request["slot"],
        "transcribe-launch-id": request["launch_id"],
        "transcribe-market": request["market"],
    }
    return [{"Key": key, "Value": value} for key, value in tags.items()]
