"""Reads and conditional writes of one DynamoDB table.

Every write has an id of its own (`write_id`), so that a retried write recognises its own earlier success and does not
take it for another process's write.
"""

from __future__ import annotations

import random
import time
import uuid
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError

from services.common.store.codec import Item, decode, encode
from services.common.store.expressions import request_of, wire_key
from services.common.store.operations import ConditionFailedError, Put

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient

    from services.common.store.keys import Key
    from services.common.store.operations import Delete, Operation, Update

TRIES = 8
"""How often a write is tried that conflicts with a transaction on the same items. Conflicts are short."""
_BACKOFF_SECONDS = 0.05
_CONFLICTS = {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded", "TransactionInProgress"}


class Table:
    """One DynamoDB table with this system's keys and indexes."""

    def __init__(self, client: DynamoDBClient, name: str) -> None:
        self._client = client
        self._name = name

    def get(self, key: Key) -> Item | None:
        """The item as it is now (consistent read), or None."""
        reply = self._client.get_item(TableName=self._name, Key=wire_key(key), ConsistentRead=True)
        return decode(reply["Item"]) if "Item" in reply else None

    def items(self, pk: str, prefix: str = "", *, after: str | None = None, limit: int | None = None) -> Iterator[Item]:
        """The items of a partition in order of their sort keys (consistent read).

        Args:
            pk: of the partition.
            prefix: with which the sort keys begin.
            after: a sort key; only items behind it are read.
            limit: how many, at most.

        """
        start: dict[str, Any] = {} if after is None else {"ExclusiveStartKey": wire_key((pk, after))}
        yield from self._query(
            "pk = :pk AND begins_with(sk, :prefix)" if prefix else "pk = :pk",
            {":pk": pk} | ({":prefix": prefix} if prefix else {}),
            limit,
            ConsistentRead=True,
            **start,
        )

    def between(self, pk: str, low: str, high: str) -> Iterator[Item]:
        """The items of a partition whose sort keys lie between two texts, both included (consistent read)."""
        within = {":pk": pk, ":low": low, ":high": high}
        yield from self._query("pk = :pk AND sk BETWEEN :low AND :high", within, ConsistentRead=True)

    def due(
        self,
        kind: str,
        *,
        before: int | None = None,
        latest_first: bool = False,
        limit: int | None = None,
        page: int | None = None,
    ) -> Iterator[Item]:
        """The items of one kind in the index `due`, by when they are due. The index may lag by some seconds.

        Args:
            kind: one of `keys.Due`.
            before: epoch milliseconds; only items that are due by then.
            latest_first: whether the order is reversed.
            limit: how many, at most.
            page: how many are read at a time, if the caller may need only the first ones.

        """
        yield from self._query(
            "due_kind = :kind" + ("" if before is None else " AND due_at <= :before"),
            {":kind": kind} | ({} if before is None else {":before": before}),
            limit,
            page,
            IndexName="due",
            ScanIndexForward=not latest_first,
        )

    def count_due(self, kind: str, *, before: int, limit: int) -> int:
        """How many items of one kind are due before a time (epoch milliseconds): `limit` if there are more."""
        reply = self._client.query(
            TableName=self._name,
            IndexName="due",
            Select="COUNT",
            KeyConditionExpression="due_kind = :kind AND due_at < :before",
            ExpressionAttributeValues=encode({":kind": kind, ":before": before}),
            Limit=limit,
        )
        return reply["Count"]

    def of_client(
        self,
        client_id: str,
        prefix: str,
        *,
        after: str | None = None,
        until: str | None = None,
        newest_first: bool = False,
        limit: int | None,
        page: int | None = None,
    ) -> Iterator[Item]:
        """A client's jobs or events in order of time.

        Args:
            client_id: of the client.
            prefix: `JOB#` or `EVENT#`.
            after: the `sort` of the last item that the caller has seen.
            until: the largest `sort` that is read.
            newest_first: whether the order is reversed.
            limit: how many, at most; one more may be read. None: all.
            page: how many are read at a time, as of `due`.

        """
        low, high = (after or prefix) if not newest_first else prefix, until or prefix + "~"
        if low > high:
            return
        if newest_first and after:
            high = after
        yield from (
            item
            for item in self._query(
                "client_id = :client AND #sort BETWEEN :low AND :high",
                {":client": client_id, ":low": low, ":high": high},
                None if limit is None else limit + 1,
                page,
                IndexName="by_client",
                ScanIndexForward=not newest_first,
                ExpressionAttributeNames={"#sort": "sort"},
            )
            if item["sort"] != after
        )

    def write(self, operation: Put | Update | Delete) -> Item:
        """Make one conditional write; returns the item as it is afterwards, for a delete an empty one.

        Raises:
            ConditionFailedError: the item is not as required, and it was not this very write that changed it.

        """
        write_id = uuid.uuid4().hex
        verb, request = request_of(operation, write_id, self._name)
        if verb == "Update":
            request["ReturnValues"] = "ALL_NEW"
        for attempt in range(TRIES):
            try:
                reply = getattr(self._client, f"{verb.lower()}_item")(**request)
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if code == "TransactionConflictException" and attempt + 1 < TRIES:  # botocore does not try these again
                    time.sleep(random.uniform(0, _BACKOFF_SECONDS * 2**attempt))  # noqa: S311 - jitter
                    continue
                if code != "ConditionalCheckFailedException":
                    raise
                found = error.response.get("Item")
                old = decode(cast("dict[str, Any]", found)) if found else None
                if old and old.get("write_id") == write_id:
                    return old
                raise ConditionFailedError([old]) from None
            break
        return dict(operation.item) if isinstance(operation, Put) else decode(reply.get("Attributes", {}))

    def attempt(self, operation: Put | Update | Delete) -> bool:
        """Make one conditional write; False if the item is not as required."""
        try:
            self.write(operation)
        except ConditionFailedError:
            return False
        return True

    def attempt_all(self, operations: Sequence[Operation]) -> bool:
        """Make all of these writes or none; False if an item is not as required."""
        try:
            self.transact(operations)
        except ConditionFailedError:
            return False
        return True

    def transact(self, operations: Sequence[Operation]) -> None:
        """Make all of these writes in one transaction, or none.

        Raises:
            ConditionFailedError: an item is not as required, and it was not this very transaction that changed it.

        """
        write_id = uuid.uuid4().hex
        entries: list[Any] = [dict([request_of(operation, write_id, self._name)]) for operation in operations]
        for attempt in range(TRIES):
            try:
                self._client.transact_write_items(TransactItems=entries)
            except ClientError as error:
                if error.response["Error"]["Code"] != "TransactionCanceledException":
                    raise
                reasons = cast("list[dict[str, Any]]", error.response.get("CancellationReasons", []))
                codes = {reason.get("Code", "None") for reason in reasons} - {"None"}
                if codes <= _CONFLICTS and attempt + 1 < TRIES:
                    time.sleep(random.uniform(0, _BACKOFF_SECONDS * 2**attempt))  # noqa: S311 - jitter
                    continue
                found = [decode(reason["Item"]) if reason.get("Item") else None for reason in reasons]
                if any(item and item.get("write_id") == write_id for item in found):
                    return
                if "ConditionalCheckFailed" in codes:
                    raise ConditionFailedError(found) from None
                raise
            return

    def _query(
        self,
        condition: str,
        values: Mapping[str, Any],
        limit: int | None = None,
        page_size: int | None = None,
        **more: Any,  # noqa: ANN401
    ) -> Iterator[Item]:
        request: dict[str, Any] = {
            "TableName": self._name,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": encode(values),
            **more,
        }
        left = limit
        while True:
            if sizes := [size for size in (left, page_size) if size is not None]:
                request["Limit"] = min(sizes)
            page = self._client.query(**request)
            yield from (decode(item) for item in page["Items"])
            if left is not None:
                left -= len(page["Items"])
            if not page.get("LastEvaluatedKey") or left == 0:
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]
