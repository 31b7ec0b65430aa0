"""Sends log lines to CloudWatch Logs, without an agent: from memory, in batches, and the last ones at the exit."""

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
"""Lines that are kept while CloudWatch does not answer; further lines are dropped and counted."""
BATCH_LINES = 1_000
BATCH_BYTES = 900_000
"""Bytes of a batch, after which no line is added; CloudWatch takes 1 MiB at once."""
LINE_BYTES = 100_000
"""Longer lines are cut: a batch that is nearly full must still have room for one more."""
_OVERHEAD_BYTES = 26
"""Bytes that CloudWatch counts for each line in addition."""
INTERVAL_SECONDS = 2.0


class LogShipping:
    """Takes lines from the beginning on, and sends them once `start` has said where to."""

    def __init__(self, clock: Callable[[], int] = now_ms) -> None:
        self._clock = clock
        self._lines: queue.Queue[tuple[int, str]] = queue.Queue(KEPT_LINES)
        self._dropped = 0
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def take(self, line: str) -> None:
        """Keep a line; never waits and never fails."""
        if threading.current_thread() is self._thread:
            # Sending a line may log lines itself, here or in a library; to send those would never end.
            return
        try:
            self._lines.put_nowait((self._clock(), line.encode()[:LINE_BYTES].decode(errors="ignore")))
        except queue.Full:
            self._dropped += 1

    def start(self, client: CloudWatchLogsClient, group: str, stream: str) -> None:
        """Begin to send the lines, every few seconds, to a stream of a log group."""

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
        """Send the rest; give up after so many seconds, since the machine has to end."""
        self._ending.set()
        if self._thread:
            self._thread.join(seconds)

    def _send(self, client: CloudWatchLogsClient, group: str, stream: str) -> None:
        while batch := self._batch():
            try:
                client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=batch)
            except Exception as error:  # noqa: BLE001 - after any error the next lines have to be sent
                log.warning("log.lost", lines=len(batch), error=error)
                return

    def _batch(self) -> Sequence[InputLogEventTypeDef]:
        """The lines of the next batch, in the order of time, as CloudWatch requires."""
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
    """A line as the log writes them, for an event that was not logged; `at`: epoch milliseconds."""
    timestamp = datetime.fromtimestamp(at / SECOND_MS, UTC).isoformat()
    return json.dumps({"event": event, "level": level, "timestamp": timestamp, **more}, ensure_ascii=False)


def _create(client: CloudWatchLogsClient, group: str, stream: str) -> bool:
    """Create a log stream; True if it exists."""
    try:
        client.create_log_stream(logGroupName=group, logStreamName=stream)
    except client.exceptions.ResourceAlreadyExistsException:
        return True
    except Exception as error:  # noqa: BLE001 - as above
        log.warning("log.unshipped", error=error)
        time.sleep(INTERVAL_SECONDS)
        return False
    return True
