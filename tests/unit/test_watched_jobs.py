"""Which jobs are looked at, and how often."""

from __future__ import annotations

from math import inf
from typing import cast

import pytest

from services.cli.api.client import Api
from services.cli.recordings import watching
from services.cli.recordings.recording import Phase, Recording
from services.cli.recordings.sources import Source
from tests.support.scripted_service import ScriptedApi, job


def waiting(api: ScriptedApi, *names: str) -> list[Recording]:
    """Recordings that the service has."""
    for name in names:
        api.scripts.setdefault(name, [job(name, "queued")])
    return [Recording(name=name, job_id=f"job_{name}", phase=Phase.SENT) for name in names]


def test_few_jobs_are_read_alone_and_of_many_the_list_and_the_foremost() -> None:
    api = ScriptedApi()
    watch = watching.Watch(cast("Api", api))
    watch.look(waiting(api, "a", "b", "c"))
    assert api.asked == {"a": 1, "b": 1, "c": 1}
    api.asked.clear()
    api.scripts["y"] = [job("y", "running")]
    many = waiting(api, *(f"q{number}" for number in range(20)), "y")
    watch.look(many)
    assert api.asked == {"list": 1, "y": 1, "q0": 1, "q1": 1}


def test_a_job_that_no_page_shows_is_read_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    api = ScriptedApi()
    many = waiting(api, *"abcdef")
    monkeypatch.setattr(api, "pages", lambda *_, **__: iter([job(name, "queued") for name in "abcde"]))
    watching.Watch(cast("Api", api)).look(many)
    assert api.asked == {"a": 1, "b": 1, "c": 1, "f": 1}


def test_of_jobs_that_no_page_shows_each_has_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    api = ScriptedApi()
    many = waiting(api, *"abcdefg")
    monkeypatch.setattr(api, "pages", lambda *_, **__: iter([job(name, "queued") for name in "abcd"]))
    watch = watching.Watch(cast("Api", api))
    for _ in "efg":
        watch.look(many)
    assert api.asked == {"a": 3, "b": 3, "c": 3, "e": 1, "f": 1, "g": 1}


@pytest.mark.parametrize(
    ("estimates", "seconds"), [([1], 2), ([60], 3), ([600], 5), ([None], 5), ([600, 1], 2), ([1] * 4, 5), ([], inf)]
)
def test_looks_are_the_rarer_the_later_something_ends(estimates: list[int | None], seconds: float) -> None:
    recordings = [Recording(name="a") for _ in estimates]
    for recording, estimate in zip(recordings, estimates, strict=True):
        recording.job, recording.progress = {"status": "queued"}, {"estimated_seconds": estimate}
    assert watching.pause(recordings) == seconds


def test_what_this_run_has_uploaded_is_soon_looked_at_again() -> None:
    source = Source(word="a", file_name="a")
    own, other = (Recording(name="a", source=one, job=job("a", "awaiting_upload")) for one in (source, None))
    assert (watching.pause([own]), watching.pause([other])) == (2, 5)
