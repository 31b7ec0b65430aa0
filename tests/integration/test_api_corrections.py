"""Corrections over the API: saved upon what was read, each readable for good, and the machine's words as they are."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import docx
import pytest

from services.common.corrections import Corrections, Keeping
from services.common.domain import object_keys
from services.common.domain.corrections import Change, parse
from services.common.domain.options import FORMATS
from services.common.domain.records import Job
from services.common.domain.times import DAY_MS, SECOND_MS, expiry, rfc3339
from services.common.erasure import SECOND_LOOK_MS, Erasure
from services.common.transcript import kept_words
from tests.support.api_jobs import completed, keep_words, uploaded
from tests.support.documents import shell_blocks
from tests.support.faults import Mode
from tests.support.gateway import Client, Gateway, Reply
from tests.support.transcripts import dialogue
from tests.support.world import BUCKET, World

HEARD = dialogue((0, "Hej du."), (1, "Hej själv."), (0, "Jaha ja."), formats=["json", "txt"], words=True)
"""Six words in three segments."""


def change(first: int, end: int, *segments: tuple[int | None, list[Any]]) -> dict[str, Any]:
    return {"first": first, "end": end, "segments": [{"speaker": who, "pieces": pieces} for who, pieces in segments]}


SELF = [change(2, 4, (1, [[2, 3], "på dig."]))]
"""Hej på dig."""


def path(job: Job) -> str:
    return f"/api/jobs/{job.job_id}/correction"


def save(client: Client, job: Job, changes: Any, upon: int | None = 0) -> Reply:
    tag = {} if upon is None else {"if_match": f'"{upon}"'}
    return client.call("PUT", path(job), {"changes": changes}, **tag)


def text(client: Client, job: Job, version: str = "latest", form: str = "txt") -> str:
    reply = client.get(f"/api/jobs/{job.job_id}/transcript?format={form}&version={version}")
    assert reply.status == 200, reply.body
    return reply.body


def lying(world: World, job: Job) -> dict[str, bytes]:
    """What lies among the job's results."""
    found = world.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"results/{job.job_id}/").get("Contents", [])
    return {entry["Key"]: world.s3.get_object(Bucket=BUCKET, Key=entry["Key"])["Body"].read() for entry in found}


@pytest.fixture
def job(world: World, alice: Client) -> Job:
    done = completed(world, alice, names=["Anna", None])
    keep_words(world, done, HEARD)
    return done


@pytest.mark.curl
def test_the_documented_commands_correct_a_text(gateway: Gateway, alice: Client, job: Job, tmp_path: Path) -> None:
    (block,) = [text for text in shell_blocks("docs/api/README.md") if "If-Match" in text]
    with gateway.served() as url:
        given = {"TRANSCRIBE_URL": url, "TRANSCRIBE_KEY": alice.api_key, "JOB_ID": job.job_id}
        command = ["bash", "-euo", "pipefail", "-c", block]
        for number in (1, 2):
            subprocess.run(command, cwd=tmp_path, env=os.environ | given, check=True, timeout=60)
            assert json.loads((tmp_path / "saved.json").read_bytes())["number"] == number
    assert text(alice, job).startswith("Hej på dig.")


def test_editors_get_the_machines_words_with_the_names_as_they_are(alice: Client, job: Job) -> None:
    reply = alice.get(f"/api/jobs/{job.job_id}/words", accept_encoding="gzip")
    words = json.loads(gzip.decompress(reply.content))
    assert reply.headers["etag"].endswith('-gzip"')
    assert (words["language"], words["duration"], words["speakers_asked"]) == ("sv", 60.0, True)
    assert words["names"] == ["Anna"]
    assert [speaker["name"] for speaker in words["speakers"]] == ["Anna", "Talare 2"]
    told = [[word[0] for word in segment["words"]] for segment in words["segments"]]
    assert told == [[" Hej", " du."], [" Hej", " själv."], [" Jaha", " ja."]]
    assert [segment["speaker"] for segment in words["segments"]] == [0, 1, 0]


