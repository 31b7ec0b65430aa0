"""Uploads in parts that are interrupted, and go on once the same command is run again."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Event

import httpx
import pytest

from services.cli.errors import UnreachableError
from services.cli.recordings.upload.resume_record import _locked
from tests.support.api_jobs import FAILED
from tests.support.api_uploads import FILE, PART, WAIT_MS, expire
from tests.support.faulty_transport import Fault, answered, cut
from tests.support.gateway import Gateway
from tests.support.uploading import COMPLETION, ENDED, LINKS, PUT, REGISTRATION, Progress, Uploading, refused

WITHIN_SECONDS = 30
JOB = r"GET .*/api/jobs/job_\w+$"


def killed(request: httpx.Request, to: httpx.BaseTransport) -> httpx.Response:
    """The request is carried out, and the program ends before it knows."""
    to.handle_request(request).read()
    raise KeyboardInterrupt


def passed(request: httpx.Request, to: httpx.BaseTransport) -> httpx.Response:
    return to.handle_request(request)


def one_part_there() -> list[tuple[str, Fault]]:
    """The link of the second part has ended; after the first has arrived, further links are the last request."""
    arrived = Event()

    def first(request: httpx.Request, to: httpx.BaseTransport) -> httpx.Response:
        reply = to.handle_request(request)
        arrived.set()
        return reply

    def second(request: httpx.Request, to: httpx.BaseTransport) -> httpx.Response:
        assert arrived.wait(WITHIN_SECONDS)
        return ENDED(request, to)

    return [(f"{PUT}1", first), (f"{PUT}2", second), (LINKS, passed), (LINKS, killed)]


INTERRUPTIONS: Mapping[str, Callable[[], list[tuple[str, Fault]]]] = {
    "registration": lambda: [(REGISTRATION, killed)],
    "first links": lambda: [(LINKS, killed)],
    "one part there": one_part_there,
    "all parts there": lambda: [(LINKS, passed), (LINKS, killed)],
    "completion": lambda: [(COMPLETION, killed)],
}


def interrupt(uploading: Uploading, path: Path, place: str) -> None:
    """Send a file, and be interrupted at this place."""
    uploading.way.faults += INTERRUPTIONS[place]()
    with pytest.raises(KeyboardInterrupt):
        uploading.send(path)
    uploading.way.asked.clear()


def test_an_upload_that_is_interrupted_again_and_again_goes_on_with_the_same_job(
    uploading: Uploading, large: Path
) -> None:
    for place in INTERRUPTIONS:
        interrupt(uploading, large, place)
        assert len(uploading.records()) == 1, place
    job_id = uploading.send(large)
    assert [job.job_id for job in uploading.jobs()] == [job_id]
    assert uploading.lies_there(job_id) == FILE
    assert uploading.records() == []


def test_what_is_there_is_not_sent_again_nor_checked_and_a_person_is_told(
    uploading: Uploading, large: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    interrupt(uploading, large, "one part there")
    assert "Going on" not in capsys.readouterr().err
    progress: Progress = []
    uploading.send(large, None, progress)
    assert f"Going on with the upload of {large}: 8.4 of 8.4 MB are there.\n" in capsys.readouterr().err
    assert uploading.asked("PUT") == 1
    assert progress[0] == ("uploading", PART, len(FILE))
    assert {stage for stage, _, _ in progress} == {"uploading"}


def test_a_line_that_stays_broken_is_a_sentence_that_says_how_to_go_on(
    uploading: Uploading, large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.cli.api.patience.LATER_SECONDS", 0.5)
    uploading.way.faults += [(f"{PUT}2", cut)] * 10_000
    told = refused(lambda: uploading.send(large), UnreachableError)
    assert told.startswith("The storage cannot be reached (The connection broke.)")
    assert told.endswith("The same command goes on with the upload where it stopped.")
    uploading.way.faults.clear()
    job_id = uploading.send(large)
    assert len(uploading.jobs()) == 1
    assert uploading.lies_there(job_id) == FILE


PAGE = answered(403, "<html>Blocked by the proxy</html>")
WRONG_KEY = answered(401, '{"code": "UNAUTHORIZED", "detail": "No."}')
NO_PAGE = answered(404, "<html>Nothing here</html>")


@pytest.mark.parametrize(
    ("what", "fault"),
    [(LINKS, PAGE), (PUT, PAGE), (COMPLETION, PAGE), (LINKS, WRONG_KEY), (JOB, PAGE), (JOB, NO_PAGE)],
    ids=["links", "part", "completion", "key", "job", "no job"],
)
def test_a_refusal_that_is_not_of_the_job_loses_no_upload(
    what: str, fault: Fault, uploading: Uploading, large: Path
) -> None:
    interrupt(uploading, large, "one part there")
    uploading.way.faults += [(what, fault)]
    assert refused(lambda: uploading.send(large))
    job_id = uploading.send(large)
    assert [job.job_id for job in uploading.jobs()] == [job_id]
    assert uploading.lies_there(job_id) == FILE


def test_a_registration_that_a_proxy_refuses_makes_one_job(uploading: Uploading, large: Path) -> None:
    interrupt(uploading, large, "registration")
    uploading.way.faults += [(REGISTRATION, PAGE)]
    assert refused(lambda: uploading.send(large))
    uploading.send(large)
    assert len(uploading.jobs()) == 1


def test_of_two_runs_on_one_file_the_second_is_refused_until_the_first_has_ended(
    uploading: Uploading, large: Path
) -> None:
    told: list[str] = []

    def meanwhile(request: httpx.Request, to: httpx.BaseTransport) -> httpx.Response:
        told.append(refused(lambda: uploading.send(large)))
        return to.handle_request(request)

    uploading.way.faults += [(what, meanwhile) for what in (REGISTRATION, LINKS, COMPLETION)]
    job_id = uploading.send(large)
    assert len(told) == 3
    assert all(one.startswith(f"Another run uploads {large} at this moment: wait for its text") for one in told)
    assert [job.job_id for job in uploading.jobs()] == [job_id]
    assert uploading.records() == []
    assert uploading.send(large) != job_id


HOLDS = """
import sys, time
from pathlib import Path
from services.cli.recordings.upload import resume_record
lock = resume_record._locked(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(600)
"""


def test_a_run_that_was_killed_keeps_no_other_from_the_upload(uploading: Uploading, large: Path) -> None:
    interrupt(uploading, large, "one part there")
    (record,) = uploading.records()
    lock = record.with_suffix(".lock")
    with subprocess.Popen([sys.executable, "-c", HOLDS, str(lock)], stdout=subprocess.PIPE, text=True) as other:
        try:
            assert other.stdout is not None
            assert other.stdout.readline() == "held\n"
            assert "Another run uploads" in refused(lambda: uploading.send(large))
        finally:
            other.kill()
    assert lock.exists()
    uploading.send(large)
    assert len(uploading.jobs()) == 1
    assert uploading.records() == []


def test_a_lock_on_a_file_that_was_removed_meanwhile_keeps_nobody_out_and_another_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, times = tmp_path / "upload.lock", []
    utime = os.utime

    def removed(number: int) -> None:
        times.append(number)
        if len(times) == 1:
            path.unlink()
        utime(number)

    monkeypatch.setattr(os, "utime", removed)
    number = _locked(path)
    assert (len(times), os.path.samestat(os.fstat(number), path.stat())) == (2, True)
    with pytest.raises(BlockingIOError):
        _locked(path)
    os.close(number)


def test_where_files_cannot_be_locked_a_recording_is_uploaded_all_the_same(
    uploading: Uploading, large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", unknown)
    assert uploading.lies_there(uploading.send(large)) == FILE


def test_a_job_that_has_ended_without_a_text_is_followed_by_a_new_one(uploading: Uploading, large: Path) -> None:
    world, alice = uploading.world, uploading.alice

    def expires(_: str) -> None:
        world.clock.pass_(WAIT_MS)
        expire(world)

    ends: Mapping[str, Callable[[str], object]] = {
        "cancel": lambda job_id: alice.post(f"/api/jobs/{job_id}/cancel"),
        "expiry": expires,
        "erasure": lambda job_id: alice.delete(f"/api/jobs/{job_id}"),
        "failure": lambda job_id: world.ended(world.arrived(job_id), FAILED),
    }
    for number, (name, end) in enumerate(ends.items()):
        interrupt(uploading, large, "completion" if name == "failure" else "one part there")
        first = uploading.jobs()[0].job_id
        end(first)
        job_id = uploading.send(large)
        assert job_id != first, name
        assert uploading.lies_there(job_id) == FILE
        # By this time it is another file.
        os.utime(large, (number, number))


def test_a_registration_that_nobody_remembers_is_made_anew(uploading: Uploading, large: Path) -> None:
    interrupt(uploading, large, "first links")
    (record,) = uploading.records()
    assert record.stat().st_mode & 0o777 == 0o600
    record.write_text("{")
    uploading.send(large)
    assert len(uploading.jobs()) == 2


def test_of_another_client_with_other_wishes_or_of_another_file_it_is_another_upload(
    uploading: Uploading, gateway: Gateway, large: Path
) -> None:
    interrupt(uploading, large, "one part there")
    assert uploading.send(large, {"reference": "2"})
    alice, uploading.alice = uploading.alice, gateway.client("bob")
    assert uploading.send(large)
    uploading.alice = alice
    os.utime(large, (1, 1))
    assert uploading.send(large)
    assert uploading.asked("PUT") == 6
    assert (len(uploading.jobs()), len(uploading.world.jobs("bob"))) == (3, 1)


def test_where_nothing_can_be_remembered_a_recording_is_uploaded_all_the_same(
    uploading: Uploading, large: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    uploading.folder.write_text("no folder")
    assert uploading.lies_there(uploading.send(large)) == FILE
    assert "if this upload is interrupted, it begins anew.\n" in capsys.readouterr().err


def test_records_of_uploads_that_the_storage_has_given_up_go(uploading: Uploading, large: Path) -> None:
    interrupt(uploading, large, "first links")
    (old,) = uploading.records()
    os.utime(old, (0, 0))
    large.write_bytes(FILE[::-1])
    interrupt(uploading, large, "first links")
    (record,) = uploading.records()
    assert record != old
    assert "key-of-alice" not in record.read_text()
