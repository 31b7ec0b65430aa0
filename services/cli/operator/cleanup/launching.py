"""What keeps a deployment's network from being deleted: its machines, and whatever launches further ones.

Jobs are not touched, and what is in the queue stays there. `terraform apply` starts everything again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial

from botocore.exceptions import WaiterError

from services.cli.errors import RefusedError
from services.cli.operator.cleanup.deployed import Deployed
from services.cli.operator.cleanup.finding import Finding, Kind
from services.common.machines.instances import GONE, state_of

FUNCTION_SECONDS = 60
"""The longest call of the orchestrator's function."""


def _schedule(deployed: Deployed, _: int) -> Iterator[Finding]:
    rule, events = deployed.names.sweep_rule, deployed.events
    if events.describe_rule(Name=rule)["State"] == "ENABLED":
        yield Finding(name=rule, why="launches machines", end=partial(events.disable_rule, Name=rule))


def _mappings(deployed: Deployed, _: int) -> Iterator[Finding]:
    functions = deployed.functions
    pages = functions.get_paginator("list_event_source_mappings").paginate(FunctionName=deployed.names.orchestrator)
    for page in pages:
        for mapping in page["EventSourceMappings"]:
            if mapping["State"] not in {"Disabled", "Disabling"}:
                end = partial(functions.update_event_source_mapping, UUID=mapping["UUID"], Enabled=False)
                yield Finding(name=mapping["UUID"], why="launches machines for uploads", end=end)


def _machines(deployed: Deployed, _: int) -> Iterator[Finding]:
    """Every machine, also one that is on its way out: the network stays until it is gone."""
    for instance_id, instance in deployed.instances.tagged().items():
        if state_of(instance) != GONE:
            end = partial(deployed.instances.terminate, instance_id)
            yield Finding(name=instance_id, why=f"is {state_of(instance)}", end=end)


SCHEDULE = Kind(action="disable schedule", many="the schedule", find=_schedule)
MAPPINGS = Kind(action="disable mapping", many="the mapping of the queue", find=_mappings)
MACHINES = Kind(action="end machine", many="machines", find=_machines)


def settle(deployed: Deployed) -> None:
    """End what was launched by a call that was under way, and wait until no machine is left.

    Raises:
        RefusedError: a machine is still there after ten minutes.

    """
    time.sleep(FUNCTION_SECONDS)
    left = list(_machines(deployed, 0))
    for machine in left:
        machine.end()
    if not left:
        return
    try:
        deployed.ec2.get_waiter("instance_terminated").wait(InstanceIds=[machine.name for machine in left])
    except WaiterError:
        raise RefusedError("one is still there after ten minutes, so run the same command again") from None
