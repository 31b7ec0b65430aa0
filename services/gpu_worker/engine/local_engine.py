"""The whole engine in this process: for whoever tries a model on recordings that can be trusted."""

from __future__ import annotations

from services.gpu_worker.engine.device import EngineSettings
from services.gpu_worker.engine.engine import Engine
from services.gpu_worker.engine.loaded_model import LoadedModel
from services.gpu_worker.engine.local_reader import LocalReader
from services.gpu_worker.engine.model import ModelFiles


class LocalEngine(Engine):
    """See `load`."""

    def __init__(self, model: LoadedModel) -> None:
        super().__init__(LocalReader(), model)
        self.model = model

    @classmethod
    def load(cls, files: ModelFiles, settings: EngineSettings) -> LocalEngine:
        """Load a model onto its device, and start the threads that feed it."""
        return cls(LoadedModel.load(files, settings))

    def close(self) -> None:
        """Let running batches end and give the threads back."""
        self.model.close()