def test_nothing_was_corrected_at_first(alice: Client, job: Job) -> None:
    reply = alice.get(path(job))
    assert reply.headers["etag"] == '"0"'
    assert reply.json == {"number": 0, "changed_at": None, "by": None, "changes": [], "latest": 0}
    assert alice.get(f"/api/jobs/{job.job_id}").json["correction"] is None


def test_a_correction_is_in_the_latest_version_of_every_format_and_never_in_what_was_announced(
    world: World, alice: Client, job: Job
) -> None:
    announced, shown = lying(world, job), alice.get(f"/api/jobs/{job.job_id}").json
    saved = save(alice, job, SELF)
    assert (saved.status, saved.headers["etag"]) == (200, '"1"')
    assert (saved.json["number"], saved.json["by"], saved.json["changed_at"]) == (1, "client", rfc3339(world.now))
    for form in FORMATS:
        whole = alice.get(f"/api/jobs/{job.job_id}/transcript?format={form}&version=latest")
        assert whole.status == 200
        assert "på" in (text_of_document(whole) if form == "docx" else whole.body)
    assert text(alice, job) == "Anna: Hej du.\n\nTalare 2: Hej på dig.\n\nAnna: Jaha ja.\n"
    after = alice.get(f"/api/jobs/{job.job_id}").json
    assert after["correction"] == {"number": 1, "changed_at": rfc3339(world.now)}
    assert after["results"] == shown["results"]
    assert {key: content for key, content in lying(world, job).items() if key in announced} == announced


def text_of_document(reply: Reply) -> str:
    return "\n".join(paragraph.text for paragraph in docx.Document(io.BytesIO(reply.content)).paragraphs)


def test_the_json_says_which_correction_it_is_of(alice: Client, job: Job) -> None:
    assert "correction" not in json.loads(text(alice, job, form="json"))
    save(alice, job, SELF)
    assert json.loads(text(alice, job, form="json"))["correction"]["number"] == 1


def test_every_version_stays_readable_with_the_words_and_names_that_it_was_saved_with(
    world: World, alice: Client, job: Job
) -> None:
    save(alice, job, SELF)
    first = {form: text(alice, job, "1", form) for form in ("txt", "json", "srt", "vtt", "tsv")}
    world.clock.pass_(1_000)
    save(alice, job, [], upon=1)
    renaming = {"names": ["Åsa"], "reference": "case 7", "metadata": {"a": "b"}}
    assert alice.call("PATCH", f"/api/jobs/{job.job_id}", renaming).status == 200
    assert {form: text(alice, job, "1", form) for form in first} == first
    assert text(alice, job, "2") == "Anna: Hej du.\n\nTalare 2: Hej själv.\n\nAnna: Jaha ja.\n"
    assert text(alice, job).startswith("Åsa: Hej du.")
    assert alice.get(f"{path(job)}?number=1").json["changes"] == SELF
    newest = alice.get(path(job)).json
    assert (newest["number"], newest["changes"], newest["latest"]) == (2, [], 2)
    assert alice.get(f"{path(job)}?number=0").json["latest"] == 2


@pytest.mark.parametrize("version", ["1", "999999999"])
def test_a_version_that_there_is_not_is_refused(alice: Client, job: Job, version: str) -> None:
    refused = alice.get(f"/api/jobs/{job.job_id}/transcript?version={version}")
    assert (refused.status, refused.json["code"], refused.json["field"]) == (404, "NO_SUCH_VERSION", "version")
    refused = alice.get(f"{path(job)}?number={version}")
    assert (refused.status, refused.json["code"], refused.json["field"]) == (404, "NO_SUCH_VERSION", "number")


