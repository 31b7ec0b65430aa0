"""Launches one machine: CreateFleet with a frozen request, which can be repeated if the reply was lost."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from services.common.domain.errors import unrecorded
from services.common.domain.states import Waiting

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ssm import SSMClient

    from services.orchestrator.settings import OrchestratorSettings

NO_IMAGE = "none"
_CAPACITY = frozenset(
    {
        "InsufficientInstanceCapacity",
        "InsufficientHostCapacity",
        "InsufficientReservedInstanceCapacity",
        "InsufficientFreeAddressesInSubnet",
        "SpotMaxPriceTooLow",
        "UnfulfillableCapacity",
        "Unsupported",
        "UnsupportedOperation",
        "RequestLimitExceeded",
        "Throttling",
        "ThrottlingException",
    }
)
"""With any HTTP status: nothing was launched, and a later request may succeed."""
_PASSING = frozenset({"InternalError", "InternalFailure", "ServiceUnavailable", "Unavailable"})
"""As the error of one pool of the fleet: the same. As the error of the whole request: EC2 may have launched a machine
before it failed."""
_NOT_OFFERED = "InvalidFleetConfiguration"
"""As the error of one pool: EC2 does not offer that type in that zone, and the other pools may still work."""
_QUOTA = frozenset({"MaxSpotInstanceCountExceeded", "InstanceLimitExceeded", "VcpuLimitExceeded"})


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


class Launcher:
    """Asks EC2 for machines."""

    def __init__(self, ec2: EC2Client, ssm: SSMClient, settings: OrchestratorSettings) -> None:
        self._ec2 = ec2
        self._ssm = ssm
        self._settings = settings

    def request(self, *, slot: str, launch_id: str, market: str) -> dict[str, Any] | Refused:
        """Everything that a launch depends on. It is stored with the slot before EC2 is asked.

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
            "template_id": self._settings.launch_template_id,
            "types": list(self._settings.instance_types),
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

    def _parameter(self, name: str) -> str:
        return self._ssm.get_parameter(Name=name)["Parameter"]["Value"]


def classify(code: str, message: str, *, status: int = HTTPStatus.OK) -> Refused | None:
    """What EC2's error means for the queue; None if it is not known whether a machine was launched.

    Args:
        code: EC2's error code.
        message: EC2's message.
        status: the reply's HTTP status. The errors of a fleet's pools come in a reply with status 200, and then no
            machine was launched.

    """
    reason = f"{code}: {message}".strip(": ")
    if code in _CAPACITY:
        return Refused(waiting=Waiting.CAPACITY, reason=reason)
    if code in _QUOTA:
        return Refused(waiting=Waiting.QUOTA, reason=reason)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return None
    if code in _PASSING or (code == _NOT_OFFERED and status == HTTPStatus.OK):
        return Refused(waiting=Waiting.CAPACITY, reason=reason)
    # Any other error: repeating the request will not help, and the operator must read the reason.
    return Refused(waiting=Waiting.IMAGE, reason=reason)


def _why(errors: list[dict[str, Any]]) -> Refused:
    """The most useful of several refusals: an image or a quota can be mended, capacity can only be waited for."""
    found = [classify(error.get("ErrorCode", ""), error.get("ErrorMessage", "")) for error in errors]
    known = [refused for refused in found if refused]
    for kind in (Waiting.IMAGE, Waiting.QUOTA, Waiting.CAPACITY):
        for refused in known:
            if refused.waiting is kind:
                return refused
    return Refused(waiting=Waiting.CAPACITY, reason="EC2 gave no machine and no reason")


def _fleet(request: Mapping[str, Any]) -> dict[str, Any]:
    spot = request["market"] == "spot"
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
                    {
                        "InstanceType": kind,
                        "SubnetId": subnet,
                        "ImageId": request["image_id"],
                        "Priority": float(place),
                    }
                    for place, kind in enumerate(request["types"])
                    for subnet in request["subnets"]
                ],
            }
        ],
        "TargetCapacitySpecification": {
            "TotalTargetCapacity": 1,
            "DefaultTargetCapacityType": request["market"],
        },
        "TagSpecifications": [{"ResourceType": "instance", "Tags": _tags(request)}],
    }
    if spot:
        fleet["SpotOptions"] = {"AllocationStrategy": "price-capacity-optimized"}
    else:
        fleet["OnDemandOptions"] = {"AllocationStrategy": "prioritized"}
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
