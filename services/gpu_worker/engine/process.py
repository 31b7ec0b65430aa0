"""The worker's engine: the model is in one process, each reading in a process of its own, and neither in the worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.gpu_worker.engine.engine import Engine
from services.gpu_worker.engine.processes.device import CLOSE_SECONDS, DeviceProcess
from services.gpu_worker.engine.processes.reader_main import Limits
from services.gpu_worker.engine.processes.readers import ReaderProcesses

if TYPE_CHECKING:
    from pathlib import Path

    from services.gpu_worker.engine.decode.model_files import ModelFiles

LIMITS = Limits(memory_mib=2048, processor_seconds=3600, silence_seconds=120)
"""What reading one recording may take, unless the settings say otherwise."""


class EngineProcess(Engine):
    """One model's engine, from its loading to its end."""

    def __init__(
        self,
        model: str,
        folder: Path | None,
        device: str,
        compute_type: str = "auto",
        *,
        readers: ReaderProcesses | None = None,
        patience_seconds: float = 60,
    ) -> None:
        """Start to load a model at once; `wait_until_ready` returns when that is done.

        Args:
            model: the name under which jobs ask for it: `name` or `name@style`.
            folder: the folder of its files; None finds or fetches them.
            device: `auto`, `cpu` or `cuda`.
            compute_type: the format of numbers; `auto` chooses one for the device.
            readers: processes that read recordings; None makes some.
            patience_seconds: how long the device may send nothing, beyond the time that its audio takes.

        """
        readers = readers or ReaderProcesses(LIMITS)
        readers.warm_up()
        self.model = model
        self._device = DeviceProcess(model, folder, device, compute_type, patience_seconds=patience_seconds)
        super().__init__(readers, self._device)
        self.worked = False
        """Whether it has given words of a recording."""
        self.untrusted = False
        """Whether this engine has failed and no recording was the cause, or replaces one that has and still has to pass
        the self-test. The next part that is alone on the machine gets a new engine."""

    @property
    def alive(self) -> bool:
        """Whether the process that holds the model runs."""
        return self._device.alive

    @property
    def pid(self) -> int | None:
        """The id of the process that holds the model."""
        return self._device.pid

    def wait_until_ready(self) -> ModelFiles:
        """Wait until the model is loaded, and return its files.

        Raises:
            DeviceDiedError, TranscriberError: it could not be loaded.

        """
        return self._device.wait_until_ready()

    def read_by(self, readers: ReaderProcesses) -> None:
        """Use these processes for reading from now on."""
        self._reader = readers

    def expect(self, speed: float) -> None:
        """Set the measured speed of the device, in seconds of audio a second, by which a hang is recognised."""
        self._device.expect(speed)

    def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Ask the process that holds the model to end, and kill it after so many seconds."""
        self._device.close(seconds)
