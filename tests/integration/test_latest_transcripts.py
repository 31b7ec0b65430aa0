"""The latest version of a transcript: rendered from the kept words, with the names as they are now."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import subprocess
from pathlib import Path
from urllib.parse import unquote

import pytest

from services.api import latest
from services.common.domain import object_keys
from services.common.domain.annotations import annotations_of
from services.common.domain.options import FORMATS
from services.common.domain.records import Job
from services.common.transcript.formats import media_type, render
from tests.support.api_jobs import completed, keep_words, uploaded
from tests.support.documents import shell_blocks
from tests.support.faults import aws_error
from tests.support.gateway import Client, Gateway, Reply
from tests.support.items import job_of
from tests.support.transcripts import call, dialogue, spoken, transcript
from tests.support.world import BUCKET, World

HEARD = dialogue((0, "Hej du."), (1, "Hej själv."), (0, "Jaha."), formats=["json", "txt"], words=True)


def ask(client: Client, job: Job, form: str = "txt", **headers: str) -> Reply:
    return client.get(f"/api/jobs/{job.job_id}/transcript?format={form}&version=latest", **headers)


@pytest.fixture
def job(world: World, alice: Client) -> Job:
    """A job that asked for two formats, and whose words are kept."""
    done = completed(world, alice, names=["Anna", None, "Bo"])
    keep_words(world, done, HEARD)
    return done


@pytest.mark.parametrize("form", FORMATS)
def test_any_format_comes_as_the_file_that_is_written_of_the_kept_words(alice: Client, job: Job, form: str) -> None:
    reply = ask(alice, job, form)

    assert reply.status == 200
    assert reply.content == render(HEARD, form, annotations_of(job))
    assert reply.headers["content-type"] == media_type(form)
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["content-disposition"] == f"attachment; filename*=UTF-8''m%C3%B6te.{form}"
    assert reply.headers["etag"] == f'"{hashlib.sha256(reply.content).hexdigest()[:32]}"'


@pytest.mark.curl
def test_the_documented_commands_name_the_speakers_and_fetch_the_document(
    gateway: Gateway, alice: Client, job: Job, tmp_path: Path
) -> None:
    (block,) = [text for text in shell_blocks("docs/api/README.md") if "version=latest" in text]
    with gateway.served() as url:
        given = {"TRANSCRIBE_URL": url, "TRANSCRIBE_KEY": alice.api_key, "JOB_ID": job.job_id}
        command = ["bash", "-euo", "pipefail", "-c", block]
        subprocess.run(command, cwd=tmp_path, env=os.environ | given, check=True, timeout=60)

    assert json.loads((tmp_path / "job.json").read_bytes())["names"] == ["Anna Ek", "Bo"]
    assert (tmp_path / "meeting.docx").read_bytes() == ask(alice, job, "docx").content


def test_a_renaming_is_in_the_latest_version_at_once_and_never_in_what_was_announced(
    world: World, alice: Client, job: Job
) -> None:
    announced = {entry["key"]: b"as announced" for entry in (job.result or {})["files"].values()}
    for key, content in announced.items():
        world.s3.put_object(Bucket=BUCKET, Key=key, Body=content)
    before, shown = {form: ask(alice, job, form) for form in FORMATS}, alice.get(f"/api/jobs/{job.job_id}").json
    renamed = alice.call("PATCH", f"/api/jobs/{job.job_id}", {"names": [None, "Åsa Örjansdotter"]}).json
    after = {form: ask(alice, job, form) for form in FORMATS}

    assert before["txt"].body.startswith("Anna: Hej du.\n")
    assert "\nÅsa Örjansdotter: Hej själv.\n" in after["txt"].body
    told = [[speaker["name"] for speaker in one["json"].json["speakers"]] for one in (before, after)]
    assert told == [["Anna", "Talare 2"], ["Talare 1", "Åsa Örjansdotter"]]
    assert not {before[form].headers["etag"] for form in FORMATS} & {after[form].headers["etag"] for form in FORMATS}
    assert {**renamed, "names": shown["names"], "sequence": shown["sequence"]} == shown
    location = alice.get(f"/api/jobs/{job.job_id}/transcript?format=json").headers["location"]
    assert "results/x/1/transcript.json?" in location
    lying = {key: world.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in announced}
    assert lying == announced


@pytest.mark.parametrize(
    "accepted", ["gzip", "br, GZIP;q=0.5", "deflate,x-gzip", "*", "gzip; q=1.0 , br", "*;q=0,gzip"]
)
def test_it_is_compressed_for_who_takes_that(alice: Client, job: Job, accepted: str) -> None:
    plain, packed = ask(alice, job, "json"), ask(alice, job, "json", accept_encoding=accepted)

    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
    assert gzip.decompress(packed.content) == plain.content
    assert packed.headers["etag"] != plain.headers["etag"], "a strong tag is of one encoding"


@pytest.mark.parametrize("accepted", ["", "identity", "gzip;q=0", "gzip;q=0.000,br", "br, gzip ; q=0.0", "gzip;q=0, *"])
def test_it_is_not_compressed_for_who_does_not_take_that(alice: Client, job: Job, accepted: str) -> None:
    assert "content-encoding" not in ask(alice, job, "json", accept_encoding=accepted).headers


def test_a_word_document_is_compressed_by_itself(alice: Client, job: Job) -> None:
    assert "content-encoding" not in ask(alice, job, "docx", accept_encoding="gzip").headers


def test_a_json_that_is_too_long_for_a_reply_comes_compressed_or_is_refused_with_what_to_do(
    world: World, alice: Client, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a recording of many hours with all words: Lambda's reply has at most 6 MB, base64 included."""
    assert latest.MOST_BYTES * 4 / 3 <= 6_000_000
    monkeypatch.setattr(latest, "MOST_BYTES", 50_000)
    keep_words(world, job, transcript(*[spoken("Ordförande " * 100)] * 10, words=True))
    refused = ask(alice, job, "json")
    packed = ask(alice, job, "json", accept_encoding="gzip")

    assert len(gzip.decompress(packed.content)) > latest.MOST_BYTES
    assert (refused.status, refused.json["code"], refused.json["field"]) == (406, "TRANSCRIPT_TOO_LARGE", "format")
    assert "send the header `Accept-Encoding: gzip`" in refused.json["detail"]


