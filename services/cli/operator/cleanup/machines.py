"""Machines without a slot, and slots whose machine is gone: what the sweep sees to while it runs."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from services.cli.operator.cleanup.deployed import Deployed
from services.cli.operator.cleanup.finding import YOUNG_MS, Finding, Kind
from services.common.domain.times import SECOND_MS, rfc3339
from services.common.machines.instances import is_gone, is_stray


def _strays(deployed: Deployed, now: int) -> Iterator[Finding]:
    """Machines that run without a slot. Machines are read before slots, as `is_stray` wants it."""
    tagged = deployed.instances.tagged()
    held = {slot.launch_id for slot in deployed.store.slots.all()}
    for instance_id, instance in tagged.items():
        launched = round(instance["LaunchTime"].timestamp() * SECOND_MS)
        if is_stray(instance, held) and launched < now - YOUNG_MS:
            why = f"holds no slot, and runs since {rfc3339(launched)}"
            yield Finding(name=instance_id, why=why, end=partial(deployed.instances.terminate, instance_id))


def _abandoned(deployed: Deployed, now: int) -> Iterator[Finding]:
    """Slots whose machine is gone.

    A slot that never got a machine is left to the sweep: only the repeated launch tells whether there is one.
    """
    slots = deployed.store.slots.all()
    instances = deployed.instances.with_those_of(slots, deployed.instances.tagged())
    for slot in slots:
        if is_gone(slot, instances, now):
            why = f"its machine {slot.instance_id} is gone"
            yield Finding(name=slot.slot, why=why, end=partial(deployed.store.slots.free, slot))


STRAYS = Kind(action="end machine", many="machines without a slot", find=_strays)
ABANDONED = Kind(action="free slot", many="slots whose machine is gone", find=_abandoned)
