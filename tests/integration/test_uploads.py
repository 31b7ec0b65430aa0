"""Recordings that the command line uploads, with forms and in parts, over lines that break."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from services.cli.errors import UnreachableError
from services.cli.recordings.input.sources import find
from services.cli.recordings.upload import forms, parts
from services.cli.recordings.upload.uploads import Uploads
from services.common.domain.states import JobStatus
from tests.support.api_uploads import FILE, told
from tests.support.faulty_transport import Fault, answered, cut, lost
from tests.support.multipart import under_way
from tests.support.uploading import (
    API,
    COMPLETION,
    ENDED,
    FORM,
    LINKS,
    PUT,
    RECORDING,
    REFUSED,
    REGISTRATION,
    Progress,
    Uploading,
    refused,
)
from tests.support.web_site import Page, serving
from tests.support.world import BUCKET

LOOKS = 4


def timed_out(request: httpx.Request, to: httpx.BaseTransport) -> httpx.Response:
    """The request is carried out, and somebody on the way does not wait for the answer."""
    to.handle_request(request).read()
    return httpx.Response(504, request=request)


def taken(status: int) -> Fault:
    """Somebody on the way takes the whole request, and answers in the storage's place."""

    def answer(request: httpx.Request, _: httpx.BaseTransport) -> httpx.Response:
        request.read()
        return httpx.Response(status, request=request)

    return answer


# With a form.


def test_a_small_recording_arrives_with_a_form_that_holds_it_to_its_checksum(uploading: Uploading, small: Path) -> None:
    progress: Progress = []
    job_id = uploading.send(small, {"reference": "7", "options": {"language": "en"}}, progress)
    assert uploading.lies_there(job_id) == RECORDING
    job = uploading.world.job(job_id)
    assert (job.file_name, job.reference, job.options["language"]) == ("meeting.mp3", "7", "en")
    assert job.declared["size"] == len(RECORDING)
    assert "checksum_sha256" in job.declared
    for stage in ("checking", "uploading"):
        steps = [done for kind, done, size in progress if (kind, size) == (stage, len(RECORDING))]
        assert steps == sorted(steps)
        assert steps[-1] == len(RECORDING)
    assert len(uploading.way.asked) == 2


def test_a_registration_whose_answer_is_lost_makes_one_job(uploading: Uploading, small: Path) -> None:
    uploading.way.faults += [(REGISTRATION, lost), (REGISTRATION, answered(503)), (REGISTRATION, cut)]
    job_id = uploading.send(small)
    assert [job.job_id for job in uploading.jobs()] == [job_id]


def test_an_upload_that_breaks_is_sent_again(uploading: Uploading, small: Path) -> None:
    uploading.way.faults += [(FORM, fault) for fault in (cut, answered(500), answered(503), answered(429))]
    assert uploading.lies_there(uploading.send(small)) == RECORDING


def test_an_upload_that_has_arrived_although_its_answer_was_lost_is_not_sent_again(
    uploading: Uploading, small: Path
) -> None:
    """Sent again, it could be transcribed once more."""

    def arrived(request: httpx.Request, to: httpx.BaseTransport) -> httpx.Response:
        to.handle_request(request).read()
        assert told(uploading.world, uploading.jobs()[0].job_id) is JobStatus.QUEUED
        raise httpx.ReadError("The answer was lost.")

    uploading.way.faults += [(FORM, arrived)]
    assert uploading.world.job(uploading.send(small)).status is JobStatus.QUEUED
    assert uploading.asked(f"/{BUCKET}") == 1


