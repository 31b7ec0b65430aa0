"""What a job may ask for reaches the decoder: a language that is found out, hints, a speaker for each channel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from services.common.domain.errors import InvalidOptionError
from services.common.domain.languages import LANGUAGES
from services.common.domain.options import MAX_HINT_TOKENS, Options
from services.common.domain.vocabularies import KeptWords
from services.gpu_worker.engine.audio.sound import RATE
from services.gpu_worker.engine.decode.device_choice import EngineSettings
from services.gpu_worker.engine.decode.model_files import locate
from services.gpu_worker.engine.decode.results import ClipResult
from services.gpu_worker.engine.local import LocalEngine
from services.gpu_worker.engine.plan.plan import Plan
from services.gpu_worker.engine.plan.reader import Cutting
from tests.support.acoustics import Sound, load, write_wav
from tests.support.audio import MEETING
from tests.support.listening import decoded, heard
from tests.support.random_model import write_random_model

SECONDS = 40
IN_PARTS = Cutting(part_seconds=15, alone_seconds=20)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEngine]:
    folder = write_random_model(tmp_path_factory.mktemp("model"))
    engine = LocalEngine.load(locate("random", folder), EngineSettings(device="cpu", threads=2))
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def meeting() -> Sound:
    return load(MEETING)


@pytest.fixture(scope="module")
def talk(meeting: Sound, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_wav(tmp_path_factory.mktemp("talk") / "talk.wav", meeting[: SECONDS * RATE])


def options(**wanted: object) -> Options:
    return Options.parse({"preset": "fast", **wanted}, ["random"])


def plan(engine: LocalEngine, path: Path, wanted: Options, **given: Any) -> Plan:
    return heard(engine, path, wanted, **given)[0]


def decode(engine: LocalEngine, path: Path, wanted: Options) -> list[ClipResult]:
    return heard(engine, path, wanted)[1]


def test_a_language_that_is_found_out_is_a_known_one_and_the_same_for_every_part(
    engine: LocalEngine, talk: Path
) -> None:
    whole = plan(engine, talk, options(language="auto"))
    parts = plan(engine, talk, options(language="auto"), cutting=IN_PARTS)
    assert len(parts.parts) > 1
    assert whole.language == parts.language
    assert whole.language in LANGUAGES


def test_a_language_that_is_found_out_gives_the_words_of_that_language_asked_for(
    engine: LocalEngine, talk: Path
) -> None:
    found, words = heard(engine, talk, options(language="auto"))
    assert decode(engine, talk, options(language=found.language)) == words


def test_a_recording_without_speech_is_taken_for_swedish(engine: LocalEngine, tmp_path: Path) -> None:
    silent = write_wav(tmp_path / "silent.wav", np.zeros(RATE))
    assert plan(engine, silent, options(language="auto")).language == "sv"


@pytest.mark.parametrize("field", ["prompt", "hotwords"])
def test_hints_that_the_model_would_not_read_to_the_end_are_refused_by_their_field(
    engine: LocalEngine, talk: Path, field: str
) -> None:
    """The tokenizer of the random model has a token for nearly every letter."""
    with pytest.raises(InvalidOptionError, match=f"reads {MAX_HINT_TOKENS} tokens") as refused:
        plan(engine, talk, options(**{field: "vi ses " * 60}))
    assert refused.value.field == field


@pytest.mark.parametrize(
    "hints", [{"prompt": "vi ses"}, {"hotwords": "umea"}, {"prompt": "vi ses", "hotwords": "umea"}]
)
def test_hints_reach_the_decoder(engine: LocalEngine, talk: Path, hints: dict[str, str]) -> None:
    without = decode(engine, talk, options())
    assert [result.text for result in decode(engine, talk, options(**hints))] != [result.text for result in without]


def test_a_vocabularys_words_reach_the_decoder_as_if_they_were_hotwords(engine: LocalEngine, talk: Path) -> None:
    hinted, kept = options(hotwords="umea"), KeptWords.of(["vi ses", "savar"])
    found, results = heard(engine, talk, hinted, vocabulary=kept)
    assert (found.vocabulary, found.warnings) == (kept.words, ())
    by_hand = decode(engine, talk, options(hotwords="umea, vi ses, savar"))
    assert results == by_hand != decode(engine, talk, hinted)
    assert decoded(engine, talk, found, range(len(found.clips)), hinted) == by_hand


def test_all_parts_are_told_the_same_words_and_the_plan_says_which_are_left_out(
    engine: LocalEngine, talk: Path
) -> None:
    kept = KeptWords.of([f"ord nummer {number}" for number in range(300)])
    whole = plan(engine, talk, options(), vocabulary=kept)
    parts = plan(engine, talk, options(), vocabulary=kept, cutting=IN_PARTS)
    assert len(parts.parts) > 1
    assert 0 < len(whole.vocabulary) < 300
    assert parts.vocabulary == whole.vocabulary == kept.words[: len(whole.vocabulary)]
    (remark,) = parts.remarks
    assert remark.code == "vocabulary_cut"
    assert remark.message.startswith(
        f"Of the vocabulary's 300 words the model reads the first {len(whole.vocabulary)}."
    )


def test_a_mark_that_steers_the_model_is_letters_where_a_client_writes_it(engine: LocalEngine, talk: Path) -> None:
    """As a mark it would be one token, and all of these would fit."""
    kept = KeptWords.of(["<|startoftranscript|>"] * 60)
    assert len(plan(engine, talk, options(), vocabulary=kept).vocabulary) < 60


def test_each_speaker_of_a_call_is_heard_as_if_alone(engine: LocalEngine, meeting: Sound, tmp_path: Path) -> None:
    speakers = [meeting[: SECONDS * RATE], meeting[SECONDS * RATE : 2 * SECONDS * RATE]]
    call = write_wav(tmp_path / "call.wav", np.stack(speakers, axis=1))
    planned, results = heard(engine, call, options(channels="separate"))
    for channel, speaker in enumerate(speakers):
        alone = decode(engine, write_wav(tmp_path / f"{channel}.wav", speaker), options())
        theirs = [result for result in results if planned.clips[result.index].channel == channel]
        as_alone = [
            replace(result, index=number, clip=result.clip and replace(result.clip, index=number, channel=0))
            for number, result in enumerate(theirs)
        ]
        assert as_alone == alone
        assert alone
