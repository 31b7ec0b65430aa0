"""The deployment's machines as EC2 instances: found by their tag, and by their id where the tag is gone.

What the sweep and `transcribe cleanup` know of machines without a slot, and of slots without a machine, is here.

EC2 removes the tags of an instance some time after its end. An instance that is not found by the tag may therefore
still exist: it is gone only if EC2 says so, or does not know its id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from mypy_boto3_ec2 import EC2Client

    from services.common.domain.machines import Slot

    Instance = Mapping[str, Any]
    """One instance in the answer of DescribeInstances."""

GONE = "terminated"
ALIVE = frozenset({"pending", "running"})
ENDING = frozenset({"shutting-down", "stopping", "stopped"})
"""On its way, or stopped: no machine of ours is ever started again."""


class Instances:
    """The EC2 instances of one deployment."""

    def __init__(self, ec2: EC2Client, deployment: str) -> None:
        self._ec2 = ec2
        self._deployment = deployment

    def tagged(self) -> dict[str, Instance]:
        """All instances that carry the deployment's tag, by instance id."""
        return self._found("tag:transcribe-deployment", [self._deployment])

    def named(self, instance_ids: Sequence[str]) -> dict[str, Instance]:
        """Those of the given instances that EC2 knows, by instance id.

        The ids are a filter: DescribeInstances fails if it is asked directly for an id that it does not know.
        """
        return self._found("instance-id", instance_ids) if instance_ids else {}

    def with_those_of(self, slots: Iterable[Slot], tagged: Mapping[str, Instance]) -> Mapping[str, Instance]:
        """The tagged instances, and those of the slots that EC2 knows without the tag."""
        unseen = [slot.instance_id for slot in slots if slot.instance_id and slot.instance_id not in tagged]
        return {**tagged, **self.named(unseen)}

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


def is_gone(slot: Slot, instances: Mapping[str, Instance], now: int) -> bool:
    """Whether the machine of a slot is gone; False of a slot that has none yet.

    EC2 shows a new machine some seconds late. So that it knows none counts only once the machine's report is overdue.
    """
    if slot.instance_id is None:
        return False
    instance = instances.get(slot.instance_id)
    return state_of(instance) == GONE and (instance is not None or slot.due_at <= now)


def launch_id_of(instance: Instance) -> str | None:
    """The id of the launch that made the instance, from its tag; None if the tag is gone."""
    tags = {tag["Key"]: tag["Value"] for tag in instance.get("Tags", [])}
    return tags.get("transcribe-launch-id")


def is_stray(instance: Instance, held: Collection[str]) -> bool:
    """Whether a machine runs although no slot is its launch's.

    `held`: the launches of all slots. They must be read after the instance: a slot is taken before its launch, so each
    machine that was seen has its slot by then.
    """
    return state_of(instance) in ALIVE and launch_id_of(instance) not in held
