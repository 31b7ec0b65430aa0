"""The engine that the worker uses now: replaced when it died, when it failed, and when a recording needs another model.

A device is distrusted for what it does now. One that failed gets a new engine, which has to pass the self-test. Two
engines in a row that fail over two recordings before they give a word of any other are the device's fault, and the
machine's end; so are two that fail over the same one, on a machine that has never done anything else.
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
"""Of engines in a row that gave no word of anything."""


class Engines:
    """Makes engines, one at a time. Safe to use from several threads."""

    def __init__(
        self,
        make: Callable[[str], EngineProcess],
        self_test: Callable[[EngineProcess], Passed],
        prefetch: Callable[[str], object],
    ) -> None:
        """`make` starts an engine with a model; `self_test` raises SelfTestFailedError where it does not transcribe.

        `prefetch` has a model's files near, or raises, before the present engine is given up for it.
        """
        self._make = make
        self._self_test = self_test
        self._prefetch = prefetch
        self._test_due = False
        """Whether an engine failed, and none has passed the self-test since."""
        self.speed = 0.0
        """Seconds of audio a second, in the last self-test; 0 before the first."""
        self._lock = threading.Lock()
        self._engine: EngineProcess | None = None
        self._model: ModelFiles | None = None
        self._judging = threading.Lock()
        self._failed: list[str] = []
        """Over which recordings engines failed since one last worked."""
        self._proved = False
        """Whether this device has ever worked."""

    @property
    def sound(self) -> bool:
        """Whether the present engine, if there is one, may be given more."""
        return self._engine is None or not self._engine.untrusted

    @property
    def distrusted(self) -> bool:
        """Whether the device is at fault: every job would come out like the last ones."""
        over = set(self._failed) if self._proved else self._failed
        return len(over) >= MOST_FAILURES

    def ready(self, model: str, *, alone: bool = True) -> tuple[EngineProcess, ModelFiles]:
        """The engine with this model, and the model's files; `alone`: nobody else works with the present one.

        Raises:
            SelfTestFailedError: it stands in for one that died or failed, and does no better.
            DeviceDiedError, TranscriberError: it cannot be had.

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
            # One that stands in for an engine that died or failed is no better until it has passed the self-test.
            engine.untrusted = self._test_due
            files = self._loaded(engine)
            log.info("engine.ready", model=model, revision=files.revision)
            if engine.untrusted:
                self.test(engine)
                engine.untrusted = self._test_due = False
            self._model = files
            return engine, files

    def test(self, engine: EngineProcess) -> None:
        """Nothing is claimed before the device has shown that it can transcribe, nor after it failed, until it has.

        Raises:
            SelfTestFailedError: it cannot.

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
        """This engine died, or gave what is no number, over the recording of this name; it counts once."""
        # Under a lock of its own: whoever holds the other may be waiting for a model.
        with self._judging:
            if engine.untrusted:
                return
            engine.untrusted = True
            if engine.worked:
                self._proved = True
                self._failed = []
            self._failed.append(name)

    def close(self, seconds: float) -> None:
        """Ask the present engine to end, and kill it once so many seconds have passed."""
        # Without the lock: whoever waits for a model to be loaded holds it, and closing the engine ends that wait.
        if engine := self._engine:
            engine.close(seconds)


def _usable(engine: EngineProcess, model: str, *, alone: bool) -> bool:
    return engine.alive and engine.model == model and not (engine.untrusted and alone)