def test_who_does_not_say_what_was_read_is_told_to(alice: Client, job: Job) -> None:
    refused = save(alice, job, SELF, upon=None)
    assert (refused.status, refused.json["code"], refused.json["field"]) == (428, "PRECONDITION_REQUIRED", "If-Match")
    for tag in ("0", "*", 'W/"0"', '"-1"', '"00"'):
        refused = alice.call("PUT", path(job), {"changes": []}, if_match=tag)
        assert (refused.status, refused.json["code"]) == (422, "INVALID_REQUEST")


def test_the_later_of_two_people_is_told_of_the_other_and_loses_nothing(world: World, alice: Client, job: Job) -> None:
    save(alice, job, SELF)
    before = lying(world, job)
    refused = save(alice, job, [change(0, 2)])
    assert (refused.status, refused.json["code"], refused.json["latest"]) == (412, "CORRECTED_MEANWHILE", 1)
    assert lying(world, job) == before
    assert save(alice, job, [change(0, 2), *SELF], upon=1).json["number"] == 2
    assert text(alice, job) == "Talare 2: Hej på dig.\n\nAnna: Jaha ja.\n"


def test_of_two_who_save_at_the_same_moment_one_is_told_of_the_other(world: World, alice: Client, job: Job) -> None:
    calls = sequence(world, lambda: save(alice, job, SELF))
    for at in range(len(calls)):
        fresh = completed(world, alice)
        keep_words(world, fresh, HEARD)
        reply = beside(world, at, partial(saved_by_a_rival, world, fresh), partial(save, alice, fresh, SELF))
        assert reply.status in {200, 412}, reply.body
        newest = alice.get(path(fresh)).json
        # Whoever was told 200 last is the newest, and no version lies there that nobody was told of.
        assert newest["changes"] == (SELF if reply.status == 200 else [change(0, 2)])
        if reply.status == 412:
            assert reply.json["latest"] == newest["number"]
            assert len([key for key in lying(world, fresh) if "/corrections/" in key]) == 1


def sequence(world: World, run: Callable[[], Reply]) -> list[str]:
    """The calls to AWS that it takes."""
    beside(world, -1, lambda _: None, run)
    return list(world.faults.calls)


def beside(world: World, at: int, rival: Callable[[Mode], None], run: Callable[[], Reply]) -> Reply:
    """A request during which a rival does something, before its call to AWS of this number."""
    world.faults.calls, world.faults.happened = [], False
    world.faults.plan(at, Mode.RIVAL, rival)
    with world.faults.watching():
        return run()


def saved_by_a_rival(world: World, job: Job, _: Mode) -> None:
    """A whole correction of the same job, upon the machine's words."""
    store = Corrections(world.store, world.s3, BUCKET, Keeping(30, 365))
    store.save(world.job(job.job_id), (Change(0, 2),), lambda: HEARD, base=0, by="share_1", now=world.now)


def erased_by_a_rival(world: World, job: Job, _: Mode) -> None:
    Erasure(world.store, world.s3, BUCKET).erase(world.job(job.job_id), world.now)


def test_the_same_request_twice_at_the_same_moment_is_saved_once(world: World, alice: Client, job: Job) -> None:
    for at in range(len(sequence(world, lambda: save(alice, job, SELF)))):
        fresh = completed(world, alice)
        keep_words(world, fresh, HEARD)

        def again(_: Mode, fresh: Job = fresh) -> None:
            store = Corrections(world.store, world.s3, BUCKET, Keeping(30, 365))
            store.save(world.job(fresh.job_id), parse(SELF), lambda: HEARD, base=0, by="client", now=world.now)

        assert beside(world, at, again, partial(save, alice, fresh, SELF)).status == 200
        assert len([key for key in lying(world, fresh) if "/corrections/" in key]) == 1


def test_a_request_whose_reply_was_lost_is_answered_as_it_was(world: World, alice: Client, job: Job) -> None:
    first = save(alice, job, SELF)
    world.clock.pass_(5_000)
    before = lying(world, job)
    again = save(alice, job, SELF)
    assert (again.status, again.json, again.headers["etag"]) == (200, first.json, first.headers["etag"])
    assert lying(world, job) == before


