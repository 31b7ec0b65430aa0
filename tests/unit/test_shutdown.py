"""How a worker is told to leave, and that it ends in time whatever happens then."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from services.gpu_worker.machine.shutdown import FORCED, GRACEFUL, LEAVE_SECONDS, Shutdown
from services.gpu_worker.machine.spot_notices import heed_signals
from services.gpu_worker.settings import WorkerSettings


@pytest.fixture
def handlers() -> Iterator[None]:
    """The signals' handlers are afterwards as they were."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_heeded_whatever_lock_the_main_thread_holds(number: signal.Signals) -> None:
    lock, told = threading.Lock(), threading.Event()
    said: list[str] = []

    def leave(why: str) -> None:
        with lock:
            said.append(why)
        told.set()

    heed_signals(leave)
    with lock:
        os.kill(os.getpid(), number)
    assert told.wait(5)
    assert said == [number.name]


def test_a_worker_that_was_told_to_leave_has_less_patience() -> None:
    shutdown = Shutdown()
    assert shutdown.deadlines == GRACEFUL
    assert shutdown.seconds_for_held() > 1_000_000
    assert shutdown.begin()
    assert not shutdown.begin(), "once is enough"
    assert shutdown.deadlines == FORCED
    assert 0 < shutdown.seconds_for_held() <= FORCED.held


def test_a_spot_notice_is_seen_and_obeyed_within_ten_seconds() -> None:
    steps = FORCED.held + (FORCED.heartbeats or 0) + FORCED.sender + FORCED.engine
    assert steps < LEAVE_SECONDS
    assert WorkerSettings.model_fields["notice_seconds"].default + LEAVE_SECONDS <= 10


def test_a_process_that_hangs_is_ended_as_if_all_had_gone_well() -> None:
    program = (
        "import threading\n"
        "from services.gpu_worker.machine.shutdown import end_within\n"
        "end_within(0.3)\n"
        "threading.Thread(target=threading.Event().wait).start()\n"
        "threading.Event().wait()\n"
    )
    began = time.monotonic()
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=30, check=False)
    assert ended.returncode == 0
    assert b"worker.cut_short" in ended.stderr
    assert time.monotonic() - began < 10
