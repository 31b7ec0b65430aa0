"""The head start: the image's first model is loaded and tried while the network comes up.

An image is made for one deployment, so its model is almost always the one that is needed. The machine gets its settings
over the network, seconds later, and until then it has nothing else to do.
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
"""A variable that an image sets: the deployment's default model at the time when the image was made."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """The arguments of an engine, apart from the model's files; see `EngineProcess`."""

    model: str
    device: str
    compute_type: str = "auto"
    patience_seconds: float = 60


class HeadStart:
    """One engine that is started before the machine's settings are known."""

    def __init__(self, wanted: Wanted, folder: Path) -> None:
        """`folder`: the folder of the model's files, or that of all of the image's models."""
        self.wanted = wanted
        self.whole = threading.Event()
        """Set once every block of the model's files has been read."""
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
        """Start an engine as the image's environment says; None where that names no model."""
        model, folder = environment.get(FIRST_MODEL), environment.get("MODELS_FOLDER")
        if not model or not folder or not place(Path(folder), model).is_dir():
            return None
        try:
            patience_seconds = float(environment.get("ENGINE_PATIENCE_SECONDS", "60"))
        except ValueError:
            # The settings are read later, and the error is reported then.
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
        """The engine, if it is the wanted one and has transcribed the known clip; None otherwise, and at later calls.

        Waits until the engine has transcribed the clip. If it failed, perhaps because of the busy boot, it is closed,
        and the caller starts another.

        Args:
            wanted: the engine that is needed.
            fetched: gets the model's copy from the bucket, unless its argument is set before that is done. Of the
                two copies the one that is complete first is used.
            stop: once it is set, the engine is no longer waited for.

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
        """What an engine made of the known clip: this one has transcribed it already, another one does so now.

        Raises:
            SelfTestFailedError: it could not be transcribed.

        """
        return self._heard.result() if engine is self.engine else self_test.listen(engine)

    def close(self) -> None:
        """End this engine, since another one or another copy of the model is used."""
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
            # If a file could not be read, the engine cannot read it either, and fails.
            self.whole.set()

    def _listen(self) -> None:
        try:
            self.engine.wait_until_ready()
            self._heard.set_result(self_test.listen(self.engine))
        except Exception as error:  # noqa: BLE001 - `heard` raises it
            self._heard.set_exception(error)