@pytest.mark.parametrize("mode", [Mode.BEFORE, Mode.AFTER])
def test_wherever_the_api_dies_the_same_request_saves_it_once_more(
    world: World, alice: Client, job: Job, mode: Mode
) -> None:
    calls = sequence(world, lambda: save(alice, job, SELF))
    for at in range(len(calls)):
        fresh = completed(world, alice)
        keep_words(world, fresh, HEARD)
        with world.faults.dying(at, mode):
            save(alice, fresh, SELF)
        saved = save(alice, fresh, SELF)
        assert saved.status == 200, (calls[at], saved.body)
        newest = alice.get(path(fresh)).json
        assert (newest["number"], newest["changes"]) == (saved.json["number"], SELF)
        assert save(alice, fresh, [], upon=newest["number"]).status == 200


def test_many_gaps_in_the_numbers_are_passed(world: World, alice: Client, job: Job) -> None:
    for number in range(1, 40):
        world.s3.put_object(Bucket=BUCKET, Key=object_keys.correction(job.place, number), Body=b"{}")
    saved = save(alice, job, SELF).json["number"]
    assert saved >= 40
    assert alice.get(f"{path(job)}?number={saved}").json["changes"] == SELF


def test_a_job_that_is_erased_meanwhile_is_gone_and_nothing_of_the_correction_is_left(
    world: World, alice: Client, job: Job
) -> None:
    calls = sequence(world, lambda: save(alice, job, SELF))
    for at in range(1, len(calls)):
        fresh = completed(world, alice)
        keep_words(world, fresh, HEARD)
        reply = beside(world, at, partial(erased_by_a_rival, world, fresh), partial(save, alice, fresh, SELF))
        assert (reply.status, reply.json["code"]) in {(404, "NOT_FOUND"), (404, "NO_LATEST_VERSION")}, calls[at]
        assert lying(world, fresh) == {}


def test_what_a_process_writes_after_an_erasure_and_its_own_end_is_found_by_the_later_search(
    world: World, alice: Client, job: Job
) -> None:
    erasure = Erasure(world.store, world.s3, BUCKET)
    tombstone = erasure.erase(job, world.now)
    assert tombstone
    world.s3.put_object(Bucket=BUCKET, Key=object_keys.correction(job.place, 1), Body=b"{}")
    world.clock.pass_(SECOND_LOOK_MS)
    erasure.finish(tombstone, world.now)
    assert lying(world, job) == {}


def test_a_correction_prolongs_the_job_and_its_own_callback_up_to_the_longest_time(
    world: World, alice: Client, gateway: Gateway
) -> None:
    done = completed(world, alice, callback={"url": "https://hooks.example.com/"})
    keep_words(world, done, HEARD)
    world.change((f"JOB#{done.job_id}", "JOB"), expires_at=expiry(done.created_at, 30))
    world.clock.pass_(10 * DAY_MS)
    saved = save(alice, done, SELF).json
    assert saved["expires_at"] == rfc3339(world.now + 30 * DAY_MS)
    assert alice.get(f"/api/jobs/{done.job_id}").json["expires_at"] == saved["expires_at"]
    own = [item for item in world.all_items() if item["sk"].startswith("CALLBACK#")]
    assert [item["expires_at"] * SECOND_MS for item in own] == [world.now + 30 * DAY_MS]
    world.clock.pass_(340 * DAY_MS)
    created = world.job(done.job_id).created_at
    assert save(alice, done, [], upon=1).json["expires_at"] == rfc3339(created + 365 * DAY_MS)
    world.delete((own[0]["pk"], own[0]["sk"]))
    assert save(alice, done, SELF, upon=2).status == 200, "its callback has aged out before it"


