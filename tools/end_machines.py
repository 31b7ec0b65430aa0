"""Prepares a deployment to be destroyed: no more machines are launched, and those that run are ended.

`python -m tools.end_machines` reads Terraform's outputs, stops the sweep and the queue, terminates the deployment's
machines and waits until they are gone: their network cannot be deleted before that. Jobs are not touched;
`terraform apply` starts everything again.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3

from tools import deployment
from tools.deployment import RefusedError

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

TERRAFORM = Path(__file__).parents[1] / "terraform"
FUNCTION_SECONDS = 60
"""The longest call of the orchestrator's function."""
LIVING = ["pending", "running", "shutting-down", "stopping", "stopped"]


def main(folder: Path) -> None:
    """Stop the launching of machines, then end those that run; `folder`: where `terraform apply` was run.

    Raises:
        RefusedError: Terraform has no deployment there.

    """
    outputs = deployment.outputs(folder)
    if not outputs:
        raise RefusedError(
            f"`terraform -chdir={folder} output` names no deployment: name the folder in which `terraform apply` was "
            "run. After a refused destroy, run `terraform apply` there once more."
        )
    session = boto3.session.Session(region_name=outputs["region"])
    stop_launching(session, outputs)
    ec2 = session.client("ec2")
    ended = end_machines(ec2, outputs["deployment"])
    # A sweep or a batch that was running may have launched another machine since.
    time.sleep(FUNCTION_SECONDS)
    ended += end_machines(ec2, outputs["deployment"])
    sys.stdout.write(f"{len(ended)} machines ended; nothing launches any more\n")


def stop_launching(session: boto3.session.Session, outputs: dict[str, Any]) -> None:
    """Disable the orchestrator's schedule and its queue; what is in the queue stays there."""
    session.client("events").disable_rule(Name=outputs["sweep_rule"])
    functions = session.client("lambda")
    for mapping in functions.list_event_source_mappings(FunctionName=outputs["function_names"][0])[
        "EventSourceMappings"
    ]:
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)


def end_machines(ec2: EC2Client, deployment: str) -> list[str]:
    """Terminate the deployment's machines and wait until they are gone; returns their ids."""
    pages = ec2.get_paginator("describe_instances").paginate(
        Filters=[
            {"Name": "tag:transcribe-deployment", "Values": [deployment]},
            {"Name": "instance-state-name", "Values": LIVING},
        ]
    )
    found = [
        instance["InstanceId"]
        for page in pages
        for reservation in page["Reservations"]
        for instance in reservation["Instances"]
    ]
    if found:
        ec2.terminate_instances(InstanceIds=found)
        ec2.get_waiter("instance_terminated").wait(InstanceIds=found)
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=TERRAFORM, help="where `terraform apply` was run")
    try:
        main(parser.parse_args().folder)
    except RefusedError as error:
        sys.exit(str(error))
