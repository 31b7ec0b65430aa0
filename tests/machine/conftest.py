"""One stack for all machines, which come and go one at a time: they share this host's control groups."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.machine.container import Container
from tests.machine.fleet import Fleet
from tests.support.random_model import write_random_model
from tools import machine_tree


@pytest.fixture(scope="session")
def tree() -> Path:
    return machine_tree.build()


@pytest.fixture(scope="session")
def random_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_random_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def container(tree: Path, tmp_path: Path) -> Container:
    """Boots as it was built."""
    return Container(tree, tmp_path)


@pytest.fixture
def quick(container: Container, random_model: Path) -> Container:
    """A machine with a small model of random weights, for whatever is not about the words."""
    random_model.chmod(0o755)
    for file in random_model.iterdir():
        file.chmod(0o644)
    container.bind(random_model, "/models")
    container.environment |= {"MODELS_FOLDER": "/models", "SELF_TEST_LIKENESS": "0"}
    return container


@pytest.fixture(scope="session")
def running() -> Iterator[Fleet]:
    with Fleet() as fleet:
        yield fleet


@pytest.fixture
def fleet(running: Fleet) -> Iterator[Fleet]:
    """The stack, with no machine and nothing queued, before and after."""
    yield running
    running.calm()
    sys.stdout.write(running.consoles())  # pytest shows it where the test failed
