"""What `transcribe doctor` knows of a deployment without asking: its names, and what its functions' code demands."""

from __future__ import annotations

import json
import re
from typing import Any

import hcl2
import pytest

from services.api.settings import ApiSettings
from services.cli.operator.doctor.functions import RUNTIME, Needed, OrchestratorNeeds
from services.cli.operator.doctor.machines import LIFETIME_MARGIN_MINUTES, MACHINE
from services.cli.operator.doctor.policies import lets, statements
from services.cli.operator.doctor.quotas import DEFAULTS
from services.cli.operator.doctor.rights import RIGHTS
from services.cli.operator.doctor.watching import ALARMS
from services.cli.operator.doctor.work import STALLED
from services.cli.operator.names import Names, deployment_name
from services.common.settings import SettingsError, load_told
from services.orchestrator.settings import OrchestratorSettings
from tests.support.documents import ROOT, text_of
from tools import deployment


def demanded(settings: type[Any]) -> dict[str, object]:
    """What has no default, and what each must be."""
    return {name: one.annotation for name, one in settings.model_fields.items() if one.is_required()}


def test_it_demands_of_each_function_just_what_the_functions_code_does() -> None:
    assert demanded(OrchestratorNeeds) == demanded(OrchestratorSettings)
    assert demanded(Needed) == demanded(ApiSettings)


def test_this_machines_variables_do_not_stand_in_for_those_that_a_function_lacks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TABLE_NAME", "mine")
    rest = {"BUCKET_NAME": "b", "DEPLOYMENT": "d", "SECRETS_KEY_ID": "k", "MODELS": "m", "OF_OTHERS": "1"}
    with pytest.raises(SettingsError, match=r"environment: TABLE_NAME: field required\.$"):
        load_told(Needed, rest)
    assert load_told(Needed, rest | {"TABLE_NAME": "its"}).table_name == "its"


@pytest.mark.parametrize(
    ("name", "functions"),
    [
        ("transcription", ("TranscriptionProcessUpload", "TranscriptionAPI")),
        ("news-desk-2b", ("News-Desk-2bProcessUpload", "News-Desk-2bAPI")),
    ],
)
def test_functions_are_called_as_terraforms_title_calls_them(name: str, functions: tuple[str, str]) -> None:
    names = Names(deployment=name, region="eu-north-1")
    assert (names.orchestrator, names.api) == functions


@pytest.mark.parametrize(
    ("given", "parameter", "table", "meant"),
    [
        ("desk", "/news/worker", "other-jobs", "desk"),
        (None, "/news/worker", "other-jobs", "news"),
        (None, "/by/hand/x", "other-jobs", "other"),
        (None, "", "chosen", "transcription"),
        (None, "", "", "transcription"),
    ],
)
def test_the_deployment_that_is_meant_is_the_one_given_else_that_of_the_variables(
    given: str | None, parameter: str, table: str, meant: str
) -> None:
    assert deployment_name(given, parameter, table) == meant


def test_names_are_those_that_terraform_makes() -> None:
    names = Names(deployment="news", region="eu-north-1")
    made = {
        names.config_parameter: '"/${var.deployment}/worker"',
        names.table: '"${var.deployment}-jobs"',
        names.orchestrator: '"${local.functions}ProcessUpload"',
        names.api: '"${local.functions}API"',
        names.queue: '"${var.name}-uploads"',
        names.dead_letters: '"${var.name}-uploads-dead-letters"',
        names.sweep_rule: '"${var.name}-sweep"',
        f"{names.alarms}x": '"${var.name}-${each.key}"',
    }
    said = "".join(path.read_text("utf-8") for path in (ROOT / "terraform").rglob("*.tf"))
    known = {
        "${var.deployment}": "news",
        "${var.name}": "news-eu-north-1",
        "${local.functions}": "News",
        "${each.key}": "x",
    }
    for name, template in made.items():
        assert template in said
        for variable, value in known.items():
            template = template.replace(variable, value)  # noqa: PLW2901 - it is filled in step by step
        assert f'"{name}"' == template


def test_what_is_said_elsewhere_too_is_the_same() -> None:
    assert deployment.LIFETIME_MARGIN_MINUTES == LIFETIME_MARGIN_MINUTES
    assert deployment.MACHINE == MACHINE
    assert f'runtime       = "{RUNTIME}"' in (ROOT / "terraform/modules/lambda_function/main.tf").read_text("utf-8")


def test_each_alarm_that_it_misses_is_one_that_terraform_always_makes() -> None:
    folder = ROOT / "terraform/modules/observability"
    said = "".join(path.read_text("utf-8").partition("daily_budget_usd == 0")[0] for path in folder.glob("alarms*.tf"))
    assert {name for name in ALARMS if not re.search(rf"^ +{name} += {{$", said, re.MULTILINE)} == set()
    of_work = (folder / "alarms_of_work.tf").read_text("utf-8").partition("daily_budget_usd == 0")[0]
    assert set(re.findall(r"^ {6}([a-z-]+) = {$", of_work, re.MULTILINE)) <= set(ALARMS)
    assert STALLED in ALARMS
    assert "threshold   = 60 * var.stalled_minutes" in of_work


@pytest.mark.parametrize(
    ("other", "let"),
    [
        ({}, True),
        ({"Action": ["sqs:GetQueueUrl", "SQS:*"]}, True),
        ({"Principal": "*", "Condition": {"ArnLike": {"AWS:SourceArn": ["arn:aws:s3:::*"]}}}, True),
        ({"Condition": {}}, True),
        ({"Effect": "Deny"}, False),
        ({"Action": "sqs:ReceiveMessage"}, False),
        ({"Principal": {"AWS": "*"}}, False),
        ({"Condition": {"ArnEquals": {"aws:SourceArn": "arn:aws:s3:::other"}}}, False),
    ],
)
def test_a_policy_lets_whom_its_statement_names(other: dict[str, Any], let: bool) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Condition": {"ArnEquals": {"aws:SourceArn": "arn:aws:s3:::mine"}},
    }
    (told,) = statements(json.dumps({"Statement": statement | other}))
    assert lets(told, "s3.amazonaws.com", "sqs:SendMessage", "arn:aws:s3:::mine") is let


def test_before_an_apply_quotas_count_for_terraforms_defaults() -> None:
    variables = hcl2.loads((ROOT / "terraform/variables.tf").read_text("utf-8"))["variable"]
    defaults = {name.strip('"'): one["default"] for block in variables for name, one in block.items()}
    assert DEFAULTS["INSTANCE_TYPES"].split(",") == [one.strip('"') for one in defaults["instance_types"]]
    assert int(DEFAULTS["MAX_WORKERS"]) == defaults["max_workers"]
    assert int(DEFAULTS["ON_DEMAND_AFTER_MINUTES"]) == defaults["on_demand_after_minutes"]


def test_the_guide_lists_every_right_that_it_reads_with() -> None:
    text = text_of("docs/command-line.md")
    listed = text[text.index("### What is wrong") :]
    assert {right for right in RIGHTS.values() if f"`{right}`" not in listed} == set()
