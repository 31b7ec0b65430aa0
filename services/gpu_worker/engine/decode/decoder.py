"""The model on its device: log-mel features in, words out. Everything here is deterministic: nothing is sampled."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, TypeAlias

import ctranslate2
import numpy as np
import numpy.typing as npt
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import get_suppressed_tokens

from services.common.domain.errors import DecoderFailedError
from services.common.transcript.words import Word
from services.gpu_worker.engine.decode import hints
from services.gpu_worker.engine.decode.features import WINDOW, Features, Float, features
from services.gpu_worker.engine.decode.model_files import ModelFiles
from services.gpu_worker.engine.decode.recipe import Recipe
from services.gpu_worker.engine.decode.word_times import timed_words

Untyped: TypeAlias = Any
"""An object of a library without type information."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """One clip's words, with times in seconds of the clip's own audio."""

    words: tuple[Word, ...]
    logprob: float
    no_speech: float


class Decoder:
    """A loaded model. Safe to use from several threads; each call occupies one of the model's workers."""

    def __init__(self, files: ModelFiles, *, device: str, compute_type: str, workers: int, threads: int) -> None:
        self._model = WhisperModel(
            str(files.folder),
            device=device,
            compute_type=compute_type,
            num_workers=workers,
            cpu_threads=threads,
        )
        # Hints are a client's words: `<|sv|>` in one is these letters, and no mark that steers the model.
        self._model.hf_tokenizer.encode_special_tokens = True
        self._filters: Float = self._model.feature_extractor.mel_filters
        self._device = str(self._model.model.device)
        self._tokenizers: dict[str, Tokenizer] = {}
        self._lock = threading.Lock()

    def features(self, samples: npt.NDArray[np.int16], window: int = WINDOW) -> Features:
        """See `features.features`."""
        return features(samples, self._filters, window)

    def decode(
        self, clips: Sequence[Features], recipe: Recipe, turn: AbstractContextManager[None]
    ) -> list[Decoded | DecoderFailedError]:
        """Decode clips whose windows are equally long as one batch.

        `turn` is entered for as long as the device computes, so that the next batch need not wait while words are made
        of this one's tokens.

        Returns:
            For each clip its words, or an error if the device gave probabilities that are not numbers.

        """
        tokenizer = self._tokenizer(recipe.language)
        mels, frames = np.stack([clip.mel for clip in clips]), [clip.frames for clip in clips]
        with turn:
            generated, texts, aligned = self._compute(mels, frames, tokenizer, recipe)
        words = [
            timed_words(text, one.alignments, one.text_token_probs, tokenizer)
            for text, one in zip(texts, aligned, strict=True)
        ]
        return list(map(_decoded, generated, words))

    def _compute(
        self, mels: Float, frames: Sequence[int], tokenizer: Tokenizer, recipe: Recipe
    ) -> tuple[list[Untyped], list[list[int]], list[Untyped]]:
        """What the device does of a batch: tokens, those of them that are text, and their alignment.

        Nothing of the batch is left in the device's memory.
        """
        encoded = self._encode(mels)
        generated = self._generate(encoded, tokenizer, recipe, len(mels))
        texts = [[token for token in one.sequences_ids[0] if token < tokenizer.eot] for one in generated]
        aligned = self._model.model.align(
            encoded, tokenizer.sot_sequence, texts, [max(own, 2) for own in frames], median_filter_width=7
        )
        return generated, texts, aligned

    def languages(self, clip: Features) -> list[tuple[str, float]]:
        """Languages by probability, the likeliest first."""
        encoded = self._model.encode(clip.mel)
        return [(token[2:-2], probability) for token, probability in self._model.model.detect_language(encoded)[0]]

    def fitting(self, prompt: str | None, hotwords: str | None, words: Sequence[str]) -> int:
        """How many of a vocabulary's words the model reads; see `hints.fitting`."""
        encode = self._tokenizer("sv").encode
        return hints.fitting(prompt, hotwords, words, lambda text: len(encode(text)))

    def _encode(self, mels: Float) -> Untyped:
        """Encode windows; on a CPU two at a time, since the attention of more does not fit its cache (10 % slower)."""
        if self._device != "cpu":
            return self._model.encode(mels)
        pairs = [np.asarray(self._model.encode(mels[first : first + 2])) for first in range(0, len(mels), 2)]
        return ctranslate2.StorageView.from_array(np.concatenate(pairs))

    def _tokenizer(self, language: str) -> Tokenizer:
        with self._lock:
            if language not in self._tokenizers:
                self._tokenizers[language] = Tokenizer(
                    self._model.hf_tokenizer,
                    self._model.model.is_multilingual,
                    task="transcribe",
                    language=language,
                )
            return self._tokenizers[language]

    def _generate(self, encoded: Untyped, tokenizer: Tokenizer, recipe: Recipe, count: int) -> list[Untyped]:
        prompt = self._model.get_prompt(
            tokenizer,
            previous_tokens=tokenizer.encode(f" {recipe.prompt}") if recipe.prompt else [],
            without_timestamps=not recipe.timestamps,
            hotwords=recipe.hotwords,
        )
        generated: list[Untyped] = self._model.model.generate(
            encoded,
            [prompt] * count,
            beam_size=recipe.beams,
            patience=recipe.patience,
            repetition_penalty=recipe.repetition_penalty,
            no_repeat_ngram_size=recipe.no_repeat_ngram,
            max_length=self._model.max_length,
            suppress_tokens=get_suppressed_tokens(tokenizer, [-1]),
            return_scores=True,
            return_no_speech_prob=True,
        )
        return generated


def _decoded(generated: Untyped, words: tuple[Word, ...]) -> Decoded | DecoderFailedError:
    length = len(generated.sequences_ids[0])
    logprob = float(generated.scores[0]) * length / (length + 1)
    numbers = [logprob, float(generated.no_speech_prob), *(word.probability for word in words)]
    if not np.isfinite(numbers).all():
        return DecoderFailedError("The device gave back probabilities that are no numbers.")
    return Decoded(words=words, logprob=logprob, no_speech=float(generated.no_speech_prob))
