"""The model in a process of its own: a clip that crashes the decoder or the device ends only that process.

The worker's own process holds the claims and their leases, and never decodes.
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
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from services.common.domain.options import Options
    from services.gpu_worker.engine.decode.model_files import ModelFiles
    from services.gpu_worker.engine.decode.results import ClipResult
    from services.gpu_worker.engine.plan.spool import Sound
    from services.gpu_worker.engine.processes.device_link import OpenCall
    from services.gpu_worker.engine.processes.messages import Loaded
    from services.gpu_worker.engine.stopping import StopFlag

CLOSE_SECONDS = 5.0
STOP_SECONDS = 2.0
"""How long a caller that stops waits at most for results that are finished by then, whatever the device does."""
_POLL_SECONDS = 0.1


class DeviceProcess:
    """A `Model` for the engine, whose calls are answered by another process. Safe to use from several threads."""

    def __init__(
        self, model: str, folder: Path | None, device: str, compute_type: str = "auto", *, patience_seconds: float = 60
    ) -> None:
        """Start to load a model at once; `wait_until_ready` returns when that is done.

        Args:
            model: the name under which jobs ask for it: `name` or `name@style`.
            folder: the folder of its files; None finds or fetches them.
            device: `auto`, `cpu` or `cuda`.
            compute_type: the format of numbers; `auto` chooses one for the device.
            patience_seconds: how long the process may send nothing, beyond the time that its audio takes, until it is
                killed.

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
        """Set the measured speed of the device, in seconds of audio a second, by which a hang is recognised."""
        self._link.expect(speed)

    def wait_until_ready(self) -> ModelFiles:
        """Wait until the model is loaded, and return its files.

        Raises:
            DeviceDiedError, TranscriberError: it could not be loaded.

        """
        with self._waiting:
            # Several threads may wait, and there is one answer.
            self._loaded = self._loaded or self._link.loading.answers.get()
        loaded: Loaded = _value(self._loaded)
        self._most_clips = loaded.most_clips
        return loaded.files

    def fitting(self, prompt: str | None, hotwords: str | None, words: Sequence[str], *, stop: StopFlag) -> int:
        """As `LoadedModel.fitting`."""
        call = self._begin("fitting", prompt=prompt, hotwords=hotwords, words=words)
        for count in self._answers(call, stop):
            return int(count)
        raise DeviceDiedError

    def language(self, sounds: Iterator[Sound], *, stop: StopFlag, apart: bool = False) -> str:
        """As `LoadedModel.language`."""
        call = self._begin("language", apart=apart)
        # There is one answer for all sounds, so none is owed for each.
        self._feed(call, sounds, owed=False)
        for language in self._answers(call, stop):
            return str(language)
        raise DeviceDiedError

    def decode(
        self,
        sounds: Iterator[Sound | None],
        options: Options,
        words: Sequence[str],
        *,
        stop: StopFlag,
        apart: bool = False,
    ) -> Iterator[ClipResult]:
        """As `LoadedModel.decode`; once `stop` is set, finished results are yielded for `STOP_SECONDS` at most."""
        call = self._begin("decode", options=options, words=words, apart=apart)
        self._feed(call, sounds, owed=True)
        for result in self._answers(call, stop):
            call.credit.release()
            yield result

    def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Ask the process to end, and kill it after so many seconds."""
        self._link.close(seconds)

    def _begin(self, method: str, **arguments: object) -> OpenCall:
        call = self._link.open(self._most_clips)
        self._link.send(Call(call.number, method, arguments), owed=method == "fitting")
        return call

    def _feed(self, call: OpenCall, sounds: Iterator[Sound | None], *, owed: bool) -> None:
        """Send the sounds as they are read, on a thread beside the one that waits for answers."""

        def feed() -> None:
            try:
                for sound in sounds:
                    while sound and not call.credit.acquire(timeout=_POLL_SECONDS) and not call.over.is_set():
                        pass
                    if call.over.is_set():
                        return
                    if sound:
                        self._link.send(Call(call.number, "sound", {"sound": sound}), owed=owed)
                self._link.send(Call(call.number, "end", {}), owed=True)
            except StoppedError:
                # The caller has the same stop flag, and ends by itself.
                pass
            except BaseException as error:  # noqa: BLE001 - the reader's error is the caller's
                call.answers.put(Answer(call.number, error=error))

        threading.Thread(target=feed, name="device-feed", daemon=True).start()

    def _answers(self, call: OpenCall, stop: StopFlag) -> Iterator[Any]:
        """The values of a call's answers as they arrive; the call is stopped if the caller stops or takes no more."""
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
