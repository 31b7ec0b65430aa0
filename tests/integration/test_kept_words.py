"""Every completed job keeps its words: all that any format is written from, whatever it asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from services.common.domain import object_keys
from services.common.domain.annotations import annotations_of
from services.common.domain.options import FORMATS
from services.common.domain.records import Job
from services.common.domain.states import JobStatus
from services.common.store import keys
from services.common.transcript import kept_words
from services.common.transcript.formats import media_type, render
from services.gpu_worker.part.endings import PartEndings
from tests.support.step_world import StepWorld, step_world
from tests.support.world import BUCKET


@pytest.fixture(params=[1, 3], ids=["short", "merged"])
def world(request: pytest.FixtureRequest) -> Iterator[StepWorld]:
    with step_world(parts=request.param) as made:
        yield made


def done(world: StepWorld, **options: Any) -> Job:
    """A completed job with these options."""
    world.upload()
    world.serve_queue()
    (job,) = world.jobs()
    world.change(keys.job(job.job_id), options=options)
    world.settle()
    (job,) = world.jobs()
    assert job.status is JobStatus.COMPLETED
    return job


def lying(world: StepWorld, key: str) -> tuple[bytes, str]:
    """An object's content and its media type."""
    reply = world.s3.get_object(Bucket=BUCKET, Key=key)
    return reply["Body"].read(), reply["ContentType"]


def names(world: StepWorld, prefix: str) -> list[str]:
    return [entry["Key"] for entry in world.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])]


def test_every_format_is_written_again_from_the_kept_words_byte_for_byte(world: StepWorld) -> None:
    job = done(world, formats=[*FORMATS], words=True, doubtful_places=True)
    assert job.result
    content, kind = lying(world, object_keys.words(job.place, job.result["attempt"]))
    kept = kept_words.unpack(content)
    published = {form: lying(world, entry["key"]) for form, entry in job.result["files"].items()}
    assert kind == "application/gzip"
    assert published == {form: (render(kept, form, annotations_of(job)), media_type(form)) for form in FORMATS}
    assert len(kept.segments) == 2 * world.parts


def test_words_are_kept_beside_the_one_format_that_was_asked_for_and_are_none_of_the_results(world: StepWorld) -> None:
    job = done(world, formats=["txt"])
    assert job.result
    assert job.result["files"].keys() == {"txt"}
    content, _ = lying(world, object_keys.words(job.place, job.result["attempt"]))
    assert [word.text for segment in kept_words.unpack(content).segments for word in segment.words] == [
        f" Ord{clip}." for clip in range(2 * world.parts)
    ]


def test_words_are_kept_before_their_job_is_completed(world: StepWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []
    complete = PartEndings.complete

    def look(endings: PartEndings, *arguments: Any, **more: Any) -> None:
        seen.append(names(world, object_keys.RESULTS))
        complete(endings, *arguments, **more)

    monkeypatch.setattr(PartEndings, "complete", look)
    job = done(world)
    assert job.result
    assert [object_keys.words(job.place, job.result["attempt"]) in there for there in seen] == [True]


def test_kept_words_are_erased_with_their_job(world: StepWorld) -> None:
    job = done(world, formats=["txt"])
    assert len(names(world, object_keys.results(job.job_id))) == 3, "the peaks too"
    world.erase(job)
    assert names(world, object_keys.results(job.job_id)) == []
