"""From words to sentences."""

from __future__ import annotations

from services.common.transcript.sentences import sentences
from tests.support.transcripts import spoken


def test_sentences_end_at_punctuation_and_long_pauses_but_not_at_abbreviations() -> None:
    words = (*spoken("Vi ses kl. tre. Ta med t.ex. fika"), *spoken("och kaffe", start=10))
    found = ["".join(word.text for word in sentence).strip() for sentence in sentences(words)]
    assert found == ["Vi ses kl. tre.", "Ta med t.ex. fika", "och kaffe"]


def test_a_speech_without_punctuation_is_cut_into_readable_lengths() -> None:
    found = list(sentences(spoken("ord " * 200)))
    assert max(sentence[-1].end - sentence[0].start for sentence in found) <= 20
    assert sum(map(len, found)) == 200
