"""Hints: what the model is told before a clip, and how much of it the model reads. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import takewhile

from services.common.domain.errors import InvalidOptionError
from services.common.domain.options import HINTS, MAX_HINT_TOKENS
from services.common.domain.vocabularies import SEPARATOR


def with_words(hotwords: str | None, words: Sequence[str]) -> str | None:
    """The hotwords, followed by words of a vocabulary; None if there is neither."""
    return SEPARATOR.join([*([hotwords] if hotwords else []), *words]) or None


def fitting(prompt: str | None, hotwords: str | None, words: Sequence[str], tokens: Callable[[str], int]) -> int:
    """How many of the words, in their order, the model reads beside the prompt and the hotwords.

    Args:
        prompt: of the job.
        hotwords: of the job.
        words: of its vocabulary.
        tokens: counts the tokens of a text.

    Raises:
        InvalidOptionError: prompt and hotwords alone have more tokens than the model reads.

    """

    def total(count: int) -> int:
        texts = (prompt, with_words(hotwords, words[:count]))
        return sum(tokens(f" {text}") for text in texts if text)

    own = total(0)
    if own > MAX_HINT_TOKENS:
        raise InvalidOptionError("prompt" if prompt else "hotwords", f"They have {own} tokens: shorten them. {HINTS}")
    counts = range(1, len(words) + 1)
    return sum(1 for _ in takewhile(lambda count: total(count) <= MAX_HINT_TOKENS, counts))
