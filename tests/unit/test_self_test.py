"""The self-test decides on what the engine heard and how fast; the engine here is a script."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from services.common.domain.errors import DecoderFailedError, InvalidMediaError
from services.common.transcript.words import Word
from services.gpu_worker.engine.decode.results import ClipResult
from services.gpu_worker.engine.process import EngineProcess
from services.gpu_worker.engine.processes.device_link import DeviceDiedError
from services.gpu_worker.machine.self_test import CLIP, TEXT, SelfTestFailedError, judge, listen, resemblance


class Engine:
    """Hears what it is told to, in the time that it is told to take."""

    model = "whisper-base"

    def __init__(self, text: str, seconds: float = 0.0) -> None:
        self._text = text
        self._seconds = seconds

    def transcribe(
        self, path: object, *_: object, planned: Callable[[Any], None], **__: object
    ) -> Iterator[ClipResult]:
        assert path == CLIP
        planned(SimpleNamespace(clips=[None], seconds=6.5))
        time.sleep(self._seconds)
        words = tuple(Word(f" {word}", 0, 1, 0.9) for word in self._text.split())
        yield ClipResult(index=0, words=words, logprob=-0.2, no_speech=0.0)


def self_test(engine: Engine, floor: float = 0.2) -> Any:
    return judge(listen(cast("EngineProcess", engine)), likeness=0.6, floor=floor)


def test_the_right_words_at_speed_pass() -> None:
    passed = self_test(Engine(TEXT))
    assert passed.likeness == 1
    assert passed.speed > 1


def test_a_weak_model_that_mishears_a_word_or_two_passes() -> None:
    assert self_test(Engine("Patienten har haft och evänster knä sedan början av mars.")).likeness > 0.9


@pytest.mark.parametrize("heard", ["", "   "])
def test_an_empty_text_is_named_as_such(heard: str) -> None:
    with pytest.raises(SelfTestFailedError, match="empty"):
        self_test(Engine(heard))


@pytest.mark.parametrize("heard", ["Tack för att ni tittade.", "! ! ! ! ! ! !", "haft " * 40])
def test_words_that_nobody_said_do_not_pass(heard: str) -> None:
    with pytest.raises(SelfTestFailedError, match="wrong"):
        self_test(Engine(heard))


def test_a_device_that_crawls_does_not_pass() -> None:
    with pytest.raises(SelfTestFailedError, match="under the floor of 1000"):
        self_test(Engine(TEXT, seconds=0.02), floor=1000)


def test_case_punctuation_and_spacing_do_not_count() -> None:
    assert resemblance("PATIENTEN, har haft ont", "Patienten har  haft ont.") == 1


@pytest.mark.parametrize("error", [DeviceDiedError(1), InvalidMediaError("No."), DecoderFailedError("No.")])
def test_whatever_keeps_the_known_clip_from_being_heard_is_the_machines_fault(error: Exception) -> None:
    """The clip is good: what would be a recording's error anywhere else must not be anybody's here."""

    class Broken(Engine):
        def transcribe(self, path: object, *_: object, **__: object) -> Iterator[ClipResult]:
            raise error

    with pytest.raises(SelfTestFailedError):
        self_test(Broken(TEXT))
