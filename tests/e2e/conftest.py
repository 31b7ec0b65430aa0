"""One stack for all end-to-end tests that do no harm to it: a random-weight model, short leases."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import pytest

from services.local.client import Client
from services.local.receiver import Receiver
from services.local.stack import Stack, StackSettings
from tests.support.page import Open, Pages, Watched
from tests.support.random_model import UNTRAINED, write_random_model

PAGE = "http://localhost:5173"
"""The one origin whose pages may use the shared stack."""
_shared: list[Stack] = []
_running = ExitStack()


@pytest.fixture(scope="session")
def random_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_random_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def stack(random_model: Path) -> Stack:
    """Started by the first test that needs it; ended after the last one, so that none of it goes on beside others."""
    if not _shared:
        settings = StackSettings(models_folder=random_model, idle_seconds=5, worker=UNTRAINED, cors_origins=[PAGE])
        _shared.append(_running.enter_context(Stack(settings)))
    return _shared[0]


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """tests/conftest.py puts those that share the stack one after another."""
    if _shared and not (nextitem and "stack" in nextitem.fixturenames):  # type: ignore[attr-defined] # of every function
        sys.stdout.write(_shared.pop().log_text())
        _running.close()


@pytest.fixture
def client(stack: Stack, request: pytest.FixtureRequest) -> Client:
    """A client of its own for each test."""
    return Client(stack, request.node.name.replace("_", "-")[:60])


@pytest.fixture
def receiver(client: Client) -> Iterator[Receiver]:
    """Listens to every kind of event of the test's client. Afterwards its port may be another test's."""
    with Receiver() as listening:
        kinds = ("queued", "started", "interrupted", "completed", "failed", "canceled")
        made = client.register(listening.url, events=[f"transcription.{kind}" for kind in kinds])
        listening.trust(made["secret"])
        yield listening
        client.http.delete(f"/api/callbacks/{made['callback_id']}").raise_for_status()


@pytest.fixture(scope="module")
def pages() -> Iterator[Pages]:
    with Pages() as running:
        yield running


@pytest.fixture
def opened(pages: Pages, stack: Stack) -> Open:
    """Opens a tab that may ask the API and the bucket alone."""

    def opens(**how: Any) -> AbstractContextManager[Watched]:
        return pages.open([stack.api_url, stack.endpoint], **how)

    return opens
