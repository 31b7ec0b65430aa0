"""What keeps a deployment's network from being deleted: its machines, and whatever launches further ones.

Jobs are not touched, and what is in the queue stays there. `terraform apply` starts everything again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from services.cli.errors import RefusedError
from services.cli.operator.cleanup.deployed import Deployed
from services.cli.operator.cleanup.finding import Finding, Kind
from services.common.machines.instances import GONE, state_of

FUNCTION_SECONDS = 120
"""How long a call may go on once nothing calls the orchestrator any more: an event waits for at most a minute, and a
call takes as long (terraform/modules/orchestrator)."""
LOOK_AGAIN_SECONDS, MOST_SECONDS = 5, 600


def _schedule(deployed: Deployed, _: int) -> Iterator[Finding]:
    rule, events = deployed.names.sweep_rule, deployed.events
    try:
        told = events.describe_rule(Name=rule)
    except events.exceptions.ResourceNotFoundException:
        return  # a destroy has come as far as this
    if told["State"] == "ENABLED":
        yield Finding(name=rule, why="launches machines", end=partial(events.disable_rule, Name=rule))


def _mappings(deployed: Deployed, _: int) -> Iterator[Finding]:
    for uuid, state in _states(deployed):
        if state not in {"Disabled", "Disabling", "Deleting"}:
            end = partial(deployed.functions.update_event_source_mapping, UUID=uuid, Enabled=False)
            yield Finding(name=uuid, why="launches machines for uploads", end=end)


def _states(deployed: Deployed) -> Iterator[tuple[str, str]]:
    """The id and the state of each mapping that calls the orchestrator."""
    functions = deployed.functions
    pages = functions.get_paginator("list_event_source_mappings").paginate(FunctionName=deployed.names.orchestrator)
    try:
        for page in pages:
            yield from ((mapping["UUID"], mapping["State"]) for mapping in page["EventSourceMappings"])
    except functions.exceptions.ResourceNotFoundException:
        return  # as above


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
    """Wait until nothing launches any more, end what was launched meanwhile, and wait until no machine is left.

    Raises:
        RefusedError: the queue still calls the orchestrator, or a machine is still there, after ten minutes.

    """
    _wait_while(partial(_calling, deployed), "the queue still calls the orchestrator")
    time.sleep(FUNCTION_SECONDS)
    _wait_while(partial(_end_all, deployed), "a machine is still there")


def _calling(deployed: Deployed) -> Sequence[str]:
    """The mappings that may still call the orchestrator: one that is being disabled does.

    One that is still enabled could not be disabled, which was told; to wait would not help.
    """
    return [uuid for uuid, state in _states(deployed) if state not in {"Disabled", "Enabled"}]


def _end_all(deployed: Deployed) -> Sequence[Finding]:
    """End all machines that are not gone, and return them. To end one twice does nothing."""
    left = list(_machines(deployed, 0))
    for machine in left:
        machine.end()
    return left


def _wait_while(there: Callable[[], Sequence[object]], said: str) -> None:
    """Look again and again until nothing is there.

    Raises:
        RefusedError: something still is after ten minutes; `said` is what.

    """
    until = time.monotonic() + MOST_SECONDS
    while there():
        if time.monotonic() > until:
            raise RefusedError(f"{said} after ten minutes, so run the same command again")
        time.sleep(LOOK_AGAIN_SECONDS)
