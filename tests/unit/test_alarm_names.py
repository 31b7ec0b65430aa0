"""Code, alarms, dashboard and documents name the same metrics and the same alarms."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import hcl2
import pytest

from services.cli.operator.doctor.examination import THEN
from services.common.domain.metrics import METRICS
from tests.support.documents import ROOT, text_of

MODULE = ROOT / "terraform/modules/observability"
BY_NAME = {metric.name: metric for metric in METRICS}
MOST_WHILE_IDLE = 10
LONGEST_DESCRIPTION = 1_024
"""Characters of an alarm's description."""
IN_WORDS = {4: "four", 5: "five", 6: "six"}


def locals_of(file: str) -> dict[str, Any]:
    found: dict[str, Any] = hcl2.loads((MODULE / file).read_text("utf-8"))["locals"][0]
    return found


def counted() -> set[str]:
    """The metrics that filters count of the log."""
    return set(locals_of("log_metrics.tf")["log_metrics"])


def own_alarms() -> dict[str, dict[str, Any]]:
    """The alarms on the deployment's own metrics, by name."""
    text = (MODULE / "alarms_of_work.tf").read_text("utf-8")
    found: dict[str, dict[str, Any]] = {}
    for name, body in re.findall(r"^      ([a-z-]+) = \{\n(.*?)^      \}", text, re.DOTALL | re.MULTILINE):
        metric = re.search(r'metric\s+= (?:"(\w+)"|.*\["(\w+)"\])', body)
        dimension = re.search(r"dimensions\s+= \{ (\w+) =", body)
        assert metric, name
        found[name] = {"metric": metric[1] or metric[2], "dimension": dimension[1] if dimension else None}
    return found


def charts() -> Iterator[tuple[str, str | None]]:
    """The metrics of the services on the dashboard, each with its dimension."""
    text = (MODULE / "dashboard.tf").read_text("utf-8")
    work = text[text.index("work_charts = [") : text.index("aws_charts = [")]
    for names, dimension in re.findall(r'names\s+= \[([^\]]*)\](?:, dimension = "(\w+)")?', work):
        yield from ((name, dimension or None) for name in re.findall(r'"(\w+)"', names))


def test_every_alarm_on_work_watches_a_metric_that_is_written_with_its_dimension() -> None:
    alarms = own_alarms()
    assert {"work-stalled", "sweep-silent", "spending"} <= alarms.keys()
    for name, alarm in alarms.items():
        if alarm["metric"] not in counted():
            assert alarm["dimension"] == BY_NAME[alarm["metric"]].dimension, name


def test_every_metric_is_on_the_dashboard_and_nothing_else_is() -> None:
    assert set(charts()) == {(metric.name, metric.dimension) for metric in METRICS}
    assert "names = keys(local.log_metrics)" in (MODULE / "dashboard.tf").read_text("utf-8")


def test_few_metrics_are_written_while_nobody_uploads() -> None:
    always = [metric for metric in METRICS if metric.always]
    assert all(metric.dimension is None for metric in always)
    assert len(always) + len(counted()) <= MOST_WHILE_IDLE
    assert f"| CloudWatch metrics | {IN_WORDS[len(always)]} that are always" in text_of("docs/deploy.md")


def test_the_runbook_lists_every_metric_with_what_it_is_and_those_first_that_are_always_written() -> None:
    text = text_of("docs/operations.md")
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (\w*) ?\| (.*) \|$", text[text.index("## Metrics") :], re.MULTILINE)
    in_order = sorted(METRICS, key=lambda metric: not metric.always)
    assert [(name, by, what) for name, _, by, what in rows] == [
        (metric.name, metric.dimension or "", metric.what) for metric in in_order
    ]


@pytest.mark.parametrize("name", [*own_alarms(), *locals_of("alarms_of_aws.tf")["queue_alarms"]])
def test_the_runbook_begins_with_every_alarm(name: str) -> None:
    runbook = text_of("docs/operations.md")
    by_alarm = runbook[runbook.index("## By alarm") : runbook.index("## What a waiting job says")]
    assert f"*{name}*" in by_alarm
    for of_kind in ("FUNCTION-errors", "FUNCTION-throttles", "table-read-throttles", "index-INDEX-read-throttles"):
        assert f"*{of_kind}*" in by_alarm


def test_the_mail_of_every_alarm_says_which_command_shows_more_and_is_as_long_as_cloudwatch_takes() -> None:
    text = "".join((MODULE / file).read_text("utf-8") for file in ("alarms_of_work.tf", "alarms_of_aws.tf"))
    descriptions = re.findall(r'^ +description = "(.*)"$', text, re.MULTILINE)
    assert len(descriptions) == len(own_alarms()) + len(locals_of("alarms_of_aws.tf")["queue_alarms"]) + 3
    for description in descriptions:
        assert re.search(r"`(transcribe|aws logs tail) ", description), description
        assert len(description) < LONGEST_DESCRIPTION - 100, "names take the place of what is in braces"


def test_the_runbook_names_lines_of_doctor_as_doctor_prints_them() -> None:
    runbook = text_of("docs/operations.md")
    by_symptom = runbook[runbook.index("## By symptom") : runbook.index("## What a waiting job says")]
    named = set(re.findall(r"(?<!\*)\*([^*]+)\*(?!\*)", by_symptom)) - {"italics"}
    assert {"schedule", "last sweep", "spot quota"} <= named <= THEN.keys()
