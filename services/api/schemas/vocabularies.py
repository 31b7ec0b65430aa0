"""Vocabularies, as clients keep and see them."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field

from services.api.schemas.fields import Body, DateTime, Rule, VocabularyName
from services.common.domain.annotations import PRINTABLE_WORDS
from services.common.domain.times import rfc3339
from services.common.domain.vocabularies import (
    MAX_VOCABULARY_BYTES,
    MAX_WORD_CHARACTERS,
    MAX_WORDS,
    WORD,
    Vocabulary,
)

_Word = Annotated[
    str,
    Field(min_length=1, max_length=MAX_WORD_CHARACTERS),
    Rule(WORD, f"Give 1 to {MAX_WORD_CHARACTERS} characters {PRINTABLE_WORDS}, and without a space at either end."),
]


def _different(words: list[str]) -> list[str]:
    word, times = Counter(words).most_common(1)[0]
    if times > 1:
        raise ValueError(f"Give each word once: {word!r} is there {times} times.")
    return words


def _small(words: list[str]) -> list[str]:
    size = sum(len(word.encode()) for word in words)
    if size > MAX_VOCABULARY_BYTES:
        raise ValueError(f"They have {size} bytes together: a vocabulary has at most {MAX_VOCABULARY_BYTES}.")
    return words


_Words = Annotated[
    list[_Word],
    Field(
        min_length=1,
        max_length=MAX_WORDS,
        description="Names and terms to expect, the most important first: the model reads as many as fit. Together "
        f"they have at most {MAX_VOCABULARY_BYTES} bytes of UTF-8.",
        examples=[["Åsa Örjansdotter", "Kommunfullmäktige"]],
        json_schema_extra={"uniqueItems": True},
    ),
    AfterValidator(_different),
    AfterValidator(_small),
]


class NewVocabulary(Body):
    """A list of words that is to be kept under a name."""

    name: VocabularyName
    words: _Words


class VocabularyUpdate(Body):
    """The words that a vocabulary is to have instead of those before."""

    words: _Words


class VocabularySummary(BaseModel):
    """A vocabulary without its words."""

    name: str
    count: int = Field(description="How many words it has.")
    updated_at: DateTime


class VocabularyView(VocabularySummary):
    """A vocabulary as it stands."""

    words: list[str]

    @classmethod
    def of(cls, vocabulary: Vocabulary) -> VocabularyView:
        return cls(
            name=vocabulary.name,
            count=len(vocabulary.words),
            updated_at=rfc3339(vocabulary.updated_at),
            words=list(vocabulary.words),
        )


class VocabularyList(BaseModel):
    vocabularies: list[VocabularySummary]
