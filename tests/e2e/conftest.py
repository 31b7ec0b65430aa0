"""One stack for all end-to-end tests that do no harm to it: a random-weight model, short leases."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.local.client import Client
from services.local.receiver import Receiver
from services.local.stack import Stack, StackSettings
from tests.support.random_model import UNTRAINED, write_random_model


@pytest.fixture(scope="session")
def random_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_random_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def stack(random_model: Path) -> Iterator[Stack]:
    with Stack(StackSettings(models_folder=random_model, idle_seconds=5, worker=UNTRAINED)) as running:
        try:
            yield running
        finally:
            sys.stdout.write(running.log_text())


@pytest.fixture
def client(stack: Stack, request: pytest.FixtureRequest) -> Client:
    """A client of its own for each test."""
    return Client(stack, request.node.name.replace("_", "-")[:60])


@pytest.fixture
def receiver(client: Client) -> Iterator[Receiver]:
    """Listens to every kind of event of the test's client."""
    with Receiver() as listening:
        kinds = ("queued", "started", "interrupted", "completed", "failed", "canceled")
        events = [f"transcription.{kind}" for kind in kinds]
        listening.trust(client.register(listening.url, events=events)["secret"])
        yield listening
