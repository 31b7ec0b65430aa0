"""Vocabularies: a client's own lists of names and words to expect in its recordings. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from services.common.domain.annotations import UNPRINTABLE

MAX_NAME_CHARACTERS = 40
NAME = rf"^[a-z0-9][a-z0-9-]{{0,{MAX_NAME_CHARACTERS - 1}}}$"
"""A name, as a pattern for schemas. It can stand in an address and behind an option of a command."""
MAX_VOCABULARIES = 50
"""Of one client."""
MAX_WORDS = 1_000
MAX_WORD_CHARACTERS = 80
WORD = rf"^[^\s{UNPRINTABLE}]([^{UNPRINTABLE}]*[^\s{UNPRINTABLE}])?$"
"""A word or a term, as a pattern for schemas: printable, and without a space at either end."""
MAX_VOCABULARY_BYTES = 64_000
"""Of all words together in UTF-8: an item of the table has room for six times as much, and a body for little more."""
MAX_KEPT_CHARACTERS = 2_000
"""How much of a vocabulary a job keeps. The model reads some two hundred tokens, of which each word and each comma
takes one or more: a list of words of any language ends before that."""
SEPARATOR = ", "
"""What stands between two words where the model reads them."""


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """A list of words, whose order is their priority."""

    client_id: str
    name: str
    words: Sequence[str]
    """Names and terms; a term may have several words."""
    updated_at: int


@dataclass(frozen=True, slots=True)
class KeptWords:
    """What a job keeps of the vocabulary that its options name, so that a later change or removal changes nothing."""

    words: tuple[str, ...] = ()
    """The first ones, as far as the model could read them at best."""
    count: int = 0
    """How many words the vocabulary had."""

    @classmethod
    def of(cls, words: Sequence[str]) -> KeptWords:
        """What a job keeps of these words."""
        lengths = accumulate(len(word) + len(SEPARATOR) for word in words)
        room = sum(length <= MAX_KEPT_CHARACTERS for length in lengths)
        return cls(tuple(words[:room]), len(words))

    def to_json(self) -> dict[str, Any]:
        """A JSON object that `from_json` takes back."""
        return {"words": list(self.words), "count": self.count}

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | None) -> KeptWords:
        """What `to_json` gave; None stands for no vocabulary."""
        return cls(tuple(data["words"]), data["count"]) if data else NO_WORDS


NO_WORDS = KeptWords()
"""What a job keeps that names no vocabulary."""
