"""What a job may ask for, and what is refused when it is submitted."""

from __future__ import annotations

import json

import pytest
from faster_whisper.tokenizer import _LANGUAGE_CODES

from services.common.domain.errors import InvalidOptionError, ModelUnavailableError
from services.common.domain.languages import LANGUAGES
from services.common.domain.options import FORMATS, Options

MODELS = ["KBLab/kb-whisper-small", "KBLab/kb-whisper-small@subtitle", "whisper-base"]


def test_nothing_asked_gives_swedish_the_first_model_and_every_format() -> None:
    options = Options.parse({}, MODELS)
    assert (options.language, options.model, options.preset) == ("sv", "KBLab/kb-whisper-small", "balanced")
    assert options.formats == FORMATS


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
        ({"formats": ["docx"]}, "formats"),
        ({"temperature": 0.2}, "temperature"),
        ({"words": True, "formats": ["srt"]}, "words"),
        ({"prompt": "a" * 111, "hotwords": "b" * 111}, "prompt"),
        ({"hotwords": "b" * 222}, "hotwords"),
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
    "asked", [{}, {"tracks": [3, 1], "hotwords": "Åmål", "formats": ["srt", "json"], "words": True}]
)
def test_options_survive_json(asked: dict[str, object]) -> None:
    options = Options.parse(asked, MODELS)
    assert Options.from_json(json.loads(json.dumps(options.to_json()))) == options


def test_options_written_before_there_were_tracks_leave_the_choice_to_the_engine() -> None:
    options = Options.parse({"language": "en"}, MODELS)
    written = {field: value for field, value in options.to_json().items() if field != "tracks"}
    assert Options.from_json(written) == options


def test_the_languages_are_those_of_the_model() -> None:
    assert frozenset(_LANGUAGE_CODES) == LANGUAGES
