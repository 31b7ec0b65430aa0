"""Reports a worker that could not report its own end: `python -m services.gpu_worker.machine.crash_report`.

systemd runs it after every failed end of the worker, since a crash, a kill or a hang leaves no line in its log. Before
the machine ends, it sends the journal's entries of the worker to the worker's log group: log lines and systemd's
messages. Everything else on standard error, from FFmpeg, a driver or an interpreter that crashes, may hold something
of a recording, and stays on the machine.
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
"""`--all`: else the journal leaves out long fields, such as a traceback."""
_SYSTEMD = "1"
"""systemd's process id. The journal notes the id by itself, so no other process can claim to be systemd."""


def main() -> None:
    """Send the journal's last entries, and how the worker ended (`SERVICE_RESULT`, `EXIT_CODE`, `EXIT_STATUS`)."""
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
    """An entry of the journal as a line of the log: a log line as it is, a message of systemd's; None for others."""
    message = entry.get("MESSAGE")
    if not isinstance(message, str):  # bytes that are no text
        return None
    if entry.get("_PID") == _SYSTEMD:
        # The journal counts microseconds.
        return log_line("systemd.said", int(entry["__REALTIME_TIMESTAMP"]) // 1_000, level="info", message=message)
    return message if logs.is_log_line(message) else None


if __name__ == "__main__":
    main()
