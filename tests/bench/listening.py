"""Accuracy on the meeting as it is and made worse, and deafness to what is no speech."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.bench.contestants import Field, transcript
from tests.support.accuracy import MEETING, SENTENCES, character_error_rate, sentences_found, words_found
from tests.support.acoustics import NOBODY_SPEAKS, load, over_the_phone, quieter, with_noise, write_wav


def conditions(folder: Path) -> dict[str, Path]:
    """The meeting, heard in several ways."""
    sound = load(MEETING)
    return {
        "clean": MEETING,
        "noise at 10 dB": write_wav(folder / "noise10.wav", with_noise(sound, 10)),
        "noise at 5 dB": write_wav(folder / "noise5.wav", with_noise(sound, 5)),
        "20 dB quieter": write_wav(folder / "quiet20.wav", quieter(sound, 20)),
        "30 dB quieter": write_wav(folder / "quiet30.wav", quieter(sound, 30)),
        "telephone": over_the_phone(MEETING, folder / "phone.wav"),
    }


def accuracy(field: Field, folder: Path) -> dict[str, Any]:
    """Error rate by character, share of words found and sentences found, for each condition and contestant."""
    return {condition: _heard(field, path) for condition, path in conditions(folder).items()}


def _heard(field: Field, path: Path) -> dict[str, Any]:
    texts = {
        "sequential": field.sequential(path),
        "batched": field.batched(path),
        **{preset: field.ours(path, preset) for preset in ("fast", "balanced", "careful")},
    }
    reference = " ".join(SENTENCES)
    return {
        name: {
            "cer": round(character_error_rate(text, reference), 4),
            "words": round(words_found(text, reference), 3),
            "sentences": sentences_found(text, SENTENCES),
        }
        for name, text in texts.items()
    }


def no_speech(field: Field, folder: Path) -> dict[str, Any]:
    """Words written where nobody speaks, in a minute of each sound."""
    words = {}
    for name, make in NOBODY_SPEAKS.items():
        path = write_wav(folder / f"{name.replace(' ', '_')}.wav", make(60))
        heard = transcript(field.engine, path)
        words[name] = {"ours": len(heard.text.split()), "batched": len(field.batched(path).split())}
    return words
