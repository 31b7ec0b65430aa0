"""What a job may ask for, and what is refused when it is submitted."""

from __future__ import annotations

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
        ({"words": "yes"}, "words"),
        ({"prompt": 7}, "prompt"),
        ({"formats": "srt"}, "formats"),
        ({"formats": []}, "formats"),
        ({"formats": ["docx"]}, "formats"),
        ({"temperature": 0.2}, "temperature"),
        ({"words": True, "formats": ["srt"]}, "words"),
        ({"prompt": "a" * 400, "hotwords": "b" * 300}, "prompt"),
        ({"hotwords": "b" * 601}, "hotwords"),
    ],
)
def test_what_would_be_ignored_or_is_no_option_is_refused_by_name(asked: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidOptionError) as refusal:
        Options.parse(asked, MODELS)
    assert refusal.value.field == field


def test_options_survive_json() -> None:
    options = Options.parse({"hotwords": "Åmål", "formats": ["srt", "json"], "words": True}, MODELS)
    assert Options.from_json(options.to_json()) == options


def test_the_languages_are_those_of_the_model() -> None:
    assert frozenset(_LANGUAGE_CODES) == LANGUAGES
