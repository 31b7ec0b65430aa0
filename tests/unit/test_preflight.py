"""A machine that lacks what every job needs says all of it, once."""

from __future__ import annotations

import json
import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.common.settings import SettingsError
from services.gpu_worker.machine.identity import identify, introduce, settings_for
from services.gpu_worker.machine.log_shipping import LogShipping
from services.gpu_worker.machine.metadata import Machine, Metadata, aws_of
from services.gpu_worker.machine.preflight import UnfitError, clock_skew, kind_of_device, require_clock, require_fit
from services.gpu_worker.main import run
from services.gpu_worker.settings import WorkerSettings
from services.local.instance_metadata import MetadataService
from tests.support.receivers import closes_at_once, serve, status

NOW = 1_800_000_000_000


def settings(**more: Any) -> WorkerSettings:
    known: dict[str, Any] = {"table_name": "t", "bucket_name": "b", "deployment": "d", "secrets_key_id": "k"}
    return WorkerSettings(**known, models=("whisper-base",), **more)


def test_a_sound_machine_is_fit(tmp_path: Path) -> None:
    (tmp_path / "nvidia0").touch()
    require_fit(settings(device="cuda", work_folder=tmp_path, least_free_gib=0.001), devices=tmp_path)


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(UnfitError) as told:
        require_fit(settings(device="cuda", work_folder=tmp_path, least_free_gib=1e6), devices=tmp_path)
    for word in ("GPU was promised", "GiB are free"):
        assert word in str(told.value)


def test_a_clock_a_minute_off_is_corrected_and_not_refused() -> None:
    require_clock(60_000)


def test_a_clock_an_hour_off_is_refused_before_anything_is_signed_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []

    def late(connection: socket.socket) -> None:
        called.append(connection.recv(65_536).decode().split("\r\n")[0])
        date = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
        connection.sendall(status(403, f"Date: {date}"))

    with serve(late) as port, serve(closes_at_once) as nobody:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", f"http://127.0.0.1:{nobody}")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-north-1")
        with pytest.raises(UnfitError, match="-60 minutes"):
            run(LogShipping())
    assert called == ["GET / HTTP/1.1"]


def test_a_machine_finds_its_region_in_its_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    service = MetadataService(instance_id="i-1", instance_type="g4dn.xlarge", zone="eu-north-1b", tags={})
    try:
        found = Metadata(service.endpoint).machine()
    finally:
        service.close()
    assert found is not None
    assert aws_of(found).ssm().meta.region_name == "eu-north-1"


def without_network(monkeypatch: pytest.MonkeyPatch, method: str, tries: int) -> list[int]:
    """The first requests of this kind find no way out; returns them as they fail."""
    failed: list[int] = []
    real = getattr(httpx.Client, method)

    def ask(client: httpx.Client, *arguments: Any, **more: Any) -> Any:
        if len(failed) < tries:
            failed.append(1)
            raise httpx.ConnectError("Network is unreachable")
        return real(client, *arguments, **more)

    monkeypatch.setattr(httpx.Client, method, ask)
    return failed


@pytest.mark.parametrize(("patience", "found"), [(0, False), (10, True)], ids=["any box", "a machine of the fleet"])
def test_a_machine_of_the_fleet_waits_until_its_network_is_there(
    monkeypatch: pytest.MonkeyPatch, patience: float, *, found: bool
) -> None:
    service = MetadataService(instance_id="i-1", instance_type="g4dn.xlarge", zone="eu-north-1b", tags={})
    try:
        without_network(monkeypatch, "put", 5)
        assert (Metadata(service.endpoint).machine(patience) is not None) == found
    finally:
        service.close()


