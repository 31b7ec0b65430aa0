"""Log lines to CloudWatch Logs, without an agent: from memory, in batches, and to the last one on the way out."""

from __future__ import annotations

import json
import queue
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import structlog

from services.common.domain.times import SECOND_MS, now_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_logs.type_defs import InputLogEventTypeDef

log = structlog.get_logger()
KEPT_LINES = 10_000
"""Lines kept while CloudWatch does not answer; beyond that the newest are dropped and counted."""
BATCH_LINES = 1_000
BATCH_BYTES = 900_000
"""CloudWatch takes 1 MiB at once."""
LINE_BYTES = 100_000
"""Longer lines are cut: a batch that is nearly full must take one more."""
_OVERHEAD_BYTES = 26
"""What CloudWatch adds to the count for each line."""
INTERVAL_SECONDS = 2.0


class LogShipping:
    """Takes lines from the start; sends them once it is told where to."""

    def __init__(self, clock: Callable[[], int] = now_ms) -> None:
        self._clock = clock
        self._lines: queue.Queue[tuple[int, str]] = queue.Queue(KEPT_LINES)
        self._dropped = 0
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def take(self, line: str) -> None:
        """Keep a line; never waits and never fails."""
        if threading.current_thread() is self._thread:
            # What is said of the shipping itself, by us or by a library, would feed this very queue.
            return
        try:
            self._lines.put_nowait((self._clock(), line.encode()[:LINE_BYTES].decode(errors="ignore")))
        except queue.Full:
            self._dropped += 1

    def start(self, client: CloudWatchLogsClient, group: str, stream: str) -> None:
        """Send what was taken and what will be, every few seconds."""

        def ship() -> None:
            ready = False
            while True:
                over = self._ending.wait(INTERVAL_SECONDS)
                ready = ready or _create(client, group, stream)
                if ready:
                    self._send(client, group, stream)
                if over:
                    return

        self._thread = threading.Thread(target=ship, name="log-shipping", daemon=True)
        self._thread.start()

    def close(self, seconds: float = 5.0) -> None:
        """Send the rest; gives up after that many seconds, since the machine has to end."""
        self._ending.set()
        if self._thread:
            self._thread.join(seconds)

    def _send(self, client: CloudWatchLogsClient, group: str, stream: str) -> None:
        while batch := self._batch():
            try:
                client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=batch)
            except Exception as error:  # noqa: BLE001 - whatever it is, what comes next is to be sent
                log.warning("log.lost", lines=len(batch), error=error)
                return

    def _batch(self) -> Sequence[InputLogEventTypeDef]:
        """Up to a batch's worth of lines, in order of time, as CloudWatch wants them."""
        batch: list[InputLogEventTypeDef] = []
        size = 0
        while len(batch) < BATCH_LINES and size < BATCH_BYTES:
            try:
                at, line = self._lines.get_nowait()
            except queue.Empty:
                break
            batch.append({"timestamp": at, "message": line})
            size += len(line.encode()) + _OVERHEAD_BYTES
        if self._dropped:
            now = self._clock()
            batch.append(
                {"timestamp": now, "message": log_line("log.dropped", now, level="warning", lines=self._dropped)}
            )
            self._dropped = 0
        return sorted(batch, key=lambda event: event["timestamp"])


def log_line(event: str, at: int, *, level: str, **more: object) -> str:
    """A line of the log that does not come from it; `at`: epoch milliseconds."""
    timestamp = datetime.fromtimestamp(at / SECOND_MS, UTC).isoformat()
    return json.dumps({"event": event, "level": level, "timestamp": timestamp, **more}, ensure_ascii=False)


def _create(client: CloudWatchLogsClient, group: str, stream: str) -> bool:
    """The stream; True once it is there."""
    try:
        client.create_log_stream(logGroupName=group, logStreamName=stream)
    except client.exceptions.ResourceAlreadyExistsException:
        return True
    except Exception as error:  # noqa: BLE001 - as above
        log.warning("log.unshipped", error=error)
        time.sleep(INTERVAL_SECONDS)
        return False
    return True
