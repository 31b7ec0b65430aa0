"""From the reader to the model: what is decoded while a recording is read, and how either's end ends both."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from services.common.domain.errors import AudioTooLongError, InvalidMediaError
from services.common.domain.options import Options
from services.common.domain.vocabularies import KeptWords
from services.common.store.leases import FencedError
from services.gpu_worker.engine.plan.language import AMONG, CLIPS
from services.gpu_worker.engine.plan.plan import Clip, Plan
from services.gpu_worker.engine.processes.device_link import DeviceDiedError
from services.gpu_worker.engine.processes.readers import ReaderLostError
from services.gpu_worker.engine.stopping import StopFlag, StoppedError
from tests.support.scripted_engine import PATIENCE, Scripted, ScriptedModel, clips, plan, read, waited

AUTO = Options(language="auto")
LATE = AudioTooLongError("It is longer than an hour.")


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    yield
    assert "flow" not in {thread.name for thread in threading.enumerate()}


@pytest.fixture
def aside() -> Iterator[Callable[..., Future[list[int]]]]:
    """Takes all results on a thread of its own."""
    pool = ThreadPoolExecutor(1)
    yield lambda results: pool.submit(lambda: [result.index for result in results])
    pool.shutdown()


Aside = Callable[..., Future[list[int]]]


def test_the_first_text_comes_while_the_recording_is_still_being_read(tmp_path: Path) -> None:
    more = threading.Event()
    engine = Scripted(tmp_path, [*read(1), more, *read(3)[1:], plan(3)])
    results = engine.transcribe()
    assert next(results).text == "0"
    assert engine.plans == []
    more.set()
    assert [result.text for result in results] == ["1", "2"]
    assert engine.plans == [plan(3)]


def test_what_is_known_is_not_decoded_and_the_plan_is_told_all_the_same(tmp_path: Path) -> None:
    engine = Scripted(tmp_path, [*read(4), plan(4)])
    assert [result.index for result in engine.transcribe(known=clips(4)[1:3])] == [0, 3]
    assert engine.plans == [plan(4)]


def test_a_result_of_another_clip_under_the_same_index_counts_for_nothing(tmp_path: Path) -> None:
    engine = Scripted(tmp_path, [*read(3), plan(3)])
    earlier = [Clip(1, 0, ((500, 900),)), clips(3)[2]]
    assert [(result.index, result.clip) for result in engine.transcribe(known=earlier)] == list(enumerate(clips(2)))


@pytest.mark.parametrize("count", [0, 1, 3])
def test_where_everything_is_known_or_nobody_speaks_only_the_plan_is_told(tmp_path: Path, count: int) -> None:
    engine = Scripted(tmp_path, [*read(count), plan(count)])
    assert list(engine.transcribe(known=clips(count))) == []
    assert engine.plans == [plan(count)]


def test_no_clip_of_a_later_part_is_begun_once_the_plan_is_known(tmp_path: Path) -> None:
    model = ScriptedModel()
    engine = Scripted(tmp_path, [*read(5), plan(5, first=2)], model)
    model.before = lambda _, stop: waited(engine.told, stop)
    assert [result.index for result in engine.transcribe()] == [0, 1]
    assert model.begun == [0, 1]


def test_clips_of_later_parts_are_decoded_while_it_is_not_known_that_they_are(tmp_path: Path) -> None:
    rest = threading.Event()
    model = ScriptedModel(before=lambda index, _: rest.set() if index == 3 else None)
    engine = Scripted(tmp_path, [*read(4), rest, *read(5)[4:], plan(5, first=2)], model)
    assert [result.index for result in engine.transcribe()][:4] == [0, 1, 2, 3]
    assert engine.plans == [plan(5, first=2)]


@pytest.mark.parametrize("error", [LATE, InvalidMediaError("It broke."), ReaderLostError(), OSError(28, "full")])
def test_an_error_of_reading_ends_the_work_before_the_clips_that_wait(tmp_path: Path, error: Exception) -> None:
    model = ScriptedModel()
    engine = Scripted(tmp_path, [*read(50), error], model)
    model.before = lambda _, stop: waited(engine.reader.ended, stop)
    results = engine.transcribe()
    with pytest.raises(type(error)):
        list(results)
    assert len(model.begun) <= 2, "the one that was on the device, and one that was handed over meanwhile"
    assert engine.plans == []


@pytest.mark.parametrize("error", [FencedError("part"), ConnectionError("S3 is away"), StoppedError()])
def test_an_error_of_whoever_takes_the_plan_ends_the_work(tmp_path: Path, error: Exception) -> None:
    failed = threading.Event()
    model = ScriptedModel()
    engine = Scripted(tmp_path, [*read(50), plan(50)], model)

    def planned(_: Plan) -> None:
        failed.set()
        raise error

    def before(_: int, stop: StopFlag) -> None:
        waited(failed, stop)
        waited(engine.reader.ended, stop)

    model.before = before
    with pytest.raises(type(error)):
        list(engine.transcribe(planned=planned))
    assert len(model.begun) <= 2


def test_an_error_of_whoever_takes_the_plan_is_not_lost_when_all_is_decoded_by_then(tmp_path: Path) -> None:
    done = threading.Event()
    engine = Scripted(tmp_path, [*read(3), plan(3)])

    def planned(_: Plan) -> None:
        waited(done, engine.stop)
        raise FencedError("part")

    results = engine.transcribe(planned=planned)
    assert [next(results).index for _ in range(3)] == [0, 1, 2]
    done.set()
    with pytest.raises(FencedError):
        next(results)


def test_a_device_that_dies_ends_reading_and_the_split_goes_on_to_its_end(tmp_path: Path) -> None:
    """Whoever gives the part back must not do so while another thread still writes the parts of the split."""
    splitting, dead = threading.Event(), threading.Event()
    split: list[Plan] = []

    def before(index: int, stop: StopFlag) -> None:
        if index == 1:
            waited(splitting, stop)
            dead.set()
            raise DeviceDiedError(1)

    def planned(known: Plan) -> None:
        splitting.set()
        waited(dead, engine.stop)
        split.append(known)

    engine = Scripted(tmp_path, [*read(4), plan(4, first=2)], ScriptedModel(before=before))
    with pytest.raises(DeviceDiedError):
        list(engine.transcribe(planned=planned))
    assert split == [plan(4, first=2)]


def test_a_device_that_dies_while_the_recording_is_read_ends_reading(tmp_path: Path) -> None:
    def before(_: int, __: StopFlag) -> None:
        raise DeviceDiedError(1)

    engine = Scripted(tmp_path, [*read(4), threading.Event(), plan(4)], ScriptedModel(before=before))
    with pytest.raises(DeviceDiedError):
        list(engine.transcribe())
    assert engine.reader.ended.is_set()
    assert engine.plans == []


def test_whoever_takes_no_more_results_ends_reading(tmp_path: Path) -> None:
    engine = Scripted(tmp_path, [*read(2), threading.Event(), plan(2)])
    results = engine.transcribe()
    next(results)
    results.close()
    assert engine.reader.ended.is_set()


@pytest.mark.parametrize("options", [Options(language="sv"), AUTO], ids=["decoding", "finding out the language"])
def test_a_stop_while_the_device_waits_for_the_reader_ends_both(tmp_path: Path, aside: Aside, options: Options) -> None:
    engine = Scripted(tmp_path, [*read(2), threading.Event(), plan(2)])
    stopped = aside(engine.transcribe(options))
    engine.stop.set()
    with pytest.raises(StoppedError):
        stopped.result(PATIENCE)
    assert engine.reader.ended.is_set()


def test_a_stop_while_the_recording_is_split_ends_both(tmp_path: Path, aside: Aside) -> None:
    splitting, never = threading.Event(), threading.Event()

    def planned(_: Plan) -> None:
        splitting.set()
        waited(never, engine.stop)

    engine = Scripted(tmp_path, [*read(2), plan(2)])
    stopped = aside(engine.transcribe(planned=planned))
    assert splitting.wait(PATIENCE)
    engine.stop.set()
    with pytest.raises(StoppedError):
        stopped.result(PATIENCE)


def test_a_stop_before_anything_is_read_reads_nothing(tmp_path: Path) -> None:
    engine = Scripted(tmp_path, [*read(2), plan(2)])
    engine.stop.set()
    with pytest.raises(StoppedError):
        list(engine.transcribe(Options(prompt="Möte")))
    assert not engine.reader.ended.is_set()


@pytest.mark.parametrize("count", [1, 2, AMONG - 1])
def test_a_short_recordings_language_is_found_out_by_all_that_there_is(tmp_path: Path, count: int) -> None:
    engine = Scripted(tmp_path, [*read(count), plan(count, language="auto")])
    assert len(list(engine.transcribe(AUTO))) == count
    assert engine.model.asked == list(range(min(count, CLIPS)))
    assert engine.model.languages == ["fi"]
    assert engine.plans == [plan(count, language="fi")]


def test_a_long_recordings_language_is_found_out_before_it_has_been_read(tmp_path: Path) -> None:
    rest = threading.Event()
    engine = Scripted(tmp_path, [*read(AMONG), rest, *read(AMONG + 5)[AMONG:], plan(AMONG + 5, language="auto")])
    results = engine.transcribe(AUTO)
    assert next(results).index == 0
    assert engine.model.asked == list(range(CLIPS))
    rest.set()
    assert len(list(results)) == AMONG + 4


def test_a_silent_recording_has_a_language_too(tmp_path: Path) -> None:
    engine = Scripted(tmp_path, [plan(0, language="auto")])
    assert list(engine.transcribe(AUTO)) == []
    assert engine.model.asked == []
    assert engine.plans == [plan(0, language="fi")]


def test_a_recording_that_breaks_before_its_language_is_known_is_not_decoded(tmp_path: Path) -> None:
    engine = Scripted(tmp_path, [*read(3), LATE])
    with pytest.raises(AudioTooLongError):
        list(engine.transcribe(AUTO))
    assert (engine.model.asked, engine.model.begun, engine.plans) == (None, [], [])


def test_a_plan_whose_language_is_never_found_out_is_not_told(tmp_path: Path) -> None:
    engine = Scripted(tmp_path, [*read(2), plan(2, language="auto")], ScriptedModel(language_error=DeviceDiedError(1)))
    with pytest.raises(DeviceDiedError):
        list(engine.transcribe(AUTO))
    assert engine.plans == []


def test_the_plan_has_the_words_that_the_model_reads(tmp_path: Path) -> None:
    engine = Scripted(tmp_path, [*read(2), plan(2)])
    list(engine.transcribe(vocabulary=KeptWords.of(["Umeå"])))
    assert engine.plans[0].vocabulary == ("Umeå",)


def test_a_known_plan_is_decoded_while_it_is_read_and_by_its_own_language(tmp_path: Path) -> None:
    more = threading.Event()
    engine = Scripted(tmp_path, [*read(2), more, *read(4)[2:]])
    results = engine.decode(plan(4, language="fi"), [1, 3])
    assert next(results).text == "1"
    more.set()
    assert [result.text for result in results] == ["3"]
    assert engine.model.languages == ["fi"]


def test_a_known_plan_that_is_read_differently_ends_with_that_error(tmp_path: Path) -> None:
    engine = Scripted(tmp_path, [*read(2), InvalidMediaError("It broke.")])
    with pytest.raises(InvalidMediaError):
        list(engine.decode(plan(4), range(4)))
