"""When an engine is replaced, and when a device is no longer believed."""

from __future__ import annotations

from typing import Any, cast

import pytest

from services.common.domain.errors import DamagedModelError
from services.gpu_worker.engine.decode.model_files import ModelFiles
from services.gpu_worker.engine.decode.model_sources import ModelMissingError
from services.gpu_worker.engine.process import EngineProcess
from services.gpu_worker.engine.processes.device_link import DeviceDiedError
from services.gpu_worker.machine.self_test import Passed, SelfTestFailedError
from services.gpu_worker.queue.engines import Engines
from tests.support.step_engine import StepEngine


class Bench:
    """Engines that do as the test says, and what was done with them."""

    def __init__(self) -> None:
        self.made: list[Any] = []
        self.self_tests = 0
        self.speed = 60.0
        self.passes = True
        self.fails_to_load: Exception | None = None
        self.missing: str | None = None
        self.engines = Engines(self._make, self._self_test, self._prefetch)

    def _make(self, model: str) -> EngineProcess:
        engine = StepEngine(1, 1, lambda: None)
        engine.model = model
        if self.fails_to_load:
            engine.wait_until_ready = self._cannot_load  # type: ignore[method-assign]
        self.made.append(engine)
        return cast("EngineProcess", engine)

    def _prefetch(self, model: str) -> None:
        if model == self.missing:
            raise ModelMissingError("model", "It is nowhere.")

    def _cannot_load(self) -> ModelFiles:
        assert self.fails_to_load
        raise self.fails_to_load

    def _self_test(self, _: EngineProcess) -> Passed:
        self.self_tests += 1
        if not self.passes:
            raise SelfTestFailedError("Only noise.")
        return Passed(likeness=1.0, warm_up_seconds=0.0, speed=self.speed)

    def ready(self, model: str = "a", *, alone: bool = True) -> EngineProcess:
        return self.engines.ready(model, alone=alone)[0]

    def fail(self, name: str, *, worked: bool = False) -> None:
        engine = self.ready()
        engine.worked = worked
        self.engines.failed(engine, name)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_an_engine_that_is_well_is_kept_and_passes_no_self_test(bench: Bench) -> None:
    assert bench.ready() is bench.ready()
    assert bench.self_tests == 0


def test_another_model_is_another_engine_and_no_reason_for_a_self_test(bench: Bench) -> None:
    assert bench.ready("a") is not bench.ready("b")
    assert bench.self_tests == 0


def test_an_engine_that_died_is_replaced_by_one_that_passes_the_self_test(bench: Bench) -> None:
    bench.ready().alive = False  # type: ignore[misc] # of the script
    bench.ready()
    assert (len(bench.made), bench.self_tests) == (2, 1)


def test_an_engine_that_failed_is_replaced_once_nobody_else_uses_it(bench: Bench) -> None:
    first = bench.ready()
    bench.engines.failed(first, "job")
    assert not bench.engines.sound
    assert bench.ready(alone=False) is first
    assert bench.ready(alone=True) is not first
    assert bench.engines.sound


def test_a_model_that_cannot_be_loaded_is_no_failure_of_the_one_before(bench: Bench) -> None:
    bench.ready("a")
    bench.fails_to_load = DeviceDiedError()
    with pytest.raises(DeviceDiedError):
        bench.ready("b")


def test_a_model_that_cannot_be_had_costs_nobody_the_engine_that_is_there(bench: Bench) -> None:
    first = bench.ready("a")
    bench.missing = "b"
    with pytest.raises(ModelMissingError):
        bench.ready("b")
    assert bench.ready("a") is first


def test_the_self_test_that_a_failure_owes_is_owed_until_an_engine_has_passed_it(bench: Bench) -> None:
    bench.fail("job")
    bench.fails_to_load = DamagedModelError("model.bin differs.")
    with pytest.raises(DamagedModelError):
        bench.ready("b")
    bench.fails_to_load = None
    bench.ready("a")
    assert bench.self_tests == 1


def test_a_replacement_that_fails_the_self_test_or_cannot_be_loaded_is_the_machines_end(bench: Bench) -> None:
    bench.fail("job")
    bench.passes = False
    with pytest.raises(SelfTestFailedError):
        bench.ready()
    bench.fails_to_load = DeviceDiedError()
    with pytest.raises(SelfTestFailedError):
        bench.ready()


def test_what_is_wrong_with_a_model_is_said_as_it_is(bench: Bench) -> None:
    bench.fails_to_load = DamagedModelError("model.bin differs.")
    with pytest.raises(DamagedModelError):
        bench.ready()


def test_a_model_that_was_not_loaded_is_not_taken_for_the_one_before(bench: Bench) -> None:
    bench.ready("a")
    bench.fails_to_load = DamagedModelError("model.bin differs.")
    with pytest.raises(DamagedModelError):
        bench.ready("b")
    bench.fails_to_load = None
    assert bench.ready("b") is bench.made[-1]


def test_one_failure_is_no_reason_for_distrust(bench: Bench) -> None:
    bench.fail("job")
    assert not bench.engines.distrusted


def test_several_reports_of_one_engine_are_one_failure(bench: Bench) -> None:
    engine = bench.ready()
    for name in ("one", "two"):
        bench.engines.failed(engine, name)
    assert not bench.engines.distrusted


def test_two_engines_in_a_row_that_fail_over_two_recordings_are_the_devices_fault(bench: Bench) -> None:
    bench.fail("one", worked=True)
    bench.fail("two")
    assert bench.engines.distrusted


def test_one_recording_that_fails_again_and_again_is_not_where_the_device_has_worked(bench: Bench) -> None:
    bench.fail("one", worked=True)
    for _ in range(3):
        bench.fail("one")
    assert not bench.engines.distrusted


def test_one_recording_that_fails_twice_is_enough_where_the_device_has_never_worked(bench: Bench) -> None:
    bench.fail("one")
    bench.fail("one")
    assert bench.engines.distrusted


def test_an_engine_that_has_worked_since_is_trusted_again(bench: Bench) -> None:
    bench.fail("one")
    bench.fail("two", worked=True)
    bench.fail("three", worked=True)
    assert not bench.engines.distrusted
