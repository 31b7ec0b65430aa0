"""Recordings at the edge, with the real models: nobody speaks, or one, or a hundred, or for ten hours."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from services.common.domain.options import Options
from services.common.domain.speakers import ExpectedSpeakers
from services.common.transcript.attribution import SpokenTurn
from services.gpu_worker.engine.assembly import assemble
from services.gpu_worker.engine.audio.sound import RATE
from services.gpu_worker.engine.decode.catalogue import SPEAKERS
from services.gpu_worker.engine.decode.device_choice import EngineSettings
from services.gpu_worker.engine.decode.model_files import locate
from services.gpu_worker.engine.local import LocalEngine
from services.gpu_worker.engine.plan.local_reader import LocalReader
from services.gpu_worker.engine.plan.plan import Plan
from services.gpu_worker.engine.processes import reader_main
from services.gpu_worker.engine.processes.reader_main import Limits
from services.gpu_worker.engine.processes.readers import ReaderProcesses
from services.gpu_worker.engine.processes.speaker_processes import SpeakerProcesses
from services.gpu_worker.engine.speakers.eight_bits import eight_bits
from services.gpu_worker.engine.speakers.following import follow
from services.gpu_worker.engine.speakers.grid import STEP
from services.gpu_worker.engine.speakers.observations import Observation, Piece
from services.gpu_worker.engine.speakers.voices import turns_of_voices
from services.gpu_worker.engine.speakers.windows import ObservedWindow
from services.gpu_worker.engine.stopping import StoppedError
from tests.bench.speakers.voices import resampled
from tests.support.acoustics import Sound, load, music, silence, whispered, write_wav
from tests.support.audio import DIALOGUE, MEETING
from tests.support.listening import LONGEST, heard
from tests.support.random_model import write_random_model

TEN_HOURS = 10 * 3_600 * RATE
FRUGAL = Limits(memory_mib=500, processor_seconds=20, silence_seconds=60)
"""What a process may take that tells the speakers of ten hours apart: less than 400 MiB were enough, and 7 s."""
WORD, PAUSE = RATE // 2, RATE // 2
"""Samples."""


def options(speakers: object = "auto") -> Options:
    return Options.parse({"preset": "fast", "speakers": speakers}, ["random"])


class Listened:
    """A sound, with who speaks when."""

    def __init__(self, sound: Sound, folder: Path) -> None:
        self.path = write_wav(folder / "sound.wav", sound)
        self.spool, stop = folder / "spool", threading.Event()
        self.spool.mkdir()
        *_, plan = LocalReader().plan(self.path, options(), spool=self.spool, max_seconds=LONGEST, stop=stop)
        assert isinstance(plan, Plan)
        self.plan = plan
        self.windows = list(follow(self.spool, locate(SPEAKERS).folder, first=0, stop=stop))
        self.speech = [[span for clip in plan.clips for span in clip.spans]] * plan.channels

    def turns(self, **expected: int) -> list[SpokenTurn]:
        (found,) = turns_of_voices(self.windows, self.speech, ExpectedSpeakers(**expected))
        return [SpokenTurn(turn.start / RATE, turn.end / RATE, turn.speaker) for turn in found]

    def speakers(self, **expected: int) -> int:
        return len({turn.speaker for turn in self.turns(**expected)})


@pytest.fixture(scope="module")
def dialogue() -> Sound:
    return load(DIALOGUE)


@pytest.fixture(scope="module")
def listened(dialogue: Sound, tmp_path_factory: pytest.TempPathFactory) -> Listened:
    return Listened(dialogue, tmp_path_factory.mktemp("dialogue"))


@pytest.fixture(scope="module")
def monologue(tmp_path_factory: pytest.TempPathFactory) -> Listened:
    """One voice for forty seconds."""
    return Listened(load(MEETING)[: 40 * RATE], tmp_path_factory.mktemp("monologue"))


@pytest.mark.parametrize("sound", [silence(12), music(25), np.zeros(1), silence(0.1)], ids=len)
def test_where_nobody_speaks_nobody_is_found(sound: Sound, tmp_path: Path) -> None:
    assert Listened(sound, tmp_path).turns() == []


def test_a_monologue_has_one_speaker_and_says_so_to_whom_expects_more(monologue: Listened, tmp_path: Path) -> None:
    assert monologue.speakers() == monologue.speakers(at_most=3) == 1
    model = write_random_model(tmp_path)
    engine = LocalEngine.load(locate("random", model), EngineSettings(device="cpu", threads=2))
    plan, results = heard(engine, monologue.path, options(3))
    engine.close()
    transcript = assemble(plan, results, options(3), engine.model.files, [monologue.turns(at_most=3)])
    assert transcript.quality.warnings == ("speakers_fewer",)


def test_a_voice_that_whispers_and_shouts_has_one_speaker_for_each_at_most(tmp_path: Path) -> None:
    sound = load(MEETING)[: 60 * RATE]
    thirds = np.array_split(sound, 12)
    for place, part in enumerate(thirds):
        if place % 3 == 1:
            part[:] = whispered(part) / 3
        if place % 3 == 2:
            part[:] = np.tanh(20 * part)
    assert 1 <= Listened(sound, tmp_path).speakers() <= 3


def test_a_hundred_people_with_a_word_each_are_no_trouble(dialogue: Sound, tmp_path: Path) -> None:
    """Words of the dialogue, each as by a shorter or a longer throat."""
    pieces: list[Sound] = []
    for person in range(100):
        start = RATE + person * WORD * 4 // 5
        height = 0.7 + 0.007 * person
        pieces += [resampled(dialogue[start : start + WORD], round(WORD / height)), silence(PAUSE / RATE)]
    assert 1 <= Listened(np.concatenate(pieces), tmp_path).speakers() <= 100


def repeated(windows: list[ObservedWindow], unlike: float) -> Iterator[ObservedWindow]:
    """Ten hours of these windows, each time with voices that are a little `unlike` what they were."""
    chance = np.random.default_rng(1)

    def other(piece: Piece) -> Piece:
        voice = np.frombuffer(piece.voice, np.int8).astype(np.float32)
        return replace(piece, voice=eight_bits(voice + chance.normal(0, unlike, voice.shape).astype(np.float32)))

    for index in range(TEN_HOURS // STEP):
        voices = windows[index % len(windows)].voices
        tracks = [
            [replace(track, pieces=tuple(map(other, track.pieces))) for track in voice.tracks] for voice in voices
        ]
        yield ObservedWindow(index, tuple(Observation(tuple(voice)) for voice in tracks))


@pytest.mark.parametrize(("unlike", "found"), [(10, range(3, 4)), (200, range(3, 5_000))], ids=["voices", "no voices"])
def test_ten_hours_are_told_apart_within_twenty_seconds_and_little_memory(
    listened: Listened, unlike: float, found: range
) -> None:
    """Also if nothing is like anything else; some of what is expected is more than there is."""
    windows = list(repeated(listened.windows, unlike))
    processes = SpeakerProcesses(ReaderProcesses(FRUGAL), models=Path)
    expected = ExpectedSpeakers(at_least=50)
    (turns,) = processes.turns(windows, [[(0, TEN_HOURS)]], expected, stop=threading.Event())
    assert len({turn.speaker for turn in turns}) in found


def stopped_while_it_waits_for_sound(processes: SpeakerProcesses, _: Listened, stop: threading.Event) -> None:
    spool = Path("no such spool")
    threading.Timer(0.3, stop.set).start()
    list(processes.observe(spool, first=0, stop=stop))


def stopped_while_it_observes(processes: SpeakerProcesses, listened: Listened, stop: threading.Event) -> None:
    for _ in processes.observe(listened.spool, first=0, stop=stop):
        stop.set()


def stopped_while_it_tells_apart(processes: SpeakerProcesses, listened: Listened, stop: threading.Event) -> None:
    windows = list(repeated(listened.windows, 10))
    threading.Timer(0.3, stop.set).start()
    processes.turns(windows, [[(0, TEN_HOURS)]], ExpectedSpeakers(), stop=stop)


@pytest.mark.parametrize(
    "work", [stopped_while_it_waits_for_sound, stopped_while_it_observes, stopped_while_it_tells_apart]
)
def test_a_stop_ends_every_step_and_its_process(work: Callable[..., None], listened: Listened) -> None:
    stop = threading.Event()
    processes = SpeakerProcesses(ReaderProcesses(FRUGAL), models=lambda: locate(SPEAKERS).folder)
    with pytest.raises(StoppedError):
        work(processes, listened, stop)
    assert {child.name for child in multiprocessing.active_children()}.isdisjoint({"observe", "speaker_turns"})


@pytest.mark.parametrize(("cores", "threads"), [(1, 1), (2, 1), (4, 3), (96, 8)])
def test_speakers_are_observed_on_cores_that_are_free_but_on_no_more_than_memory_allows(
    monkeypatch: pytest.MonkeyPatch, cores: int, threads: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(cores))
    assert vars(reader_main)["_free_cores"]() == threads
