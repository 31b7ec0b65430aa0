"""Dialogues with known truth: who says what and when, made from a seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

import numpy as np

from services.gpu_worker.engine.audio.sound import RATE
from tests.bench.speakers.sentences import ANSWERS, sentences
from tests.bench.speakers.stretches import TimedWord, spoken_stretches, timed_words
from tests.bench.speakers.turns import Turn
from tests.bench.speakers.voices import Speech, Voice, say

ANSWERED = 0.25
"""Share of the turns that are a short answer."""
INTERRUPTED = 0.35
"""Share of the turns that begin before the turn before them has ended, where speakers overlap."""
AGREED = 0.3
"""Share of the turns during which another says a short answer, where speakers overlap."""
TOGETHER = 40
"""Turns that are synthesized side by side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A sentence: seconds of silence before it; `aside` if it is said into the turn of another, where time goes on."""

    speaker: int
    text: str
    pause: float
    aside: bool = False


@dataclass(slots=True)
class Made:
    """A recording with its truth."""

    sound: Speech
    turns: list[Turn] = field(default_factory=list)
    words: list[TimedWord] = field(default_factory=list)


def dialogue(voices: Sequence[Voice], seconds: float, *, seed: int, overlapping: bool, workers: Executor) -> Made:
    """Let the voices speak for this time and to the end of the sentence, some of them louder and more than others."""
    chance = random.Random(seed)
    gains = [10 ** (chance.uniform(-4, 4) / 20) for _ in voices]
    script = said(chance, len(voices), overlapping=overlapping)
    made = Made(np.zeros(round((seconds + 60) * RATE), np.float32))
    end = 0.0
    while end < seconds:
        batch = list(islice(script, TOGETHER))
        speech = workers.map(partial(_speak, voices), batch)
        for sentence, sound in zip(batch, speech, strict=True):
            if end < seconds:
                end = place(made, sentence, gains[sentence.speaker] * sound, end, voices[sentence.speaker].name)
    made.sound = made.sound[: round((end + 1) * RATE)]
    made.words.sort(key=lambda word: word.start)
    return made


def said(chance: random.Random, speakers: int, *, overlapping: bool) -> Iterator[Said]:
    """Turns without an end. Everybody has one of the first turns, two sentences or more; then some take the floor more
    often than others, up to four times.
    """
    new = sentences(chance)
    weights = [1 - 0.75 * speaker / speakers for speaker in range(speakers)]
    chance.shuffle(weights)
    first = chance.sample(range(speakers), speakers)
    speaker = -1
    while True:
        others = [other for other in range(speakers) if other != speaker] or [0]
        least = 2 if first else 1
        speaker = first.pop() if first else chance.choices(others, [weights[other] for other in others])[0]
        pause = chance.uniform(0.1, 1.5)
        if overlapping and chance.random() < INTERRUPTED:
            pause = -chance.uniform(0.3, 1.5)
        if least == 1 and chance.random() < ANSWERED:
            yield Said(speaker=speaker, text=chance.choice(ANSWERS), pause=pause)
            continue
        for _ in range(chance.randint(least, 4)):
            yield Said(speaker=speaker, text=next(new), pause=pause)
            pause = chance.uniform(0.1, 0.6)
        if overlapping and speakers > 1 and chance.random() < AGREED:
            other = chance.choice([other for other in range(speakers) if other != speaker])
            yield Said(speaker=other, text=chance.choice(ANSWERS), pause=-chance.uniform(1.2, 2.5), aside=True)


def _speak(voices: Sequence[Voice], sentence: Said) -> Speech:
    return say(voices[sentence.speaker], sentence.text)


def place(made: Made, sentence: Said, sound: Speech, end: float, speaker: str) -> float:
    """Put a sentence where its turn is, and tell when the floor is free: after it, or as before if it is an aside."""
    stretches = spoken_stretches(sound)
    start = max(end + sentence.pause - stretches[0].start, 0.0)
    first = round(start * RATE)
    made.sound[first : first + len(sound)] += sound
    made.turns += [Turn(start + stretch.start, start + stretch.end, speaker) for stretch in stretches]
    made.words += timed_words(sentence.text, stretches, start, speaker)
    return end if sentence.aside else start + stretches[-1].end
