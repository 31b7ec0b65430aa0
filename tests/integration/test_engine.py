"""The engine on a model of random weights: the same words whatever the batch, the company, the split, the restart."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from services.common.domain.errors import DecoderFailedError
from services.common.domain.options import Options
from services.gpu_worker.engine.audio.reading import Reading
from services.gpu_worker.engine.audio.samples import Samples
from services.gpu_worker.engine.audio.sound import RATE
from services.gpu_worker.engine.decode.device_choice import EngineSettings
from services.gpu_worker.engine.decode.loaded_model import LoadedModel
from services.gpu_worker.engine.decode.model_files import locate
from services.gpu_worker.engine.decode.results import ClipResult
from services.gpu_worker.engine.engine import Engine
from services.gpu_worker.engine.local import LocalEngine
from services.gpu_worker.engine.plan import planner
from services.gpu_worker.engine.plan.local_reader import LocalReader
from services.gpu_worker.engine.plan.plan import Plan
from services.gpu_worker.engine.plan.reader import USUAL, Cutting, Items, ReadClip
from services.gpu_worker.engine.plan.spool import Sound
from services.gpu_worker.engine.stopping import StoppedError
from tests.support.listening import cut, decoded, heard, plan_of
from tests.support.random_model import write_random_model

MEETING = Path("examples/audio/meeting.mp3")
OPTIONS = Options.parse({"preset": "fast"}, ["random"])
IN_PARTS = Cutting(part_seconds=20, alone_seconds=60)
PAUSED_AT, PAUSE = 60, 36_000
"""Seconds."""


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_random_model(tmp_path_factory.mktemp("model"))


def load(folder: Path, batch: int) -> LocalEngine:
    return LocalEngine.load(locate("random", folder), EngineSettings(device="cpu", batch=batch, threads=2))


@pytest.fixture(scope="module")
def engine(model_folder: Path) -> Iterator[LocalEngine]:
    engine = load(model_folder, batch=4)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def plan() -> Plan:
    """The meeting in several parts."""
    return plan_of(MEETING, OPTIONS, cutting=IN_PARTS)


def decode(
    engine: LocalEngine, plan: Plan, clips: Sequence[int], path: Path = MEETING, part: int | None = None
) -> list[ClipResult]:
    return decoded(engine, path, plan, clips, OPTIONS, part=part)


@pytest.fixture(scope="module")
def words(engine: LocalEngine, plan: Plan) -> list[ClipResult]:
    """Every clip's result, decoded in one go."""
    results = decode(engine, plan, range(len(plan.clips)))
    assert len({result.text for result in results}) == len(plan.clips), "the clips must differ to prove anything"
    return results


@pytest.mark.parametrize("batch", [1, 8])
def test_the_batch_size_changes_no_word(model_folder: Path, plan: Plan, words: list[ClipResult], batch: int) -> None:
    other = load(model_folder, batch)
    assert decode(other, plan, range(len(plan.clips))) == words
    other.close()


@pytest.fixture(scope="module")
def long(engine: LocalEngine, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Plan, list[ClipResult]]:
    """Four minutes: the recording, its plan, and the words of every clip."""
    recording = tmp_path_factory.mktemp("long") / "long.mp3"
    recording.write_bytes(MEETING.read_bytes() * 2)
    plan, words = heard(engine, recording, OPTIONS)
    assert len(plan.clips) > 7
    assert decode(engine, plan, range(len(plan.clips)), recording) == words
    return recording, plan, words


@pytest.mark.parametrize(("portion", "batch"), [(3, 1), (3, 8), (7, 1), (7, 8), (1000, 1), (1000, 8)])
def test_portions_of_any_size_give_the_same_words(
    model_folder: Path, long: tuple[Path, Plan, list[ClipResult]], portion: int, batch: int
) -> None:
    """Portion by portion, as restarts or several workers divide a recording."""
    recording, plan, words = long
    every = range(len(plan.clips))
    other = load(model_folder, batch)
    found = [
        result
        for first in every[::portion]
        for result in decode(other, plan, every[first : first + portion], recording)
    ]
    other.close()
    assert found == words


