"""A write whose reply was lost knows its own success, and what a client's key stands for happens once."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from boto3.dynamodb.conditions import Attr
from botocore.exceptions import ClientError

from services.common.domain.times import DAY_MS, SECOND_MS
from services.common.store import table as tables
from services.common.store.idempotency import Commits, IdempotencyRecord, KeyReusedError
from services.common.store.operations import (
    ABSENT,
    PRESENT,
    Check,
    ConditionFailedError,
    Delete,
    Operation,
    Put,
    Update,
)
from services.common.store.table import Table
from tests.support.faults import Mode
from tests.support.world import TABLE, World

COUNT = ("COUNT", "COUNT")


class Twice:
    """A client whose every reply is lost on the way, and that asks again by itself, as botocore does."""

    def __init__(self, client: Any, between: Callable[[], None] = lambda: None) -> None:
        self._client = client
        self._between = between

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._client, name)

        def twice(**request: Any) -> Any:
            with suppress(ClientError):
                call(**request)
            self._between()
            return call(**request)

        return twice


def table(world: World, client: Any = None) -> Table:
    return Table(client or world.dynamodb, TABLE)


def counting() -> Update:
    """What must not happen twice, and what nobody would notice if it did."""
    return Update(key=COUNT, when=ABSENT | PRESENT, add={"n": 1})


def from_zero() -> Update:
    return Update(key=COUNT, when=Attr("n").not_exists(), set={"n": 1})


def count(world: World) -> int:
    item = table(world).get(COUNT)
    return int(item["n"]) if item else 0


def once(world: World, key: str = "key", fingerprint: str = "request") -> IdempotencyRecord:
    return IdempotencyRecord(
        client_id="alice", key=key, fingerprint=fingerprint, at=world.clock(), reference={"id": "first"}
    )


def test_a_write_that_meets_its_own_success_is_taken_for_no_rivals(world: World) -> None:
    item = table(world, Twice(world.dynamodb)).write(from_zero())
    assert item["n"] == 1


def test_an_item_that_meets_itself_was_put(world: World) -> None:
    put = Put(item={"pk": "A", "sk": "A", "n": 1}, when=ABSENT)
    assert table(world, Twice(world.dynamodb)).write(put)["n"] == 1


def test_a_transaction_that_meets_its_own_success_is_taken_for_no_rivals(world: World) -> None:
    put = Put(item={"pk": "A", "sk": "A"}, when=ABSENT)
    table(world, Twice(world.dynamodb)).transact([put, from_zero()])
    assert count(world) == 1


@pytest.mark.parametrize("together", [False, True], ids=["write", "transaction"])
def test_a_rivals_success_is_not_taken_for_ones_own(world: World, *, together: bool) -> None:
    table(world).write(from_zero())
    with pytest.raises(ConditionFailedError) as refused:
        (table(world).transact([from_zero()]) if together else table(world).write(from_zero()))
    (found,) = refused.value.items
    assert found
    assert found["n"] == 1, "who lost is told what was found instead"


@pytest.mark.parametrize("together", [False, True], ids=["write", "transaction"])
def test_what_a_rival_has_changed_since_ones_own_success_is_refused(world: World, *, together: bool) -> None:
    def rival() -> None:
        table(world).write(Update(key=COUNT, when=PRESENT, set={"n": 7}))

    late = table(world, Twice(world.dynamodb, rival))
    with pytest.raises(ConditionFailedError):
        (late.transact([from_zero()]) if together else late.write(from_zero()))
    assert count(world) == 7


def test_every_operation_of_a_transaction_happens_or_none(world: World) -> None:
    for name in ("B", "C"):
        world.change((name, name), n=1)
    operations: list[Operation] = [
        counting(),
        Delete(key=("B", "B"), when=Attr("n").eq(2)),
        Check(key=("C", "C"), when=PRESENT),
    ]
    with pytest.raises(ConditionFailedError) as refused:
        table(world).transact(operations)
    assert count(world) == 0
    assert [bool(item) for item in refused.value.items] == [False, True, False], "item by item, in their order"


class Busy:
    """A table on whose items another transaction is under way for so many calls."""

    def __init__(self, client: Any, calls: int, code: str = "TransactionConflict") -> None:
        self._client, self.left, self._code = client, calls, code
        self.asked = 0

    def transact_write_items(self, **request: Any) -> Any:
        self.asked += 1
        if self.left:
            self.left -= 1
            answer: Any = {
                "Error": {"Code": "TransactionCanceledException", "Message": "busy"},
                "CancellationReasons": [{"Code": self._code}],
            }
            raise ClientError(answer, "TransactWriteItems")
        return self._client.transact_write_items(**request)


@pytest.fixture
def without_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "_BACKOFF_SECONDS", 0)


@pytest.mark.usefixtures("without_pause")
@pytest.mark.parametrize("code", ["TransactionConflict", "ThrottlingError"])
def test_a_transaction_that_meets_another_is_tried_again(world: World, code: str) -> None:
    busy = Busy(world.dynamodb, tables.TRIES - 1, code)
    table(world, busy).transact([from_zero()])
    assert count(world) == 1


@pytest.mark.usefixtures("without_pause")
def test_a_transaction_that_meets_others_for_ever_is_given_up_as_it_is(world: World) -> None:
    busy = Busy(world.dynamodb, 10 * tables.TRIES)
    with pytest.raises(ClientError):
        table(world, busy).transact([from_zero()])
    assert busy.asked == tables.TRIES


def test_a_transaction_that_is_wrong_is_not_tried_again(world: World) -> None:
    busy = Busy(world.dynamodb, 10, "ValidationError")
    with pytest.raises(ClientError):
        table(world, busy).transact([from_zero()])
    assert busy.asked == 1


@pytest.mark.parametrize("when", [Mode.BEFORE, Mode.AFTER])
def test_a_request_that_died_at_any_call_and_comes_again_under_its_key_has_happened_once(
    world: World, when: Mode
) -> None:
    with world.faults.dying(-1, when) as calls:
        Commits(table(world)).commit([counting()], once(world, "undisturbed"))
    for at in range(len(calls)):
        before = count(world)
        with world.faults.dying(at, when):
            Commits(table(world)).commit([counting()], once(world, f"key-{at}"))
        Commits(table(world)).commit([counting()], once(world, f"key-{at}"))
        assert count(world) == before + 1, f"{when}: call {at} of {calls}"


def test_a_request_that_was_refused_has_not_used_up_its_key(world: World) -> None:
    world.change(COUNT, n=5)
    with pytest.raises(ConditionFailedError):
        world.store.commit([from_zero()], once(world))
    world.change(COUNT, n=None)
    assert world.store.commit([from_zero()], once(world)) is None, "it is done now, not taken for done"
    assert count(world) == 1


def test_a_refused_request_is_told_of_its_own_items_alone(world: World) -> None:
    world.change(COUNT, n=5)
    with pytest.raises(ConditionFailedError) as refused:
        world.store.commit([from_zero()], once(world))
    (found,) = refused.value.items
    assert found
    assert found["n"] == 5


def test_a_key_that_stands_for_another_request_changes_nothing(world: World) -> None:
    world.store.commit([counting()], once(world))
    with pytest.raises(KeyReusedError):
        world.store.commit([counting()], once(world, fingerprint="another"))
    with pytest.raises(KeyReusedError):
        world.store.commits.earlier(once(world, fingerprint="another"))
    assert count(world) == 1


def test_a_request_that_comes_again_is_given_its_first_reference(world: World) -> None:
    assert world.store.commits.earlier(once(world)) is None
    assert world.store.commit([counting()], once(world)) is None
    assert world.store.commit([counting()], once(world)) == {"id": "first"}
    assert world.store.commits.earlier(once(world)) == {"id": "first"}
    assert count(world) == 1


def test_a_key_counts_for_a_day_even_if_dynamodb_deletes_it_late(world: World) -> None:
    world.store.commit([counting()], once(world))
    world.clock.pass_(DAY_MS - SECOND_MS)
    assert world.store.commit([counting()], once(world))
    world.clock.pass_(SECOND_MS)
    assert world.store.commits.earlier(once(world)) is None
    assert world.store.commit([counting()], once(world)) is None
    assert count(world) == 2


def test_what_decides_is_read_as_it_is_now_and_not_as_it_was(world: World) -> None:
    """The emulator has only one copy, so the question itself is looked at."""
    asked: list[object] = []

    def note(params: dict[str, Any], **_: Any) -> None:
        asked.append(params.get("ConsistentRead"))

    reads = [f"provide-client-params.dynamodb.{operation}" for operation in ("GetItem", "Query")]
    for read in reads:
        world.dynamodb.meta.events.register(read, note)
    try:
        table(world).get(COUNT)
        list(table(world).items("COUNT"))
    finally:
        for read in reads:
            world.dynamodb.meta.events.unregister(read, note)
    assert asked == [True, True]
