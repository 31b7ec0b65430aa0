"""Recordings side by side, from their uploads to their texts, with an API and uploads that follow a script."""

from __future__ import annotations

import json
import math
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from services.cli import printing
from services.cli.api.client import Api
from services.cli.errors import Exit, RefusedError, UnreachableError
from services.cli.recordings import run as course
from services.cli.recordings.input.sources import Source
from services.cli.recordings.options.outputs import Output, Wishes
from services.cli.recordings.output.files import Files
from services.cli.recordings.output.results import Results
from services.cli.recordings.output.telling import text_of
from services.cli.recordings.progress import display, watching
from services.cli.recordings.progress.recording import Phase, Recording
from services.cli.recordings.upload.sending import Sending
from services.cli.recordings.upload.uploads import Uploads
from tests.support.scripted_service import PATIENCE_SECONDS, ScriptedApi, ScriptedUploads, job, waited


@dataclass
class Run:
    """One run, to be changed before it begins."""

    api: ScriptedApi = field(default_factory=ScriptedApi)
    uploads: ScriptedUploads = field(default_factory=ScriptedUploads)
    recordings: list[Recording] = field(default_factory=list)

    def completed(self, *names: str) -> None:
        for name in names:
            self.api.scripts[name] = [job(name)]

    def __call__(self, *, output: Output | None = None, as_json: bool = False, wait: bool = True) -> Exit:
        output = output or Output()
        files = Files(output, began=datetime(2026, 11, 26).astimezone())
        self.recordings = [
            Recording(
                name=f"{name}.mp3",
                source=Source(word=name, file_name=name, beside=Path(name)),
                place=files.place(None, name),
            )
            for name in self.api.scripts
        ]
        api = cast("Api", self.api)
        return course.bring(
            self.recordings,
            api=api,
            wishes=Wishes(output=output, as_json=as_json, again=" --local", wait=wait),
            files=files,
            sending=Sending(cast("Uploads", self.uploads), self.recordings, {}),
        )


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """A run whose looks follow one another at once, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    for module, constant in (
        *((course, name) for name in ("TICK_SECONDS", "SOON_SECONDS")),
        *((watching, name) for name in ("OFTEN_SECONDS", "SELDOM_SECONDS")),
    ):
        monkeypatch.setattr(module, constant, 0.001)
    return Run()


def test_texts_are_printed_in_the_order_of_the_arguments_whichever_is_there_first(
    run: Run, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    second_is_there = threading.Event()
    run.completed("a", "b")
    run.uploads.instead["a"] = lambda _: waited(second_is_there)

    def transcript(job_id: str, form: str) -> bytes:
        second_is_there.set()
        return job_id.encode()

    monkeypatch.setattr(run.api, "transcript", transcript)
    assert run() is Exit.DONE
    assert capfd.readouterr().out == "== a.mp3 ==\njob_a\n== b.mp3 ==\njob_b\n"


def test_one_recording_has_no_heading(run: Run, capfd: pytest.CaptureFixture[str]) -> None:
    run.completed("a")
    assert run() is Exit.DONE
    assert capfd.readouterr().out == "txt of job_a\n"


def test_one_that_fails_stops_none_and_the_highest_exit_code_counts(
    run: Run, capfd: pytest.CaptureFixture[str]
) -> None:
    error = {"code": "INVALID_MEDIA", "message": "It is no recording.", "retryable": False}
    run.api.scripts = {
        "failed": [job("failed", "running"), job("failed", "failed", error=error)],
        "canceled": [job("canceled", "canceled")],
        "expired": [job("expired", "expired")],
        "refused": [job("refused")],
        "fine": [job("fine", quality={"remarks": [{"message": "It ends early."}]})],
    }

    def refuse(_: object) -> None:
        raise RefusedError("It is too large (TOO_LARGE).")

    run.uploads.instead["refused"] = refuse
    assert run() is Exit.REFUSED
    told = capfd.readouterr()
    assert told.out == "== fine.mp3 ==\ntxt of job_fine\n"
    for line in (
        "failed.mp3: It is no recording (INVALID_MEDIA).",
        "canceled.mp3: It was canceled, so there is no text (CANCELED).",
        "expired.mp3: Its recording did not arrive in time: send it again (EXPIRED).",
        "refused.mp3: It is too large (TOO_LARGE).",
        "fine.mp3: It ends early.",
    ):
        assert line in told.err.splitlines()


def test_a_failed_job_alone_is_exit_code_1_and_quiet_hides_no_error(
    run: Run, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(printing, "_silent", True)
    run.api.scripts["a"] = [job("a", "canceled")]
    run.completed("b")
    run.api.scripts["b"][0]["quality"] = {"remarks": [{"message": "It ends early."}]}
    assert run() is Exit.FAILED
    assert capfd.readouterr().err == "a.mp3: It was canceled, so there is no text (CANCELED).\n"


def test_a_job_that_is_gone_ends_alone(run: Run, capfd: pytest.CaptureFixture[str]) -> None:
    run.completed("b")
    run.api.scripts["a"] = [job("a", "running"), RefusedError("There is no such job (NOT_FOUND).", problem="NOT_FOUND")]
    assert run() is Exit.REFUSED
    told = capfd.readouterr()
    assert "a.mp3: There is no such job (NOT_FOUND)." in told.err
    assert "txt of job_b" in told.out


def test_if_the_service_goes_away_it_is_said_once_and_how_to_come_back(
    run: Run, capfd: pytest.CaptureFixture[str]
) -> None:
    run.completed("a", "b", "c", "d")
    gone = UnreachableError("The service cannot be reached: try again later.")
    run.api.listing = gone
    for script in run.api.scripts.values():
        script[:] = [gone]
    assert run(output=Output(formats=("srt",), folder=Path())) is Exit.UNREACHABLE
    told = capfd.readouterr()
    assert told.out == ""
    assert 1 <= told.err.count("transcribe: The service cannot be reached: try again later.") <= 4
    for name in "abcd":
        back = f"`transcribe show job_{name} --follow -f srt -o . --local`"
        assert f"{name}.mp3: its job goes on; come back with {back}" in told.err


def test_json_is_a_line_for_each_recording_with_its_text_or_its_error(
    run: Run, capfd: pytest.CaptureFixture[str]
) -> None:
    run.completed("a")
    run.api.scripts["b"] = [job("b", "canceled")]
    run.api.scripts["c"] = [job("c")]

    def refuse(_: object) -> None:
        raise RefusedError("It is empty.")

    run.uploads.instead["c"] = refuse
    run(as_json=True)
    lines = {line["file"]: line for line in map(json.loads, capfd.readouterr().out.splitlines())}
    assert lines["a.mp3"] == {**job("a"), "file": "a.mp3", "text": "txt of job_a\n"}
    canceled = {"code": "CANCELED", "message": "It was canceled, so there is no text (CANCELED)."}
    assert lines["b.mp3"] == {**job("b", "canceled"), "file": "b.mp3", "error": canceled}
    refused = {"code": "REFUSED", "message": "It is empty."}
    assert lines["c.mp3"] == {"job_id": "job_c", "file": "c.mp3", "error": refused}


def test_files_are_written_for_each_recording_and_their_paths_printed(
    run: Run, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run.completed("a", "b")
    assert run(output=Output(formats=("txt", "srt"), folder=Path())) is Exit.DONE
    assert sorted(capfd.readouterr().out.splitlines()) == ["a.srt", "a.txt", "b.srt", "b.txt"]
    assert (tmp_path / "b.srt").read_text() == "srt of job_b\n"


def test_a_disk_that_is_full_fails_its_recording_with_the_command_that_writes_it_later(
    run: Run, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run.completed("a", "b")
    real = Files.write

    def full(self: Files, place: Any, contents: Mapping[str, bytes]) -> list[Path]:
        if place.stem == "a":
            raise OSError(28, "No space left on device")
        return real(self, place, contents)

    monkeypatch.setattr(Files, "write", full)
    assert run(output=Output(formats=("txt",), folder=Path())) is Exit.FAILED
    told = capfd.readouterr()
    assert "a.mp3: Its text is there and cannot be written" in told.err
    assert "then run `transcribe show job_a -f txt -o . --local`" in told.err
    assert told.out == "b.txt\n"


def test_a_text_that_cannot_be_fetched_now_is_told_with_the_command_that_fetches_it_later(
    run: Run, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(job_id: str, form: str) -> bytes:
        raise UnreachableError("The storage cannot be reached: try again later.")

    run.completed("a")
    monkeypatch.setattr(run.api, "transcript", unreachable)
    assert run() is Exit.UNREACHABLE
    assert "Its text is there; come back with `transcribe show job_a --follow --local`." in capfd.readouterr().err


def test_a_path_of_whatever_bytes_is_printed_for_programs_as_it_is_and_told_as_text(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    path = Path(os.fsdecode(b"m\xf6te.txt"))
    printing.path(path)
    assert capfdbinary.readouterr().out == b"m\xf6te.txt\n"
    assert text_of(path) == "m\ufffdte.txt"


def test_without_waiting_ids_are_printed_and_no_job_is_looked_at(run: Run, capfd: pytest.CaptureFixture[str]) -> None:
    run.completed("a", "b")
    assert run(wait=False) is Exit.DONE
    assert sorted(capfd.readouterr().out.splitlines()) == ["job_a", "job_b"]
    assert not run.api.asked
    run(wait=False, as_json=True)
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert {"file": "a.mp3", "job_id": "job_a"} in lines


def test_ctrl_c_says_of_each_recording_how_to_come_back_and_ends_its_uploads(
    run: Run, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run.api.scripts = {"sent": [job("sent", "running")]}
    for name in ("large", "small", "third", "waits"):
        run.api.scripts[name] = [job(name, "running")]
    under_way = threading.Barrier(4)

    def upload(total: int) -> Callable[[Callable[[str, int, int | None], None]], None]:
        def act(progress: Callable[[str, int, int | None], None]) -> None:
            progress("uploading", 1, total)
            under_way.wait(PATIENCE_SECONDS)
            while True:
                progress("uploading", 2, total)

        return act

    run.uploads.instead = {name: upload(total) for name, total in (("large", 10**9), ("small", 9), ("third", 9))}

    def update(self: object) -> None:
        under_way.wait(PATIENCE_SECONDS)
        raise KeyboardInterrupt

    monkeypatch.setattr(display.Lines, "update", update)
    assert run() is Exit.INTERRUPTED
    told = capfd.readouterr().err
    assert "sent.mp3: its job goes on; come back with `transcribe show job_sent --follow --local`" in told
    assert "large.mp3: its upload has not ended; run the same command again to go on with it" in told
    assert "small.mp3: its upload has not ended; run the same command again to send it" in told
    assert "waits.mp3: it was not sent" in told


def test_texts_are_fetched_side_by_side(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each waits here until the other is asked for, as one may wait for a network that fails."""
    run.completed("first", "second")
    asked = threading.Barrier(2)

    def transcript(job_id: str, form: str) -> bytes:
        asked.wait(PATIENCE_SECONDS)
        return form.encode()

    monkeypatch.setattr(run.api, "transcript", transcript)
    assert run() is Exit.DONE


