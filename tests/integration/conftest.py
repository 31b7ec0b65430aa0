from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.gateway import Client, Gateway
from tests.support.world import World, emulated


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