def test_the_clock_is_asked_for_until_the_network_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    date = format_datetime(datetime.fromtimestamp(NOW / 1000 + 3_600, UTC), usegmt=True)

    def refuses(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(status(403, f"Date: {date}"))

    with serve(refuses) as port:
        failed = without_network(monkeypatch, "request", 2)
        assert clock_skew(f"http://127.0.0.1:{port}", lambda: NOW, patience_seconds=10) == 3_600_000
    assert len(failed) == 2


@pytest.mark.parametrize(("files", "kind"), [(["nvidia0"], "cuda"), ([], "cpu")])
def test_the_device_is_what_the_machine_has_unless_it_is_said(tmp_path: Path, files: list[str], kind: str) -> None:
    for name in files:
        (tmp_path / name).touch()
    assert kind_of_device(settings(), tmp_path) == kind
    assert kind_of_device(settings(device="cuda"), tmp_path) == "cuda"


@pytest.mark.parametrize(("ahead", "told"), [(3_600, 3_600_000), (-400, -400_000), (1, 0)])
def test_the_clocks_error_is_read_from_the_date_of_any_answer(ahead: int, told: int) -> None:
    date = format_datetime(datetime.fromtimestamp(NOW / 1000 + ahead, UTC), usegmt=True)

    def refuses(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(status(403, f"Date: {date}"))

    with serve(refuses) as port:
        assert clock_skew(f"http://127.0.0.1:{port}", lambda: NOW) == told


def test_where_nobody_answers_no_clock_is_corrected() -> None:
    with serve(closes_at_once) as port:
        assert clock_skew(f"http://127.0.0.1:{port}", lambda: NOW) == 0


def machine(**tags: str) -> Machine:
    return Machine(
        instance_id="i-1",
        instance_type="g4dn.xlarge",
        zone="eu-north-1a",
        region="eu-north-1",
        tags={name.replace("_", "-"): value for name, value in tags.items()},
    )


def test_a_machine_of_the_fleet_names_every_tag_that_it_lacks() -> None:
    with pytest.raises(SettingsError, match="transcribe-config, transcribe-launch-id"):
        identify(machine(transcribe_slot="00"), "worker_1", {"FLEET": "1"})


class Parameters:
    """Only what `settings_for` asks for."""

    def __init__(self, **settings: str) -> None:
        self._settings = settings

    def ssm(self) -> Parameters:
        return self

    def get_parameter(self, **_: str) -> dict[str, Any]:
        return {"Parameter": {"Value": json.dumps(self._settings)}}


TOLD = {"TABLE_NAME": "t", "BUCKET_NAME": "b", "DEPLOYMENT": "d", "SECRETS_KEY_ID": "k", "MODELS": "whisper-base"}


def test_tags_and_settings_that_are_wrong_are_told_together() -> None:
    parameters: Any = Parameters(TABLE_NAME="t")
    with pytest.raises(SettingsError) as told:
        introduce(machine(transcribe_config="/d/worker", transcribe_slot="00"), "worker_1", parameters)
    for word in ("transcribe-launch-id", "BUCKET_NAME", "MODELS"):
        assert word in str(told.value)


def test_the_environment_has_the_last_word_over_the_parameter(monkeypatch: pytest.MonkeyPatch) -> None:
    parameters: Any = Parameters(**TOLD, LOG_LEVEL="warning", RETENTION_DAYS="7")
    monkeypatch.setenv("LOG_LEVEL", "debug")
    settings = settings_for(machine(transcribe_config="/d/worker"), parameters)
    assert (settings.log_level, settings.retention_days) == ("debug", 7)


def test_an_image_older_than_the_deployment_works_by_the_settings_that_it_knows() -> None:
    parameters: Any = Parameters(**TOLD, RETENTION_DAYS="7", OF_A_LATER_VERSION="1")
    assert settings_for(machine(transcribe_config="/d/worker"), parameters).retention_days == 7


def test_a_machine_of_the_fleet_that_cannot_read_its_tags_says_so() -> None:
    with pytest.raises(SettingsError, match="metadata service"):
        identify(None, "worker_1", {"FLEET": "1"})


def test_a_persons_own_box_has_no_slot_even_if_it_stands_at_ec2() -> None:
    for known in (None, machine(Name="mine")):
        found = identify(known, "worker_1", {})
        assert found.slot is None
        assert found.market == "own"
