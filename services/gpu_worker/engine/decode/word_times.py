"""Words with their times, from a clip's tokens and their alignment. As `WhisperModel.find_alignment` has it, but apart
from the device's part of it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import merge_punctuations

from services.common.transcript.words import Word

STEPS_PER_SECOND = 50
"""Steps of the alignment: the encoder's frames of 20 ms."""
OPENING, CLOSING = "\"'“¿([{-", "\"'.。,，!！?？:：”)]}、"  # noqa: RUF001 - the library's own defaults


def timed_words(
    tokens: Sequence[int], steps: Sequence[tuple[int, int]], probabilities: Sequence[float], tokenizer: Tokenizer
) -> tuple[Word, ...]:
    """The words of a clip, with times in seconds of the clip's own audio.

    Args:
        tokens: of its text.
        steps: pairs of a token's place and a step of the encoder, in the order of time.
        probabilities: one a token.
        tokenizer: of the text's language.

    """
    texts, groups = tokenizer.split_to_word_tokens([*tokens, tokenizer.eot])
    if len(groups) <= 1:  # the end alone
        return ()
    places, times = np.array(steps).T
    begins = times[np.diff(places, prepend=-1) != 0] / STEPS_PER_SECOND
    ends = np.cumsum([len(group) for group in groups[:-1]])
    starts = ends - [len(group) for group in groups[:-1]]
    found = [
        {
            "word": text,
            "tokens": group,
            "start": begins[first],
            "end": begins[last],
            "probability": np.mean(probabilities[first:last]),
        }
        for text, group, first, last in zip(texts, groups, starts, ends, strict=False)
    ]
    merge_punctuations(found, OPENING, CLOSING)
    return tuple(
        Word(one["word"], float(one["start"]), float(one["end"]), float(one["probability"]))
        for one in found
        if one["word"]
    )
