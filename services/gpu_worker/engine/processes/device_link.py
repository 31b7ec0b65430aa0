"""The process that holds the model and the pipe to it, from its start to its end.

All calls go over one pipe: each has a number, which its answers carry. A process that hangs is killed. When the process
ends, all open calls end with DeviceDiedError.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import queue
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from services.gpu_worker.engine.processes.account import Account
from services.gpu_worker.engine.processes.device_main import serve
from services.gpu_worker.engine.processes.messages import LOADING, Answer, Busy, Call, Idle

if TYPE_CHECKING:
    from pathlib import Path

log = structlog.get_logger()
_SPAWN = multiprocessing.get_context("spawn")
KILL_SECONDS = 5.0
"""How long the kernel may take to end a process that is killed."""
_LOOK_SECONDS = 1.0
"""The pause between two checks whether the process hangs."""


class DeviceDiedError(Exception):
    """The process that holds the model ended with this call open."""

    def __init__(self, suspects: int = 0) -> None:
        """`suspects`: how many calls may be the cause, if this one may be; 0 if it cannot be the cause."""
        super().__init__("the process that holds the model has ended")
        self.suspects = suspects


@dataclass
class OpenCall:
    """A call that has not had its last answer."""

    number: int
    answers: queue.SimpleQueue[Answer] = field(default_factory=queue.SimpleQueue)
    credit: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    """How many clips may still be sent; the features of so many are in the other process at most."""
    over: threading.Event = field(default_factory=threading.Event)
    """Set once the caller waits for nothing more."""


class DeviceLink:
    """One process, from its start to its end. Safe to use from several threads."""

    def __init__(
        self, model: str, folder: Path | None, device: str, compute_type: str, *, patience_seconds: float
    ) -> None:
        """Start the process, which loads `model` at once and answers the call `loading` when that is done.

        The arguments are those of `DeviceProcess`.
        """
        ours, theirs = _SPAWN.Pipe()
        self._pipe = ours
        self._outbox: queue.SimpleQueue[Call | None] = queue.SimpleQueue()
        """What is still to be sent: a caller does not wait, even where the process has stopped reading its pipe."""
        self._account_lock = threading.Lock()
        self._account = Account(time.monotonic, patience_seconds)
        self._closing = False
        self.loading = OpenCall(LOADING)
        self._open: dict[int, OpenCall] = {LOADING: self.loading}
        self._numbers = iter(range(LOADING + 1, 2**62))
        # Only the listening thread waits for the process: of two threads that do, one would never learn that it ended.
        self._ended = threading.Event()
        self._process = _SPAWN.Process(target=serve, args=(theirs, model, folder, device, compute_type), daemon=True)
        self._account.opened(LOADING)
        self._account.asked(LOADING)
        self._process.start()
        theirs.close()
        threading.Thread(target=self._send_all, name="device-calls", daemon=True).start()
        threading.Thread(target=self._listen, name="device-answers", daemon=True).start()

    @property
    def alive(self) -> bool:
        return not self._ended.is_set()

    @property
    def pid(self) -> int | None:
        return self._process.pid

    def expect(self, speed: float) -> None:
        """Set the measured speed of the device, in seconds of audio a second, by which a hang is recognised."""
        with self._account_lock:
            self._account.speed = speed

    def open(self, credit: int) -> OpenCall:
        """Make a new call, which may send `credit` clips before the first is answered."""
        call = OpenCall(next(self._numbers))
        call.credit.release(credit)
        self._open[call.number] = call
        with self._account_lock:
            self._account.opened(call.number)
        return call

    def send(self, call: Call, *, owed: bool = False) -> None:
        """Queue a message to be sent, without waiting; `owed`: whether it has to be answered."""
        if owed:
            with self._account_lock:
                self._account.asked(call.number)
        self._outbox.put(call)

    def stop(self, call: OpenCall) -> None:
        """Tell the process to end a call; it is killed if it does not answer that."""
        call.over.set()
        with self._account_lock:
            self._account.told_to_stop(call.number)
        self.send(Call(call.number, "stop", {}))

    def forget(self, call: OpenCall) -> None:
        """Drop a call: its caller waits for no more answers."""
        call.over.set()
        del self._open[call.number]

    def close(self, seconds: float) -> None:
        """Ask the process to end, and kill it after so many seconds."""
        self._closing = True
        # It is not enough to close the pipe: the listening thread holds it open while it reads.
        self.send(Call(LOADING, "exit", {}))
        if not self._ended.wait(seconds):
            self._process.kill()
            self._ended.wait(KILL_SECONDS)

    def _send_all(self) -> None:
        # The listening thread notices that the process has ended, and ends the calls.
        with contextlib.suppress(OSError, ValueError):
            while call := self._outbox.get():
                self._pipe.send(call)

    def _listen(self) -> None:
        with contextlib.suppress(EOFError, OSError):
            self._receive()
        # A process that hangs in the device's driver may outlive its kill, so this waits only for so long.
        self._process.join(KILL_SECONDS)
        with self._account_lock:
            suspects = self._account.suspects()
        tell = log.info if self._closing else log.warning
        tell("device.ended", exit_code=self._process.exitcode)
        for call in list(self._open.values()):
            guilt = len(suspects) if call.number in suspects else 0
            call.answers.put(Answer(call.number, error=DeviceDiedError(guilt), last=True))
        # This comes last: a caller that sees this flag, and has no answer, must have made its call afterwards.
        self._ended.set()
        self._outbox.put(None)

    def _receive(self) -> None:
        """Take the messages of the process, until it hangs and is killed."""
        looked = time.monotonic()
        while True:
            if self._pipe.poll(_LOOK_SECONDS):
                self._take(self._pipe.recv())
            if time.monotonic() - looked < _LOOK_SECONDS:
                continue
            looked = time.monotonic()
            with self._account_lock:
                why = self._account.overdue()
            if why:
                log.error("device.hung", why=why)
                self._process.kill()
                return

    def _take(self, message: Answer | Busy | Idle) -> None:
        with self._account_lock:
            match message:
                case Busy():
                    self._account.begun(message.batch, message.calls, message.seconds)
                case Idle():
                    self._account.ended(message.batch)
                case Answer():
                    self._account.answered(message.number, last=message.last)
        if isinstance(message, Answer) and (call := self._open.get(message.number)):
            call.answers.put(message)