def test_a_text_that_does_not_come_holds_up_no_other(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run.completed("a", "b")
    second_is_written = threading.Event()
    real = Files.write

    def write(self: Files, place: Any, contents: Mapping[str, bytes]) -> list[Path]:
        written = real(self, place, contents)
        if place.stem == "b":
            second_is_written.set()
        return written

    def transcript(job_id: str, form: str) -> bytes:
        if job_id == "job_a":
            waited(second_is_written)
        return form.encode()

    monkeypatch.setattr(Files, "write", write)
    monkeypatch.setattr(run.api, "transcript", transcript)
    assert run(output=Output(formats=("txt",), folder=Path())) is Exit.DONE


def test_an_upload_that_ends_while_the_service_does_not_answer_is_told_of_at_once(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.completed("a", "b")
    asked, told = threading.Event(), threading.Event()

    def get(path: str, **_: object) -> dict[str, Any]:
        asked.set()
        waited(told)
        return job("a")

    def refuse(_: object) -> None:
        waited(asked)
        raise RefusedError("It is too large.")

    real = Results.failed

    def failed(self: Results, recording: Recording, error: Exception) -> None:
        real(self, recording, error)
        told.set()

    monkeypatch.setattr(Results, "failed", failed)
    monkeypatch.setattr(run.api, "get", get)
    run.uploads.instead["b"] = refuse
    assert run() is Exit.REFUSED
    assert [one.exit_code for one in run.recordings] == [Exit.DONE, Exit.REFUSED]


@pytest.mark.parametrize("asked_for", ["get", "transcript"])
def test_ctrl_c_waits_for_no_answer_of_the_service(
    asked_for: str, run: Run, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    run.completed("a")
    asked, answer = threading.Event(), threading.Event()

    def hang(*_: object, **__: object) -> Any:
        asked.set()
        waited(answer)

    def update(self: object) -> None:
        if asked.is_set():
            raise KeyboardInterrupt

    monkeypatch.setattr(run.api, asked_for, hang)
    monkeypatch.setattr(display.Lines, "update", update)
    exits: list[int] = []
    monkeypatch.setattr(os, "_exit", exits.append)
    assert run() is Exit.INTERRUPTED
    answer.set()
    assert exits == [Exit.INTERRUPTED]
    known = {"get": "its job goes on", "transcript": "its text is there"}[asked_for]
    assert f"a.mp3: {known}; come back with `transcribe show job_a --follow --local`" in capfd.readouterr().err


def test_a_mistake_in_a_look_ends_the_run_as_any_mistake_does(run: Run) -> None:
    run.completed("a")
    run.api.scripts["a"] = [KeyError("status")]
    with pytest.raises(KeyError):
        run()


def results(nobody: Any) -> Results:
    """Of a run of which only what is said counts."""
    wishes = Wishes(output=Output(), again=" --local")
    return Results([], api=nobody, wishes=wishes, files=nobody, display=nobody, inbox=nobody)


def test_of_many_jobs_ten_are_named_and_how_to_find_the_others(capfd: pytest.CaptureFixture[str]) -> None:
    results(SimpleNamespace()).left(
        [Recording(name=f"{number}.mp3", job_id=f"job_{number}", phase=Phase.SENT) for number in range(233)]
    )
    *named, rest = capfd.readouterr().err.splitlines()
    assert [line.partition(".mp3: its job goes on; come back")[0] for line in named] == [*map(str, range(10))]
    assert rest == ("transcribe: These are 10 of 233 jobs; find the others with `transcribe jobs --limit 233 --local`.")


def test_of_many_recordings_that_were_not_sent_the_first_is_named(capfd: pytest.CaptureFixture[str]) -> None:
    nobody: Any = SimpleNamespace()
    results(nobody).left([Recording(name=f"{number}.mp3") for number in range(5)])
    assert capfd.readouterr().err == "0.mp3: it was not sent, nor were the 4 after it\n"


def test_uploads_that_go_on_ending_do_not_put_off_the_next_look(monkeypatch: pytest.MonkeyPatch) -> None:
    recordings = [Recording(name=name, phase=Phase.SENT) for name in "ab"]
    nobody: Any = SimpleNamespace(look=None)
    going = course.Run(recordings, watch=nobody, display=nobody, results=nobody, inbox=nobody)
    going._next_look = math.inf
    looks = []
    for recording, now in zip(recordings, (100.0, 100.9), strict=True):
        monkeypatch.setattr("time.monotonic", lambda now=now: now)
        going._take_upload(recording, None)
        looks.append(going._next_look)
    assert looks == [101.0, 101.0]


def test_why_there_is_no_machine_is_said_once(run: Run, capfd: pytest.CaptureFixture[str]) -> None:
    reason = "There is no spot capacity in this region."
    for name in "ab":
        waits = job(name, "queued", waiting="capacity", waiting_reason=reason)
        run.api.scripts[name] = [waits, waits, job(name)]
    assert run() is Exit.DONE
    assert capfd.readouterr().err.count(reason) == 1
