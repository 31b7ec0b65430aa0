"""Who speaks when is the same, to the bit, however a recording is observed: with real models, on a real dialogue."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from services.common.domain.options import Options
from services.common.domain.speakers import ExpectedSpeakers
from services.gpu_worker.engine.audio.sound import RATE
from services.gpu_worker.engine.decode.catalogue import SPEAKERS
from services.gpu_worker.engine.decode.model_files import locate
from services.gpu_worker.engine.plan.local_reader import LocalReader
from services.gpu_worker.engine.plan.plan import Plan
from services.gpu_worker.engine.plan.reader import Cutting
from services.gpu_worker.engine.plan.spool import spooled, voice_file
from services.gpu_worker.engine.process import LIMITS
from services.gpu_worker.engine.processes.readers import ReaderProcesses
from services.gpu_worker.engine.processes.speaker_processes import SpeakerProcesses
from services.gpu_worker.engine.speakers import following
from services.gpu_worker.engine.speakers.following import follow
from services.gpu_worker.engine.speakers.grid import WINDOW, windows_between
from services.gpu_worker.engine.speakers.networks import OnnxNetworks
from services.gpu_worker.engine.speakers.spoken_turns import SpeakerTurn
from services.gpu_worker.engine.speakers.voices import turns_of_voices
from services.gpu_worker.engine.speakers.windows import ObservedWindow
from tests.bench.speakers.turn_errors import turn_errors
from tests.bench.speakers.turns import Turn, read_rttm, speakers_of
from tests.support.audio import DIALOGUE
from tests.support.listening import LONGEST, cut

OPTIONS = Options.parse({"preset": "fast", "speakers": "auto"}, ["random"])
IN_PARTS = Cutting(part_seconds=12, alone_seconds=15)
SECONDS = 50
Windows = list[ObservedWindow]


@pytest.fixture(scope="module")
def models() -> Path:
    return locate(SPEAKERS).folder


@pytest.fixture(scope="module", autouse=True)
def loaded_once(models: Path) -> Iterator[None]:
    """The networks hold nothing of any recording, so all tests here share them."""
    networks = OnnxNetworks(models)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(following, "OnnxNetworks", lambda _: networks)
        yield


def read(path: Path, spool: Path) -> Plan:
    """The plan of a recording whose sound is in the spool then."""
    stop = threading.Event()
    *_, plan = LocalReader().plan(path, OPTIONS, spool=spool, max_seconds=LONGEST, stop=stop)
    assert isinstance(plan, Plan)
    return plan


@pytest.fixture(scope="module")
def spool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("spool")


@pytest.fixture(scope="module")
def plan(spool: Path) -> Plan:
    return read(DIALOGUE, spool)


def observed(spool: Path, models: Path, *, first: int = 0, **given: Any) -> Windows:
    return list(follow(spool, models, first=first, stop=threading.Event(), **given))


@pytest.fixture(scope="module")
def windows(plan: Plan, spool: Path, models: Path) -> Windows:
    """Those of the whole recording, observed in one go on one thread."""
    found = observed(spool, models)
    assert [window.index for window in found] == list(windows_between(0, plan.samples))
    assert len(set(found)) == len(found), "the windows must differ to prove anything"
    return found


def told(plan: Plan, windows: Windows) -> list[tuple[SpeakerTurn, ...]]:
    speech = [[span for clip in plan.clips if clip.channel == voice for span in clip.spans] for voice in range(1)]
    return list(turns_of_voices(windows, speech, ExpectedSpeakers()))


def test_the_three_who_speak_are_told_apart(plan: Plan, windows: Windows) -> None:
    (turns,) = told(plan, windows)
    found = [Turn(turn.start / RATE, turn.end / RATE, str(turn.speaker)) for turn in turns]
    truth = read_rttm(DIALOGUE.with_suffix(".rttm"))["dialogue"]
    errors = turn_errors(truth, found)
    assert len(speakers_of(found)) == len(speakers_of(truth)) == 3
    assert errors.confusion < 0.02 * SECONDS


def test_the_number_of_threads_changes_nothing(spool: Path, models: Path, windows: Windows) -> None:
    assert observed(spool, models, threads=3) == windows


def test_a_restart_after_every_window_changes_nothing(spool: Path, models: Path, windows: Windows) -> None:
    every = range(len(windows))
    alone = [window for index in every for window in observed(spool, models, first=index, last=index + 1)]
    assert alone == windows


def test_a_spool_that_is_written_slowly_changes_nothing(
    spool: Path, models: Path, windows: Windows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next second of sound comes only when the spool was found too short."""
    wanted = threading.Semaphore(0)
    monkeypatch.setattr(following, "time", SimpleNamespace(sleep=lambda _: (wanted.release(), time.sleep(0.001))))
    sound = np.fromfile(voice_file(spool, 0), np.int16)[None]

    def blocks() -> Iterator[Any]:
        for start in range(0, sound.shape[1], RATE):
            assert wanted.acquire(timeout=20)
            yield sound[:, start : start + RATE]

    writing = threading.Thread(target=lambda: [None for _ in spooled(blocks(), tmp_path)])
    writing.start()
    assert observed(tmp_path, models, threads=2) == windows
    writing.join()


def test_company_changes_nothing(spool: Path, models: Path, windows: Windows, talk: Path, tmp_path: Path) -> None:
    """Another recording is observed at the same time, on the same networks."""
    read(talk, tmp_path)
    company = threading.Thread(target=lambda: observed(tmp_path, models))
    company.start()
    found = observed(spool, models)
    company.join()
    assert found == windows


def test_parts_from_their_own_files_have_the_windows_and_turns_of_the_whole(
    models: Path, plan: Plan, windows: Windows, tmp_path: Path
) -> None:
    in_parts = cut(DIALOGUE, OPTIONS, tmp_path, cutting=IN_PARTS)
    assert len(in_parts.parts) > 1
    found: Windows = []
    for part in in_parts.parts:
        with tempfile.TemporaryDirectory() as folder:
            given: dict[str, Any] = {"spool": Path(folder), "stop": threading.Event(), "until": part.end + WINDOW}
            path = tmp_path / f"{part.index}.flac"
            assert list(LocalReader().clips(path, in_parts, [], part=part.index, **given)) == []
            wanted = windows_between(part.start, part.end)
            found += observed(Path(folder), models, first=wanted.start, last=wanted.stop, offset=part.start)
    assert found == windows
    assert told(in_parts, found) == told(plan, windows)


def test_a_process_of_its_own_observes_the_same_and_tells_the_same(
    spool: Path, models: Path, plan: Plan, windows: Windows
) -> None:
    speakers = SpeakerProcesses(ReaderProcesses(LIMITS), models=lambda: models)
    stop = threading.Event()
    assert list(speakers.observe(spool, first=0, stop=stop)) == windows
    speech = [[span for clip in plan.clips for span in clip.spans]]
    assert speakers.turns(windows, speech, ExpectedSpeakers(), stop=stop) == told(plan, windows)


def test_windows_that_were_stored_tell_the_same(plan: Plan, windows: Windows) -> None:
    assert [ObservedWindow.from_json(window.to_json()) for window in windows] == windows
