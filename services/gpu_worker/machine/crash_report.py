"""The report of a worker that could not report itself: `python -m services.gpu_worker.machine.crash_report`.

Its unit runs it after every bad end: a crash, a kill or a hang leaves no word of the worker's own. It sends what the
journal holds of the worker to where the worker's log goes, before the machine is gone: its lines and systemd's. All
else that was written to its standard error, by FFmpeg, a driver or an interpreter that dies, may hold something of a
recording, and stays on the machine.
"""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

import structlog

from services.common import logs
from services.gpu_worker.machine.identity import settings_for
from services.gpu_worker.machine.log_shipping import LogShipping, log_line
from services.gpu_worker.machine.metadata import Metadata, aws_of

LINES = 50
_JOURNAL = ("journalctl", "--unit=transcribe-worker", f"--lines={LINES}", "--output=json", "--all", "--no-pager")
"""`--all`: a traceback is longer than what the journal shows of a field otherwise."""
_SYSTEMD = "1"
"""Its process id, which the journal itself notes: nobody else can pass for it."""
_OURS = frozenset({"event", "level", "timestamp"})


def main() -> None:
    """Say how systemd saw the worker end (`SERVICE_RESULT`, `EXIT_CODE`, `EXIT_STATUS`)."""
    shipping = LogShipping()
    logs.begin("gpu_worker", shipping.take)
    machine = Metadata().machine()
    aws = aws_of(machine)
    settings = settings_for(machine, aws)
    logs.configure(settings.log_level, shipping.take, service="gpu_worker", deployment=settings.deployment)
    if settings.log_group and machine:
        shipping.start(aws.logs(), settings.log_group, f"{machine.instance_id}/journal")
    journal = subprocess.run(_JOURNAL, capture_output=True, text=True, check=False, timeout=5)  # noqa: S603 - a constant
    for entry in journal.stdout.splitlines():
        if told := fit_to_leave(json.loads(entry)):
            shipping.take(told)
    ended = {name.lower(): os.environ.get(name) for name in ("SERVICE_RESULT", "EXIT_CODE", "EXIT_STATUS")}
    structlog.get_logger().error("worker.died", **ended)
    shipping.close()


def fit_to_leave(entry: dict[str, Any]) -> str | None:
    """The line of the log that an entry of the journal holds, or systemd's words as one; None for all else."""
    message = entry.get("MESSAGE")
    if not isinstance(message, str):  # bytes that are no text
        return None
    if entry.get("_PID") == _SYSTEMD:
        # The journal counts microseconds.
        return log_line("systemd.said", int(entry["__REALTIME_TIMESTAMP"]) // 1_000, level="info", message=message)
    return message if _is_ours(message) else None


def _is_ours(message: str) -> bool:
    try:
        content = json.loads(message)
    except ValueError:
        return False
    return isinstance(content, dict) and content.keys() >= _OURS


if __name__ == "__main__":
    main()
