"""Whether a clip's text can be believed. Pure.

Batched decoding has none of the checks after which Whisper itself decodes again, so they are made here, and one is
added: a model that loops is often sure of its words, so repetition is searched for directly, not only by confidence.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from services.common.transcript.words import Word
from services.gpu_worker.engine.decode.hallucinations import LITTLE_SPEECH_SECONDS, NO_SPEECH, is_known

HIGHEST_COMPRESSION = 2.4
"""A text whose compression ratio is above this repeats itself (OpenAI's threshold)."""
LOWEST_LOGPROB = -1.0
WIDER_CREDIT = 0.2
"""Added to the log probability of the second attempt when attempts are compared: its wider search found the better
text in noise (docs/performance.md), though its penalty on repetition lowers the score."""
HIGHEST_NO_SPEECH = 0.6
MOST_WORDS_A_SECOND = 7.0
"""Fast Swedish has four to five."""
REPEATS = 4
"""A group of words this often in a row is a loop, unless it is one that people do say."""
LONGEST_LOOP = 6


class Text(Protocol):
    """What `judge` needs to know of a decoded clip."""

    @property
    def words(self) -> tuple[Word, ...]: ...
    @property
    def logprob(self) -> float: ...
    @property
    def no_speech(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Attempt:
    """One decode of a clip, and what is wrong with it."""

    words: tuple[Word, ...]
    logprob: float
    no_speech: float
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Settled:
    """The text that is taken for a clip."""

    words: tuple[Word, ...]
    logprob: float
    no_speech: float
    flags: tuple[str, ...]
    dropped: tuple[str, ...]


def judge(text: Text, seconds: float, unsure_below: float = LOWEST_LOGPROB) -> tuple[str, ...]:
    """What is wrong with a clip's text, in a fixed order; nothing where it can be believed.

    Args:
        text: what the model heard.
        seconds: the length of the clip's audio.
        unsure_below: the mean log probability of a token that is too low for this model.

    """
    spoken = _spoken(text.words)
    flags = []
    if compression_ratio(spoken) > HIGHEST_COMPRESSION:
        flags.append("compression")
    if loop(_bare(text.words)):
        flags.append("repetition")
    if spoken and text.logprob < unsure_below:
        flags.append("unsure")
    if spoken and text.no_speech > HIGHEST_NO_SPEECH and text.logprob < LOWEST_LOGPROB:
        flags.append("no_speech")
    if len(text.words) > MOST_WORDS_A_SECOND * max(seconds, 1.0):
        flags.append("too_fast")
    if _seems_invented(spoken, text, seconds):
        flags.append("hallucination")
    return tuple(flags)


def settle(attempts: Sequence[Attempt]) -> Settled:
    """Choose the attempt with the fewest flags, and among those the one with the highest log probability.

    Text that was surely not said is left out: all of it where nobody speaks or it is a known hallucination, and a loop
    after its first round. Other flags stay with the text.
    """
    credited = [attempt.logprob + (WIDER_CREDIT if place == 1 else 0.0) for place, attempt in enumerate(attempts)]
    best = min(range(len(attempts)), key=lambda place: (len(attempts[place].flags), -credited[place]))
    chosen = attempts[best]
    for fault in ("no_speech", "hallucination"):
        if fault in chosen.flags:
            return Settled((), chosen.logprob, chosen.no_speech, (), (fault,))
    found = loop(_bare(chosen.words))
    if found:
        start, size = found
        return Settled(chosen.words[: start + size], chosen.logprob, chosen.no_speech, chosen.flags, ("repetition",))
    return Settled(chosen.words, chosen.logprob, chosen.no_speech, chosen.flags, ())


def compression_ratio(text: str) -> float:
    """The text's bytes divided by its bytes after compression with zlib; 0 for an empty text."""
    data = text.encode()
    return len(data) / len(zlib.compress(data)) if data else 0.0


def loop(words: Sequence[str]) -> tuple[int, int] | None:
    """The first group of one to six words that comes four times in a row.

    Returns:
        The index of its first word and its length in words; None if there is no such group.

    """
    found = []
    for size in range(1, LONGEST_LOOP + 1):
        run = 0
        for index in range(size, len(words)):
            run = run + 1 if words[index] == words[index - size] else 0
            if run >= size * (REPEATS - 1):
                found.append((index + 1 - size * REPEATS, size))
                break
    return min(found, default=None)


def _seems_invented(spoken: str, text: Text, seconds: float) -> bool:
    little = seconds < LITTLE_SPEECH_SECONDS or text.no_speech > NO_SPEECH
    return little and is_known(spoken)


def _spoken(words: Sequence[Word]) -> str:
    return "".join(word.text for word in words).strip()


def _bare(words: Sequence[Word]) -> list[str]:
    return [word.text.strip().strip(".,!?").casefold() for word in words]
