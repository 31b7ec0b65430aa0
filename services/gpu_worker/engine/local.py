"""The whole engine in one process, to try a model on recordings that are known to be harmless."""

from __future__ import annotations

from services.gpu_worker.engine.decode.device_choice import EngineSettings
from services.gpu_worker.engine.decode.loaded_model import LoadedModel
from services.gpu_worker.engine.decode.model_files import ModelFiles
from services.gpu_worker.engine.engine import Engine
from services.gpu_worker.engine.plan.local_reader import LocalReader


class LocalEngine(Engine):
    """An engine whose reader and model are both in this process; `load` makes one."""

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
