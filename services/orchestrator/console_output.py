"""What a machine wrote to its console, copied to the machines' log group, so that it outlives the machine.

The console has every program's words. A machine that never reported has held no recording, so all of its console may
be copied. Of one that had reported only what cannot be of a recording is: lines of our own log, and the kernel's when
it complains of memory, devices or itself.
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
from services.common.redaction import describe

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_logs import CloudWatchLogsClient

log = structlog.get_logger()
HASTY = Config(connect_timeout=2, read_timeout=4, retries={"mode": "standard", "total_max_attempts": 1})
"""For the clients: the sweep has more to do than to wait for a console."""
SWEEP_SECONDS = 10.0
"""Of a sweep, after which no other console is begun: those of machines that end then are left out."""
LINES = 300
"""Kept of a console, from its end."""
LINE_CHARACTERS = 1_000
"""EC2 keeps 64 KiB of a console, so that one call of PutLogEvents takes all: its limits are 10,000 lines and 1 MiB."""
_CONTROL_CHARACTERS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")
_LOG_FIELDS = frozenset({"event", "level", "timestamp"})
_KERNEL_COMPLAINT = re.compile(
    r"\[ *\d+\.\d+\] (?:Out of memory: |oom-kill:|Kernel panic - not syncing|BUG: |watchdog: |INFO: task |NVRM: "
    r"|I/O error, dev |Buffer I/O error on dev |nvme nvme\d+: )"
)
"""A program's line has the program's name behind the time, so none of these is one."""


class Consoles:
    """Copies consoles, as well as that can be done: nothing that goes wrong here keeps a machine from being ended or
    a slot from being freed.
    """

    def __init__(
        self,
        ec2: Callable[[], EC2Client],
        logs: Callable[[], CloudWatchLogsClient],
        group: str,
        clock: Callable[[], int],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """The clients are made when the first machine has gone wrong; most invocations see none."""
        self._ec2 = ec2
        self._logs = logs
        self._group = group
        self._clock = clock
        self._monotonic = monotonic
        self._deadline = 0.0

    def begin(self) -> None:
        """A sweep begins: it has its time for consoles."""
        self._deadline = self._monotonic() + SWEEP_SECONDS

    def keep(self, instance_id: str, why: str, *, reported: Callable[[], bool]) -> str | None:
        """Copy the console, under what is known of the machine's end; returns where to, None if nowhere.

        `reported` is asked once the console was read, so that nothing was written after a first report unnoticed.
        """
        if not self._group:
            return None
        if self._monotonic() >= self._deadline:
            log.warning("console.left_out", instance_id=instance_id)
            return None
        stream = f"{instance_id}/console"
        try:
            self._write(stream, self._log_lines(instance_id, why, reported))
        except Exception as error:  # noqa: BLE001 - see above
            log.warning("console.lost", instance_id=instance_id, error=error)
            return None
        log.info("console.kept", instance_id=instance_id, log_group=self._group, stream=stream)
        return f"{self._group} {stream}"

    def _log_lines(self, instance_id: str, why: str, reported: Callable[[], bool]) -> list[str]:
        """The lines to keep, and before them what they are."""
        try:
            lines, trouble = self._read(instance_id), None
        except Exception as error:  # noqa: BLE001 - why there is no console is worth a line as well
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
        except ClientError:  # neither old types nor machines that are no more have a latest
            output = None
        # What EC2 itself kept when the machine started or ended.
        if not output and self._monotonic() >= self._deadline:
            return []
        output = output or ec2.get_console_output(InstanceId=instance_id).get("Output")
        return lines_of(output or "")

    def _write(self, stream: str, lines: Sequence[str]) -> None:
        logs, now = self._logs(), self._clock()
        try:
            logs.create_log_stream(logGroupName=self._group, logStreamName=stream)
        except Exception as error:  # noqa: BLE001 - it is there from an earlier look, or the next call says what is wrong
            log.info("console.again", stream=stream, error=error)
        # In order of time, as CloudWatch wants them, and as they were written.
        events: Any = [{"timestamp": now - len(lines) + number, "message": line} for number, line in enumerate(lines)]
        logs.put_log_events(logGroupName=self._group, logStreamName=stream, logEvents=events)


def lines_of(output: str) -> list[str]:
    """The lines of a console that say anything."""
    lines = (_CONTROL_CHARACTERS.sub("", line).strip() for line in output.split("\n"))
    return [line for line in lines if line]


def fit_to_leave(line: str) -> str | None:
    """What may be copied of a line of a machine that held recordings; None if nothing may.

    Of a line of our log that is the log's part alone: before it a program may have left half a line of its own.
    """
    if _KERNEL_COMPLAINT.match(line):
        return line
    ours = line[line.find("{") :]
    try:
        content = json.loads(ours)
    except ValueError:
        return None
    return ours if isinstance(content, dict) and content.keys() >= _LOG_FIELDS else None