def test_going_on_from_any_clip_gives_the_same_rest(engine: LocalEngine, plan: Plan, words: list[ClipResult]) -> None:
    for first in range(1, len(plan.clips)):
        assert decode(engine, plan, range(first, len(plan.clips))) == words[first:]


def test_a_part_decoded_from_its_own_file_gives_the_same_words(
    engine: LocalEngine, plan: Plan, words: list[ClipResult], tmp_path: Path
) -> None:
    assert len(plan.parts) > 2
    assert cut(MEETING, OPTIONS, tmp_path, cutting=IN_PARTS) == plan
    for part in plan.parts:
        path = tmp_path / f"{part.index}.flac"
        assert decode(engine, plan, part.clips, path, part.index) == words[part.first : part.last]


@pytest.fixture(scope="module")
def paused(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The meeting, by a recorder that was stopped for ten hours after a minute."""
    path = tmp_path_factory.mktemp("paused") / "paused.mka"
    with av.open(str(MEETING)) as source, av.open(str(path), "w") as container:
        stream = container.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(audio=0):
            if packet.pts is not None:
                pause = PAUSE if packet.pts * packet.time_base > PAUSED_AT else 0
                packet.pts = packet.dts = packet.pts + round(pause / packet.time_base)
                packet.stream = stream
                container.mux(packet)
    return path


def test_words_behind_a_pause_of_ten_hours_are_told_when_a_player_plays_them_and_the_pause_costs_nothing(
    engine: LocalEngine, plan: Plan, words: list[ClipResult], paused: Path
) -> None:
    began = time.process_time()
    other, results = heard(engine, paused, OPTIONS)
    assert time.process_time() - began < 10
    assert other.seconds == pytest.approx(plan.seconds + PAUSE, abs=0.1)
    assert other.samples < plan.samples + 5 * RATE
    assert "gaps" in other.warnings
    starts = [word.start for result in results for word in result.words]
    assert all(start < PAUSED_AT + 1 or PAUSED_AT + PAUSE - 1 < start <= other.seconds for start in starts)
    assert max(starts) > PAUSED_AT + PAUSE


def test_parts_of_a_recording_with_a_pause_give_the_same_words_from_their_own_files(
    engine: LocalEngine, paused: Path, tmp_path: Path
) -> None:
    plan = cut(paused, OPTIONS, tmp_path, cutting=IN_PARTS)
    whole, words = heard(engine, paused, OPTIONS)
    assert whole.clips == plan.clips
    assert len(plan.parts) > 1
    for part in plan.parts:
        found = decode(engine, plan, part.clips, tmp_path / f"{part.index}.flac", part.index)
        assert found == words[part.first : part.last]


class Held:
    """A model that decodes nothing until it is let go."""

    def __init__(self, model: LoadedModel, go: threading.Event) -> None:
        self._model, self._go = model, go

    def decode(self, sounds: Iterator[Sound | None], *arguments: Any, **named: Any) -> Iterator[ClipResult]:
        assert self._go.wait(60)
        return self._model.decode(sounds, *arguments, **named)


def test_a_device_that_begins_when_all_is_read_hears_the_same(
    engine: LocalEngine, long: tuple[Path, Plan, list[ClipResult]], tmp_path: Path
) -> None:
    recording, plan, words = long
    read, plans = threading.Event(), list[Plan]()

    def planned(made: Plan) -> None:
        plans.append(made)
        read.set()

    parts: tuple[Any, Any] = LocalReader(), Held(engine.model, read)
    results = Engine(*parts).transcribe(
        recording, OPTIONS, spool=tmp_path, max_seconds=600, stop=threading.Event(), planned=planned
    )
    assert sorted(results, key=lambda result: result.index) == words
    assert plans == [plan]


@pytest.mark.parametrize("cutting", [USUAL, IN_PARTS], ids=["one part", "parts"])
def test_a_reader_that_waits_for_the_device_after_each_clip_gives_the_same(
    engine: LocalEngine, plan: Plan, words: list[ClipResult], tmp_path: Path, cutting: Cutting
) -> None:
    """So the device has nothing to do but what has just been read, and all is decoded before the plan is known."""
    heard_of: dict[int, ClipResult] = {}
    plans: list[Plan] = []

    class Patient(LocalReader):
        def plan(self, *arguments: Any, **named: Any) -> Items:
            for count, item in enumerate(planner.plan(*arguments, **named), start=1):
                yield item
                deadline = time.monotonic() + 60
                while isinstance(item, ReadClip) and len(heard_of) < count:
                    assert time.monotonic() < deadline
                    time.sleep(0.002)

    given: dict[str, Any] = {"max_seconds": 600, "stop": threading.Event(), "planned": plans.append, "cutting": cutting}
    for result in Engine(Patient(), engine.model).transcribe(MEETING, OPTIONS, spool=tmp_path, **given):
        heard_of[result.index] = result
    assert [heard_of[index] for index in sorted(heard_of)] == words
    assert (plans[0].clips, len(plans[0].parts) > 1) == (plan.clips, cutting is IN_PARTS)


@pytest.mark.parametrize("samples", [777, 5 * RATE + 1])
def test_a_recording_that_is_read_in_blocks_of_other_sizes_has_the_same_plan(
    plan: Plan, monkeypatch: pytest.MonkeyPatch, samples: int
) -> None:
    real = vars(planner)["read"]

    def read(*arguments: Any) -> tuple[Reading, Iterator[Samples]]:
        reading, blocks = real(*arguments)
        return reading, again(blocks)

    def again(blocks: Iterator[Samples]) -> Iterator[Samples]:
        whole = np.concatenate(list(blocks), axis=1)
        yield from np.split(whole, range(samples, whole.shape[1], samples), axis=1)

    monkeypatch.setattr(planner, "read", read)
    assert plan_of(MEETING, OPTIONS, cutting=IN_PARTS) == plan


def test_a_recording_that_breaks_in_its_middle_has_the_text_of_what_is_before_and_says_so(
    engine: LocalEngine, plan: Plan, words: list[ClipResult], tmp_path: Path
) -> None:
    data = MEETING.read_bytes()
    path = tmp_path / "broken.mp3"
    path.write_bytes(data[: len(data) // 2] + bytes(len(data) // 2))
    half, found = heard(engine, path, OPTIONS)
    assert half.seconds == pytest.approx(plan.seconds / 2, abs=1)
    assert half.warnings
    whole = [result for result in words if plan.clips[result.index].end < half.samples - 30 * RATE]
    assert len(whole) >= 1
    assert found[: len(whole)] == whole
    assert [result.index for result in found] == list(range(len(half.clips)))


def test_company_changes_no_word(engine: LocalEngine, plan: Plan, words: list[ClipResult]) -> None:
    gathered: list[list[ClipResult]] = []
    tasks = [
        threading.Thread(target=lambda: gathered.append(decode(engine, plan, range(len(plan.clips))))) for _ in range(3)
    ]
    for task in tasks:
        task.start()
    for task in tasks:
        task.join()
    assert gathered == [words] * 3


def test_results_and_plan_survive_json(plan: Plan, words: list[ClipResult]) -> None:
    assert Plan.from_json(plan.to_json()) == plan
    assert [ClipResult.from_json(result.to_json()) for result in words] == words


def test_a_stop_ends_decoding_with_an_error(engine: LocalEngine, plan: Plan, tmp_path: Path) -> None:
    stop = threading.Event()
    results = engine.decode(MEETING, plan, range(len(plan.clips)), OPTIONS, spool=tmp_path, stop=stop)
    next(results)
    stop.set()
    with pytest.raises(StoppedError):
        list(results)


def test_probabilities_that_are_no_numbers_fail_the_part(plan: Plan, tmp_path: Path) -> None:
    broken = load(write_random_model(tmp_path / "model", nan=True), batch=4)
    with pytest.raises(DecoderFailedError):
        decode(broken, plan, [0])
    broken.close()
