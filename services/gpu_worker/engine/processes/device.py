"""The model in a process of its own, so that a clip that kills the decoder or the device kills only that.

The worker's own process holds claims and leases and never decodes.
"""

from __future__ import annotations

import queue
import threading
import time
from typing import TYPE_CHECKING, Any

from services.gpu_worker.engine.processes.device_link import DeviceDiedError, DeviceLink
from services.gpu_worker.engine.processes.messages import Answer, Call
from services.gpu_worker.engine.stopping import StoppedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from services.common.domain.options import Options
    from services.gpu_worker.engine.decode.model_files import ModelFiles
    from services.gpu_worker.engine.decode.results import ClipResult
    from services.gpu_worker.engine.plan.plan import Plan
    from services.gpu_worker.engine.plan.reader import Sound
    from services.gpu_worker.engine.processes.device_link import OpenCall
    from services.gpu_worker.engine.processes.messages import Loaded
    from services.gpu_worker.engine.stopping import StopFlag

CLOSE_SECONDS = 5.0
STOP_SECONDS = 2.0
"""How long a caller that stops waits for what is done by then: no longer, whatever the device does."""
_POLL_SECONDS = 0.1


class DeviceProcess:
    """A `Model` for the engine, whose calls are answered by another process. Safe to use from several threads."""

    def __init__(
        self, model: str, folder: Path | None, device: str, compute_type: str = "auto", *, patience_seconds: float = 60
    ) -> None:
        """Start loading `model` at once; `wait_until_ready` says when it is.

        `patience_seconds`: how long it may be silent, beside the audio that it is asked for, until it is killed.
        """
        self._link = DeviceLink(model, folder, device, compute_type, patience_seconds=patience_seconds)
        self._loaded: Answer | None = None
        self._waiting = threading.Lock()
        self._most_clips = 1

    @property
    def alive(self) -> bool:
        return self._link.alive

    @property
    def pid(self) -> int | None:
        return self._link.pid

    def expect(self, speed: float) -> None:
        """Tell how fast the device was seen to be, in seconds of audio a second: a hang is told by that."""
        self._link.expect(speed)

    def wait_until_ready(self) -> ModelFiles:
        """The model's files, once it is loaded.

        Raises:
            DeviceDiedError, TranscriberError: it could not be.

        """
        with self._waiting:
            # More than one may ask.
            self._loaded = self._loaded or self._link.loading.answers.get()
        loaded: Loaded = _value(self._loaded)
        self._most_clips = loaded.most_clips
        return loaded.files

    def check_hints(self, prompt: str | None, hotwords: str | None, *, stop: StopFlag) -> None:
        """As `LoadedModel.check_hints`."""
        call = self._begin("check_hints", prompt=prompt, hotwords=hotwords)
        for _ in self._answers(call, stop):
            pass

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
        """Ask the process to end, and kill it once so many seconds have passed."""
        self._link.close(seconds)

    def _begin(self, method: str, **arguments: object) -> OpenCall:
        call = self._link.open(self._most_clips)
        self._link.send(Call(call.number, method, arguments), owed=method == "check_hints")
        return call

    def _feed(self, call: OpenCall, sounds: Iterator[Sound], *, owed: bool) -> None:
        """Send what is read, on a thread beside the one that waits for answers."""

        def feed() -> None:
            try:
                for index, samples in sounds:
                    while not call.credit.acquire(timeout=_POLL_SECONDS) and not call.over.is_set():
                        pass
                    if call.over.is_set():
                        return
                    self._link.send(Call(call.number, "sound", {"index": index, "samples": samples}), owed=owed)
                self._link.send(Call(call.number, "end", {}), owed=True)
            except StoppedError:
                # The caller has been told to stop too, and ends by itself.
                pass
            except BaseException as error:  # noqa: BLE001 - the reader's error is the caller's
                call.answers.put(Answer(call.number, error=error))

        threading.Thread(target=feed, name="device-feed", daemon=True).start()

    def _answers(self, call: OpenCall, stop: StopFlag) -> Iterator[Any]:
        """Values as they come, until the last; a caller that goes away, or is told to, takes the call back."""
        given_up_at: float | None = None
        ended = False
        try:
            while True:
                if stop.is_set() and given_up_at is None:
                    given_up_at = time.monotonic() + STOP_SECONDS
                    self._link.stop(call)
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
            self._link.forget(call)
            if not ended and given_up_at is None:
                self._link.stop(call)


def _value(answer: Answer) -> Any:  # noqa: ANN401 - what crosses the pipe has no type
    if answer.error:
        raise answer.error
    return answer.value
