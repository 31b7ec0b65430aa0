"""Accuracy on the meeting as it is and made worse, and deafness to what is no speech."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from typing import Any

from tests.bench.contestants import Field, transcript
from tests.support.accuracy import MEETING, SENTENCES, character_error_rate, sentences_found, words_found
from tests.support.acoustics import NOBODY_SPEAKS, load, over_the_phone, quieter, telephone_band, with_noise, write_wav

NOISES = range(1, 6)
"""Seeds. One noise moves the share of words by several hundredths, so the conditions with noise are means of five."""


def conditions(folder: Path) -> dict[str, list[Path]]:
    """The meeting, heard in several ways."""
    sound = load(MEETING)

    def noisy(decibels: float) -> list[Path]:
        return [
            write_wav(folder / f"noise_{decibels}_{seed}.wav", with_noise(sound, decibels, seed)) for seed in NOISES
        ]

    return {
        "clean": [MEETING],
        "noise at 10 dB": noisy(10),
        "noise at 5 dB": noisy(5),
        "20 dB quieter": [write_wav(folder / "quiet20.wav", quieter(sound, 20))],
        "30 dB quieter": [write_wav(folder / "quiet30.wav", quieter(sound, 30))],
        "telephone": [over_the_phone(MEETING, folder / "phone.wav")],
        "steep telephone": [
            over_the_phone(write_wav(folder / "band.wav", telephone_band(sound)), folder / "steep.wav")
        ],
    }


def accuracy(field: Field, folder: Path) -> dict[str, Any]:
    """Error rate by character, share of words found and sentences found, for each condition and contestant."""
    return {condition: _heard(field, paths) for condition, paths in conditions(folder).items()}


def _heard(field: Field, paths: list[Path]) -> dict[str, Any]:
    contestants: dict[str, Callable[[Path], str]] = {
        "sequential": field.sequential,
        "batched": field.batched,
        "fast": lambda path: field.ours(path, "fast"),
        "balanced": field.ours,
        "careful": lambda path: field.ours(path, "careful"),
    }
    reference = " ".join(SENTENCES)
    heard = {name: [contestant(path) for path in paths] for name, contestant in contestants.items()}
    return {
        name: {
            "cer": round(fmean(character_error_rate(text, reference) for text in texts), 4),
            "words": round(fmean(words_found(text, reference) for text in texts), 3),
            "sentences": min(sentences_found(text, SENTENCES) for text in texts),
        }
        for name, texts in heard.items()
    }


def no_speech(field: Field, folder: Path) -> dict[str, Any]:
    """Words written where nobody speaks, in a minute of each sound."""
    words = {}
    for name, make in NOBODY_SPEAKS.items():
        path = write_wav(folder / f"{name.replace(' ', '_')}.wav", make(60))
        heard = transcript(field.engine, path)
        words[name] = {"ours": len(heard.text.split()), "batched": len(field.batched(path).split())}
    return words
