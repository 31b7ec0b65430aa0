"""How a clip is asked, and how again when its text cannot be trusted."""

from __future__ import annotations

import pytest

from services.common.domain.options import PRESETS, Options
from services.gpu_worker.engine.decode.catalogue import PACKAGED, Habits, habits
from services.gpu_worker.engine.decode.recipe import LONG_WINDOW, SHORT_CLIP, SHORT_WINDOW, habits_for, recipes, window

USUAL = Habits()
BASE = habits(PACKAGED)
HINTED = Options(prompt="Kommunfullmäktige i Umeå.", hotwords="Sävar")


@pytest.mark.parametrize("preset", PRESETS)
def test_the_preset_chooses_the_beams_and_each_second_look_is_wider(preset: str) -> None:
    first, wider, _ = recipes(Options(preset=preset), USUAL)
    assert first.beams == USUAL.beams[preset]
    assert wider.beams >= max(8, first.beams + 3)


def test_only_a_second_look_punishes_repetition_and_each_more_than_the_one_before() -> None:
    chain = recipes(Options(), USUAL)
    penalties = [recipe.repetition_penalty for recipe in chain]
    assert penalties[0] == 1.0
    assert penalties == sorted(set(penalties))
    assert [recipe.no_repeat_ngram for recipe in chain] == [0, 5, 3]


def test_hints_are_given_until_the_last_look_as_a_model_may_parrot_them() -> None:
    hints = [(recipe.prompt, recipe.hotwords) for recipe in recipes(HINTED, USUAL)]
    assert hints == [(HINTED.prompt, HINTED.hotwords)] * 2 + [(None, None)]


def test_every_look_is_in_the_language_of_the_recording() -> None:
    assert {recipe.language for recipe in recipes(Options(language="fi"), USUAL)} == {"fi"}


@pytest.mark.parametrize(
    ("frames", "own", "first"),
    [(SHORT_CLIP, BASE.short, SHORT_WINDOW), (SHORT_CLIP + 1, BASE, LONG_WINDOW)],
    ids=["ten seconds", "more"],
)
def test_a_short_clip_has_its_own_habits_and_window_until_it_is_decoded_again(
    frames: int, own: Habits, first: int
) -> None:
    assert habits_for(frames, BASE) is own
    assert window(frames, BASE, again=False) == first
    assert window(frames, BASE, again=True) == LONG_WINDOW


def test_a_model_that_was_not_tried_in_a_short_window_always_gets_the_whole() -> None:
    assert habits_for(1, USUAL) is USUAL
    assert window(1, USUAL, again=False) == LONG_WINDOW
