"""A device that is a clock: a process as the one that holds the model, but what it computes with only takes time.

What a recording is told apart by is how loud it is, to the sample: the loudest two of these kill the process and hang
it. Everything but the decoder is real.
"""

from __future__ import annotations

import io
import os
import time
import wave
from collections.abc import Sequence
from contextlib import AbstractContextManager
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import numpy.typing as npt

from services.common.domain.errors import DecoderFailedError
from services.common.transcript.words import Word
from services.gpu_worker.engine.audio.sound import RATE
from services.gpu_worker.engine.decode import loaded_model
from services.gpu_worker.engine.decode.decoder import Decoded
from services.gpu_worker.engine.decode.features import FRAME, WINDOW, Features
from services.gpu_worker.engine.decode.recipe import Recipe
from services.gpu_worker.engine.processes import device_main

SPEED = 200.0
"""Seconds of audio a second."""
BATCH_SECONDS = 0.03
"""What a batch takes however short it is."""
HARMLESS, DEADLY, HANGING, GARBLED = 20_000, 32_001, 32_002, 32_003
"""The highest sample of recordings: of one that is like any other, and of those that do something to the device."""
HANGING_PROMPT = "Hang."
"""Over this prompt the device hangs, too."""


def recording(sound: npt.NDArray[np.float64], level: int) -> bytes:
    """A WAV of this sound, so loud that every clip of it reaches the level and none goes beyond it."""
    samples = np.clip(sound * 30 * level, -level, level).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(RATE)
        written.writeframes(samples.tobytes())
    return file.getvalue()


class ClockDecoder:
    """As `Decoder`."""

    def __init__(self, *_: object, **__: object) -> None:
        """It needs no model."""

    def features(self, samples: npt.NDArray[np.int16], window: int = WINDOW) -> Features:
        level = int(samples.max(initial=0))
        return Features(np.full((1, window), level, np.float32), min(len(samples) // FRAME, window))

    def decode(
        self, clips: Sequence[Features], _: Recipe, turn: AbstractContextManager[None]
    ) -> list[Decoded | DecoderFailedError]:
        levels = [int(clip.mel[0, 0]) for clip in clips]
        with turn:
            if DEADLY in levels:
                os._exit(17)
            if HANGING in levels:
                _hang()
            time.sleep(BATCH_SECONDS + sum(clip.frames for clip in clips) / 100 / SPEED)
        words = (Word(" Ord.", 0.1, 0.5, 0.9),)
        heard = Decoded(words=words, logprob=-0.1, no_speech=0.0)
        return [DecoderFailedError("No numbers.") if level == GARBLED else heard for level in levels]

    def languages(self, clip: Features) -> list[tuple[str, float]]:
        if clip.mel[0, 0] == HANGING:
            _hang()
        return [("sv", 1.0)]

    def fitting(self, prompt: str | None, _hotwords: str | None, words: Sequence[str]) -> int:
        if prompt == HANGING_PROMPT:
            _hang()
        return len(words)  # all are read


def _hang() -> None:
    time.sleep(3_600)


def serve(pipe: Connection, model: str, folder: Path | None, device: str, compute_type: str) -> None:
    """As `device_main.serve`."""
    vars(loaded_model)["Decoder"] = ClockDecoder
    device_main.serve(pipe, model, folder, device, compute_type)
