"""The engine that the worker uses now. It is replaced when it died or failed, or when a recording needs another model.

An engine that replaces one that died or failed has to pass the self-test. The device counts as broken, and the machine
ends, if two engines in a row fail with different recordings, and neither gives words of any other recording; if the
device has never worked, the recordings may be the same.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import structlog

from services.gpu_worker.engine.processes.device_link import DeviceDiedError
from services.gpu_worker.machine.self_test import SelfTestFailedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.gpu_worker.engine.decode.model_files import ModelFiles
    from services.gpu_worker.engine.process import EngineProcess
    from services.gpu_worker.machine.self_test import Passed

log = structlog.get_logger()
MOST_FAILURES = 2
"""After so many failures in a row, without words in between, the device counts as broken."""


class Engines:
    """Makes engines, one at a time. Safe to use from several threads."""

    def __init__(
        self,
        make: Callable[[str], EngineProcess],
        self_test: Callable[[EngineProcess], Passed],
        prefetch: Callable[[str], object],
    ) -> None:
        """The engines of one worker.

        Args:
            make: starts an engine with a model.
            self_test: lets an engine transcribe the known clip; raises SelfTestFailedError if it does not.
            prefetch: gets a model's files, or raises; called before the present engine is closed for that model.

        """
        self._make = make
        self._self_test = self_test
        self._prefetch = prefetch
        self._test_due = False
        """Whether an engine failed, and none has passed the self-test since."""
        self.speed = 0.0
        """The device's speed in the last self-test, in seconds of audio a second; 0 before the first."""
        self._lock = threading.Lock()
        self._engine: EngineProcess | None = None
        self._model: ModelFiles | None = None
        self._judging = threading.Lock()
        self._failed: list[str] = []
        """The recordings with which engines have failed since one last worked."""
        self._proved = False
        """Whether this device has ever worked."""

    @property
    def sound(self) -> bool:
        """Whether the present engine, if there is one, may get more parts."""
        return self._engine is None or not self._engine.untrusted

    @property
    def distrusted(self) -> bool:
        """Whether the device counts as broken, so that every job would fail like the last ones."""
        over = set(self._failed) if self._proved else self._failed
        return len(over) >= MOST_FAILURES

    def ready(self, model: str, *, alone: bool = True) -> tuple[EngineProcess, ModelFiles]:
        """The engine with this model, and the model's files.

        Args:
            model: `name` or `name@style`.
            alone: whether no other part uses the present engine.

        Raises:
            SelfTestFailedError: it replaces one that died or failed, and does not transcribe either.
            DeviceDiedError, TranscriberError: the model cannot be loaded.

        """
        with self._lock:
            old = self._engine
            if old and self._model and _usable(old, model, alone=alone):
                return old, self._model
            if old:
                self._test_due |= old.untrusted or not old.alive
                self._prefetch(model)
                old.close()
            self._engine = self._model = None
            engine = self._engine = self._make(model)
            # An engine that replaces one that died or failed has to pass the self-test first.
            engine.untrusted = self._test_due
            files = self._loaded(engine)
            log.info("engine.ready", model=model, revision=files.revision)
            if engine.untrusted:
                self.test(engine)
                engine.untrusted = self._test_due = False
            self._model = files
            return engine, files

    def test(self, engine: EngineProcess) -> None:
        """Let an engine pass the self-test, and note its speed.

        Raises:
            SelfTestFailedError: it does not transcribe the known clip, or is too slow.

        """
        self.speed = self._self_test(engine).speed

    def _loaded(self, engine: EngineProcess) -> ModelFiles:
        try:
            return engine.wait_until_ready()
        except DeviceDiedError:
            if engine.untrusted:
                raise SelfTestFailedError("The process that held the model ended, and no other loads it.") from None
            raise

    def failed(self, engine: EngineProcess, name: str) -> None:
        """Note that this engine died, or gave what are not numbers, with the recording of this name; it counts once."""
        # This has a lock of its own, since the other one is held while a model is loaded.
        with self._judging:
            if engine.untrusted:
                return
            engine.untrusted = True
            if engine.worked:
                self._proved = True
                self._failed = []
            self._failed.append(name)

    def close(self, seconds: float) -> None:
        """Ask the present engine to end, and kill it after so many seconds."""
        # Without the lock, which is held while a model is loaded: closing the engine ends that wait.
        if engine := self._engine:
            engine.close(seconds)


def _usable(engine: EngineProcess, model: str, *, alone: bool) -> bool:
    return engine.alive and engine.model == model and not (engine.untrusted and alone)
