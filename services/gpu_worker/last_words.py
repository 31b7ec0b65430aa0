"""After a worker that could not speak for itself: `python -m services.gpu_worker.last_words`, run by its unit.

A crash, a kill or a hang leaves no word of the worker's own. This sends what the journal holds of it to where the
worker's log goes, before the machine is gone.
"""

from __future__ import annotations

import os
import subprocess

import structlog

from services.common import logs
from services.gpu_worker.identity import settings_for
from services.gpu_worker.log_shipping import LogShipping
from services.gpu_worker.metadata import Metadata, aws_of

LINES = 50
_JOURNAL = ("journalctl", "--unit=transcribe-worker", f"--lines={LINES}", "--output=cat", "--no-pager")


def main() -> None:
    """Say how systemd saw the worker end (`SERVICE_RESULT`, `EXIT_CODE`, `EXIT_STATUS`)."""
    machine = Metadata().machine()
    aws = aws_of(machine)
    settings = settings_for(machine, aws)
    shipping = LogShipping()
    logs.configure(settings.log_level, shipping.take, service="gpu_worker", deployment=settings.deployment)
    if settings.log_group and machine:
        shipping.start(aws.logs(), settings.log_group, f"{machine.instance_id}/journal")
    journal = subprocess.run(_JOURNAL, capture_output=True, text=True, check=False, timeout=5)  # noqa: S603 - a constant
    for line in journal.stdout.splitlines():
        shipping.take(line)
    told = {name.lower(): os.environ.get(name) for name in ("SERVICE_RESULT", "EXIT_CODE", "EXIT_STATUS")}
    structlog.get_logger().error("worker.died", **told)
    shipping.close()


if __name__ == "__main__":
    main()
