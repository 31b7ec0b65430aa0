"""Metrics are taken out of log lines as CloudWatch does, and what it would leave out silently is an error here."""

from __future__ import annotations

import json
from typing import Any

import pytest

from services.local.cloudwatch.data_points import DataPoint, Series
from services.local.cloudwatch.definitions import UnknownArgumentError, alarms, filters
from services.local.cloudwatch.embedded import WrongDocumentError, data_points
from services.local.cloudwatch.filters import UnknownPatternError, wanted_by

NOW = 1_800_000_000_000
HOUR_MS = 3_600_000
DIRECTIVE: dict[str, Any] = {
    "Namespace": "test",
    "Dimensions": [["Code"]],
    "Metrics": [{"Name": "Ended", "Unit": "Count"}],
}


def line(*directives: dict[str, Any], at: object = NOW, **root: object) -> str:
    return json.dumps({"event": "e", "_aws": {"Timestamp": at, "CloudWatchMetrics": list(directives)}, **root})


def test_each_set_of_dimensions_makes_a_metric_of_its_own() -> None:
    both = DIRECTIVE | {"Dimensions": [[], ["Code"]]}
    assert data_points(line(both, Ended=2, Code="A"), NOW) == [
        DataPoint(series=Series.of("test", "Ended"), at=NOW, value=2.0, unit="Count"),
        DataPoint(series=Series.of("test", "Ended", {"Code": "A"}), at=NOW, value=2.0, unit="Count"),
    ]


def test_a_list_of_values_is_as_many_points_and_a_unit_may_be_left_out() -> None:
    plain = {"Namespace": "test", "Dimensions": [[]], "Metrics": [{"Name": "Ended"}]}
    assert [(point.value, point.unit) for point in data_points(line(plain, Ended=[1, 2.5]), NOW)] == [
        (1.0, "None"),
        (2.5, "None"),
    ]


@pytest.mark.parametrize("text", ["REPORT RequestId: 1", "[]", "{", '{"event": "job.completed"}', ""])
def test_other_lines_hold_no_metrics(text: str) -> None:
    assert data_points(text, NOW) == []


@pytest.mark.parametrize(
    ("change", "root", "rule"),
    [
        ({"Namespace": ""}, {}, "Namespace"),
        ({"Dimensions": []}, {}, "Dimensions"),
        ({"Dimensions": [["Reason"]]}, {}, "Reason"),
        ({"Dimensions": [["Code"] * 31]}, {}, "30 at most"),
        ({}, {"Code": ""}, "Code"),
        ({}, {"Code": 7}, "Code"),
        ({"Metrics": []}, {}, "Metrics"),
        ({"Metrics": [{"Name": "Failed"}]}, {}, "Failed"),
        ({"Metrics": [{"Name": "Ended", "Unit": "Dollars"}]}, {}, "Dollars"),
        ({}, {"Ended": "1"}, "Ended"),
        ({}, {"Ended": True}, "Ended"),
        ({}, {"Ended": []}, "Ended"),
    ],
)
def test_a_wrong_document_is_told_with_the_rule(change: dict[str, Any], root: dict[str, Any], rule: str) -> None:
    with pytest.raises(WrongDocumentError, match=rule):
        data_points(line(DIRECTIVE | change, **{"Ended": 1, "Code": "A"} | root), NOW)


@pytest.mark.parametrize("at", [None, "now", NOW + 3 * HOUR_MS, NOW - 15 * 24 * HOUR_MS])
def test_a_document_whose_time_is_far_from_its_lines_is_wrong(at: object) -> None:
    with pytest.raises(WrongDocumentError, match="Timestamp"):
        data_points(line(DIRECTIVE, at=at, Ended=1, Code="A"), NOW)


FILTER: dict[str, Any] = {
    "type": "aws_cloudwatch_log_metric_filter",
    "values": {
        "log_group_name": "/aws/lambda/f",
        "pattern": '{ $.event = "breaker.opened" }',
        "metric_transformation": [{"namespace": "test", "name": "BreakerOpened", "value": "1", "unit": "Count"}],
    },
}


def test_a_metric_filter_counts_the_lines_that_match() -> None:
    (found,) = filters([FILTER])
    assert found.log_group == "/aws/lambda/f"
    lines = ['{"event": "breaker.opened"}', '{"event": "breaker.closed"}', "breaker.opened", "[]"]
    points = [found.data_points(one, NOW) for one in lines]
    expected = DataPoint(series=Series.of("test", "BreakerOpened"), at=NOW, value=1.0, unit="Count")
    assert points == [[expected], [], [], []]


def test_patterns_may_ask_for_several_fields() -> None:
    assert wanted_by('{ $.event = "a.b" && $.code="C" }') == {"event": "a.b", "code": "C"}


@pytest.mark.parametrize("pattern", ["ERROR", '{ $.a = "b" || $.c = "d" }', '{ $.a = "b*" }', "{ $.a > 1 }", "{}"])
def test_a_pattern_that_is_not_known_is_refused(pattern: str) -> None:
    with pytest.raises(UnknownPatternError):
        wanted_by(pattern)


def test_an_alarm_with_an_argument_that_is_not_known_is_refused() -> None:
    values = {"alarm_name": "a", "evaluation_periods": 1, "metric_query": [{"id": "m1"}]}
    with pytest.raises(UnknownArgumentError, match="metric_query"):
        alarms([{"type": "aws_cloudwatch_metric_alarm", "values": values}])
