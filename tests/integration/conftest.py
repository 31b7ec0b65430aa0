from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from pathlib import Path

import httpx
import pytest
import structlog

from services.cli.recordings.upload import uploads
from services.common import logs
from services.gpu_worker.engine.audio.sound import RATE
from tests.support.acoustics import Sound, load, write_wav
from tests.support.api_uploads import FILE, PART
from tests.support.audio import MEETING
from tests.support.faulty_transport import FaultyTransport
from tests.support.gateway import Client, Gateway
from tests.support.media import SECONDS
from tests.support.random_model import write_random_model
from tests.support.served_s3 import ServedS3
from tests.support.uploading import RECORDING, Deployment, Uploading
from tests.support.world import World, emulated

PRIVATE = re.compile(r"uploads/\w|m(ö|Ã¶|%C3%B6|\\u00f6)te|åäö|whsec_\w|key-of-\w|hooks\.example\.com")
"""Recordings' names and places, a transcript, secrets, keys and addresses that the tests here make use of."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Whatever a test is about: what was logged meanwhile holds nothing private."""
    report = yield
    logged = report.capstdout + report.capstderr + report.caplog
    if call.when == "teardown" and report.passed and (found := PRIVATE.search(logged)):
        report.outcome = "failed"
        report.longrepr = (
            f"{item.nodeid} logged {found.group()!r}:\n{logged[max(0, found.start() - 300) : found.end()]}"
        )
    return report


@pytest.fixture(autouse=True)
def logs_as_deployed() -> None:
    """The lines that a deployment writes, not those that structlog shows to people, with every variable."""
    logs.configure("debug")
    # To whatever standard error is now, which changes from test to test.
    structlog.configure(cache_logger_on_first_use=False)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with emulated(monkeypatch) as made:
        yield made


@pytest.fixture
def gateway(world: World) -> Gateway:
    return Gateway(world)


@pytest.fixture
def alice(gateway: Gateway) -> Client:
    return gateway.client("alice")


@pytest.fixture
def mallory(gateway: Gateway) -> Client:
    return gateway.client("mallory")


@pytest.fixture(scope="session")
def meeting() -> Sound:
    """The meeting's first four sentences."""
    return load(MEETING)[: int(SECONDS * RATE)]


@pytest.fixture(scope="session")
def talk(meeting: Sound, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as a WAV."""
    return write_wav(tmp_path_factory.mktemp("talk") / "talk.wav", meeting)


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model of random weights."""
    return write_random_model(tmp_path_factory.mktemp("model") / "model")


@pytest.fixture(scope="module")
def served_s3() -> Iterator[ServedS3]:
    """The storage of whatever world there is: a client that signs for an address takes longer to make than to use."""
    served = ServedS3()
    yield served
    served.close()


@pytest.fixture
def uploading(
    gateway: Gateway, alice: Client, served_s3: ServedS3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Uploading]:
    """What breaks is tried again at once."""
    monkeypatch.setattr("services.cli.api.patience.FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr("services.cli.api.patience.LONGEST_PAUSE_SECONDS", 0.001)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    gateway.app.state.service().s3 = served_s3.signer()
    deployment = Deployment(gateway)
    way = FaultyTransport(deployment)
    monkeypatch.setattr(
        "services.cli.api.client.web_client", lambda **headers: httpx.Client(headers=headers, transport=way)
    )
    yield Uploading(gateway.world, alice, way, tmp_path / "state")
    deployment.close()


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A recording that is sent with a form."""
    path = tmp_path / "meeting.mp3"
    path.write_bytes(RECORDING)
    return path


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A recording that is sent in two parts; one that is so small would usually be sent with a form."""
    monkeypatch.setattr(uploads, "LARGEST_FORM", PART)
    path = tmp_path / "meeting.wav"
    path.write_bytes(FILE)
    return path
