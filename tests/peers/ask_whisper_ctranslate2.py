"""whisper-ctranslate2: what its program does with a command line, without writing files."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from src.whisper_ctranslate2.commandline import CommandLine
from src.whisper_ctranslate2.transcribe import Transcribe
from src.whisper_ctranslate2.whisper_ctranslate2 import get_transcription_options

from tests.peers.heard import Hear, Settings, Unit


@contextmanager
def loaded(model: Path, load: Settings, transcribe: Settings) -> Iterator[Hear]:
    # Its own parser reads the words, so that everything which is not said here has the program's own default.
    words = [word for name, value in {**load, **transcribe}.items() for word in (f"--{name}", str(value))]
    sys.argv = ["whisper-ctranslate2", "--model_directory", str(model), *words, "recording"]
    given = CommandLine().read_command_line()
    program = Transcribe(
        given["model_directory"],
        given["device"],
        given["device_index"],
        given["compute_type"],
        given["threads"],
        given["model_dir"],
        given["local_files_only"],
        given["batched"],
        given["batch_size"],
    )
    task, language, options = given["task"], given["language"], get_transcription_options(given)

    def hear(path: Path) -> list[Unit]:
        told = program.inference(str(path), task, language, verbose=False, live=False, options=options)
        timed = [unit for segment in told["segments"] for unit in (segment["words"] or [segment])]
        return [Unit(unit["start"], unit.get("word") or unit["text"]) for unit in timed]

    yield hear
