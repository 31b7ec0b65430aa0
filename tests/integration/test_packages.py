"""What is deployed holds what it should, and nothing else, and is the same to the byte each time it is built."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.support.gateway import request
from tests.support.lambdas import Function, FunctionError
from tests.support.receivers import answers, serve, status
from tools import package

FUNCTIONS = package.FUNCTIONS
BUILT = ("api.zip", "orchestrator.zip", "worker.tar.gz")
SECRET = "möte med Åsa"
KEY = {"authorization": "Bearer key-of-asa-0123456789abcdef"}
REFUSAL = json.dumps({"__type": "com.amazon.coral.service#AccessDeniedException", "message": f"No {SECRET}"})
SETTINGS = {
    "TABLE_NAME": "table",
    "BUCKET_NAME": "bucket",
    "DEPLOYMENT": "swedish",
    "SECRETS_KEY_ID": "key",
    "MODELS": "whisper-base",
    "LAUNCH_TEMPLATE_ID": "lt-1",
    "SPOT_LAUNCH_TEMPLATE_ID": "lt-2",
    "SUBNET_IDS": "subnet-a",
    "INSTANCE_TYPES": "g4dn.xlarge",
    "IMAGE_PARAMETER": "/image",
    "FALLBACK_IMAGE_PARAMETER": "/fallback",
    "MAX_WORKERS": "2",
    "AWS_DEFAULT_REGION": "eu-north-1",
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
}
WRONG = {"MAX_WORKERS": "many", "RETENTION_DAYS": "long", "LOG_LEVEL": "loud"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    package.build(folder)
    return folder


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return package.install_runtime(tmp_path_factory.mktemp("runtime") / "runtime")


@pytest.fixture(scope="module", params=FUNCTIONS)
def names(request: pytest.FixtureRequest, built: Path) -> tuple[str, list[str]]:
    """A function's service and the files of its zip."""
    with zipfile.ZipFile(built / f"{request.param}.zip") as archive:
        return request.param, archive.namelist()


def test_a_second_build_gives_the_same_bytes(built: Path, tmp_path: Path) -> None:
    package.build(tmp_path)
    assert digests(tmp_path) == digests(built)
    assert len(digests(built)) == 3


@pytest.mark.lambda_python
def test_each_handler_is_imported_by_lambdas_python_from_what_is_packed(built: Path) -> None:
    python = package.lambda_python()
    assert python
    package.import_handlers(built, python)


def test_without_lambdas_python_everything_is_built_and_what_was_left_out_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(package, "lambda_python", lambda: None)
    monkeypatch.setattr(package, "fetch_python", lambda: None)
    monkeypatch.setattr(package, "build", lambda dist: [(dist / name).touch() for name in BUILT])
    package.main(tmp_path)
    assert "Python 3.13 is not here" in capsys.readouterr().err


@pytest.mark.parametrize("service", FUNCTIONS)
def test_a_function_stays_small(service: str, built: Path) -> None:
    assert (built / f"{service}.zip").stat().st_size <= 15 * 1024 * 1024


def test_a_function_holds_its_own_rooms_and_no_other(names: tuple[str, list[str]]) -> None:
    service, files = names
    rooms = {file.split("/")[1] for file in files if file.startswith("services/")}
    assert rooms == {"__init__.py", "common", service}


def test_a_function_leaves_to_the_runtime_what_the_runtime_has(names: tuple[str, list[str]]) -> None:
    tops = {file.split("/")[0] for file in names[1]}
    assert tops.isdisjoint({"boto3", "botocore", "s3transfer", "urllib3", "dateutil"})
    assert {"pydantic", "structlog"} <= tops


def test_nothing_runs_by_being_unpacked(names: tuple[str, list[str]]) -> None:
    assert [file for file in names[1] if file.endswith((".pth", ".pyc"))] == []


def test_machines_get_the_wheel_and_all_that_it_needs_pinned(built: Path) -> None:
    with tarfile.open(built / "worker.tar.gz") as archive:
        files = set(archive.getnames())
    assert {"gpu_worker.txt", "cuda.txt", "provision", "uv"} <= files
    assert [file for file in files if file.startswith("gpu_transcriber-") and file.endswith(".whl")]


