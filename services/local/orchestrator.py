"""Runs the orchestrator's function on this machine: `python -m services.local.orchestrator QUEUE_URL SWEEP_SECONDS`."""

from __future__ import annotations

import signal
import sys
import threading

import boto3

from services.local.functions import EventSourceMapping, Schedule
from services.orchestrator.handler import handler


def main(queue_url: str, sweep_seconds: float) -> None:
    """Serve the queue and the schedule until told to end."""
    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    mapping = EventSourceMapping(boto3.client("sqs"), queue_url, handler)
    schedule = Schedule(handler, sweep_seconds)
    mapping.start()
    schedule.start()
    ending.wait()
    schedule.stop()
    mapping.stop()


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
