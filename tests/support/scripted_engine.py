"""A reader that gives what a test says, when it says so, and a model that hears which clip it was given."""

from __future__ import annotations

import threading
from collections.abc import Callable, Container, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from services.common.domain.options import Options
from services.common.transcript.words import Word
from services.gpu_worker.engine.audio.sound import RATE, MediaInfo
from services.gpu_worker.engine.decode.results import ClipResult
from services.gpu_worker.engine.engine import Engine
from services.gpu_worker.engine.plan.plan import Clip, Plan, PlannedPart
from services.gpu_worker.engine.plan.reader import Items, ReadClip
from services.gpu_worker.engine.plan.spool import Sound, voice_file
from services.gpu_worker.engine.stopping import StopFlag, StoppedError

PATIENCE = 10.0
"""Seconds for what must come about at all."""
LENGTH = 1_000
"""Samples of a clip."""
Step: TypeAlias = ReadClip | Plan | Exception | threading.Event
"""What a reader gives or raises, or what it waits for."""


def clips(count: int) -> tuple[Clip, ...]:
    return tuple(Clip(index, 0, ((index * LENGTH, (index + 1) * LENGTH),)) for index in range(count))


def read(count: int) -> list[Step]:
    """So many clips, as a reader gives them."""
    return [ReadClip(clip) for clip in clips(count)]


def plan(count: int, *, first: int | None = None, language: str = "sv") -> Plan:
    """A recording of so many clips; with `first`, so many of them are the first of two parts."""
    samples = count * LENGTH
    cuts = [0, count] if first is None else [0, first, count]
    parts = tuple(
        PlannedPart(index, begin * LENGTH, end * LENGTH, begin, end)
        for index, (begin, end) in enumerate(pairwise(cuts))
    )
    source = MediaInfo(container="wav", codec="pcm", rate=RATE, channels=1, declared_seconds=samples / RATE)
    return Plan(
        samples=samples, channels=1, language=language, speech=samples, clips=clips(count), parts=parts, source=source
    )


def waited(event: threading.Event, stop: StopFlag) -> None:
    """Wait for an event; raises StoppedError if `stop` is set before."""
    while not event.wait(0.005):
        if stop.is_set():
            raise StoppedError


class ScriptedReader:
    """Takes the steps of a script, each for every call."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = steps
        self.ended = threading.Event()
        """Once it gives no more, whatever the cause."""

    def plan(self, _: Path, __: Options, *, stop: StopFlag, **___: Any) -> Items:
        return self._given(stop)

    def clips(self, _: Path, __: Plan, wanted: Container[int], *, stop: StopFlag, **___: Any) -> Items:
        for item in self._given(stop):
            if isinstance(item, ReadClip) and item.clip.index in wanted:
                yield item

    def cut_parts(self, *_: Any, **__: Any) -> None:
        raise AssertionError("no recording of a script is split")

    def _given(self, stop: StopFlag) -> Generator[ReadClip | Plan, None, None]:
        try:
            for step in self._steps:
                if isinstance(step, Exception):
                    raise step
                if isinstance(step, threading.Event):
                    waited(step, stop)
                else:
                    yield step
        finally:
            self.ended.set()


@dataclass
class ScriptedModel:
    """Each clip's word is its index, which it hears in the samples."""

    before: Callable[[int, StopFlag], None] = lambda _, __: None
    """Called with the index of each clip before it is decoded."""
    language_error: Exception | None = None
    begun: list[int] = field(default_factory=list)
    """The clips that were decoded, or were to be."""
    asked: list[int] | None = None
    """The clips by which the language was found out."""
    languages: list[str] = field(default_factory=list)
    """Of the calls of `decode`."""

    def fitting(self, _: str | None, __: str | None, words: Sequence[str], *, stop: StopFlag) -> int:
        if stop.is_set():
            raise StoppedError
        return len(words)

    def language(self, sounds: Iterator[Sound], *, stop: StopFlag, **_: Any) -> str:
        if self.language_error:
            raise self.language_error
        self.asked = [_heard(sound) for sound in sounds]
        return "fi"

    def decode(
        self, sounds: Iterator[Sound | None], options: Options, _: Sequence[str], *, stop: StopFlag, **__: Any
    ) -> Iterator[ClipResult]:
        self.languages.append(options.language)
        for sound in sounds:
            if stop.is_set():
                raise StoppedError
            if sound is not None:
                self.begun.append(sound.index)
                self.before(sound.index, stop)
                word = Word(str(_heard(sound)), 0.0, 0.01, 0.9)
                yield ClipResult(index=sound.index, words=(word,), logprob=-0.1, no_speech=0.0)


def _heard(sound: Sound) -> int:
    samples = np.frombuffer(sound.read(), np.int16)
    assert len(samples) == LENGTH
    assert (samples == samples[0]).all()
    return int(samples[0])


class Scripted:
    """An engine of both, and a spool in which each clip's samples are its index."""

    def __init__(self, spool: Path, steps: Sequence[Step], model: ScriptedModel | None = None) -> None:
        self.reader = ScriptedReader(steps)
        self.model = model or ScriptedModel()
        self.stop = threading.Event()
        self.plans: list[Plan] = []
        self.told = threading.Event()
        """Once a plan was told."""
        self._spool = spool
        parts: tuple[Any, Any] = self.reader, self.model
        self._engine = Engine(*parts)
        voice_file(spool, 0).write_bytes(np.repeat(np.arange(100, dtype=np.int16), LENGTH).tobytes())

    def transcribe(self, options: Options | None = None, **given: Any) -> Generator[ClipResult, None, None]:
        def planned(plan: Plan) -> None:
            self.plans.append(plan)
            self.told.set()

        given = {"planned": planned, **given}
        return self._engine.transcribe(
            Path(), options or Options(language="sv"), spool=self._spool, max_seconds=60, stop=self.stop, **given
        )

    def decode(self, known: Plan, wanted: Sequence[int]) -> Generator[ClipResult, None, None]:
        return self._engine.decode(Path(), known, wanted, Options(), spool=self._spool, stop=self.stop)
