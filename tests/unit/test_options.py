"""What a job may ask for, and what is refused when it is submitted."""

from __future__ import annotations

import json

import pytest
from faster_whisper.tokenizer import _LANGUAGE_CODES

from services.common.domain.errors import InvalidOptionError, ModelUnavailableError
from services.common.domain.languages import LANGUAGES
from services.common.domain.options import DEFAULT_FORMATS, DEFAULTS, FORMATS, Options, in_effect

MODELS = ["KBLab/kb-whisper-small", "KBLab/kb-whisper-small@subtitle", "whisper-base"]


def test_nothing_asked_gives_swedish_the_first_model_and_every_format_but_the_docx() -> None:
    options = Options.parse({}, MODELS)
    assert (options.language, options.model, options.preset) == ("sv", "KBLab/kb-whisper-small", "balanced")
    assert options.formats == DEFAULT_FORMATS
    assert set(FORMATS) - set(DEFAULT_FORMATS) == {"docx"}


def test_null_means_not_asked() -> None:
    assert Options.parse({"prompt": None, "language": None}, MODELS) == Options.parse({}, MODELS)


def test_a_style_is_a_model_of_its_own() -> None:
    assert Options.parse({"style": "subtitle"}, MODELS).model_key == "KBLab/kb-whisper-small@subtitle"


@pytest.mark.parametrize(
    "asked", [{"style": "strict"}, {"model": "other"}, {"model": "whisper-base", "style": "subtitle"}]
)
def test_what_the_deployment_does_not_hold_is_refused(asked: dict[str, str]) -> None:
    with pytest.raises(ModelUnavailableError):
        Options.parse(asked, MODELS)


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"language": "klingon"}, "language"),
        ({"preset": "best"}, "preset"),
        ({"channels": "left"}, "channels"),
        ({"tracks": []}, "tracks"),
        ({"tracks": 1}, "tracks"),
        ({"tracks": "12"}, "tracks"),
        ({"tracks": {"1": 2}}, "tracks"),
        ({"tracks": [0]}, "tracks"),
        ({"tracks": [1000]}, "tracks"),
        ({"tracks": [1.5]}, "tracks"),
        ({"tracks": [True]}, "tracks"),
        ({"tracks": [None]}, "tracks"),
        ({"tracks": [[1]]}, "tracks"),
        ({"tracks": [float("inf")]}, "tracks"),
        ({"tracks": [1, 2, 1.0]}, "tracks"),
        ({"tracks": [*range(1, 34)]}, "tracks"),
        ({"words": "yes"}, "words"),
        ({"prompt": 7}, "prompt"),
        ({"formats": "srt"}, "formats"),
        ({"formats": []}, "formats"),
        ({"formats": ["odt"]}, "formats"),
        ({"temperature": 0.2}, "temperature"),
        ({"words": True, "formats": ["srt"]}, "words"),
        ({"doubtful_places": 1, "formats": ["docx"]}, "doubtful_places"),
        ({"doubtful_places": True}, "doubtful_places"),
        ({"doubtful_places": True, "formats": ["json"]}, "doubtful_places"),
        ({"prompt": "a" * 400, "hotwords": "b" * 300}, "prompt"),
        ({"hotwords": "b" * 601}, "hotwords"),
    ],
)
def test_what_would_be_ignored_or_is_no_option_is_refused_by_name(asked: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidOptionError) as refusal:
        Options.parse(asked, MODELS)
    assert refusal.value.field == field


def test_the_order_of_tracks_means_nothing_and_a_whole_number_is_one_however_it_is_written() -> None:
    assert Options.parse({"tracks": [999, 2.0, 1]}, MODELS).tracks == (1, 2, 999)
    assert Options.parse({"tracks": [*range(32, 0, -1)]}, MODELS).tracks == tuple(range(1, 33))
    assert Options.parse({}, MODELS).tracks is None


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"tracks": [3, 1], "hotwords": "Åmål", "formats": ["srt", "json"], "words": True},
        {"formats": ["docx"], "doubtful_places": True},
    ],
)
def test_options_survive_json(asked: dict[str, object]) -> None:
    options = Options.parse(asked, MODELS)
    assert Options.from_json(json.loads(json.dumps(options.to_json()))) == options


def test_options_written_before_there_were_tracks_and_doubtful_places_ask_for_neither() -> None:
    options = Options.parse({"language": "en"}, MODELS)
    later = {"tracks", "doubtful_places"}
    written = {field: value for field, value in options.to_json().items() if field not in later}
    assert Options.from_json(written) == options


def test_the_languages_are_those_of_the_model() -> None:
    assert frozenset(_LANGUAGE_CODES) == LANGUAGES


def test_options_in_effect_are_those_given_and_the_defaults_and_are_never_refused() -> None:
    assert in_effect({}, "m") == {**DEFAULTS.to_json(), "model": "m"}
    assert in_effect({"model": None, "words": True}, "m") == {**DEFAULTS.to_json(), "model": "m", "words": True}
    of_another_release = {"preset": "wild", "formats": ["wav"], "model": "gone", "mood": "good"}
    assert in_effect(of_another_release, "m") == {
        **DEFAULTS.to_json(),
        "preset": "wild",
        "formats": ["wav"],
        "model": "gone",
    }
