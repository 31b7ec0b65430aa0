"""`transcribe doctor`: looks at everything that a deployment needs, and prints what is wrong with the remedy."""

from __future__ import annotations

import os
from collections import Counter
from typing import Annotated

import boto3
import typer

from services.cli.errors import Exit, UsageError
from services.cli.operator import deployment
from services.cli.operator.doctor.examination import examine
from services.cli.operator.doctor.findings import Finding, Level
from services.cli.operator.doctor.patient import Patient
from services.cli.operator.names import Names, deployment_name
from services.cli.printing import answer, note


def doctor(
    context: typer.Context,
    name: Annotated[
        str | None,
        typer.Option("--deployment", metavar="NAME", help="Else that of CONFIG_PARAMETER or TABLE_NAME."),
    ] = None,
) -> None:
    """Everything that a deployment needs: what is wrong, and the command that mends it."""
    patient = _patient(name)
    findings = examine(patient)
    names, worst = patient.names, max(finding.level for finding in findings.values())
    document = {
        "deployment": names.deployment,
        "region": names.region,
        "worst": worst.word,
        "findings": [_fields(check, finding) for check, finding in findings.items()],
    }
    width = max(map(len, findings))
    lines = [line for check, finding in findings.items() for line in _lines(check, finding, width)]
    answer(document, *lines, json=context.obj.json)
    count = Counter(finding.level for finding in findings.values())
    note(", ".join(f"{count[level]} {level.word}" for level in Level if count[level]))
    if worst is Level.WRONG:
        raise typer.Exit(Exit.FAILED)


def _patient(name: str | None) -> Patient:
    settings = deployment.settings()
    session = boto3.session.Session(region_name=os.environ.get("AWS_REGION"))
    if not session.region_name:
        raise UsageError("No region is set: set AWS_REGION to the deployment's, as in `export AWS_REGION=eu-north-1`.")
    chosen = deployment_name(name, settings.config_parameter, settings.table_name)
    return Patient(session, Names(deployment=chosen, region=session.region_name), "" if name else settings.table_name)


def _fields(check: str, finding: Finding) -> dict[str, str | None]:
    found = {"name": check, "level": finding.level.word, "sentence": finding.sentence}
    return {**found, "remedy": finding.remedy or None}


def _lines(check: str, finding: Finding, width: int) -> list[str]:
    told = f"{finding.level.word:8}{check:{width}}  {finding.sentence}"
    return [told, f"{'':8}{'':{width}}  → {finding.remedy}"] if finding.remedy else [told]
