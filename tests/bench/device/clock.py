"""A model whose computing is a clock: each batch takes as long as on a device of a given speed, and no processor.

What it gives back is as long as what a real model gives: three tokens for each second of a clip, their probabilities,
and an alignment with a step for every two frames. So the Python code around the model has its usual work.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from services.common.domain.errors import DecoderFailedError
from services.gpu_worker.engine.decode.decoder import Decoded, Decoder
from services.gpu_worker.engine.decode.features import Features
from services.gpu_worker.engine.decode.model_files import ModelFiles
from tests.bench.device.steps import BATCHES, DEVICE, Steps

BATCH_SECONDS = 0.03
"""What a batch costs, however short it is."""
FRAMES_A_SECOND = 100
TOKENS_A_SECOND = 3
WORDS = Path("examples/audio/meeting.json")
"""The sentences that are always heard."""


@dataclass(frozen=True)
class Generated:
    """As `ctranslate2.models.WhisperGenerationResult`."""

    sequences_ids: list[list[int]]
    scores: list[float]
    no_speech_prob: float


@dataclass(frozen=True)
class Aligned:
    """As `ctranslate2.models.WhisperAlignmentResult`."""

    alignments: list[tuple[int, int]]
    text_token_probs: list[float]


class Clock:
    """As `ctranslate2.models.Whisper` on a GPU. It computes one batch at a time, and keeps when in a file."""

    device = "cuda"
    device_index = (0,)

    def __init__(self, model: Any, tokens: Sequence[int], speed: float, kept: Path) -> None:
        """Take the place of a model.

        Args:
            model: the real one, which is asked what it is, and never to compute.
            tokens: of a text, of which each clip gets a piece.
            speed: seconds of audio a second.
            kept: a file that gets a line for each batch.

        """
        self._model, self._tokens, self._speed, self._kept = model, [*tokens, *tokens], speed, kept
        self._device = threading.Lock()
        self._batch = threading.local()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def expect(self, frames: Sequence[int]) -> None:
        """Say how long the clips of this thread's next batch are: the encoder gets windows, which are filled up."""
        self._batch.frames = list(frames)

    def encode(self, features: Any, *, to_cpu: bool = False) -> Any:
        """As long as the whole batch is paid for in `generate`, this costs nothing."""
        return features

    def generate(self, _features: Any, _prompts: Any, **_: Any) -> list[Generated]:
        frames = self._batch.frames
        with self._device:
            self._spend(frames)
        return [Generated([self._text(length)], [-0.2], 0.01) for length in frames]

    def align(self, _features: Any, _start: Any, texts: list[list[int]], frames: list[int], **_: Any) -> list[Aligned]:
        return [_aligned(len(text), length // 2) for text, length in zip(texts, frames, strict=True)]

    def detect_language(self, _features: Any) -> list[list[tuple[str, float]]]:
        with self._device:
            time.sleep(BATCH_SECONDS)
        return [[("<|sv|>", 1.0)]]

    def _spend(self, frames: Sequence[int]) -> None:
        seconds = sum(frames) / FRAMES_A_SECOND
        cost = seconds / self._speed + BATCH_SECONDS
        batch = {"began": time.monotonic(), "cost": cost, "clips": len(frames), "seconds": seconds}
        with self._kept.open("a") as file:
            file.write(f"{json.dumps(batch)}\n")
        time.sleep(cost)

    def _text(self, frames: int) -> list[int]:
        first, count = frames % (len(self._tokens) // 2), max(TOKENS_A_SECOND * frames // FRAMES_A_SECOND, 1)
        return self._tokens[first : first + count]


def _aligned(tokens: int, times: int) -> Aligned:
    """Tokens and the end of the text, spread evenly over a clip."""
    steps = np.arange(max(times, tokens + 1))
    texts = steps * (tokens + 1) // len(steps)
    return Aligned(list(zip(texts.tolist(), steps.tolist(), strict=True)), [0.9] * tokens)


class ClockedDecoder(Decoder):
    """A decoder as on a GPU, with a clock for its model."""

    def __init__(self, speed: float, kept: Path, files: ModelFiles, **_: Any) -> None:
        """Load a model; `kept`: a folder for an account of its batches and of this process's steps."""
        super().__init__(files, device="cpu", compute_type="default", workers=1, threads=1)
        self._steps = Steps(kept / DEVICE)
        said = " ".join(sentence["text"] for sentence in json.loads(WORDS.read_text()))
        self._clock = Clock(self._model.model, self._tokenizer("sv").encode(said), speed, kept / BATCHES)
        self._model.model = self._clock
        self._device = self._clock.device

    def features(self, *given: Any) -> Features:
        with self._steps.step("features"):
            return super().features(*given)

    def decode(self, clips: Sequence[Features], *given: Any, **named: Any) -> list[Decoded | DecoderFailedError]:
        self._clock.expect([clip.frames for clip in clips])
        try:
            with self._steps.step("words"):
                return super().decode(clips, *given, **named)
        finally:
            self._steps.keep()
