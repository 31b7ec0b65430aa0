"""The whole engine in this process: for whoever tries a model on recordings that can be trusted."""

from __future__ import annotations

from services.gpu_worker.engine.decode.device_choice import EngineSettings
from services.gpu_worker.engine.decode.loaded_model import LoadedModel
from services.gpu_worker.engine.decode.model_files import ModelFiles
from services.gpu_worker.engine.engine import Engine
from services.gpu_worker.engine.plan.local_reader import LocalReader


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
