"""The image's first model, loaded and tried while the network comes up.

An image is made for one deployment, so what it holds is almost always what the machine is asked for. Who it is and what
it is to do it learns from the network, seconds later; until then nothing else is there to be done.
"""

from __future__ import annotations

import os
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from services.gpu_worker.engine.decode.model_files import place
from services.gpu_worker.engine.process import EngineProcess
from services.gpu_worker.machine import read_ahead, self_test

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Self

log = structlog.get_logger()
POLL_SECONDS = 0.02
FIRST_MODEL = "FIRST_MODEL"
"""In the environment of a machine with an image of its own: the deployment's default model when that was made."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What an engine is made with, beside the model's files."""

    model: str
    device: str
    compute_type: str = "auto"
    patience_seconds: float = 60


class HeadStart:
    """One engine, begun before anything else of this machine is known."""

    def __init__(self, wanted: Wanted, folder: Path) -> None:
        """`folder`: the model's files, or the image's models."""
        self.wanted = wanted
        self.whole = threading.Event()
        """Set once every block of the model has arrived."""
        self._over = threading.Event()
        """Set once this engine is not wanted."""
        self._taken = False
        files = place(folder, wanted.model)
        self.engine = EngineProcess(
            wanted.model, files, wanted.device, wanted.compute_type, patience_seconds=wanted.patience_seconds
        )
        self._heard: Future[self_test.Heard] = Future()
        threading.Thread(target=self._read_files, args=(files,), name="head-start-files", daemon=True).start()
        threading.Thread(target=self._listen, name="head-start", daemon=True).start()

    @classmethod
    def begin(cls, environment: Mapping[str, str] = os.environ) -> Self | None:
        """As the image's environment says; None where it names no model."""
        model, folder = environment.get(FIRST_MODEL), environment.get("MODELS_FOLDER")
        if not model or not folder or not place(Path(folder), model).is_dir():
            return None
        try:
            patience_seconds = float(environment.get("ENGINE_PATIENCE_SECONDS", "60"))
        except ValueError:
            # Whoever reads all settings says what is wrong with this one.
            return None
        wanted = Wanted(
            model=model,
            device=environment.get("DEVICE", "auto"),
            compute_type=environment.get("COMPUTE_TYPE") or environment.get("FIRST_COMPUTE_TYPE", "auto"),
            patience_seconds=patience_seconds,
        )
        return cls(wanted, Path(folder))

    def take(
        self, wanted: Wanted, fetched: Callable[[threading.Event], Path | None], stop: threading.Event
    ) -> EngineProcess | None:
        """The engine, if it is the one that is wanted and has heard the known clip; None at every call but the first.

        `fetched` brings the model from the bucket, unless the event that it is given is set before that is done: of the
        two copies the one that is whole first is used. Waits until this engine has listened, or until `stop` is set.
        One that failed in the haste of a boot is dropped, and the caller makes another.
        """
        if self._over.is_set() or self._taken:
            return None
        self._taken = True
        if wanted == self.wanted and fetched(self.whole) is None and self._sound(stop):
            log.info("head_start.taken", model=wanted.model)
            return self.engine
        log.info("head_start.dropped", model=self.wanted.model, wanted=wanted.model)
        self.close()
        return None

    def heard(self, engine: EngineProcess) -> self_test.Heard:
        """What an engine hears of the known clip: this one has listened already.

        Raises:
            SelfTestFailedError: it could not be heard.

        """
        return self._heard.result() if engine is self.engine else self_test.listen(engine)

    def close(self) -> None:
        """End this engine: another one is wanted, or another copy of the model."""
        self._over.set()
        self.engine.close(0)

    def _sound(self, stop: threading.Event) -> bool:
        while not self._heard.done() and not stop.wait(POLL_SECONDS):
            pass
        error = self._heard.exception() if self._heard.done() else None
        if error:
            log.warning("head_start.failed", error=error)
        return error is None

    def _read_files(self, files: Path) -> None:
        try:
            read_ahead.touch(read_ahead.of_folder(files), self._over)
        finally:
            # What could not be read the engine misses too, and says so.
            self.whole.set()

    def _listen(self) -> None:
        try:
            self.engine.wait_until_ready()
            self._heard.set_result(self_test.listen(self.engine))
        except Exception as error:  # noqa: BLE001 - told to whoever asks what was heard
            self._heard.set_exception(error)
