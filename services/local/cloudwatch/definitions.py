"""Alarms and metric filters, as Terraform's state holds them (`terraform show -json`). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.local.cloudwatch.alarms import Alarm, Missing
from services.local.cloudwatch.data_points import Series
from services.local.cloudwatch.filters import Filter, wanted_by

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_ALARM = {
    *("actions_enabled", "alarm_actions", "alarm_description", "alarm_name", "comparison_operator", "dimensions"),
    *("evaluation_periods", "metric_name", "namespace", "ok_actions", "period", "statistic", "threshold"),
    *("treat_missing_data", "arn", "id", "tags", "tags_all"),
}
"""What is known of an alarm; whatever else it has must be empty."""
_LEFT_OUT_BY_DEFAULT = {"evaluate_low_sample_count_percentiles"}


class UnknownArgumentError(Exception):
    """An alarm or a filter has something that this emulation does not know."""


def alarms(resources: Iterable[Mapping[str, Any]]) -> list[Alarm]:
    """The alarms among the resources of a state.

    Raises:
        UnknownArgumentError: an alarm has an argument that is not known here, and would be judged wrongly.

    """
    return [_alarm(entry["values"]) for entry in resources if entry["type"] == "aws_cloudwatch_metric_alarm"]


def filters(resources: Iterable[Mapping[str, Any]]) -> list[Filter]:
    """The metric filters among the resources of a state.

    Raises:
        UnknownPatternError: a pattern is not known here.

    """
    return [
        _filter(entry["values"], transformation)
        for entry in resources
        if entry["type"] == "aws_cloudwatch_log_metric_filter"
        for transformation in entry["values"]["metric_transformation"]
    ]


def _alarm(values: Mapping[str, Any]) -> Alarm:
    further = {name for name, value in values.items() if value and name not in _ALARM | _LEFT_OUT_BY_DEFAULT}
    to_alarm = values.get("datapoints_to_alarm") or values["evaluation_periods"]
    if further := further - {"datapoints_to_alarm"}:
        raise UnknownArgumentError(f"{values['alarm_name']}: {', '.join(sorted(further))}")
    return Alarm(
        name=values["alarm_name"],
        series=Series.of(values["namespace"], values["metric_name"], values.get("dimensions")),
        statistic=values["statistic"],
        period_seconds=values["period"],
        periods=values["evaluation_periods"],
        to_alarm=to_alarm,
        comparison=values["comparison_operator"],
        threshold=values["threshold"],
        missing=Missing(values["treat_missing_data"]),
        description=values["alarm_description"],
        topics=values["alarm_actions"] or (),
        ok_topics=values["ok_actions"] or (),
    )


def _filter(values: Mapping[str, Any], transformation: Mapping[str, Any]) -> Filter:
    return Filter(
        log_group=values["log_group_name"],
        wanted=wanted_by(values["pattern"]),
        series=Series.of(transformation["namespace"], transformation["name"], transformation.get("dimensions")),
        value=float(transformation["value"]),
        unit=transformation.get("unit", "None"),
    )