def test_there_is_nothing_to_correct_in_a_job_without_text_or_of_another(
    world: World, alice: Client, gateway: Gateway, job: Job
) -> None:
    waiting, bob = uploaded(world, alice), gateway.client("bob")
    for client, one, code in ((alice, waiting, "NOT_COMPLETED"), (bob, job, "NOT_FOUND")):
        assert save(client, one, SELF).json["code"] == code
        assert client.get(path(one)).json["code"] == code
        assert client.get(f"/api/jobs/{one.job_id}/words").json["code"] == code
    old = completed(world, alice)
    assert save(alice, old, SELF).json["code"] == "NO_LATEST_VERSION"


def test_a_body_has_a_million_bytes_at_most(world: World, alice: Client, job: Job) -> None:
    many = [change(0, 6, (0, ["åååååååååå " * 45_000]))]
    body = json.dumps({"changes": many}, ensure_ascii=False).encode()
    assert 900_000 < len(body) < 1_000_000
    fits = alice.call("PUT", path(job), body + b" " * (1_000_000 - len(body)), if_match='"0"')
    assert fits.status == 200, fits.body
    refused = alice.call("PUT", path(job), body + b" " * (1_000_001 - len(body)), if_match='"1"')
    assert (refused.status, refused.json["code"]) == (413, "TOO_LARGE")
    assert "1000000 bytes" in refused.json["detail"]
    address = f"/api/jobs/{job.job_id}/transcript?format=srt&version=latest"
    assert alice.get(address, accept_encoding="gzip").status == 200


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({}, "changes"),
        ([[]], "changes.0"),
        ([change(0, 2), change(1, 2)], "changes.1.first"),
        ([change(0, 1)], "changes.0.end"),
        ([change(6, 7)], "changes.0.end"),
        ([change(0, 2, (0, []))], "changes.0.segments.0.pieces"),
        ([change(0, 2, (50, ["hej"]))], "changes.0.segments.0.speaker"),
        ([change(0, 2, (0, ["hej", "a\u202eb"]))], "changes.0.segments.0.pieces.1"),
        ([change(0, 2, (0, ["hej", "\ud800"]))], "changes.0.segments.0.pieces.1"),
        ([change(0, 2, (0, [[0, 1], [0, 1]]))], "changes.0.segments.0.pieces.1"),
    ],
)
def test_what_is_no_correction_is_refused_with_its_place(alice: Client, job: Job, changes: Any, field: str) -> None:
    refused = save(alice, job, changes)
    if field == "changes":
        assert (refused.status, refused.json["code"]) == (422, "INVALID_REQUEST")
        return
    assert (refused.status, refused.json["code"], refused.json["field"]) == (422, "INVALID_CORRECTION", field)


def test_a_version_of_another_release_or_a_lost_one_is_not_taken_for_the_machines_text(
    world: World, alice: Client, job: Job
) -> None:
    save(alice, job, SELF)
    key = object_keys.correction(job.place, 1)
    written = json.loads(world.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
    world.s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps({**written, "version": 99}).encode())
    for _ in range(2):
        for reply in (alice.get(path(job)), alice.get(f"/api/jobs/{job.job_id}/transcript?version=latest")):
            assert (reply.status, reply.json["code"]) == (404, "NO_SUCH_VERSION")
        world.s3.delete_object(Bucket=BUCKET, Key=key)


def test_what_the_job_notes_of_a_correction_is_true(world: World, alice: Client, job: Job) -> None:
    save(alice, job, SELF)
    noted = world.job(job.job_id).correction
    assert noted
    document = lying(world, job)[object_keys.correction(job.place, 1)]
    assert (noted["bytes"], noted["sha256"]) == (len(document), hashlib.sha256(document).hexdigest())
    content = text(alice, job, "1").encode()
    assert noted["text"] == {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    assert json.loads(document)["names"] == ["Anna"]
    assert kept_words.unpack(lying(world, job)[object_keys.words(job.place, 1)]) == HEARD
