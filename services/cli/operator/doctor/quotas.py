"""Checks of the account's quotas, against what the deployment may want at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.cli.operator.doctor.findings import Finding, ok, warning, wrong
from services.cli.operator.doctor.rights import found

if TYPE_CHECKING:
    from services.cli.operator.doctor.patient import Patient

SPOT, ON_DEMAND, CONCURRENCY = "L-3819A6DF", "L-DB2E81BA", "L-B99A9384"
FAMILIES = ("g", "vt")
"""How types begin that count against the two quotas of machines; others have quotas of their own."""
FREE = "lambda delete-function-concurrency"
USUAL_MAPPING = 5
"""Calls that the queue makes at once (terraform/modules/orchestrator), if its mapping cannot be seen."""
API_CALLS = 10
"""Calls of the API at once: 50 requests a second, if each takes a fifth of one."""
DEFAULTS = {
    "INSTANCE_TYPES": "g4dn.xlarge,g4dn.2xlarge,g5.xlarge",
    "MAX_WORKERS": "2",
    "ON_DEMAND_AFTER_MINUTES": "0",
    "PUBLIC_URL": "an API",
}
"""What a deployment gets whose operator decides nothing (terraform/variables.tf): quotas count before the first
apply."""


def spot(patient: Patient) -> Finding:
    """Whether the account may run the machines that the deployment may launch on the spot market."""
    return _machines(patient, SPOT, "All G and VT Spot Instance Requests", instead=_waits_for_on_demand(patient) > 0)


def on_demand(patient: Patient) -> Finding:
    """The same at the on-demand price, if the deployment ever pays it."""
    if not _waits_for_on_demand(patient):
        return ok("Not needed: on_demand_after_minutes is 0, so no machine is bought on demand.")
    return _machines(patient, ON_DEMAND, "Running On-Demand G and VT instances", instead=False)


def concurrency(patient: Patient) -> Finding:
    """Whether the account's functions may run as often at once as this deployment calls them."""
    mapping = patient.mapping() or {}
    uploads = mapping.get("ScalingConfig", {}).get("MaximumConcurrency", USUAL_MAPPING) + 1
    wanted = uploads + (API_CALLS if _setting(patient, "PUBLIC_URL") else 0)
    for name in (patient.names.orchestrator, patient.names.api):
        if (reserved := _reserved(patient, name)) is not None and reserved < USUAL_MAPPING:
            said = f"Of {name} only {reserved} may run at once: so many were reserved for it."
            return (warning if reserved else wrong)(said, patient.aws(f"{FREE} --function-name {name}"))
    quota = _quota(patient, "lambda", CONCURRENCY)
    said = f"The account's functions may run {quota} at once, and this deployment may want {wanted}."
    if quota >= wanted:
        return ok(said)
    remedy = _raise(patient, "lambda", CONCURRENCY, 1_000)
    if quota >= uploads:
        return warning(f"{said} Above it, the API answers 503 and uploads wait.", remedy)
    return wrong(f"{said} Above it, uploads wait, and may be set aside as dead letters.", remedy)


def _machines(patient: Patient, code: str, name: str, *, instead: bool) -> Finding:
    """`instead`: whether machines of the other market do the work if this one has too few."""
    sizes, listed = _vcpus(patient), _types(patient)
    if not sizes:
        return ok("No type of the families G and VT is listed, so this quota does not count.")
    wanted = int(_setting(patient, "MAX_WORKERS")) * max(sizes.values())
    quota = _quota(patient, "ec2", code)
    said = f"The quota '{name}' is {quota} vCPUs, and max_workers machines of the largest type need {wanted}."
    if quota >= wanted:
        return ok(said)
    remedy = _raise(patient, "ec2", code, wanted)
    if quota >= min(sizes.values()) or instead or not all(one.startswith(FAMILIES) for one in listed):
        return warning(f"{said} Not all of them can run.", remedy)
    return wrong(f"{said} No machine ever starts.", remedy)


def _vcpus(patient: Patient) -> dict[str, int]:
    """The types that count against the quotas, each with its vCPUs."""
    types = [one for one in _types(patient) if one.startswith(FAMILIES)]
    only = [{"Name": "instance-type", "Values": types}]
    pages = patient.client("ec2").get_paginator("describe_instance_types").paginate(Filters=only) if types else ()
    found_types = [one for page in pages for one in page["InstanceTypes"]]
    return {one["InstanceType"]: int(one["VCpuInfo"]["DefaultVCpus"]) for one in found_types}


def _types(patient: Patient) -> list[str]:
    return _setting(patient, "INSTANCE_TYPES").split(",")


def _waits_for_on_demand(patient: Patient) -> float:
    return float(_setting(patient, "ON_DEMAND_AFTER_MINUTES"))


def _setting(patient: Patient, name: str) -> str:
    """A setting; of a deployment that was not applied yet, the default one."""
    return DEFAULTS[name] if patient.is_new() else patient.setting(name)


def _quota(patient: Patient, service: str, code: str) -> int:
    reply = patient.client("service-quotas").get_service_quota(ServiceCode=service, QuotaCode=code)
    return int(reply["Quota"]["Value"])


def _reserved(patient: Patient, name: str) -> int | None:
    """How often at most a function may run at once, if somebody has said so: Terraform says nothing of it."""
    told = found(patient.client("lambda").get_function_concurrency, FunctionName=name) or {}
    reserved: int | None = told.get("ReservedConcurrentExecutions")
    return reserved


def _raise(patient: Patient, service: str, code: str, value: int) -> str:
    return patient.aws(
        f"service-quotas request-service-quota-increase --service-code {service} --quota-code {code} "
        f"--desired-value {value}"
    )


CHECKS = {"spot quota": spot, "on-demand quota": on_demand, "function concurrency": concurrency}
