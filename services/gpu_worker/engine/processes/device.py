"""The model in a process of its own, so that a clip that kills the decoder or the device kills only that.

The worker's own process holds claims and leases and never decodes. Calls cross one pipe: each has a number, each answer
carries it. A process that dies, or is killed because it hangs, ends all open calls with DeviceDiedError.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import queue
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog

from services.gpu_worker.engine.processes.account import Account
from services.gpu_worker.engine.processes.device_main import serve
from services.gpu_worker.engine.processes.messages import LOADING, Answer, Busy, Call, Idle, Loaded
from services.gpu_worker.engine.stopping import StoppedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from services.common.domain.options import Options
    from services.gpu_worker.engine.decode.model_files import ModelFiles
    from services.gpu_worker.engine.decode.results import ClipResult
    from services.gpu_worker.engine.plan.plan import Plan
    from services.gpu_worker.engine.plan.reader import Sound
    from services.gpu_worker.engine.stopping import StopFlag

log = structlog.get_logger()
_SPAWN = multiprocessing.get_context("spawn")
CLOSE_SECONDS = 5.0
KILL_SECONDS = 5.0
"""What the kernel may take to end a process that is killed."""
STOP_SECONDS = 2.0
"""How long a caller that stops waits for what is done by then: no longer, whatever the device does."""
_POLL_SECONDS = 0.1
_LOOK_SECONDS = 1.0
"""Between looks whether the process hangs."""


class DeviceDiedError(Exception):
    """The process that holds the model ended with this call open."""

    def __init__(self, suspects: int = 0) -> None:
        """`suspects`: among how many calls the guilty one is, if it may be this one; 0: it only shared the process."""
        super().__init__("the process that holds the model has ended")
        self.suspects = suspects


@dataclass
class _Open:
    """A call that is not answered for good."""

    number: int
    answers: queue.SimpleQueue[Answer] = field(default_factory=queue.SimpleQueue)
    credit: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    """Clips that may still be sent: what waits for the device lies in the reading process, not here."""
    over: threading.Event = field(default_factory=threading.Event)


class DeviceProcess:
    """Starts the process and speaks with it; a `Model` for the engine. Safe to use from several threads."""

    def __init__(
        self, model: str, folder: Path | None, device: str, compute_type: str = "auto", *, patience_seconds: float = 60
    ) -> None:
        """Start loading `model` at once; `wait_until_ready` says when it is.

        `patience_seconds`: how long it may be silent, beside the audio that it is asked for, until it is killed.
        """
        ours, theirs = _SPAWN.Pipe()
        self._pipe = ours
        self._outbox: queue.SimpleQueue[Call | None] = queue.SimpleQueue()
        """What is to be sent: a process that reads no more keeps nobody waiting who only has something to say."""
        self._noting = threading.Lock()
        self._account = Account(time.monotonic, patience_seconds)
        self._loading = _Open(LOADING)
        self._loaded: Answer | None = None
        self._closing = False
        self._waiting = threading.Lock()
        self._open: dict[int, _Open] = {LOADING: self._loading}
        self._numbers = iter(range(LOADING + 1, 2**62))
        self._most_clips = 1
        # Only the listening thread reaps: of two threads that wait for one child, one is told that it never ended.
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
        """Tell how fast the device was seen to be, in seconds of audio a second: a hang is told by that."""
        with self._noting:
            self._account.speed = speed

    def wait_until_ready(self) -> ModelFiles:
        """The model's files, once it is loaded.

        Raises:
            DeviceDiedError, TranscriberError: it could not be.

        """
        with self._waiting:
            # More than one may ask.
            self._loaded = self._loaded or self._loading.answers.get()
        loaded: Loaded = _value(self._loaded)
        self._most_clips = loaded.most_clips
        return loaded.files

    def language(self, sounds: Iterator[Sound], *, stop: StopFlag, apart: bool = False) -> str:
        """As `LoadedModel.language`."""
        call = self._begin("language", apart=apart)
        # It has one answer, to all of them.
        self._feed(call, sounds, owed=False)
        for language in self._answers(call, stop):
            return str(language)
        raise DeviceDiedError

    def decode(
        self, sounds: Iterator[Sound], plan: Plan, options: Options, *, stop: StopFlag, apart: bool = False
    ) -> Iterator[ClipResult]:
        """As `LoadedModel.decode`; once `stop` is set it gives what is done, for `STOP_SECONDS` at most."""
        call = self._begin("decode", plan=plan, options=options, apart=apart)
        self._feed(call, sounds, owed=True)
        for result in self._answers(call, stop):
            call.credit.release()
            yield result

    def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """End the process, kindly for so many seconds."""
        self._closing = True
        # Closing the pipe alone would not do: the listening thread holds it open while it reads.
        self._send(Call(LOADING, "exit", {}))
        if not self._ended.wait(seconds):
            self._process.kill()
            self._ended.wait(KILL_SECONDS)

    def _begin(self, method: str, **arguments: object) -> _Open:
        call = _Open(next(self._numbers))
        call.credit.release(self._most_clips)
        self._open[call.number] = call
        with self._noting:
            self._account.opened(call.number)
        self._send(Call(call.number, method, arguments))
        return call

    def _feed(self, call: _Open, sounds: Iterator[Sound], *, owed: bool) -> None:
        """Send what is read, on a thread beside the one that waits for answers."""

        def feed() -> None:
            try:
                for index, samples in sounds:
                    while not call.credit.acquire(timeout=_POLL_SECONDS) and not call.over.is_set():
                        pass
                    if call.over.is_set():
                        return
                    self._send(Call(call.number, "sound", {"index": index, "samples": samples}), owed=owed)
                self._send(Call(call.number, "end", {}), owed=True)
            except StoppedError:
                # So has the caller, by itself.
                pass
            except BaseException as error:  # noqa: BLE001 - the reader's error is the caller's
                call.answers.put(Answer(call.number, error=error))

        threading.Thread(target=feed, name="device-feed", daemon=True).start()

    def _answers(self, call: _Open, stop: StopFlag) -> Iterator[Any]:
        """Values as they come, until the last; a caller that goes away, or is told to, takes the call back."""
        given_up_at: float | None = None
        ended = False
        try:
            while True:
                if stop.is_set() and given_up_at is None:
                    given_up_at = time.monotonic() + STOP_SECONDS
                    self._stop(call)
                try:
                    answer = call.answers.get(timeout=_POLL_SECONDS)
                except queue.Empty:
                    if given_up_at is not None and time.monotonic() > given_up_at:
                        raise StoppedError from None
                    if not self.alive and call.answers.empty():
                        raise DeviceDiedError from None
                    continue
                ended = answer.last
                if ended and answer.error is None:
                    return
                yield _value(answer)
        finally:
            call.over.set()
            del self._open[call.number]
            if not ended and given_up_at is None:
                self._stop(call)

    def _stop(self, call: _Open) -> None:
        call.over.set()
        with self._noting:
            self._account.told_to_stop(call.number)
        self._send(Call(call.number, "stop", {}))

    def _send(self, call: Call, *, owed: bool = False) -> None:
        if owed:
            with self._noting:
                self._account.asked(call.number)
        self._outbox.put(call)

    def _send_all(self) -> None:
        # Whoever listens notices that the process is gone, and says so.
        with contextlib.suppress(OSError, ValueError):
            while call := self._outbox.get():
                self._pipe.send(call)

    def _listen(self) -> None:
        with contextlib.suppress(EOFError, OSError):
            self._hear()
        # One that hangs in the device's driver outlives its kill for a while, or for ever: nobody waits for that.
        self._process.join(KILL_SECONDS)
        with self._noting:
            suspects = self._account.suspects()
        tell = log.info if self._closing else log.warning
        tell("device.ended", exit_code=self._process.exitcode)
        for call in list(self._open.values()):
            guilt = len(suspects) if call.number in suspects else 0
            call.answers.put(Answer(call.number, error=DeviceDiedError(guilt), last=True))
        # Only now: whoever sees that it has ended and has no answer is none of those.
        self._ended.set()
        self._outbox.put(None)

    def _hear(self) -> None:
        """Take what the process says, until it hangs and is killed."""
        looked = time.monotonic()
        while True:
            if self._pipe.poll(_LOOK_SECONDS):
                self._note(self._pipe.recv())
            if time.monotonic() - looked < _LOOK_SECONDS:
                continue
            looked = time.monotonic()
            with self._noting:
                why = self._account.overdue()
            if why:
                log.error("device.hung", why=why)
                self._process.kill()
                return

    def _note(self, message: Answer | Busy | Idle) -> None:
        with self._noting:
            match message:
                case Busy():
                    self._account.begun(message.batch, message.calls, message.seconds)
                case Idle():
                    self._account.ended(message.batch)
                case Answer():
                    self._account.answered(message.number, last=message.last)
        if isinstance(message, Answer) and (call := self._open.get(message.number)):
            call.answers.put(message)


def _value(answer: Answer) -> Any:  # noqa: ANN401 - what crosses the pipe has no type
    if answer.error:
        raise answer.error
    return answer.value
