"""Whatever ends a job's waiting at any moment of a renewal or a completion: nothing comes back, and no part is left."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import pytest

from services.api.problems import Problem
from services.api.routes import job_actions
from services.api.service import Service
from services.common.domain.errors import TranscriberError
from services.common.domain.records import Job
from services.common.domain.states import JobStatus
from services.common.domain.times import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from services.common.source_object import SourceObjects, look
from services.common.store.clients import Caller
from services.common.store.jobs import creation
from services.orchestrator.expiry import Expiry
from services.orchestrator.s3_events import Upload
from tests.support.faults import Mode
from tests.support.gateway import Gateway
from tests.support.multipart import under_way
from tests.support.world import BUCKET, World, emulated, intake_of

ALICE = Caller(client_id="alice", name="laptop", used=1, limit=10)
JOB = "job_aaaa"


@dataclass
class Deployment:
    """One job that waits for a recording in one part, and all that may be done with it."""

    world: World
    api: Service

    def renew(self) -> None:
        job_actions.renew_upload(JOB, ALICE, self.api)

    def send(self) -> None:
        """Begin the upload, and send its part."""
        self.renew()
        job = self.world.job(JOB)
        assert job.multipart
        about = {"Bucket": BUCKET, "Key": job.source_key, "UploadId": job.multipart["upload_id"]}
        self.world.s3.upload_part(**about, PartNumber=1, Body=b"sound")

    def complete(self) -> None:
        job_actions.complete_upload(JOB, ALICE, self.api)

    def cancel(self) -> None:
        self.world.commands.cancel(self.world.job(JOB), self.world.clock())

    def erase(self) -> None:
        job_actions.erase_job(JOB, ALICE, self.api)

    def expire(self) -> None:
        expiry = Expiry(self.world.store, self.world.announcer, SourceObjects(self.world.s3, BUCKET))
        expiry.expire(JOB, self.world.clock() + HOUR_MS)

    def tell(self) -> None:
        """S3 tells of the recording, if it is there."""
        key = f"uploads/alice/{JOB}/a.wav"
        if there := look(self.world.s3, BUCKET, key):
            upload = Upload(key=key, etag=there.etag, size=5, uploaded=self.world.clock())
            assert not any(taken.error for taken in intake_of(self.world).take([upload], self.world.clock()))

    def search(self) -> None:
        """All later searches of an erasure."""
        for _ in range(3):
            self.world.clock.pass_(DAY_MS)
            for grave in list(self.world.store.tombstones.overdue(self.world.clock(), limit=10)):
                self.api.erasure.finish(grave, self.world.clock())


OPERATIONS: dict[str, tuple[Callable[[Deployment], None], Callable[[Deployment], None]]] = {
    "the first links": (lambda _: None, Deployment.renew),
    "further links": (Deployment.send, Deployment.renew),
    "a completion": (Deployment.send, Deployment.complete),
}
RIVALS = {
    "canceled": Deployment.cancel,
    "expired": Deployment.expire,
    "erased": Deployment.erase,
    "renewed": Deployment.renew,
    "completed": Deployment.complete,
}
ENDS = {
    **{f"{name}, registered": (lambda _: None, RIVALS[name]) for name in ("canceled", "expired", "erased")},
    **{f"{name}, sent": (Deployment.send, RIVALS[name]) for name in ("canceled", "expired", "erased")},
}
"""What happens before, and the operation."""


def raced(deployment: Deployment, operation: str, at: int, rival: Callable[[Deployment], None] | None) -> int:
    """Do the operation, and before its call with this number let the rival happen; returns how many calls it made."""
    world = deployment.world
    before, do = (OPERATIONS | ENDS)[operation]
    before(deployment)

    def happen(_: Mode) -> None:
        assert rival
        with suppress(Problem, TranscriberError):
            rival(deployment)

    world.faults.calls.clear()
    if rival:
        world.faults.plan(at, Mode.RIVAL, happen)
    with suppress(Problem, TranscriberError), world.faults.watching():
        do(deployment)
    return len(world.faults.calls)


def deployed(world: World) -> Deployment:
    job = Job(
        job_id=JOB,
        client_id="alice",
        status=JobStatus.AWAITING_UPLOAD,
        created_at=world.clock(),
        source_key=f"uploads/alice/{JOB}/a.wav",
        file_name="a.wav",
        declared={"size": 5, "multipart": True},
        upload_expires_at=world.clock() + MINUTE_MS,
        expires_at=world.clock() // SECOND_MS + 86_400 * 30,
    )
    world.store.commit([creation(job)])
    return Deployment(world, Service(Gateway(world).settings, world.aws, clock=world.clock))


@pytest.mark.parametrize("rival", RIVALS)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_whoever_comes_first_no_job_comes_back_and_no_part_is_left(
    monkeypatch: pytest.MonkeyPatch, operation: str, rival: str
) -> None:
    with emulated(monkeypatch) as world:
        calls = raced(deployed(world), operation, -1, None)
    for at in range(calls):
        with emulated(monkeypatch) as world:
            made = deployed(world)
            raced(made, operation, at, RIVALS[rival])
            made.tell()
            made.search()
            job = world.store.jobs.get(JOB)
            found = world.s3.list_objects_v2(Bucket=BUCKET)["KeyCount"]
            status = job.status if job else None
            if rival == "erased":
                assert (status, found) == (None, 0), at
            elif rival == "canceled":
                assert status is JobStatus.CANCELED, at
            elif rival == "expired":
                # Renewed first, the job waits on; completed first, its recording was there in time.
                renewed = operation != "a completion" and status is JobStatus.AWAITING_UPLOAD
                assert renewed or status is (JobStatus.QUEUED if found else JobStatus.EXPIRED), at
            else:
                assert status is (JobStatus.QUEUED if found else JobStatus.AWAITING_UPLOAD), at
            known = [job.multipart["upload_id"]] if job and job.multipart else []
            waits = status is JobStatus.AWAITING_UPLOAD
            assert set(under_way(world)) <= set(known if waits else []), at


@pytest.mark.parametrize("rival", ["renewed", "completed"])
@pytest.mark.parametrize("end", ENDS)
def test_an_end_that_is_met_by_a_renewal_or_a_completion_ends_it_or_leaves_it_whole(
    monkeypatch: pytest.MonkeyPatch, end: str, rival: str
) -> None:
    with emulated(monkeypatch) as world:
        calls = raced(deployed(world), end, -1, None)
    for at in range(calls):
        with emulated(monkeypatch) as world:
            made = deployed(world)
            raced(made, end, at, RIVALS[rival])
            made.tell()
            made.search()
            job = world.store.jobs.get(JOB)
            found = world.s3.list_objects_v2(Bucket=BUCKET)["KeyCount"]
            if job and job.status is JobStatus.AWAITING_UPLOAD:
                assert end.startswith("expired"), at
                assert rival == "renewed", at
                assert job.multipart, at
                assert under_way(world) == [job.multipart["upload_id"]], at
                continue
            assert under_way(world) == [], at
            if end.startswith("erased"):
                assert (job, found) == (None, 0), at
            elif end.startswith("canceled"):
                assert job, at
                assert job.status is JobStatus.CANCELED, at
            else:
                assert job, at
                assert job.status is (JobStatus.QUEUED if found else JobStatus.EXPIRED), at


def test_both_of_two_that_ask_for_the_first_links_get_links_of_one_upload(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with emulated(monkeypatch) as world:
        calls = raced(deployed(world), "the first links", -1, None)
    for at in range(calls):
        with emulated(monkeypatch) as world:
            made = deployed(world)
            raced(made, "the first links", at, Deployment.renew)
            job = world.job(JOB)
            assert job.multipart
            assert under_way(world) == [job.multipart["upload_id"]], at
