"""Who is compared: the library called plainly, and the engine."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from faster_whisper import BatchedInferencePipeline, WhisperModel

from services.common.domain.options import Options
from services.common.transcript.transcript import Transcript
from services.gpu_worker.engine.assembly import assemble
from services.gpu_worker.engine.decode.device_choice import EngineSettings
from services.gpu_worker.engine.decode.model_files import ModelFiles
from services.gpu_worker.engine.local import LocalEngine
from tests.support.listening import heard

Contestant = Callable[[Path], str]


def transcript(engine: LocalEngine, path: Path, preset: str = "balanced") -> Transcript:
    """A recording from file to transcript, as the worker does it."""
    options = Options.parse({"preset": preset}, [engine.model.files.key])
    plan, results = heard(engine, path, options)
    return assemble(plan, results, options, engine.model.files)


class Plain:
    """The library as its own documentation calls it."""

    def __init__(self, files: ModelFiles, *, device: str = "cpu", compute_type: str) -> None:
        self._plain = WhisperModel(str(files.folder), device=device, compute_type=compute_type)
        self._batched = BatchedInferencePipeline(self._plain)

    def sequential(self, path: Path) -> str:
        segments, _ = self._plain.transcribe(str(path), language="sv")
        return " ".join(segment.text for segment in segments)

    def batched(self, path: Path) -> str:
        segments, _ = self._batched.transcribe(
            str(path), language="sv", vad_filter=True, without_timestamps=False, batch_size=8
        )
        return " ".join(segment.text for segment in segments)


class Field(Plain):
    """Loaded models; each is asked for a text."""

    def __init__(self, files: ModelFiles, settings: EngineSettings) -> None:
        self.engine = LocalEngine.load(files, settings)
        choice = self.engine.model.choice
        super().__init__(files, device=choice.device, compute_type=choice.compute_type)

    def ours(self, path: Path, preset: str = "balanced") -> str:
        return transcript(self.engine, path, preset).text

    def ours_several(self, paths: list[Path]) -> list[str]:
        """Several files as the worker takes them: the next is prepared while this one is decoded."""
        with ThreadPoolExecutor(4) as tasks:
            return list(tasks.map(self.ours, paths))

    def close(self) -> None:
        self.engine.close()
