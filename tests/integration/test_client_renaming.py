"""Speakers get their names on the command line, and texts that are written from then on have them."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docx
import pytest
from typer.testing import CliRunner, Result

from services.api import latest
from services.cli.api.client import Api
from services.cli.errors import Exit
from services.cli.main import app
from services.common.domain.records import Job
from tests.support.api_jobs import completed, create, keep_words
from tests.support.gateway import Client, Gateway
from tests.support.items import job_of
from tests.support.transcripts import dialogue
from tests.support.world import World

HEARD = dialogue((0, "Hej du."), (1, "Hej själv."), formats=["json", "txt"])


@pytest.fixture(autouse=True)
def served(gateway: Gateway, alice: Client, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Commands speak to the API as Alice, from a machine that was never logged in."""
    with gateway.served() as url:
        monkeypatch.setenv("TRANSCRIBE_URL", url)
        monkeypatch.setenv("TRANSCRIBE_KEY", alice.api_key)
        yield


@pytest.fixture
def job(world: World, alice: Client) -> Job:
    """A completed job with two speakers."""
    done = completed(world, alice)
    keep_words(world, done, HEARD)
    return done


def ran(*arguments: str, code: Exit = Exit.DONE) -> Result:
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done


@pytest.mark.parametrize(
    ("words", "after", "told"),
    [
        (["Åsa Ek", "Ek, Bo"], ["Åsa Ek", "Ek, Bo"], "S1 is Åsa Ek, S2 is Ek, Bo"),
        (["", "Bo"], [None, "Bo"], "S2 is Bo"),
        (["S3=Eva"], ["Anna", None, "Eva"], "S1 is Anna, S3 is Eva"),
        (["S2=Bo=Ek", "S1="], [None, "Bo=Ek"], "S2 is Bo=Ek"),
        (["s2=Bo"], ["Anna", "Bo"], "S1 is Anna, S2 is Bo"),
        ([""], [], "has no names"),
    ],
)
def test_all_speakers_are_named_or_single_ones_and_the_others_keep_theirs(
    world: World, alice: Client, words: list[str], after: list[str | None], told: str
) -> None:
    job_id = create(alice, names=["Anna"])["job_id"]
    assert ran("rename", job_id, *words).stdout.splitlines() == [f"{job_id} {told}"]
    assert job_of(world, job_id).names == after


def test_for_programs_the_renamed_job_is_printed(alice: Client) -> None:
    job_id = create(alice)["job_id"]
    assert json.loads(ran("rename", job_id, "Bo", "--json").stdout)["names"] == ["Bo"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["Anna", "S2=Bo"], "Give the names of all speakers in their order, or each as in `S2=Bo`."),
        (["x" * 81], "Give a name of 1 to 80 characters"),
        (["S0=Bo"], "There are names for S1 to S50 only."),
        (["S51=Bo"], "There are names for S1 to S50 only."),
        (["S100=Bo"], "There are names for S1 to S50 only."),
        (["S2=Bo", "S02=Eva"], "Give each speaker one name."),
    ],
)
def test_what_cannot_be_meant_changes_nothing(world: World, alice: Client, words: list[str], sentence: str) -> None:
    job_id = create(alice, names=["Anna"])["job_id"]
    assert sentence in ran("rename", job_id, *words, code=Exit.USAGE).stderr
    assert job_of(world, job_id).names == ["Anna"]


@pytest.mark.parametrize(
    ("options", "heard", "remark"),
    [
        ({}, None, "No text shows names: the job did not ask for speakers."),
        ({"channels": "separate"}, None, ""),
        ({"speakers": "auto"}, None, ""),
        ({"speakers": "auto"}, 1, "The job has 1 speaker: no text shows the further names."),
        ({"speakers": "auto"}, 2, ""),
    ],
)
def test_names_that_no_text_will_show_are_told(
    world: World, alice: Client, options: dict[str, Any], heard: int | None, remark: str
) -> None:
    job = completed(world, alice, options=options)
    if heard is not None:
        quality = {**HEARD.quality.short(HEARD.told_apart), "speaker_count": heard}
        world.change((f"JOB#{job.job_id}", "JOB"), result={**(job.result or {}), "quality": quality})
    told = [line for line in ran("rename", job.job_id, "Anna", "Bo").stderr.splitlines() if "no text" in line.lower()]
    assert [line[: len(remark)] for line in told] == ([remark] if remark else [])


