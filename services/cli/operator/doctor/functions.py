"""Checks of the settings and of the functions: whether they are there, can run, and have what their code needs."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.cli.operator.doctor.findings import APPLY, Finding, judged, ok, unknown, warning, wrong
from services.cli.version import version
from services.common.settings import CommonSettings, SettingsError, Words, load_told

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

    from services.cli.operator.doctor.patient import Patient

RUNTIME = "python3.13"
DIST = Path("dist")
"""Where `./nox -s package` leaves what `terraform apply` uploads, in the folder of a clone."""


class Needed(CommonSettings):
    """What every service needs, of what it was told alone: this machine's own variables are not the service's."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - as pydantic gives them
        init_settings: PydanticBaseSettingsSource,
        *_: PydanticBaseSettingsSource,
        **__: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


class OrchestratorNeeds(Needed):
    """What the orchestrator's own settings demand; a test holds the two together, as they may not be imported here."""

    launch_template_id: str
    spot_launch_template_id: str
    subnet_ids: Words
    instance_types: Words
    image_parameter: str
    fallback_image_parameter: str
    max_workers: int


def parameter(patient: Patient) -> Finding:
    """The settings that machines read when they start."""
    name = patient.names.config_parameter
    try:
        stored = patient.stored()
        if stored is None:
            return wrong(f"There is no parameter {name}: no deployment of this name was applied in this region.")
        told = load_told(Needed, stored)
    except (SettingsError, ValueError) as error:
        return wrong(f"{name} does not hold what machines need: {error}")
    if told.deployment != patient.names.deployment:
        return wrong(f"{name} holds the settings of another deployment, {told.deployment}.")
    if patient.given_table not in ("", told.table_name):
        return wrong(
            f"TABLE_NAME is {patient.given_table}, and {name} is of the deployment with the table {told.table_name}.",
            "export TABLE_NAME=$(terraform -chdir=terraform output -raw table_name)",
        )
    return ok(f"{name} has what machines need.")


def orchestrator(patient: Patient) -> Finding:
    """The function that takes in uploads and sees to what is overdue."""
    return _function(patient, patient.names.orchestrator, OrchestratorNeeds, DIST / "orchestrator.zip")


def api(patient: Patient) -> Finding:
    """The API's function, if there is an API."""
    if not patient.setting("PUBLIC_URL"):
        return ok("This deployment has no API.")
    return _function(patient, patient.names.api, Needed, DIST / "api.zip")


def _function(patient: Patient, name: str, needs: type[Needed], package: Path) -> Finding:
    told = patient.function(name)
    if told is None:
        return wrong(f"There is no function {name}.")
    faults = []
    if told.get("State", "Active") not in ("Active", "Inactive"):  # Lambda wakes an idle one up again
        faults.append(f"{name} is {told['State']}: {told.get('StateReason', 'Lambda does not say why')}.")
    if told.get("LastUpdateStatus") == "Failed":
        reason = told.get("LastUpdateStatusReason", "Lambda does not say why")
        faults.append(f"The last update of {name} failed: {reason}.")
    if told.get("Runtime") != RUNTIME:
        faults.append(f"{name} runs on {told.get('Runtime')}, and its package is for {RUNTIME}.")
    environment = told.get("Environment", {})
    if error := environment.get("Error"):  # it is under a key that these credentials may not use
        return unknown(f"Lambda does not show the settings of {name}: {error.get('Message', error)}")
    variables = environment.get("Variables", {})
    try:
        own = load_told(needs, variables)
        if own.deployment != patient.names.deployment:
            faults.append(f"{name} has the settings of another deployment, {own.deployment}.")
    except SettingsError as error:
        faults.append(f"{name}: {error}")
    if not faults and (other := _other_release(told, package)):
        return warning(f"{name} {other}", f"{APPLY}, or use the command `transcribe` of the deployment's release")
    changed = str(told.get("LastModified", ""))[:19]
    return judged(faults, f"{name} can run and has its settings; it was last changed {changed}.")


def _other_release(told: Mapping[str, Any], package: Path) -> str | None:
    """How a function is of another release than this command, or than the package that was built here, if one was.

    Terraform writes the release behind the description, and a package that is built twice is the same to the byte.
    """
    release = re.search(r"\(([0-9]\S*)\)$", told.get("Description", ""))
    if release and release[1] != version():
        return f"is of release {release[1]}, and this command of {version()}."
    if package.exists() and b64encode(sha256(package.read_bytes()).digest()).decode() != told.get("CodeSha256"):
        return f"runs another package than {package}."
    return None


CHECKS = {"settings": parameter, "orchestrator": orchestrator, "API function": api}
