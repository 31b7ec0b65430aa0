"""Checks with the self-test that this machine's device transcribes well and fast enough for its deployment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from services.gpu_worker.machine.preflight import kind_of_device
from services.gpu_worker.machine.self_test import judge, listen

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.gpu_worker.engine.process import EngineProcess
    from services.gpu_worker.machine.self_test import Heard, Passed
    from services.gpu_worker.settings import WorkerSettings

log = structlog.get_logger()


class DeviceCheck:
    """The self-test, with the limits that the settings name for this kind of device."""

    def __init__(self, settings: WorkerSettings, first_listen: Callable[[EngineProcess], Heard] = listen) -> None:
        """`first_listen`: what an engine made of the known clip; one with a head start has transcribed it already."""
        self._settings = settings
        self._first_listen = first_listen

    def __call__(self, engine: EngineProcess) -> Passed:
        """Let an engine pass the self-test, and set its measured speed.

        Raises:
            SelfTestFailedError: the words differ too much, or the speed is too low.

        """
        device = kind_of_device(self._settings)
        floor = self._settings.self_test_floor_cuda if device == "cuda" else self._settings.self_test_floor_cpu
        heard = self._first_listen(engine)
        if heard.speed < floor:
            # It may have been measured in the busiest second of the boot, so it is measured once more.
            heard = listen(engine)
        passed = judge(heard, likeness=self._settings.self_test_likeness, floor=floor)
        engine.expect(passed.speed)
        log.info(
            "self_test.passed",
            device=device,
            likeness=passed.likeness,
            speed=passed.speed,
            warm_up_seconds=passed.warm_up_seconds,
        )
        return passed
