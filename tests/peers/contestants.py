"""Who is compared, and with which settings: each as its own documentation says, in int8, with 8 windows a batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ON_A_CPU = {"device": "cpu", "compute_type": "int8"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """One that transcribes, with its settings by the names that its documentation gives them."""

    name: str
    module: str
    """What calls it (`heard.Load` says how)."""
    packages: tuple[str, ...] = ()
    """Whose versions are told."""
    load: Mapping[str, Any] = field(default_factory=lambda: dict(ON_A_CPU))
    transcribe: Mapping[str, Any]
    remark: str
    """What else decides what it does, and its units with a time."""

    @property
    def settings(self) -> str:
        """All that it was told, in words."""
        given = ", ".join(f"`{name}={value}`" for name, value in {**self.load, **self.transcribe}.items())
        return f"{given}; {self.remark}"


ENGINE = "engine"
CONTESTANTS = (
    Contestant(
        name=ENGINE,
        module="tests.peers.ask_engine",
        packages=("faster-whisper", "ctranslate2"),
        transcribe={"language": "sv", "preset": "balanced"},
        remark="3 beams, batches of 4, a worker a core with one thread; words",
    ),
    Contestant(
        name="WhisperX",
        module="tests.peers.ask_whisperx",
        packages=("whisperx", "torch"),
        load=ON_A_CPU | {"language": "sv", "vad_method": "pyannote", "asr_options": {"beam_size": 5}},
        transcribe={"batch_size": 8, "chunk_size": 30},
        remark="a thread a core, not its four; no alignment; segments",
    ),
    Contestant(
        name="whisper-ctranslate2",
        module="tests.peers.ask_whisper_ctranslate2",
        packages=("whisper-ctranslate2",),
        transcribe={"language": "sv", "batched": True, "batch_size": 8, "beam_size": 5},
        remark="segments",
    ),
    Contestant(
        name="faster-whisper",
        module="tests.peers.ask_faster_whisper",
        transcribe={
            "language": "sv",
            "batch_size": 8,
            "beam_size": 5,
            "vad_filter": True,
            "without_timestamps": False,
        },
        remark="segments",
    ),
    Contestant(
        name="faster-whisper with our settings",
        module="tests.peers.ask_faster_whisper",
        transcribe={
            "language": "sv",
            "batch_size": 8,
            "beam_size": 3,
            "vad_filter": True,
            "without_timestamps": True,
            "word_timestamps": True,
        },
        remark="words",
    ),
)