def test_a_text_that_was_corrected_is_printed_and_written_so(alice: Client, world: World, tmp_path: Path) -> None:
    done = completed(world, alice)
    keep_words(world, done, dialogue((None, "Hej du.")))
    change = {"first": 0, "end": 2, "segments": [{"speaker": None, "pieces": [[0, 1], "på dig."]}]}
    assert alice.call("PUT", f"/api/jobs/{done.job_id}/correction", {"changes": [change]}, if_match='"0"').status == 200
    assert ran("show", done.job_id, "--follow", "-q").stdout == "Hej på dig.\n"
    ran("show", done.job_id, "-f", "txt", "-o", str(tmp_path))
    assert [path.read_text("utf-8") for path in tmp_path.iterdir()] == ["Hej på dig.\n"]


def test_a_job_that_is_anothers_is_not_renamed(gateway: Gateway) -> None:
    job_id = create(gateway.client("bob"))["job_id"]
    assert "There is no such job" in ran("rename", job_id, "Bo", code=Exit.REFUSED).stderr


def written(job: Job, folder: Path, form: str, *more: str) -> bytes:
    """The one file that `show` writes of a job."""
    ran("show", job.job_id, "-f", form, "-o", str(folder), "-q", *more)
    (path,) = folder.iterdir()
    return path.read_bytes()


def test_a_file_of_a_job_with_names_has_them_as_they_are_now(job: Job, tmp_path: Path) -> None:
    ran("rename", job.job_id, "Anna", "Åsa Ek")
    content = written(job, tmp_path / "docx", "docx")
    assert "Åsa Ek" in "\n".join(one.text for one in docx.Document(io.BytesIO(content)).paragraphs)
    assert written(job, tmp_path / "txt", "txt").decode() == "Anna: Hej du.\n\nÅsa Ek: Hej själv.\n"
    ran("rename", job.job_id, "S2=Eva")
    assert written(job, tmp_path / "again", "txt").decode() == "Anna: Hej du.\n\nEva: Hej själv.\n"


def test_a_name_that_was_taken_away_is_in_no_file_that_is_written_then(
    world: World, alice: Client, tmp_path: Path
) -> None:
    """The file that was announced has it for ever."""
    job = completed(world, alice, names=["Anna"], options={"speakers": "auto"})
    keep_words(world, job, HEARD)
    ran("rename", job.job_id, "")
    assert written(job, tmp_path, "txt").decode() == "Talare 1: Hej du.\n\nTalare 2: Hej själv.\n"


def test_a_text_that_is_waited_for_has_the_names_too(job: Job) -> None:
    ran("rename", job.job_id, "Anna", "Bo")
    assert ran("show", job.job_id, "--follow", "-q").stdout == "Anna: Hej du.\n\nBo: Hej själv.\n"


@pytest.mark.parametrize(
    "more",
    [{}, {"names": ["Anna"]}, {"options": {"speakers": "auto"}}],
    ids=["no names", "names and no words kept", "speakers and no words kept"],
)
def test_a_job_without_names_or_without_kept_words_gives_the_file_that_was_announced(
    world: World, alice: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, more: dict[str, Any]
) -> None:
    asked: list[Any] = []

    def announced(_: Api, *what: str) -> bytes:
        asked.append(what)
        return b"as announced"

    monkeypatch.setattr(Api, "transcript", announced)
    job = completed(world, alice, **more)
    assert written(job, tmp_path / "texts", "txt") == b"as announced"
    assert asked == [(job.job_id, "txt")]


@pytest.mark.parametrize(("names", "code"), [([], Exit.DONE), (["Anna"], Exit.REFUSED)])
def test_a_text_that_is_too_large_for_a_reply_is_the_announced_one_only_if_nobody_has_a_name(
    world: World, alice: Client, monkeypatch: pytest.MonkeyPatch, names: list[str], code: Exit
) -> None:
    monkeypatch.setattr(latest, "MOST_BYTES", 10)
    monkeypatch.setattr(Api, "transcript", lambda *_: b"as announced")
    job = completed(world, alice, names=names, options={"speakers": "auto"})
    keep_words(world, job, HEARD)
    assert ran("show", job.job_id, "--follow", "-q", code=code).stdout == ("" if names else "as announced\n")


def test_show_tells_the_names_and_what_was_expected(alice: Client) -> None:
    job_id = create(alice, names=["Anna", None, "Bo"], options={"speakers": {"at_least": 2}})["job_id"]
    told = [line.split(maxsplit=1) for line in ran("show", job_id).stdout.splitlines()]
    assert ["S1", "Anna"] in told
    assert ["S3", "Bo"] in told
    assert ["option", "speakers: 2-"] in told
