"""Leaving when told to: what may hang is waited for only so long, and what is left over is the sweep's.

A worker that leaves because there is nothing to do has time; one that was told to, by a spot notice above all, has not.
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
"""From being told to leave to the end. With the time in which a spot notice is seen that makes ten."""


@dataclass(frozen=True, kw_only=True)
class Deadlines:
    """How long each thing is waited for, one after another, in seconds."""

    held: float
    """Parts, to be checkpointed and given back."""
    heartbeats: float | None
    """Those under way; None: however long they take."""
    sender: float
    """First tries of webhooks that are under way."""
    engine: float
    """The process that holds the model, until it is killed."""


GRACEFUL = Deadlines(held=math.inf, heartbeats=None, sender=DEADLINE_SECONDS, engine=CLOSE_SECONDS)
"""Where there is nothing left to do."""
FORCED = Deadlines(held=4.0, heartbeats=0.5, sender=2.0, engine=0.5)
"""Where the worker was told to leave; it leaves the log a second to be shipped in."""


class Shutdown:
    """Whether this worker was told to leave, and how far that is."""

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
        """Whether the slot says that this machine leaves; where nobody told it to, the slot need not."""
        return not self.told or self._marked.is_set()

    @property
    def deadlines(self) -> Deadlines:
        return FORCED if self.told else GRACEFUL

    def begin(self) -> bool:
        """Note that this worker is told to leave; False if it has been told before."""
        if self.told:
            return False
        self._told_at = time.monotonic()
        self._told.set()
        return True

    def mark(self) -> None:
        """Note that the slot says so, or cannot be told."""
        self._marked.set()

    def wait(self, seconds: float) -> None:
        """Wait so long, unless told to leave meanwhile."""
        self._told.wait(seconds)

    def seconds_for_held(self) -> float:
        """How long the parts held may still take."""
        return self._told_at + self.deadlines.held - time.monotonic()


def end_within(seconds: float) -> None:
    """End this process by then, whatever hangs: a call of AWS, a model that loads, a thread that Python waits for.

    The status is that of a good end, after which systemd powers the machine off instead of starting the worker again.
    """

    def end() -> None:
        # Not through the log, whose lock a thread that hangs may hold.
        line = {"event": "worker.cut_short", "level": "warning", "timestamp": datetime.now(UTC).isoformat()}
        os.write(sys.stderr.fileno(), f"{json.dumps(line)}\n".encode())
        os._exit(0)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
