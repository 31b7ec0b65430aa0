"""The table's verbs: what they read, what they write, and what they take for a rival's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

import pytest
from boto3.dynamodb.conditions import Attr
from botocore.exceptions import ClientError

from services.common.store.codec import UnknownVersionError, decode, encode, from_item, known, to_item
from services.common.store.operations import ABSENT, PRESENT, Check, ConditionFailedError, Delete, Put, Update
from services.common.store.table import TRIES, Table
from tests.support.world import World
from tests.support.written import changed, lying, table

KEY = ("A", "a")
MADE = {"pk": "A", "sk": "a", "schema_version": 1}
"""Every item has these."""


def put(world: World, sk: str = "a", **more: Any) -> None:
    table(world).write(Put(item={"pk": "A", "sk": sk, **more}))


def test_an_update_sets_adds_and_removes_and_reaches_into_maps(world: World) -> None:
    put(world, count=1, old=1, none=1, times={"b": 1, "c": 1})
    update = Update(
        key=KEY,
        when=PRESENT,
        set={"new": 2, "none": None, "times.d": 3},
        add={"count": 2, "times.b": 1},
        remove=["old", "times.c"],
    )
    after: list[Any] = []
    write = lambda: after.append(table(world).write(update))  # noqa: E731
    changed(world, KEY, write)
    assert lying(world, KEY) == {**MADE, "count": 3, "new": 2, "times": {"b": 2, "d": 3}}
    assert after[0] == table(world).get(KEY), "as it is afterwards"


def test_a_put_answers_with_what_was_put_and_a_delete_with_nothing_or_less(world: World) -> None:
    item = {"pk": "A", "sk": "a", "note": None, "count": 1}
    assert table(world).write(Put(item=item, when=ABSENT)) == item
    assert lying(world, KEY) == {**MADE, "count": 1}
    table(world).write(Delete(key=KEY, when=PRESENT))
    assert table(world).get(KEY) is None
    table(world).write(Delete(key=KEY))


@pytest.mark.parametrize(
    "write",
    [
        Put(item={"pk": "A", "sk": "a"}, when=ABSENT),
        Update(key=KEY, when=Attr("count").eq(2), set={"count": 3}),
        Delete(key=KEY, when=Attr("count").eq(2)),
    ],
)
def test_who_fails_a_condition_is_shown_what_is_there_instead(world: World, write: Put | Update | Delete) -> None:
    put(world, count=1)
    with pytest.raises(ConditionFailedError) as alone:
        table(world).write(write)
    with pytest.raises(ConditionFailedError) as among:
        table(world).transact([Put(item={"pk": "B", "sk": "b"}), write])
    assert [item and item["count"] for item in alone.value.items] == [1]
    assert [item and item["count"] for item in among.value.items] == [None, 1]
    assert table(world).get(("B", "b")) is None, "all of it or nothing"


def test_what_is_missing_is_shown_as_nothing(world: World) -> None:
    update = Update(key=KEY, when=PRESENT, set={"count": 1})
    with pytest.raises(ConditionFailedError) as alone:
        table(world).write(update)
    with pytest.raises(ConditionFailedError) as among:
        table(world).transact([update])
    assert (alone.value.items, among.value.items) == ([None], [None])


def test_a_check_requires_something_and_changes_nothing(world: World) -> None:
    put(world, count=1)
    table(world).transact([Check(key=KEY, when=Attr("count").eq(1)), Put(item={"pk": "B", "sk": "b"})])
    with pytest.raises(ConditionFailedError):
        table(world).transact([Check(key=KEY, when=Attr("count").eq(2)), Put(item={"pk": "B", "sk": "c"})])
    assert lying(world, KEY)["count"] == 1
    assert [item["sk"] for item in table(world).items("B")] == ["b"]


def test_a_partition_is_read_by_prefix_from_a_place_and_as_far_as_wanted(world: World) -> None:
    for sk in ("a1", "a2", "a3", "b1"):
        put(world, sk)

    def read(*arguments: Any, **more: Any) -> list[str]:
        return [item["sk"] for item in table(world).items("A", *arguments, **more)]

    assert read() == ["a1", "a2", "a3", "b1"]
    assert read("a") == ["a1", "a2", "a3"]
    assert read("a", after="a1") == ["a2", "a3"]
    assert read("a", limit=2) == ["a1", "a2"]


def test_what_is_due_comes_oldest_first_up_to_a_moment(world: World) -> None:
    for number in (3, 1, 2):
        put(world, f"a{number}", due_kind="slot", due_at=number)
    put(world, "b", due_kind="queued", due_at=1)

    def due(**more: Any) -> list[int]:
        return [item["due_at"] for item in table(world).due("slot", **more)]

    assert due() == [1, 2, 3]
    assert due(before=2) == [1, 2]
    assert due(limit=1) == [1]
    assert due(page=1) == [1, 2, 3]


def test_a_partition_is_read_between_two_keys_both_included(world: World) -> None:
    for sk in ("a1", "a2", "b1", "c1"):
        put(world, sk)

    assert [item["sk"] for item in table(world).between("A", "a2", "b1")] == ["a2", "b1"]
    assert list(table(world).between("A", "d", "e")) == []


def test_what_is_due_before_a_moment_is_counted_up_to_a_limit(world: World) -> None:
    for number in (1, 2, 3):
        put(world, f"a{number}", due_kind="queued", due_at=number)
    put(world, "b", due_kind="slot", due_at=1)

    def count(before: int, limit: int = 10) -> int:
        return table(world).count_due("queued", before=before, limit=limit)

    assert [count(1), count(3), count(9)] == [0, 2, 3]
    assert count(9, limit=2) == 2


def test_a_clients_things_come_in_order_from_either_end(world: World) -> None:
    for number in range(1, 5):
        put(world, f"a{number}", client_id="alice", sort=f"JOB#{number}")
    put(world, "b", client_id="alice", sort="EVENT#1")
    put(world, "c", client_id="bob", sort="JOB#1")

    def seen(**more: Any) -> list[str]:
        return [item["sort"][-1] for item in table(world).of_client("alice", "JOB#", **{"limit": 10, **more})]

    assert seen() == ["1", "2", "3", "4"]
    assert seen(after="JOB#2") == ["3", "4"]
    assert seen(until="JOB#3") == ["1", "2", "3"]
    assert seen(newest_first=True) == ["4", "3", "2", "1"]
    assert seen(newest_first=True, after="JOB#3") == ["2", "1"]
    assert seen(after="JOB#4", until="JOB#3") == [], "nothing lies between"
    assert seen(after="JOB#3", until="JOB#3") == []
    assert len(seen(limit=2)) >= 2
    assert seen(page=1) == ["1", "2", "3", "4"]
    assert seen(limit=2, page=1) == seen(limit=2, page=9) == seen(limit=2)


class Client:
    """DynamoDB that answers a write as it is told, one answer a call, and then lets it pass."""

    def __init__(self, *answers: Callable[[dict[str, Any]], Exception]) -> None:
        self.answers = list(answers)
        self.calls = 0

    def transact_write_items(self, **request: Any) -> None:
        self.calls += 1
        if self.answers:
            raise self.answers.pop(0)(request)

    def update_item(self, **request: Any) -> dict[str, Any]:
        self.transact_write_items(**request)
        return {}


def canceled(*codes: str, item: dict[str, Any] | None = None) -> Callable[[dict[str, Any]], Exception]:
    reasons: list[dict[str, Any]] = [{"Code": code} for code in codes]
    if item is not None:
        reasons[0]["Item"] = encode(item)
    answer: Any = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": reasons}
    return lambda _: ClientError(answer, "TransactWriteItems")


def fake(client: Client, monkeypatch: pytest.MonkeyPatch) -> tuple[Table, list[float]]:
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    monkeypatch.setattr("random.uniform", lambda low, high: high)
    return Table(client, "table"), pauses  # type: ignore[arg-type] # as a client


def test_a_transaction_that_meets_others_waits_longer_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(*[canceled("TransactionConflict", "None")] * 3)
    under, pauses = fake(client, monkeypatch)
    under.transact([Delete(key=KEY)])
    assert (client.calls, pauses) == (4, [0.05, 0.1, 0.2])


def test_a_transaction_that_meets_others_for_ever_says_so_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(*[canceled("TransactionConflict")] * 20)
    under, pauses = fake(client, monkeypatch)
    with pytest.raises(ClientError):
        under.transact([Delete(key=KEY)])
    assert (client.calls, len(pauses)) == (TRIES, TRIES - 1)


def refused(code: str) -> Callable[[dict[str, Any]], Exception]:
    answer: Any = {"Error": {"Code": code}}
    return lambda _: ClientError(answer, "UpdateItem")


def test_a_single_write_that_meets_a_transaction_waits_longer_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(*[refused("TransactionConflictException")] * 3)
    under, pauses = fake(client, monkeypatch)
    under.write(Update(key=KEY, when=PRESENT, set={"count": 1}))
    assert (client.calls, pauses) == (4, [0.05, 0.1, 0.2])


@pytest.mark.parametrize(("code", "calls"), [("TransactionConflictException", TRIES), ("ValidationException", 1)])
def test_a_single_write_that_is_refused_for_ever_or_for_another_reason_says_so(
    monkeypatch: pytest.MonkeyPatch, code: str, calls: int
) -> None:
    client = Client(*[refused(code)] * 20)
    under, pauses = fake(client, monkeypatch)
    with pytest.raises(ClientError):
        under.write(Update(key=KEY, when=PRESENT, set={"count": 1}))
    assert (client.calls, len(pauses)) == (calls, calls - 1)


def test_a_condition_that_failed_is_not_tried_again_whatever_else_was_met(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(canceled("ConditionalCheckFailed", "TransactionConflict", item={"pk": "A"}))
    under, _ = fake(client, monkeypatch)
    with pytest.raises(ConditionFailedError) as failed:
        under.transact([Delete(key=KEY), Delete(key=KEY)])
    assert (client.calls, failed.value.items) == (1, [{"pk": "A"}, None])


def test_what_no_condition_explains_is_raised_as_it_came(monkeypatch: pytest.MonkeyPatch) -> None:
    under, _ = fake(Client(canceled("ValidationError")), monkeypatch)
    with pytest.raises(ClientError):
        under.transact([Delete(key=KEY)])
    answer: Any = {"Error": {"Code": "ThrottlingException"}}
    under, pauses = fake(Client(lambda _: ClientError(answer, "TransactWriteItems")), monkeypatch)
    with pytest.raises(ClientError):
        under.transact([Delete(key=KEY)])
    assert pauses == []


def test_a_transaction_recognises_its_own_earlier_success(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(request: dict[str, Any]) -> Exception:
        put = request["TransactItems"][0]["Put"]["Item"]
        return canceled("ConditionalCheckFailed", item=decode(put))(request)

    under, _ = fake(Client(answer), monkeypatch)
    under.transact([Put(item={"pk": "A", "sk": "a"}, when=ABSENT)])


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True, kw_only=True)
class Thing:
    name: str
    colour: Colour = Colour.RED
    share: float = 0.5
    tags: list[str] = field(default_factory=list)
    note: str | None = None


def test_a_record_is_the_same_after_the_table(world: World) -> None:
    thing = Thing(name="a", share=1 / 3, tags=["b"])
    table(world).write(Put(item=to_item(thing, pk="A", sk="a", sort=None)))
    assert lying(world, KEY) == {
        "pk": "A",
        "sk": "a",
        "schema_version": 1,
        "name": "a",
        "colour": "red",
        "share": 0.333333,
        "tags": ["b"],
    }
    found = from_item(Thing, lying(world, KEY))
    assert found == Thing(name="a", share=0.333333, tags=["b"])
    assert isinstance(found.colour, Colour)


def test_what_is_none_is_not_written_however_deep(world: World) -> None:
    put(world, none=None, inner={"none": None, "tuple": ({"none": None, "one": 1}, 2.5), "list": [0.5, (Colour.RED,)]})
    assert lying(world, KEY) == {
        **MADE,
        "inner": {"tuple": [{"one": 1}, 2.5], "list": [0.5, ["red"]]},
    }


def test_numbers_come_back_whole_where_they_are_and_inside_of_everything() -> None:
    attributes = {"a": {"N": "3"}, "b": {"N": "0.5"}, "c": {"L": [{"N": "1"}]}, "d": {"M": {"e": {"N": "2"}}}}
    found = decode(attributes)
    assert found == {"a": 3, "b": 0.5, "c": [1], "d": {"e": 2}}
    assert [type(value) for value in (found["a"], found["b"], found["c"][0], found["d"]["e"])] == [int, float, int, int]
    assert not isinstance(found["d"]["e"], Decimal)


def test_an_item_of_another_version_is_not_ours() -> None:
    with pytest.raises(UnknownVersionError):
        from_item(Thing, {"name": "a", "schema_version": 99})
    assert from_item(Thing, {"name": "a"}) == Thing(name="a"), "from before versions were written"
    items: list[dict[str, Any]] = [{"name": "a", "schema_version": 99}, {"name": "b"}]
    assert [thing.name for thing in known(Thing, items)] == ["b"]
