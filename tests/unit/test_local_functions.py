"""What plays AWS's part goes on, whatever happens in what it calls."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from services.local.ec2 import EmulatedMachines
from services.local.functions import EventSourceMapping, Schedule


class Faulty:
    """Breaks the first time that it is called; `again` is set by the second."""

    def __init__(self, answer: Any) -> None:
        self.again = threading.Event()
        self._answer = answer
        self._broke = False

    def __call__(self, *_: Any, **__: Any) -> Any:
        if not self._broke:
            self._broke = True
            raise KeyError("a mistake of ours")
        self.again.set()
        return self._answer


def queue(deleted: list[str], **replies: Callable[..., Any]) -> Any:
    """A queue with one message."""
    message = {"MessageId": "1", "ReceiptHandle": "handle", "Body": "{}"}
    usual = {
        "receive_message": lambda **_: {"Messages": [message]},
        "delete_message": lambda **message: deleted.append(message["ReceiptHandle"]),
    }
    return SimpleNamespace(**usual | replies)


def test_a_handler_that_breaks_gets_its_messages_again() -> None:
    deleted: list[str] = []
    handler = Faulty({"batchItemFailures": []})
    mapping = EventSourceMapping(queue(deleted), "url", handler)
    mapping.start()
    assert handler.again.wait(5)
    mapping.stop()
    assert set(deleted) == {"handle"}


def test_a_queue_that_breaks_is_asked_again() -> None:
    receive = Faulty({})
    mapping = EventSourceMapping(queue([], receive_message=receive), "url", lambda *_: {})
    mapping.start()
    assert receive.again.wait(5)
    mapping.stop()


def test_a_sweep_that_breaks_is_followed_by_the_next() -> None:
    handler = Faulty({})
    schedule = Schedule(handler, 0.01)
    schedule.start()
    assert handler.again.wait(5)
    schedule.stop()


def test_instances_are_looked_for_again_after_whatever_went_wrong(tmp_path: Path) -> None:
    describe = Faulty({"Reservations": []})
    environment: Mapping[str, str] = {}
    machines = EmulatedMachines(SimpleNamespace(describe_instances=describe), environment, tmp_path)  # type: ignore[arg-type] # all it needs
    assert describe.again.wait(5)
    machines.close()
