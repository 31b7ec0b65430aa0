"""Our machines as EC2 knows them: by their tag, and by their id where the tag is gone.

EC2 takes the tags off a machine gradually once it has ended. So one that the tag does not find may still be there, and
is gone only if EC2 says so or does not know its id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mypy_boto3_ec2 import EC2Client

    Instance = Mapping[str, Any]
    """An instance of DescribeInstances' answer."""

GONE = "terminated"
ALIVE = frozenset({"pending", "running"})
ENDING = frozenset({"shutting-down", "stopping", "stopped"})


class Instances:
    """Those of one deployment."""

    def __init__(self, ec2: EC2Client, deployment: str) -> None:
        self._ec2 = ec2
        self._deployment = deployment

    def tagged(self) -> dict[str, Instance]:
        """All that carry our tag, by instance id."""
        return self._found("tag:transcribe-deployment", [self._deployment])

    def named(self, instance_ids: Sequence[str]) -> dict[str, Instance]:
        """Those of these that EC2 knows. A filter, since to ask for an id that it does not know is an error."""
        return self._found("instance-id", instance_ids) if instance_ids else {}

    def terminate(self, instance_id: str) -> None:
        self._ec2.terminate_instances(InstanceIds=[instance_id])

    def _found(self, name: str, values: Sequence[str]) -> dict[str, Instance]:
        filters: Any = [{"Name": name, "Values": list(values)}]
        return {
            instance["InstanceId"]: instance
            for page in self._ec2.get_paginator("describe_instances").paginate(Filters=filters)
            for reservation in page["Reservations"]
            for instance in reservation["Instances"]
        }


def state_of(instance: Instance | None) -> str:
    return instance["State"]["Name"] if instance else GONE


def launch_id_of(instance: Instance) -> str | None:
    """The launch that brought it, by its tag."""
    tags = {tag["Key"]: tag["Value"] for tag in instance.get("Tags", [])}
    return tags.get("transcribe-launch-id")
