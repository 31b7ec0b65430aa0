"""The engine as the worker has it: the model in one process, each reading in one of its own, nothing in the worker."""

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
"""For one recording, where nothing else is said."""


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
        """Start loading `model` at once; `wait_until_ready` says when it is.

        `patience_seconds`: how long the device may be silent, beside the audio that it is asked for.
        """
        readers = readers or ReaderProcesses(LIMITS)
        readers.warm_up()
        self.model = model
        self._device = DeviceProcess(model, folder, device, compute_type, patience_seconds=patience_seconds)
        super().__init__(readers, self._device)
        self.worked = False
        """Whether it has given words of a recording."""
        self.untrusted = False
        """Whether it has failed through no fault of the recording, or stands in for one that has and is yet to pass the
        self-test. The next part on its own gets a fresh one."""

    @property
    def alive(self) -> bool:
        """Whether the process that holds the model is there."""
        return self._device.alive

    @property
    def pid(self) -> int | None:
        """Of that process."""
        return self._device.pid

    def wait_until_ready(self) -> ModelFiles:
        """The model's files, once it is loaded.

        Raises:
            DeviceDiedError, TranscriberError: it could not be.

        """
        return self._device.wait_until_ready()

    def read_by(self, readers: ReaderProcesses) -> None:
        """Have recordings read by these from now on."""
        self._reader = readers

    def expect(self, speed: float) -> None:
        """Tell how fast the device was seen to be, in seconds of audio a second: a hang is told by that."""
        self._device.expect(speed)

    def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Ask the process to end, and kill it once so many seconds have passed."""
        self._device.close(seconds)
