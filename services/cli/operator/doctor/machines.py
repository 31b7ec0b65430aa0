"""Checks of what a machine is launched from: its types and zones, and its image."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from services.cli.operator.doctor.findings import APPLY, Finding, ok, warning, wrong
from services.cli.operator.doctor.rights import found

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.cli.operator.doctor.patient import Patient

OLD_DAYS = 180
"""Age from which an image lacks half a year of Ubuntu's security updates."""
LIFETIME_MARGIN_MINUTES = 15
"""How long after its lifetime a machine is powered off that has not left (terraform/modules/gpu_worker)."""
NO_IMAGE = "none"
MACHINE = {"Architecture": "x86_64", "RootDeviceName": "/dev/sda1"}
"""The kind of machine that the launch templates and the packages are for."""


def types(patient: Patient) -> Finding:
    """Which of the listed types each zone of the machines' subnets offers."""
    wanted, subnets = patient.words("INSTANCE_TYPES"), patient.words("SUBNET_IDS")
    ec2 = patient.client("ec2")
    reply = found(ec2.describe_subnets, SubnetIds=subnets)
    if reply is None:
        return wrong(f"Of the machines' subnets ({', '.join(subnets)}), at least one is not there.")
    zones = {subnet["AvailabilityZone"] for subnet in reply["Subnets"]}
    offered: defaultdict[str, list[str]] = defaultdict(list)
    only = [{"Name": "instance-type", "Values": wanted}]
    asked = {"LocationType": "availability-zone", "Filters": only}
    for page in ec2.get_paginator("describe_instance_type_offerings").paginate(**asked):
        for one in page["InstanceTypeOfferings"]:
            if one["Location"] in zones:
                offered[one["InstanceType"]].append(one["Location"])
    told = "; ".join(f"{name} in {', '.join(sorted(offered[name]))}" for name in wanted if name in offered)
    absent = [name for name in wanted if name not in offered]
    if not told:
        return wrong(
            f"None of {', '.join(wanted)} is offered in {', '.join(sorted(zones))}.",
            f"Name other types in instance_types, or other zones, then `{APPLY}`.",
        )
    if absent:
        return warning(
            f"{', '.join(absent)} is offered in none of the zones. {told}.",
            f"Take it out of instance_types, then `{APPLY}`.",
        )
    return ok(f"{told}.")


def image(patient: Patient) -> Finding:
    """Whether machines can be launched from the image that the parameter names, and do as the deployment wants."""
    parameter = patient.setting("IMAGE_PARAMETER")
    image_id = _parameter(patient, parameter)
    if image_id is None:
        return wrong(f"There is no parameter {parameter}, from which every launch reads the image.")
    if image_id == NO_IMAGE:
        return _public(patient)
    described = _described(patient, image_id)
    command = patient.aws(f"ssm put-parameter --overwrite --name {parameter} --value {NO_IMAGE}")
    back = f"{build(patient)}, or `{command}` for the public image"
    if described is None:
        return wrong(f"{parameter} names {image_id}, and there is no such image in this account and region.", back)
    if described.get("State") != "available":
        return wrong(f"The image {image_id} is {described.get('State')}, not available.", back)
    return _covers(patient, described)


def build(patient: Patient) -> str:
    """What builds and publishes an image for this very deployment, in the folder of a clone."""
    whose = f"--deployment {patient.names.deployment} --region {patient.names.region}"
    parameter = patient.setting("IMAGE_PARAMETER")
    return f"./nox -s image -- {whose} && python -m tools.images publish {whose} --parameter {parameter}"


def _public(patient: Patient) -> Finding:
    parameter = patient.setting("FALLBACK_IMAGE_PARAMETER")
    image_id = _parameter(patient, parameter)
    if image_id is None or _described(patient, image_id) is None:
        return wrong(
            f"There is no image of your own, and none that the public parameter {parameter} names.",
            f"{build(patient)}, or name another fallback_image_parameter",
        )
    return ok(f"No image of your own: machines start from AWS's {image_id} and provision themselves, for some minutes.")


def _covers(patient: Patient, described: Mapping[str, Any]) -> Finding:
    """What an image's tags and its age say, against what the deployment's machines are told."""
    tags = {tag["Key"]: tag["Value"] for tag in described.get("Tags", [])}
    image_id = described["ImageId"]
    if tags.get("transcribe-self-test-passed") != "true":
        said = f"The image {image_id} lacks the tag of a passed self-test, so it is not known what it holds."
        if described.get("OwnerId") != patient.caller()["Account"]:
            said += " It is another account's, whose tags cannot be seen."
        return warning(said, build(patient))
    kind = {name: described.get(name) or value for name, value in MACHINE.items()}
    unlike = [f"Its {name} is {told}, not {MACHINE[name]}." for name, told in kind.items() if told != MACHINE[name]]
    if unlike:
        return wrong(f"Machines cannot start from {image_id}. {' '.join(unlike)}", build(patient))
    power_off = str(int(patient.setting("MAX_LIFETIME_MINUTES")) + LIFETIME_MARGIN_MINUTES)
    held = tags.get("transcribe-models", "").split(",")
    lacking = [model for model in patient.words("MODELS") if model not in held]
    days = (datetime.now(UTC) - datetime.fromisoformat(described["CreationDate"])).days
    faults = []
    if tags.get("transcribe-lifetime-minutes") != power_off:
        told = tags.get("transcribe-lifetime-minutes", "?")
        faults.append(f"Its machines power off after {told} minutes, not {power_off}.")
    if lacking:
        faults.append(f"It does not hold {', '.join(lacking)}, which each machine fetches.")
    if days > OLD_DAYS:
        faults.append("It lacks the security updates of that time.")
    said = f"The image {image_id} is {days} days old."
    return warning(f"{said} {' '.join(faults)}", build(patient)) if faults else ok(f"{said} It has all models.")


def _parameter(patient: Patient, name: str) -> str | None:
    reply = found(patient.client("ssm").get_parameter, Name=name)
    return str(reply["Parameter"]["Value"]) if reply else None


def _described(patient: Patient, image_id: str) -> Mapping[str, Any] | None:
    reply = found(patient.client("ec2").describe_images, ImageIds=[image_id])
    return next(iter(reply["Images"]), None) if reply else None


CHECKS = {"machine types": types, "image": image}