def test_no_index_takes_the_wheel_since_its_package_has_a_name_that_others_may_have(
    built: Path, tmp_path: Path
) -> None:
    with tarfile.open(built / "worker.tar.gz") as archive:
        (name,) = [name for name in archive.getnames() if name.endswith(".whl")]
        archive.extract(name, tmp_path, filter="data")
    with zipfile.ZipFile(tmp_path / name) as wheel:
        tops = {file.split("/")[0] for file in wheel.namelist() if ".dist-info" not in file}
        (metadata,) = [wheel.read(file).decode() for file in wheel.namelist() if file.endswith(".dist-info/METADATA")]
    assert tops == {"services"}
    assert "Classifier: Private :: Do Not Upload\n" in metadata


@contextmanager
def function(built: Path, runtime: Path, service: str, more: dict[str, str]) -> Iterator[Function]:
    """A function that was never asked anything, and for which AWS refuses everything."""
    with serve(answers(status(400, "content-type: application/x-amz-json-1.0", body=REFUSAL.encode()))) as port:
        configuration = {
            "FunctionName": service,
            "Handler": f"services.{service}.handler.handler",
            "Timeout": 30,
            "MemorySize": 512,
            "Environment": {"Variables": {**SETTINGS, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", **more}},
        }
        made = Function(built / f"{service}.zip", runtime, configuration, {})
        try:
            yield made
        finally:
            made.close()


@pytest.mark.lambda_python
@pytest.mark.parametrize(
    ("service", "event", "first"),
    [
        ("api", request("GET", f"/api/{SECRET}"), ["function.started", "request.done"]),
        ("api", request("GET", "/api/jobs", KEY), ["log.level_unknown", "function.started"]),
        ("api", {"no": f"request with {SECRET}"}, ["function.started", "invocation.failed"]),
        ("orchestrator", {"kind": "sweep"}, ["function.started", "sweep.failed"]),
    ],
    ids=["nowhere", "wrong settings", "no request", "sweep"],
)
def test_the_first_lines_are_like_all_others_whatever_a_function_is_asked_first(
    built: Path, runtime: Path, service: str, event: dict[str, Any], first: list[str]
) -> None:
    more = WRONG if "log.level_unknown" in first else {}
    with function(built, runtime, service, more) as asked:
        with suppress(FunctionError):
            asked(event)
        written = asked.log.read_text(encoding="utf-8")
    lines = [json.loads(line) for line in written.splitlines() if line.startswith("{")]
    assert written.startswith("{"), written
    assert [line["event"] for line in lines[:2]] == first
    if service == "api" and more:
        assert (lines[-1]["event"], lines[-1]["status"]) == ("request.failed", 500)
        assert "RETENTION_DAYS" in lines[-1]["exception"]
    for line in lines:
        assert (line["service"], line["deployment"]) == (service, "swedish")
        assert {"level", "timestamp"} <= line.keys()
    assert "Åsa" not in written


@pytest.mark.lambda_python
def test_the_packed_orchestrator_brings_the_time_zones_that_the_runtime_may_lack(
    built: Path, runtime: Path, tmp_path: Path
) -> None:
    python = package.lambda_python()
    assert python
    shutil.unpack_archive(built / "orchestrator.zip", tmp_path)
    program = (
        f"import sys, zoneinfo; sys.path[:0] = {[str(tmp_path), str(runtime)]}; zoneinfo.reset_tzpath(to=());"
        "from services.orchestrator.warm_hours import WarmHours; print(WarmHours.read('[]', 'Europe/Stockholm').zone)"
    )
    command = [str(python), "-I", "-S", "-B", "-c", program]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "Europe/Stockholm\n"


@pytest.mark.lambda_python
def test_the_packed_api_serves_its_documentation(built: Path, runtime: Path) -> None:
    with function(built, runtime, "api", {}) as asked:
        named = re.findall(r'"(docs/[^"]+)"', asked(request("GET", "/api/docs"))["body"])
        statuses = [asked(request("GET", f"/api/{name}"))["statusCode"] for name in named]
    assert statuses == [200] * 4


@pytest.mark.lambda_python
def test_the_packed_api_serves_its_page(built: Path, runtime: Path) -> None:
    with function(built, runtime, "api", {}) as asked:
        named = re.findall(r'"(page/[^"]+)"', asked(request("GET", "/"))["body"])
        statuses = [asked(request("GET", f"/{name}"))["statusCode"] for name in named]
    assert statuses == [200] * 5


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
