"""What a job asks for is held against what the deployment holds now, not when this worker began."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from services.common.domain.errors import ModelUnavailableError
from services.common.domain.records import Job
from services.common.domain.states import JobStatus
from services.common.settings import SettingsError
from services.gpu_worker.machine.retrying import Retrying
from services.gpu_worker.queue.claiming import Claimer
from tests.support.world import lively


def taking(models_now: Callable[[], Sequence[str]]) -> Claimer:
    """Of a worker that began when the deployment held one model."""
    unused: Any = None
    return Claimer(
        store=unused,
        announcer=unused,
        settings=lively(models=("first",)),
        identity=unused,
        presence=unused,
        clock=lambda: 0,
        lease_ends=lambda: 0,
        retrying=Retrying(threading.Event()),
        models_now=models_now,
    )


def job(**options: str) -> Job:
    return Job(
        job_id="job_1",
        client_id="alice",
        status=JobStatus.QUEUED,
        created_at=0,
        source_key="uploads/a.mp3",
        file_name="a.mp3",
        options=options,
    )


def test_a_model_that_was_added_after_this_worker_began_fails_no_job() -> None:
    asked: list[int] = []

    def models_now() -> Sequence[str]:
        asked.append(1)
        return ("first", "added")

    worker = taking(models_now)
    for _ in range(2):
        options, wrong = worker.options(job(model="added"))
        assert (options.model_key, wrong) == ("added", None)
    assert len(asked) == 1, "what it knows by now is not asked again"


def test_a_model_that_the_deployment_holds_no_more_is_refused() -> None:
    _, wrong = taking(lambda: ("first",)).options(job(model="removed"))
    assert isinstance(wrong, ModelUnavailableError)


def test_settings_that_cannot_be_read_again_leave_those_that_are_known() -> None:
    def broken() -> Sequence[str]:
        raise SettingsError("The parameter does not hold a JSON object of settings.")

    worker = taking(broken)
    _, wrong = worker.options(job(model="added"))
    assert isinstance(wrong, ModelUnavailableError)
    options, _ = worker.options(job())
    assert options.model_key == "first"


def test_nobody_is_asked_about_an_option_that_is_wrong_for_every_model() -> None:
    def never() -> Sequence[str]:
        raise AssertionError("asked")

    _, wrong = taking(never).options(job(preset="best"))
    assert wrong
    assert wrong.field == "preset"