def test_what_is_too_long_even_compressed_is_refused_with_what_to_do(
    alice: Client, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(latest, "MOST_BYTES", 10)
    refused = ask(alice, job, "json", accept_encoding="gzip")
    assert (refused.status, refused.json["code"]) == (406, "TRANSCRIPT_TOO_LARGE")
    assert "ask for another format" in refused.json["detail"]


def test_a_job_whose_words_are_not_kept_has_the_machines_version_only(world: World, alice: Client) -> None:
    old = completed(world, alice)
    refused = ask(alice, old)
    assert (refused.status, refused.json["code"], refused.json["field"]) == (404, "NO_LATEST_VERSION", "version")
    assert alice.get(f"/api/jobs/{old.job_id}/transcript?format=txt&version=machine").status == 302


def test_a_result_that_does_not_tell_its_attempt_has_the_machines_version_only(
    world: World, alice: Client, job: Job
) -> None:
    world.change((f"JOB#{job.job_id}", "JOB"), result={"prefix": "results/x/1/", "files": {}})
    assert ask(alice, job).json["code"] == "NO_LATEST_VERSION"


def test_words_that_another_release_kept_are_not_taken_for_those_of_this_one(
    world: World, alice: Client, job: Job
) -> None:
    newer = {**HEARD.to_json(), "version": 99}
    keep_words(world, job, newer)
    refused = ask(alice, job)
    assert (refused.status, refused.json["code"]) == (404, "NO_LATEST_VERSION")
    assert "Another release" in refused.json["detail"]


def test_a_storage_that_does_not_answer_is_no_reason_to_say_that_there_are_no_words(
    world: World, alice: Client, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(call: str) -> None:
        if call.endswith("GetObject"):
            raise aws_error("SlowDown", "GetObject", status=503)

    monkeypatch.setattr(world.faults, "refuse", refuse)
    with world.faults.watching():
        assert ask(alice, job).status == 503


@pytest.mark.parametrize(
    ("file_name", "stem"),
    [
        ("meetings/2026/board.final.mp3", "board.final"),
        ("C:\\ljud\\möte.wav", "möte"),
        ('a";\r\nX-Evil: 1;.mp3', 'a";_X-Evil: 1;'),
        ("...", "recording"),
        ("å" * 900 + ".mp3", "å" * 125),
        ("no ending", "no ending"),
    ],
)
def test_the_file_is_named_like_the_recording_whatever_that_is_called(
    world: World, alice: Client, file_name: str, stem: str
) -> None:
    done = completed(world, alice, file_name=file_name)
    keep_words(world, done, HEARD)
    told = ask(alice, done).headers["content-disposition"]
    assert told.isascii()
    _, _, name = told.partition("filename")
    assert unquote(name.removeprefix("*=UTF-8''").removeprefix("=").strip('"')) == f"{stem}.txt"


def test_there_is_no_latest_version_of_a_job_that_has_no_text_or_is_anothers(
    world: World, alice: Client, gateway: Gateway, job: Job
) -> None:
    assert ask(alice, uploaded(world, alice)).json["code"] == "NOT_COMPLETED"
    assert ask(gateway.client("bob"), job).json["code"] == "NOT_FOUND"


def test_a_job_that_began_anew_is_rendered_from_the_words_of_its_own_edition(world: World, alice: Client) -> None:
    done = completed(world, alice)
    keep_words(world, done, call())
    world.change((f"JOB#{done.job_id}", "JOB"), edition=1)
    again = job_of(world, done.job_id)
    keep_words(world, again, HEARD)
    assert object_keys.words(again.place, 1) != object_keys.words(done.place, 1)
    assert ask(alice, again, "json").json["options"]["words"] is True
