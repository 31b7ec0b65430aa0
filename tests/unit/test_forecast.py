"""What recordings will cost, before they are sent: the budget's seconds at the machines' prices."""

from __future__ import annotations

import wave
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.cli.errors import Exit
from services.cli.main import app
from services.cli.recordings.input.lengths import length_of
from services.common.domain.fair_queue import BYTES_PER_SECOND
from services.common.domain.forecast import ALONE_SECONDS, PART_SECONDS, Forecast, Start, parts
from services.common.domain.prices import ADDRESS_AND_DISK, DOLLARS_PER_HOUR
from services.common.domain.stages import SPEED, STAGES
from services.gpu_worker.settings import WorkerSettings
from tests.support.audio import MEETING

MINUTE = Forecast(lengths=(60.0,))
HOUR = Forecast(lengths=(3_600.0,))


def test_a_minute_of_speech_takes_what_the_budget_says_from_the_queue_to_its_text() -> None:
    assert MINUTE.seconds(Start.RUNNING) == STAGES[-1].own_image
    assert MINUTE.seconds(Start.OWN_IMAGE) == sum(stage.own_image for stage in STAGES[1:])
    assert MINUTE.seconds(Start.PUBLIC_IMAGE) == sum(stage.public_image for stage in STAGES[1:])


def test_a_job_pays_for_a_machine_from_its_launch_on_and_not_before() -> None:
    unpaid = sum(stage.own_image for stage in STAGES if stage.until in ("capacity_asked", "launched"))
    assert MINUTE.seconds(Start.OWN_IMAGE) - MINUTE.machine_seconds(Start.OWN_IMAGE) == unpaid
    assert MINUTE.machine_seconds(Start.RUNNING) == MINUTE.seconds(Start.RUNNING)


def test_dollars_are_machine_seconds_at_the_price_of_type_and_market() -> None:
    seconds = HOUR.machine_seconds(Start.RUNNING)
    assert HOUR.dollars(Start.RUNNING, "g4dn.xlarge", "spot") == pytest.approx(0.19 * seconds / 3_600)
    assert HOUR.dollars(Start.RUNNING, "a-box-under-the-desk", "spot") is None


def test_several_recordings_share_one_start() -> None:
    both = Forecast(lengths=(60.0, 120.0))
    starts = [one.seconds(Start.OWN_IMAGE) - one.seconds(Start.RUNNING) for one in (both, MINUTE)]
    assert starts[0] == starts[1]
    assert both.work_seconds == pytest.approx(MINUTE.work_seconds + Forecast(lengths=(120.0,)).work_seconds)


def test_a_recording_of_more_than_an_hour_is_split_and_put_together() -> None:
    assert [parts(seconds) for seconds in (60, 3_600, 3_601, 7_200, 9_000)] == [1, 1, 2, 4, 5]
    longer = Forecast(lengths=(3_660.0,)).work_seconds - HOUR.work_seconds
    assert longer == pytest.approx(60 / SPEED + MINUTE.work_seconds - 60 / SPEED)


def test_recordings_are_split_as_workers_split_them() -> None:
    fields = WorkerSettings.model_fields
    assert 60 * fields["alone_minutes"].default == ALONE_SECONDS
    assert 60 * fields["part_minutes"].default == PART_SECONDS


def test_a_length_is_the_headers_or_guessed_by_the_size(tmp_path: Path) -> None:
    recorded = tmp_path / "a.wav"
    with wave.open(str(recorded), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8_000)
        file.writeframes(bytes(8_000 * 2 * 90))
    unknown = tmp_path / "b.mkv"
    unknown.write_bytes(bytes(BYTES_PER_SECOND * 60))
    broken = tmp_path / "c.mp3"
    broken.write_bytes(b"no sound at all" * 100)
    assert (length_of(recorded).seconds, length_of(recorded).is_known) == (90, True)
    assert (length_of(unknown).seconds, length_of(unknown).is_known) == (60, False)
    assert not length_of(broken).is_known
    assert length_of(MEETING).seconds == pytest.approx(127, abs=1)


def test_the_cost_of_files_is_told_by_start_type_and_market_without_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TABLE_NAME", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    done = CliRunner().invoke(app, ["cost", str(MEETING)], catch_exceptions=False)
    assert done.exit_code == 0
    file, starts, until, *machines = done.stdout.splitlines()
    assert file == f"{MEETING}: 2:07, by its header"
    assert starts.split() == ["a", "machine", "runs", "own", "image", "public", "image"]
    assert until.split() == ["until", "the", "last", "text", "8", "s", "60", "s", "4", "min"]
    assert [tuple(line.split()[:2]) for line in machines] == list(DOLLARS_PER_HOUR)
    assert machines[0].split()[2:] == ["$0.0004", "$0.0029", "$0.0114"]
    assert str(ADDRESS_AND_DISK) in done.stderr


def test_what_is_guessed_and_what_all_take_together_is_said(tmp_path: Path) -> None:
    long = tmp_path / "long.mkv"
    with long.open("wb") as file:
        file.truncate(BYTES_PER_SECOND * 7_200)
    done = CliRunner().invoke(app, ["cost", str(MEETING), str(long)], catch_exceptions=False)
    assert done.stdout.splitlines()[1:3] == [f"{long}: 2:00:00, guessed by its size, up to 4 parts", "in all: 2:02:07"]
    assert "several times longer or shorter" in done.stderr


def test_a_recording_of_a_folder_that_cannot_be_read_is_told_and_the_others_count(tmp_path: Path) -> None:
    (tmp_path / "empty.mp3").touch()
    alone = CliRunner().invoke(app, ["cost", str(tmp_path)], catch_exceptions=False)
    assert (alone.exit_code, alone.stdout) == (Exit.REFUSED, "")
    (tmp_path / "whole.mp3").write_bytes(MEETING.read_bytes())
    done = CliRunner().invoke(app, ["cost", str(tmp_path)], catch_exceptions=False)
    assert done.exit_code == Exit.REFUSED, "the estimate leaves a recording out"
    assert done.stdout.startswith(f"{tmp_path / 'whole.mp3'}: 2:07, by its header")
    assert f"{tmp_path / 'empty.mp3'}: is empty: there is nothing to transcribe." in done.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["https://example.com/a.mp3"], "The length of https://example.com/a.mp3 is known once it is here"),
        ([str(MEETING), "--week"], "Give recordings that are not sent yet, or days"),
        (["--week", "--month"], "Give one of --day, --week, --month"),
        (["--until", "2026-11-01"], "--until is the last day of some: give the first one too"),
        (["--since", "2026-11-09", "--until", "2026-11-08"], "2026-11-09 is after 2026-11-08"),
        (["--since", "yesterday"], "yesterday is no day: write it as 2026-11-27."),
        (["--client", "Åsa"], "A client's name is 1 to 40 small letters"),
    ],
)
def test_what_cannot_be_told_is_refused_with_a_sentence(arguments: list[str], sentence: str) -> None:
    done = CliRunner().invoke(app, ["cost", *arguments], catch_exceptions=False)
    assert (done.exit_code, done.stdout) == (Exit.USAGE, "")
    assert sentence in done.stderr
