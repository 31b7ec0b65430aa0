"""How long a worker that leaves waits for everything that it has to end; the sweep takes care of the rest.

A worker that leaves because nothing is queued has time; one that was told to leave, mostly by a spot notice, has not.
"""

from __future__ import annotations

import json
import math
import os
import sys
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from services.common.webhooks.transport import DEADLINE_SECONDS
from services.gpu_worker.engine.processes.device import CLOSE_SECONDS

LEAVE_SECONDS = 8.0
"""The time from being told to leave to the end of the process. A spot notice is seen within two seconds before that."""


@dataclass(frozen=True, kw_only=True)
class Deadlines:
    """How many seconds each of these is waited for, one after another."""

    held: float
    """Parts held, until they are checkpointed and given back."""
    heartbeats: float | None
    """Heartbeats under way; None for no limit."""
    sender: float
    """First tries of webhooks that are under way."""
    engine: float
    """The process that holds the model, until it is killed."""


GRACEFUL = Deadlines(held=math.inf, heartbeats=None, sender=DEADLINE_SECONDS, engine=CLOSE_SECONDS)
"""For a worker that leaves because nothing is queued."""
FORCED = Deadlines(held=4.0, heartbeats=0.5, sender=2.0, engine=0.5)
"""For a worker that was told to leave; one second is left in which the log is sent."""


class Shutdown:
    """Whether this worker was told to leave, and how far it is with that."""

    def __init__(self) -> None:
        self._told = threading.Event()
        self._marked = threading.Event()
        self._told_at = 0.0

    @property
    def told(self) -> bool:
        return self._told.is_set()

    @property
    def stop(self) -> threading.Event:
        """Set once this worker is told to leave."""
        return self._told

    @property
    def marked(self) -> bool:
        """Whether the slot has been marked as leaving, or need not be, since this worker was not told to leave."""
        return not self.told or self._marked.is_set()

    @property
    def deadlines(self) -> Deadlines:
        return FORCED if self.told else GRACEFUL

    def begin(self) -> bool:
        """Note that this worker was told to leave; False if it had been told before."""
        if self.told:
            return False
        self._told_at = time.monotonic()
        self._told.set()
        return True

    def mark(self) -> None:
        """Note that the slot has been marked as leaving, or that this was tried in vain."""
        self._marked.set()

    def wait(self, seconds: float) -> None:
        """Wait for so many seconds, or until told to leave."""
        self._told.wait(seconds)

    def seconds_for_held(self) -> float:
        """How many seconds the parts held may still take; negative if they should have ended."""
        return self._told_at + self.deadlines.held - time.monotonic()


def end_within(seconds: float) -> None:
    """End this process after so many seconds, even if a call of AWS, the loading of a model or a thread hangs.

    The exit status is 0, after which systemd powers the machine off instead of starting the worker again.
    """

    def end() -> None:
        # The line does not go through the log, whose lock a hanging thread may hold.
        line = {"event": "worker.cut_short", "level": "warning", "timestamp": datetime.now(UTC).isoformat()}
        os.write(sys.stderr.fileno(), f"{json.dumps(line)}\n".encode())
        os._exit(0)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
