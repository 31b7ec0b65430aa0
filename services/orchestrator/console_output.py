"""Copies what a machine wrote to its console to the machines' log group, so that it outlives the machine.

Every program may write to the console. A machine that never reported has held no recording, so all of its console may
be copied. Of a machine that has reported, only lines that cannot hold parts of a recording are copied: those of our own
log, and those in which the kernel complains about memory, devices or itself.
"""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import structlog
from botocore.config import Config
from botocore.exceptions import ClientError

from services.common.domain.times import SECOND_MS
from services.common.logs import is_log_line
from services.common.redaction import describe

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_logs import CloudWatchLogsClient

log = structlog.get_logger()
HASTY = Config(connect_timeout=2, read_timeout=4, retries={"mode": "standard", "total_max_attempts": 1})
"""For the clients of EC2 and CloudWatch Logs: the sweep must not wait long for a console."""
SWEEP_SECONDS = 10.0
"""Time that one sweep has for consoles. After that it begins no other one, and leaves the remaining consoles out."""
LINES = 300
"""How many lines of a console are kept; they are its last ones."""
LINE_CHARACTERS = 1_000
"""Longest line that is kept. EC2 keeps 64 KiB of a console, so one call of PutLogEvents takes all of it: the limits of
that call are 10,000 lines and 1 MiB."""
_CONTROL_CHARACTERS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")
_KERNEL_COMPLAINT = re.compile(
    r"\[ *\d+\.\d+\] (?:Out of memory: |oom-kill:|Kernel panic - not syncing|BUG: |watchdog: |INFO: task |NVRM: "
    r"|I/O error, dev |Buffer I/O error on dev |nvme nvme\d+: )"
)
"""Lines of the kernel. In a line of a program its name stands after the time, so no such line matches."""


class Consoles:
    """Copies consoles at best effort: no failure here keeps a machine from being ended or a slot from being freed."""

    def __init__(
        self,
        ec2: Callable[[], EC2Client],
        logs: Callable[[], CloudWatchLogsClient],
        group: str,
        clock: Callable[[], int],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`ec2` and `logs` make the clients when the first console is copied; most invocations copy none."""
        self._ec2 = ec2
        self._logs = logs
        self._group = group
        self._clock = clock
        self._monotonic = monotonic
        self._deadline = 0.0

    def begin(self) -> None:
        """Begin a sweep, which has `SWEEP_SECONDS` for consoles."""
        self._deadline = self._monotonic() + SWEEP_SECONDS

    def keep(self, instance_id: str, why: str, *, reported: Callable[[], bool]) -> str | None:
        """Copy the console of a machine; returns the log group and stream of the copy, None if there is no copy.

        Args:
            instance_id: of the machine.
            why: what is known about the machine's end, for the first line of the copy.
            reported: says whether the machine has reported. It is called after the console was read, so that a report
                which came before the reading is never missed.

        """
        if not self._group:
            return None
        if self._monotonic() >= self._deadline:
            log.warning("console.left_out", instance_id=instance_id)
            return None
        stream = f"{instance_id}/console"
        try:
            self._write(stream, self._log_lines(instance_id, why, reported))
        except Exception as error:  # noqa: BLE001 - at best effort, see the class
            log.warning("console.lost", instance_id=instance_id, error=error)
            return None
        log.info("console.kept", instance_id=instance_id, log_group=self._group, stream=stream)
        return f"{self._group} {stream}"

    def _log_lines(self, instance_id: str, why: str, reported: Callable[[], bool]) -> list[str]:
        """The lines to keep, after a first line that says why they are kept."""
        try:
            lines, trouble = self._read(instance_id), None
        except Exception as error:  # noqa: BLE001 - the copy then says why there is no console
            lines, trouble = [], describe(error)
        whole = not reported()
        kept = lines if whole else list(filter(None, map(fit_to_leave, lines)))
        at = datetime.fromtimestamp(self._clock() / SECOND_MS, UTC).isoformat()
        head = {"event": "machine.console", "level": "warning", "timestamp": at, "why": why, "whole": whole}
        first = json.dumps(head | ({"error": trouble} if trouble else {}), ensure_ascii=False)
        return [first, *(line[:LINE_CHARACTERS] for line in kept[-LINES:])]

    def _read(self, instance_id: str) -> list[str]:
        ec2 = self._ec2()
        try:
            output = ec2.get_console_output(InstanceId=instance_id, Latest=True).get("Output")
        except ClientError:  # old instance types and terminated machines have no latest output
            output = None
        # Without `Latest` EC2 gives the output that it kept when the machine started or ended.
        if not output and self._monotonic() >= self._deadline:
            return []
        output = output or ec2.get_console_output(InstanceId=instance_id).get("Output")
        return lines_of(output or "")

    def _write(self, stream: str, lines: Sequence[str]) -> None:
        logs, now = self._logs(), self._clock()
        try:
            logs.create_log_stream(logGroupName=self._group, logStreamName=stream)
        except Exception as error:  # noqa: BLE001 - the stream exists already, or the next call fails too
            log.info("console.again", stream=stream, error=error)
        # CloudWatch wants events in order of time. One millisecond apart, they keep the order of the console.
        events: Any = [{"timestamp": now - len(lines) + number, "message": line} for number, line in enumerate(lines)]
        logs.put_log_events(logGroupName=self._group, logStreamName=stream, logEvents=events)


def lines_of(output: str) -> list[str]:
    """The lines of a console without control characters; empty lines are left out."""
    lines = (_CONTROL_CHARACTERS.sub("", line).strip() for line in output.split("\n"))
    return [line for line in lines if line]


def fit_to_leave(line: str) -> str | None:
    """The part of a line that may be copied from a machine that held recordings; None if no part may.

    Of a line of our own log this is the JSON object alone: a program may have written half a line before it.
    """
    if _KERNEL_COMPLAINT.match(line):
        return line
    ours = line[line.find("{") :]
    return ours if is_log_line(ours) else None
