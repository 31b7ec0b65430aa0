"""The messages of queues, and the keys of the account, that are kept."""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from moto.kms.models import Key, kms_backends
from moto.sqs.models import Message, SQSBackend

from services.local.emulator.kept.ledger import Entry, Ledger, Place

MESSAGE, KEY = "message", "key"


class Messages:
    """What has come into queues, or left them, since it was asked last.

    A queue that is created gets the messages that a queue of its name had when the emulator ended. Each can be received
    at once, since whoever had received it has ended too.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._kept: dict[str, list[Any]] = defaultdict(list)
        self._known: dict[str, set[str]] = defaultdict(set)
        for entry in ledger.read(MESSAGE):
            message = Message(entry.name, str(entry.about["body"]))
            message.sent_timestamp = int(entry.about["sent"])
            self._kept[entry.holder].append(message)
            self._known[entry.holder].add(entry.name)
        self._queues: dict[str, Any] = {}
        self._follow_queues()

    def changes(self) -> Iterator[Entry]:
        for name, queue in self._queues.items():
            # Queues have no turn. A list that changes while it is walked through would skip a message.
            there = {message.id: message for message in tuple(queue._messages)}
            known, self._known[name] = self._known[name], set(there)
            for gone in known - set(there):
                yield Entry(place=Place(MESSAGE, name, gone), about=None)
            for new in set(there) - known:
                about = {"body": there[new].body, "sent": there[new].sent_timestamp}
                yield Entry(place=Place(MESSAGE, name, new), about=about)

    def _follow_queues(self) -> None:
        create = SQSBackend.create_queue

        def create_queue(backend: Any, name: str, *given: Any, **more: Any) -> Any:
            queue = create(backend, name, *given, **more)
            queue._messages += self._kept.pop(name, [])
            self._queues[name] = queue
            return queue

        SQSBackend.create_queue = create_queue


class Keys:
    """KMS keys that were created since it was asked last. Those that were kept are there again from the beginning."""

    def __init__(self, ledger: Ledger) -> None:
        self._known: set[str] = set()
        for entry in ledger.read(KEY):
            account, region = entry.holder.split("/")
            key = Key("", "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", str(entry.about["description"]), account, region)
            key.arn = key.arn.replace(key.id, entry.name)
            key.id = entry.name
            key.key_material = base64.b64decode(entry.about["material"])
            key.creation_date = float(entry.about["created"])
            kms_backends[account][region].keys[key.id] = key
            self._known.add(key.id)

    def changes(self) -> Iterator[Entry]:
        for account, regions in kms_backends.items():
            for region, backend in regions.items():
                for key in backend.keys.values():
                    if key.id not in self._known and key.key_spec == "SYMMETRIC_DEFAULT":
                        self._known.add(key.id)
                        about = {
                            "description": key.description,
                            "material": base64.b64encode(key.key_material).decode(),
                            "created": key.creation_date,
                        }
                        yield Entry(place=Place(KEY, f"{account}/{region}", key.id), about=about)
