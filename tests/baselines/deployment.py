"""A deployment whose state names every resource but a domain of one's own, and what an upgrade would do to it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.emulator import Emulator
from tests.support.terraform import CHANGES, NO_CHANGES, Terraform

PACKAGES = ("api.zip", "orchestrator.zip", "worker.tar.gz")
SPOT = "spot.amazonaws.com"
UNDECLARED = "Value for undeclared variable"
LOSSES = {"delete", "replace", "remove"}
"""Actions of a plan after which something is not there any more, or not in Terraform's hands."""


@dataclass(frozen=True, kw_only=True)
class Upgrade:
    """What a plan would do."""

    losses: dict[str, str]
    """The action by the address of each resource that would be destroyed, replaced or forgotten."""
    warnings: list[str]
    """What Terraform says of variables that are set, but that the configuration does not have."""


def everything(emulator: Emulator) -> dict[str, Any]:
    """The variables of an operator who leaves nothing out but a domain, which the emulator never has ready."""
    key = emulator.client("kms").create_key(Description="disks")["KeyMetadata"]["Arn"]
    return {
        "alarm_email": "operations@example.com",
        "cors_origins": ["https://app.example.com"],
        "daily_budget_usd": 5,
        "ebs_key_arn": key,
        "models": ["whisper-base"],
        "session_manager": True,
    }


def configuration(folder: Path, emulator: Emulator) -> Terraform:
    """This working tree's, ready to be planned. Its packages are empty, since nobody calls a function."""
    emulator.client("iam").create_service_linked_role(AWSServiceName=SPOT)
    (folder / "dist").mkdir()
    for name in PACKAGES:
        (folder / "dist" / name).touch()
    terraform = Terraform(folder, emulator.endpoint, {})
    terraform.run("init", "-input=false")
    return terraform


def recorded(terraform: Terraform, emulator: Emulator) -> dict[str, Any]:
    """The state after an apply, of which only what a plan compares is kept: the resources and what is set of them."""
    text = _state_file(terraform).read_text(encoding="utf-8")
    state: dict[str, Any] = json.loads(
        text.replace(emulator.endpoint, f"https://sqs.{terraform.outputs()['region']}.amazonaws.com")
    )
    kept = [entry for entry in state["resources"] if entry["mode"] == "managed"]
    for instance in (instance for entry in kept for instance in entry["instances"]):
        instance["attributes"] = {name: value for name, value in instance["attributes"].items() if value is not None}
        instance.pop("dependencies", None)
        instance.pop("private", None)
    return state | {"resources": kept, "outputs": {}, "check_results": None}


def upgrade(terraform: Terraform, state: dict[str, Any], variables: dict[str, Any]) -> Upgrade:
    """What an apply would do to a deployment that Terraform remembers so. Nothing of it need exist."""
    _state_file(terraform).write_text(json.dumps(state), encoding="utf-8")
    terraform.set(variables)
    planned = terraform.plan("-refresh=false", "-json")
    messages = [json.loads(line) for line in planned.stdout.splitlines()]
    assert planned.returncode in {NO_CHANGES, CHANGES}, [entry for entry in messages if entry["@level"] == "error"]
    changes = [entry["change"] for entry in messages if entry["type"] == "planned_change"]
    told = [entry["diagnostic"] for entry in messages if entry["@level"] == "warn"]
    return Upgrade(
        losses={entry["resource"]["addr"]: entry["action"] for entry in changes if entry["action"] in LOSSES},
        warnings=[entry["detail"] for entry in told if entry["summary"] == UNDECLARED],
    )


def _state_file(terraform: Terraform) -> Path:
    return terraform.folder / "terraform.tfstate"
