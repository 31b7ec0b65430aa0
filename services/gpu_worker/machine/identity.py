"""The worker's identity and its settings: from its instance's tags and the parameter that they name on EC2, else from
the environment alone.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.common.settings import SettingsError, load
from services.gpu_worker.settings import WorkerSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.common.aws import Aws
    from services.gpu_worker.machine.metadata import Machine

CONFIG_TAG = "transcribe-config"
SLOT_TAG = "transcribe-slot"
LAUNCH_TAG = "transcribe-launch-id"
MARKET_TAG = "transcribe-market"
FLEET = "FLEET"
"""A variable that the image sets on the deployment's machines."""


@dataclass(frozen=True, kw_only=True)
class Identity:
    """A worker's place in the fleet; a machine that is not the fleet's has no slot."""

    owner: str
    """New at every start of a worker; together with a part's attempt it fences every write."""
    machine: Machine | None
    slot: str | None
    launch_id: str | None
    market: str


def introduce(machine: Machine | None, owner: str, aws: Aws) -> tuple[Identity, WorkerSettings]:
    """The worker's identity and its settings.

    Raises:
        SettingsError: naming everything that is missing or wrong, in tags and settings together.

    """
    try:
        identity = identify(machine, owner)
    except SettingsError as error:
        if machine and CONFIG_TAG in machine.tags:
            try:
                settings_for(machine, aws)
            except SettingsError as other:
                raise SettingsError(f"{error} {other}") from None
        raise
    return identity, settings_for(machine, aws)


def identify(machine: Machine | None, owner: str, environment: Mapping[str, str] = os.environ) -> Identity:
    """The worker's place, read from its machine's tags.

    Raises:
        SettingsError: a machine of the fleet without the tags that say what to do and which slot it fills, or which
            cannot read its own tags.

    """
    tags = machine.tags if machine else {}
    fleet = bool(environment.get(FLEET)) or CONFIG_TAG in tags
    if fleet and machine is None:
        raise SettingsError("The metadata service does not say who this machine is: it must answer version 2 requests.")
    missing = [tag for tag in (CONFIG_TAG, SLOT_TAG, LAUNCH_TAG) if fleet and not tags.get(tag)]
    if missing:
        raise SettingsError(
            f"This machine lacks the instance tags {', '.join(missing)}: launch it from a slot, from the template that "
            "Terraform made, with tags in its metadata."
        )
    return Identity(
        owner=owner,
        machine=machine,
        slot=tags.get(SLOT_TAG),
        launch_id=tags.get(LAUNCH_TAG),
        market=tags.get(MARKET_TAG, "own"),
    )


def settings_for(machine: Machine | None, aws: Aws) -> WorkerSettings:
    """The worker's settings: its parameter's, if it has one, and the environment's, which have precedence, so that a
    person can run one machine by hand.

    Raises:
        SettingsError: naming everything that is missing or wrong.

    """
    name = machine.tags.get(CONFIG_TAG) if machine else None
    if not name:
        return load(WorkerSettings)
    text = aws.ssm().get_parameter(Name=name)["Parameter"]["Value"]
    try:
        told = {key.lower(): value for key, value in json.loads(text).items() if key.upper() not in os.environ}
    except (ValueError, AttributeError):
        raise SettingsError(f"The parameter {name} does not hold a JSON object of settings.") from None
    return load(WorkerSettings, **told)
