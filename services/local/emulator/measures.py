"""What AWS measures by itself and moto does not: how old a queue's messages are, and what DynamoDB throttles.

`/_local/measures` answers what has happened since it was last asked, as a list of
`{namespace, name, dimensions, at, value, unit}`. Its parameter `now` (epoch milliseconds) is the moment at which queues
are looked at; without it, that is now.

DynamoDB throttles what `/_local/throttles` was told: `{"reads": [index, …], "writes": [index, …]}`, where null stands
for the table itself. Each list replaces what was said before. Reads of an index throttle that index alone; a write that
an index cannot keep up with is refused for the whole table, and counts for the index ("Troubleshooting throttling",
DynamoDB Developer Guide).
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from moto.sqs.models import sqs_backends
from werkzeug.wrappers import Response

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Measure = dict[str, Any]

READS = frozenset({"GetItem", "Query", "Scan", "BatchGetItem", "TransactGetItems"})
WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"})


@dataclass
class _State:
    """By default nothing is throttled."""

    reads: list[str | None] = field(default_factory=list)
    writes: list[str | None] = field(default_factory=list)
    measured: list[Measure] = field(default_factory=list)


_state = _State()


def tell(what: Mapping[str, Any]) -> None:
    """Take what the module's docstring says of throttles."""
    _state.reads = list(what.get("reads", _state.reads))
    _state.writes = list(what.get("writes", _state.writes))


def is_slow() -> bool:
    """Whether DynamoDB throttles anything."""
    return bool(_state.reads or _state.writes)


def throttled(operation: str, body: Mapping[str, Any]) -> Response | None:
    """DynamoDB's answer to a call that it throttles, which is measured; None: it does not.

    Args:
        operation: such as `Query`.
        body: of the request.

    """
    index = body.get("IndexName")
    if operation in READS and index in _state.reads:
        _count("ReadThrottleEvents", body, index)
    elif operation in WRITES and _state.writes:
        for slow in _state.writes:
            _count("WriteThrottleEvents", body, slow)
    else:
        return None
    kind = "com.amazonaws.dynamodb.v20120810#ThrottlingException"
    message = "Throughput exceeds the current capacity of your table or index."
    answer = json.dumps({"__type": kind, "message": message})
    return Response(answer, status=400, content_type="application/x-amz-json-1.0")


def take(now: int | None = None) -> list[Measure]:
    """What was measured since the last call, and the queues as they are at `now`, epoch milliseconds."""
    taken, _state.measured = _state.measured, []
    return taken + list(_queues(_now() if now is None else now))


def _count(name: str, body: Mapping[str, Any], index: str | None) -> None:
    of_index = {"GlobalSecondaryIndexName": index} if index else {}
    series = {"namespace": "AWS/DynamoDB", "name": name, "dimensions": {"TableName": _table(body), **of_index}}
    _state.measured.append({**series, "at": _now(), "value": 1, "unit": "Count"})


def _table(body: Mapping[str, Any]) -> str:
    """The table of a call: that of its first item, if it has several."""
    if "TableName" in body:
        return str(body["TableName"])
    first = next(iter(body["TransactItems"][0].values()))
    return str(first["TableName"])


def _queues(now: int) -> Iterator[Measure]:
    for account in list(sqs_backends.values()):
        for backend in list(account.values()):
            for name, queue in list(backend.queues.items()):
                messages = list(queue._messages)
                oldest = min((message.sent_timestamp for message in messages), default=now)
                of_queue = {"namespace": "AWS/SQS", "dimensions": {"QueueName": name}, "at": now}
                age = {"name": "ApproximateAgeOfOldestMessage", "unit": "Seconds"}
                yield {**of_queue, **age, "value": max(0, now - oldest) / 1_000}
                visible = {"name": "ApproximateNumberOfMessagesVisible", "unit": "Count"}
                yield {**of_queue, **visible, "value": sum(message.visible for message in messages)}


def _now() -> int:
    return int(time.time() * 1_000)
