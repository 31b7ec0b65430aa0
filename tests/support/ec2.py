"""EC2 as the orchestrator sees it: launches by ClientToken, capacity that may be missing, machines that end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from tests.support.faults import aws_error


class FakeEc2:
    """Plays the calls that the orchestrator makes; every call passes `around`, as calls of AWS do."""

    def __init__(self, around: Callable[[str], Any], launched: Callable[[], None]) -> None:
        self._around = around
        self._launched = launched
        self._replies: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}
        self.machines: dict[str, dict[str, Any]] = {}
        self.missing = 0
        """How many more launches find no capacity on the spot market."""
        self.refused: dict[str, list[str]] = {}
        """By market: the codes of pools with which each launch is refused."""
        self.consoles: dict[str, str] = {}
        """What each machine wrote; where there is nothing, EC2 does not know the machine."""

    @property
    def running(self) -> list[dict[str, Any]]:
        return [machine for machine in self.machines.values() if machine["State"]["Name"] == "running"]

    def end(self, instance_id: str) -> None:
        """The machine is off."""
        self.machines[instance_id]["State"] = {"Name": "terminated"}

    def fade(self, instance_id: str) -> None:
        """EC2 has taken the tags off."""
        self.machines[instance_id]["Tags"] = []

    def create_fleet(self, **request: Any) -> dict[str, Any]:
        with self._around("ec2.CreateFleet"):
            return self._create_fleet(request)

    def describe_instances(self, **request: Any) -> dict[str, Any]:
        """By one filter: our tag, which every machine has until it fades, or ids."""
        (by,) = request["Filters"]
        with self._around("ec2.DescribeInstances"):
            copies = [
                dict(machine)
                for machine in self.machines.values()
                if (machine["InstanceId"] in by["Values"] if by["Name"] == "instance-id" else machine["Tags"])
            ]
            return {"Reservations": [{"Instances": copies}]}

    def get_paginator(self, name: str) -> Any:
        assert name == "describe_instances"
        return self

    def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
        yield self.describe_instances(**request)

    def get_console_output(self, *, InstanceId: str, Latest: bool = False) -> dict[str, Any]:  # noqa: N803 - AWS's names
        """The latest only while the machine is there, the other one once it is gone."""
        with self._around("ec2.GetConsoleOutput"):
            if InstanceId not in self.consoles:
                raise aws_error("InvalidInstanceID.NotFound", "GetConsoleOutput")
            alive = InstanceId in {machine["InstanceId"] for machine in self.running}
            return {"Output": self.consoles[InstanceId]} if alive == Latest else {}

    def terminate_instances(self, *, InstanceIds: list[str]) -> None:  # noqa: N803 - AWS's name
        with self._around("ec2.TerminateInstances"):
            for instance_id in InstanceIds:
                self.end(instance_id)

    def _create_fleet(self, request: dict[str, Any]) -> dict[str, Any]:
        token = request.get("ClientToken")
        if token in self._replies:
            asked, reply = self._replies[token]
            if asked != request:
                raise aws_error("IdempotentParameterMismatch", "CreateFleet")
            return reply
        reply = self._launch(request)
        if token:
            self._replies[token] = (request, reply)
        return reply

    def _launch(self, request: dict[str, Any]) -> dict[str, Any]:
        market = request["TargetCapacitySpecification"]["DefaultTargetCapacityType"]
        codes = self.refused.get(market, [])
        if self.missing and market == "spot":
            self.missing -= 1
            codes = ["InsufficientInstanceCapacity"]
        if codes:
            return {"Instances": [], "Errors": [{"ErrorCode": code, "ErrorMessage": "its words"} for code in codes]}
        instance_id = f"i-{len(self.machines):08d}"
        self.machines[instance_id] = {
            "InstanceId": instance_id,
            "State": {"Name": "running"},
            "Tags": request["TagSpecifications"][0]["Tags"],
        }
        self._launched()
        return {"Instances": [{"InstanceIds": [instance_id], "InstanceType": "g4dn.xlarge"}], "Errors": []}
