"""What the decoder does in place of the libraries, which has to come out as theirs; and how CTranslate2 takes calls."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from faster_whisper.feature_extractor import FeatureExtractor
from faster_whisper.transcribe import merge_punctuations

from services.gpu_worker.engine.decode.decoder import Decoded, Decoder
from services.gpu_worker.engine.decode.features import BLOCK, FRAME, SPAN, WINDOW, features
from services.gpu_worker.engine.decode.model_files import locate
from services.gpu_worker.engine.decode.recipe import Recipe
from services.gpu_worker.engine.decode.word_times import CLOSING, OPENING
from tests.support.random_model import write_random_model

EXTRACTOR = FeatureExtractor()
RECIPE = Recipe(language="sv", beams=2)
SIZES = (FRAME, 80_000, 160_000, 480_000)
"""Samples of clips."""


def noise(samples: int) -> Any:
    random = np.random.default_rng(samples)
    louder = np.linspace(0, 1, samples) ** 8  # the loudest is at the end, where a window may cut it
    return (random.normal(0, 12_000, samples) * louder).clip(-32_768, 32_767).astype(np.int16)


@pytest.fixture(scope="module")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> Decoder:
    folder = write_random_model(tmp_path_factory.mktemp("model"))
    return Decoder(locate("random", folder), device="cpu", compute_type="float32", workers=1, threads=1)


@pytest.mark.parametrize("window", [WINDOW, 1700])
@pytest.mark.parametrize(
    "samples",
    [0, 1, FRAME, SPAN, BLOCK * FRAME, 100_003, WINDOW * FRAME - 200, WINDOW * FRAME - 1, WINDOW * FRAME, 500_000],
)
def test_features_are_bit_by_bit_those_of_the_library(samples: int, window: int) -> None:
    heard = noise(samples)
    sound = np.zeros(window * FRAME, np.float32)
    sound[:samples] = heard[: len(sound)] / np.float32(32_768)
    found = features(heard, EXTRACTOR.mel_filters, window)
    assert found.frames == min(samples // FRAME, window)
    assert found.mel.tobytes() == EXTRACTOR(sound)[:, :window].tobytes()


class Overheard:
    """A model; with what it was asked to align is noted."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def align(self, *arguments: Any, **settings: Any) -> Any:
        self.asked = arguments
        return self._real.align(*arguments, **settings)


def test_words_and_their_times_are_those_of_the_library(decoder: Decoder, monkeypatch: pytest.MonkeyPatch) -> None:
    model = decoder._model
    overheard = Overheard(model.model)
    monkeypatch.setattr(model, "model", overheard)
    decoded = decoder.decode([decoder.features(noise(size)) for size in SIZES], RECIPE, nullcontext())
    encoded, _, texts, frames = overheard.asked
    theirs = model.find_alignment(decoder._tokenizer("sv"), texts, encoded, frames, median_filter_width=7)
    for one, words in zip(decoded, theirs, strict=True):
        merge_punctuations(words, OPENING, CLOSING)
        assert isinstance(one, Decoded)
        assert [(word.text, word.start, word.end, word.probability) for word in one.words] == [
            (word["word"], word["start"], word["end"], word["probability"]) for word in words if word["word"]
        ]
    assert sum(map(len, theirs)) > 10


def processor_seconds() -> dict[str, float]:
    """Of this process's threads so far, by thread."""
    return {
        task.name: int((task / "schedstat").read_text().split()[0]) / 1e9 for task in Path("/proc/self/task").iterdir()
    }


def test_a_model_with_one_worker_serves_the_calls_of_several_threads_one_at_a_time(decoder: Decoder) -> None:
    """All is computed by one thread of the library, which takes calls from a queue."""
    mels = np.stack([decoder.features(noise(480_000)).mel] * 2)
    before = processor_seconds()
    with ThreadPoolExecutor(4) as pool:
        for _ in pool.map(lambda _: decoder._model.encode(mels), range(8)):
            pass
        used = sorted(seconds - before.get(thread, 0.0) for thread, seconds in processor_seconds().items())
    assert used[-1] > 10 * sum(used[:-1])
