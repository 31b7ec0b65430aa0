"""Where an engine comes from: the head start has one, if that is the wanted one; else a new one is started."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from services.gpu_worker.engine.process import EngineProcess
from services.gpu_worker.machine.head_start import Wanted

if TYPE_CHECKING:
    import threading

    from services.gpu_worker.engine.processes.readers import ReaderProcesses
    from services.gpu_worker.image.models import Models
    from services.gpu_worker.machine.head_start import HeadStart
    from services.gpu_worker.settings import WorkerSettings


@dataclass(frozen=True, kw_only=True)
class EngineFactory:
    """Starts engines that share one `ReaderProcesses`."""

    settings: WorkerSettings
    models: Models
    readers: ReaderProcesses
    stop: threading.Event
    """Set once this worker is told to leave; the head start is then no longer waited for."""
    head_start: HeadStart | None = None

    def __call__(self, model: str) -> EngineProcess:
        """An engine that has loaded this model or is loading it.

        Raises:
            DamagedModelError: the model's files are not the recorded ones.
            ModelMissingError: the model's files are nowhere to be got.

        """
        wanted = Wanted(
            model=model,
            device=self.settings.device,
            compute_type=self.settings.compute_type,
            patience_seconds=self.settings.engine_patience_seconds,
        )
        fetched = partial(self.models.fetched, model)
        if self.head_start and (begun := self.head_start.take(wanted, fetched, self.stop)):
            begun.read_by(self.readers)
            return begun
        return EngineProcess(
            model,
            self.models.ready(model),
            wanted.device,
            wanted.compute_type,
            readers=self.readers,
            patience_seconds=wanted.patience_seconds,
        )
