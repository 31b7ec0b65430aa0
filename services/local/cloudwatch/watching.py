"""CloudWatch for one deployment: takes metrics out of its logs, judges its alarms, and tells their topics."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from services.local.cloudwatch import definitions
from services.local.cloudwatch.alarms import State
from services.local.cloudwatch.embedded import data_points

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_sns import SNSClient

    from services.local.cloudwatch.alarms import Alarm
    from services.local.cloudwatch.data_points import DataPoint

REASON = "Judged by the data points of its periods."


@dataclass(frozen=True)
class Change:
    """An alarm's change of state."""

    alarm: Alarm
    before: State
    after: State


class CloudWatch:
    """The alarms and metric filters that Terraform's state holds. Nothing else sets the state of an alarm."""

    def __init__(self, resources: Iterable[Mapping[str, Any]], cloudwatch: CloudWatchClient, sns: SNSClient) -> None:
        """Begin without any data.

        Args:
            resources: of the state, each with `type` and `values`, as `terraform show -json` prints them.
            cloudwatch: of the account in which Terraform has made the alarms. It is told their states.
            sns: of the same account.

        """
        known = list(resources)
        self.alarms = definitions.alarms(known)
        self._filters = definitions.filters(known)
        self._cloudwatch = cloudwatch
        self._sns = sns
        self.points: list[DataPoint] = []
        self.states = {alarm.name: State.INSUFFICIENT_DATA for alarm in self.alarms}

    def take_line(self, log_group: str, line: str, at: int) -> None:
        """Take a line of a log.

        Args:
            log_group: its name.
            line: without its end.
            at: epoch milliseconds.

        Raises:
            WrongDocumentError: it means to hold metrics, and CloudWatch would leave some of them out.

        """
        self.points += data_points(line, at)
        for one in self._filters:
            if one.log_group == log_group:
                self.points += one.data_points(line, at)

    def take(self, points: Iterable[DataPoint]) -> None:
        """Take what AWS has measured by itself."""
        self.points += points

    def judge(self, now: int) -> list[Change]:
        """Judge every alarm at a moment, epoch milliseconds; returns those whose state is another now."""
        changes = [
            Change(alarm, before, after)
            for alarm in self.alarms
            if (after := alarm.judge(self.points, now, before := self.states[alarm.name])) is not before
        ]
        for change in changes:
            self._make(change, now)
        return changes

    def _make(self, change: Change, now: int) -> None:
        alarm = change.alarm
        self.states[alarm.name] = change.after
        self._cloudwatch.set_alarm_state(AlarmName=alarm.name, StateValue=change.after.value, StateReason=REASON)
        topics = {State.ALARM: alarm.topics, State.OK: alarm.ok_topics}.get(change.after, ())
        for topic in topics:
            subject = f'{change.after.value}: "{alarm.name}"'
            self._sns.publish(TopicArn=topic, Subject=subject[:100], Message=json.dumps(_message(change, now)))


def _message(change: Change, now: int) -> dict[str, Any]:
    """What a topic is told, as far as a person reads it: the names are CloudWatch's."""
    alarm = change.alarm
    return {
        "AlarmName": alarm.name,
        "AlarmDescription": alarm.description,
        "NewStateValue": change.after.value,
        "NewStateReason": REASON,
        "StateChangeTime": datetime.fromtimestamp(now / 1_000, UTC).isoformat(timespec="milliseconds"),
        "OldStateValue": change.before.value,
        "Trigger": {
            "MetricName": alarm.series.name,
            "Namespace": alarm.series.namespace,
            "Dimensions": [{"name": name, "value": value} for name, value in sorted(alarm.series.dimensions)],
            "Statistic": alarm.statistic,
            "Period": alarm.period_seconds,
            "EvaluationPeriods": alarm.periods,
            "DatapointsToAlarm": alarm.to_alarm,
            "ComparisonOperator": alarm.comparison,
            "Threshold": alarm.threshold,
            "TreatMissingData": alarm.missing.value,
        },
    }