@pytest.mark.parametrize("fault", [lost, timed_out])
def test_a_recording_of_which_the_service_learns_some_looks_later_is_not_sent_again(
    fault: Fault, uploading: Uploading, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The storage's event takes some seconds: until then the job waits for what lies there."""
    monkeypatch.setattr(forms, "LOOK_EVERY_SECONDS", 0.001)
    looks = 0

    def look(request: httpx.Request, to: httpx.BaseTransport) -> httpx.Response:
        nonlocal looks
        looks += 1
        if looks == LOOKS:
            told(uploading.world, uploading.jobs()[0].job_id)
        return to.handle_request(request)

    uploading.way.faults += [(FORM, fault), *[("GET .*/api/jobs/", look)] * LOOKS]
    assert uploading.world.job(uploading.send(small)).status is JobStatus.QUEUED
    assert (looks, uploading.asked(f"/{BUCKET}")) == (LOOKS, 1)


def test_a_recording_that_does_not_arrive_is_sent_again_after_a_while(
    uploading: Uploading, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forms, "LOOK_EVERY_SECONDS", 0.001)
    monkeypatch.setattr(forms, "ARRIVAL_SECONDS", 0.02)
    uploading.way.faults += [(FORM, taken(500))]
    assert uploading.lies_there(uploading.send(small)) == RECORDING
    assert uploading.asked(f"/{BUCKET}") == 2


@pytest.mark.parametrize("fault", [cut, answered(503), taken(503)], ids=["cut", "busy at once", "busy"])
def test_what_did_not_reach_the_storage_is_sent_again_without_waiting_for_it(
    fault: Fault, uploading: Uploading, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forms, "LOOK_EVERY_SECONDS", 0.001)
    monkeypatch.setattr(forms, "ARRIVAL_SECONDS", 0.2)
    uploading.way.faults += [(FORM, fault)]
    assert uploading.lies_there(uploading.send(small)) == RECORDING
    assert uploading.asked("GET") == 1


@pytest.mark.parametrize("form", [None, {}, {"url": "https://s3.example.com", "fields": 7}], ids=str)
def test_a_form_of_another_shape_is_told_as_that(form: object, uploading: Uploading, small: Path) -> None:
    uploading.way.faults += [(REGISTRATION, answered(201, json.dumps({"job_id": "job_1", "upload": form})))]
    assert f"The service at {API} answered with" in refused(lambda: uploading.send(small), UnreachableError)


def test_a_form_that_has_ended_is_followed_by_a_fresh_one(uploading: Uploading, small: Path) -> None:
    uploading.way.faults += [(FORM, ENDED), (FORM, answered(403, "<Code>AccessDenied</Code><Message>Policy expired."))]
    assert uploading.lies_there(uploading.send(small)) == RECORDING
    assert uploading.asked("/upload") == 2


def test_forms_that_end_each_time_are_a_refusal_in_the_end(uploading: Uploading, small: Path) -> None:
    uploading.way.faults += [(FORM, ENDED)] * 9
    assert "ExpiredToken" in refused(lambda: uploading.send(small))


def test_what_the_storage_refuses_is_not_sent_again(uploading: Uploading, small: Path) -> None:
    uploading.way.faults += [(FORM, REFUSED)]
    assert refused(lambda: uploading.send(small)).startswith("The storage refuses it (403 AccessDenied: Access Denied)")
    assert len(uploading.way.asked) == 2


@pytest.mark.parametrize("shorter", [False, True])
def test_a_recording_that_changes_while_it_is_sent_is_refused_as_that(
    shorter: bool, uploading: Uploading, small: Path
) -> None:
    """If it is as long as before, the storage finds a checksum that was not announced."""

    def changing(request: httpx.Request, to: httpx.BaseTransport) -> httpx.Response:
        small.write_bytes(b"less" if shorter else RECORDING[::-1])
        return to.handle_request(request)

    uploading.way.faults += [(FORM, changing)]
    assert "has changed while it was sent" in refused(lambda: uploading.send(small))
    assert uploading.asked(BUCKET) == 1


def test_of_a_recording_that_grows_while_it_is_sent_a_person_is_told_what_was_sent(
    uploading: Uploading, small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def growing(request: httpx.Request, to: httpx.BaseTransport) -> httpx.Response:
        small.write_bytes(RECORDING + b"more")
        return to.handle_request(request)

    uploading.way.faults += [(FORM, growing)]
    assert uploading.lies_there(uploading.send(small)) == RECORDING
    assert "has changed while it was sent: the text will be of what it was before" in capsys.readouterr().err


def test_a_recording_that_is_gone_or_empty_by_now_is_refused_before_anything_is_registered(
    uploading: Uploading, small: Path
) -> None:
    (source,) = find([str(small)])
    small.write_bytes(b"")
    assert refused(lambda: uploading.send_source(source)) == f"{small} is empty: there is nothing to transcribe."
    small.unlink()
    assert "cannot be read (No such file or directory)" in refused(lambda: uploading.send_source(source))
    assert uploading.jobs() == []


def test_a_refused_option_is_the_apis_own_sentence(uploading: Uploading, small: Path) -> None:
    told = refused(lambda: uploading.send(small, {"options": {"channels": "sideways"}}))
    assert told == "options.channels: Give 'mixed' or 'separate' (INVALID_REQUEST)."


# In parts.


def test_a_large_recording_arrives_in_parts(uploading: Uploading, large: Path) -> None:
    progress: Progress = []
    job_id = uploading.send(large, None, progress)
    assert uploading.lies_there(job_id) == FILE
    assert uploading.world.job(job_id).declared["checksum_crc32"]
    assert progress[-1] == ("uploading", len(FILE), len(FILE))
    assert uploading.records() == []
    assert uploading.asked("PUT") == 2


@pytest.mark.parametrize("fault", [cut, lost, answered(503, "<Code>SlowDown</Code>")], ids=["cut", "lost", "busy"])
def test_whatever_breaks_is_done_again_and_happens_once(fault: Fault, uploading: Uploading, large: Path) -> None:
    uploading.way.faults += [(what, fault) for what in (REGISTRATION, LINKS, PUT, COMPLETION)]
    assert uploading.lies_there(uploading.send(large)) == FILE
    assert uploading.way.faults == []
    assert len(uploading.jobs()) == 1
    assert under_way(uploading.world) == []


def test_links_that_have_ended_are_asked_for_anew(uploading: Uploading, large: Path) -> None:
    uploading.way.faults += [(PUT, ENDED), (PUT, ENDED)]
    assert uploading.lies_there(uploading.send(large)) == FILE


def test_links_that_end_each_time_are_a_refusal_in_the_end(uploading: Uploading, large: Path) -> None:
    uploading.way.faults += [(PUT, ENDED)] * 99
    assert "ExpiredToken" in refused(lambda: uploading.send(large))


def test_an_upload_that_the_storage_has_discarded_is_begun_anew(uploading: Uploading, large: Path) -> None:
    def discarded(request: httpx.Request, to: httpx.BaseTransport) -> httpx.Response:
        (upload_id,) = under_way(uploading.world)
        uploading.world.s3.abort_multipart_upload(Bucket=BUCKET, Key=uploading.jobs()[0].source_key, UploadId=upload_id)
        return to.handle_request(request)

    uploading.way.faults += [(PUT, discarded)]
    assert uploading.lies_there(uploading.send(large)) == FILE


def test_parts_that_the_storage_takes_and_never_lists_are_a_refusal_in_the_end(
    uploading: Uploading, large: Path
) -> None:
    uploading.way.faults += [(PUT, answered(200))] * 99
    assert "takes parts of" in refused(lambda: uploading.send(large))
    assert uploading.asked("PUT") == 2 * parts.MOST_SETBACKS
    uploading.way.faults.clear()
    assert uploading.lies_there(uploading.send(large)) == FILE
    assert len(uploading.jobs()) == 1


@pytest.mark.parametrize(
    "shape",
    [{}, {"multipart": None}, {"multipart": {}}, {"multipart": {"part_size": [], "received": [], "links": []}}],
    ids=str,
)
def test_an_answer_of_another_shape_is_told_as_that_and_loses_no_upload(
    shape: dict[str, object], uploading: Uploading, large: Path
) -> None:
    uploading.way.faults += [(LINKS, answered(200, json.dumps(shape)))]
    assert f"The service at {API} answered with" in refused(lambda: uploading.send(large), UnreachableError)
    uploading.send(large)
    assert len(uploading.jobs()) == 1


def damaged(request: httpx.Request, to: httpx.BaseTransport) -> httpx.Response:
    """Something on the way changes a byte."""
    content = b"x" + request.read()[1:]
    return to.handle_request(httpx.Request(request.method, request.url, headers=request.headers, content=content))


def test_parts_that_are_not_the_file_are_sent_again(uploading: Uploading, large: Path) -> None:
    uploading.way.faults += [(PUT, damaged)]
    assert uploading.lies_there(uploading.send(large)) == FILE


def test_parts_that_are_damaged_each_time_are_a_refusal_in_the_end(uploading: Uploading, large: Path) -> None:
    uploading.way.faults += [(PUT, damaged)] * 99
    assert "(UPLOAD_DIFFERS)" in refused(lambda: uploading.send(large))
    assert uploading.asked("PUT") == 2 * parts.MOST_SETBACKS
    assert uploading.records() == []


@pytest.mark.parametrize("what", [PUT, COMPLETION], ids=["part", "completion"])
def test_a_job_that_is_canceled_while_its_recording_is_sent_is_left_to_who_watches_it(
    what: str, uploading: Uploading, large: Path
) -> None:
    def canceled(request: httpx.Request, to: httpx.BaseTransport) -> httpx.Response:
        uploading.api().post(f"/api/jobs/{uploading.jobs()[0].job_id}/cancel")
        return to.handle_request(request)

    uploading.way.faults += [(what, canceled)]
    assert uploading.world.job(uploading.send(large)).status is JobStatus.CANCELED


def test_a_large_recording_that_changes_while_it_is_sent_is_refused_as_that(uploading: Uploading, large: Path) -> None:
    def changing(request: httpx.Request, to: httpx.BaseTransport) -> httpx.Response:
        large.write_bytes(FILE + b"more")
        return to.handle_request(request)

    uploading.way.faults += [(PUT, changing)]
    assert "has changed while it was sent" in refused(lambda: uploading.send(large))
    assert [job.status for job in uploading.jobs()] == [JobStatus.AWAITING_UPLOAD]
    assert uploading.records() == []


def test_what_is_too_large_for_the_deployment_is_the_apis_own_sentence(
    uploading: Uploading, large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.api.routes.jobs.GB", 1_000)
    assert "An upload has at most" in refused(lambda: uploading.send(large))
    assert uploading.records() == []


# From elsewhere.


def test_a_large_recording_from_standard_input_is_uploaded_in_parts_and_none_is_remembered(
    uploading: Uploading, large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    progress: Progress = []
    with large.open("rb") as piped:
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=piped, isatty=lambda: False))
        (source,) = find(["-"])
        job_id = uploading.send_source(source, progress=progress)
    assert uploading.lies_there(job_id) == FILE
    assert uploading.world.job(job_id).file_name == "standard-input"
    assert not (uploading.folder / "transcribe").exists()
    assert progress[0][0] == "fetching"


def test_a_recording_from_an_address_is_known_to_the_api_by_its_name_alone(uploading: Uploading) -> None:
    with serving() as site:
        site.pages["/m%C3%B6te.mp3"] = [Page(RECORDING)]
        (source,) = find([f"{site.address}/m%C3%B6te.mp3?token=secret"])
        job_id = uploading.send_source(source)
    assert uploading.lies_there(job_id) == RECORDING
    assert uploading.world.job(job_id).file_name == "möte.mp3"
    assert "secret" not in str(uploading.world.job(job_id))


def test_several_recordings_are_sent_at_once(uploading: Uploading, tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.mp3" for number in range(8)]
    for path in paths:
        path.write_bytes(path.name.encode() * 1_000)
    sending = Uploads(uploading.api())

    def one(path: Path) -> str:
        (source,) = find([str(path)])
        ids: list[str] = []
        sending.send(source, {}, registered=ids.append, progress=lambda *_: None)
        return ids[0]

    with ThreadPoolExecutor(len(paths)) as pool:
        ids = list(pool.map(one, paths))
    assert [uploading.lies_there(job_id) for job_id in ids] == [path.read_bytes() for path in paths]
