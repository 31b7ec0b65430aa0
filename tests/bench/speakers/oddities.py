"""Recordings at the edge: nobody speaks, one voice that whispers and shouts, a hundred people with one word each."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import Executor
from itertools import cycle, islice, product

import numpy as np

from services.gpu_worker.engine.audio.sound import RATE
from tests.bench.speakers.dialogues import Made, Said, place
from tests.bench.speakers.sentences import sentences
from tests.bench.speakers.voices import LOUDNESS, Speech, Synthesizer, Voice, as_loud, say
from tests.support.acoustics import hum, music, silence, whispered, white_noise

HEIGHTS = (0.75, 0.8, 0.85, 0.9, 0.95, 1.0, 1.05, 1.1, 1.17, 1.25, 1.33)
SOURCES: tuple[tuple[Synthesizer, str], ...] = (
    *(("flite", voice) for voice in ("slt", "rms", "awb", "kal16")),
    ("festival", "ked_diphone"),
    *(("espeak-ng", voice) for voice in ("en-us", "en-us+Annie", "en-us+f2", "en-us+klatt4", "en-us+m7")),
)
WORDS = [
    "Monday",
    "apple",
    "river",
    "seven",
    "garden",
    "window",
    "orange",
    "doctor",
    "winter",
    "yellow",
    "table",
    "mountain",
    "paper",
    "letter",
    "Tuesday",
    "hammer",
    "kitchen",
    "eleven",
    "dragon",
    "village",
    "number",
    "castle",
    "finger",
    "butter",
    "Friday",
    "pepper",
    "island",
    "market",
    "thousand",
    "bottle",
]
MOODS = 60
"""Sentences, a third of them whispered and a third shouted."""


def nobody(_: Executor) -> Made:
    """Music, noise and hum for three and a half minutes: no turns."""
    sound = np.concatenate([music(60), silence(5), white_noise(60), music(60) + white_noise(60) / 3, hum(30)])
    return Made(sound.astype(np.float32))


def whisper_and_shout(workers: Executor) -> Made:
    """One voice for four minutes, whose sentences change between speaking, whispering and shouting."""
    voice = Voice("Robert", "flite", "rms")
    chance = random.Random(1)
    texts = list(islice(sentences(chance), MOODS))
    speech = workers.map(lambda text: say(voice, text), texts)
    moods = cycle([lambda sound: sound, _whispered, _shouted])
    made, end = Made(np.zeros(MOODS * 12 * RATE, np.float32)), 0.0
    for text, sound, mood in zip(texts, speech, moods, strict=False):
        sentence = Said(speaker=0, text=text, pause=chance.uniform(0.3, 1.2))
        end = place(made, sentence, mood(sound), end, voice.name)
    made.sound = made.sound[: round((end + 1) * RATE)]
    return made


def hundred(workers: Executor) -> Made:
    """A hundred people, each of whom says one word."""
    chance = random.Random(2)
    voices = list(islice(_people(), 100))
    chance.shuffle(voices)
    texts = [chance.choice(WORDS) for _ in voices]
    made, end = Made(np.zeros(400 * RATE, np.float32)), 0.0
    for voice, text, sound in zip(voices, texts, workers.map(say, voices, texts), strict=True):
        end = place(made, Said(speaker=0, text=text, pause=chance.uniform(0.4, 1.2)), sound, end, voice.name)
    made.sound = made.sound[: round((end + 1) * RATE)]
    return made


def _people() -> Iterator[Voice]:
    for (synthesizer, source), height in product(SOURCES, HEIGHTS):
        yield Voice(f"{source}-{height}", synthesizer, source, height)


def _whispered(sound: Speech) -> Speech:
    """Without a tone, at a third of the loudness."""
    return as_loud(whispered(sound.astype(np.float64)), LOUDNESS / 3)


def _shouted(sound: Speech) -> Speech:
    """Louder, with more of its upper half, and pressed."""
    bright = sound + 1.5 * np.diff(sound, prepend=np.float32(0))
    return as_loud(np.tanh(6 * bright).astype(np.float64), 4 * LOUDNESS)
