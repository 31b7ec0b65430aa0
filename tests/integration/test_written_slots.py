"""Slots, the fleet's few items, and turns: who may change them, and what a change leaves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from services.common.domain.machines import Slot
from services.common.domain.search import Search
from services.common.domain.states import SlotStatus
from services.common.domain.times import DAY_MS, MINUTE_MS, SECOND_MS
from services.common.store.fleet import FORGOTTEN_MS
from services.common.store.operations import Put
from services.common.store.slots import SlotNews
from tests.support.world import World
from tests.support.written import NEVER, changed, lying, table

KEY = ("SLOT", "00")
SLOT = Slot(
    slot="00",
    status=SlotStatus.LAUNCHING,
    launch_id="launch_1",
    request={"slot": "00"},
    taken_at=5,
    due_at=7,
    times={"capacity_asked": 5},
)
BREAKER, SEARCH = ("FLEET", "BREAKER"), ("FLEET", "SEARCH")


def put_slot(world: World, **more: Any) -> Slot:
    """A slot as `more` says."""
    slot = replace(SLOT, **more)
    table(world).write(Put(item={**_plain(slot), "pk": "SLOT", "sk": slot.slot, "due_kind": "slot"}))
    return slot


def _plain(slot: Slot) -> dict[str, Any]:
    return {name: value for name, value in vars(slot).items() if value is not None}


def launched(world: World, slot: Slot) -> bool:
    return world.store.slots.launched(slot, instance_id="i-1", instance_type="g4dn", zone="a", now=8, due_at=9)


def report(world: World, launch_id: str = "launch_1", note: str | None = None) -> SlotNews | None:
    times = {"loaded": 11}
    return world.store.slots.report("00", launch_id, owner="worker", beat=3, due_at=9, times=times, note=note)


def test_a_slot_is_taken_by_one(world: World) -> None:
    assert world.store.slots.take(SLOT) is True
    before = lying(world, KEY)
    assert before["due_kind"] == "slot"
    assert world.store.slots.take(replace(SLOT, launch_id="launch_2")) is False
    assert lying(world, KEY) == before
    assert world.store.slots.get("00") == SLOT
    assert world.store.slots.get("01") is None


def test_ec2s_answer_names_the_machine(world: World) -> None:
    slot = put_slot(world)
    answers: list[bool] = []
    assert changed(world, KEY, lambda: answers.append(launched(world, slot))) == {
        "instance_id": "i-1",
        "instance_type": "g4dn",
        "zone": "a",
        "times": {"capacity_asked": 5, "launched": 8},
        "due_at": 9,
    }
    assert answers == [True]


def test_a_report_says_that_the_machine_works_and_clears_all_suspicion(world: World) -> None:
    put_slot(world, suspected=True, note="ended by the sweep")
    answers: list[Any] = []
    assert changed(world, KEY, lambda: answers.append(report(world))) == {
        "status": "running",
        "owner": "worker",
        "beat": 3,
        "due_at": 9,
        "note": NEVER,
        "times": {"capacity_asked": 5, "loaded": 11},
        "suspected": NEVER,
    }
    assert answers == [SlotNews(times={"capacity_asked": 5, "loaded": 11}, stay_until=0)]
    report(world, note="warm")
    assert lying(world, KEY)["note"] == "warm"


def test_a_machine_that_is_told_to_stay_reads_it_in_the_reply_to_its_report(world: World) -> None:
    slot = put_slot(world)
    assert changed(world, KEY, lambda: world.store.slots.stay(slot, 99)) == {"stay_until": 99}
    news = report(world)
    assert news
    assert news.stay_until == 99
    assert lying(world, KEY)["stay_until"] == 99, "a report does not take it back"


def test_a_machine_that_leaves_is_looked_for_at_once_and_says_why(world: World) -> None:
    put_slot(world, status=SlotStatus.RUNNING)
    leave = lambda: world.store.slots.leave("00", "launch_1", now=12, note="nothing to do")  # noqa: E731
    assert changed(world, KEY, leave) == {
        "status": "leaving",
        "due_at": 12,
        "times": {"capacity_asked": 5, "leaving": 12},
        "note": "nothing to do",
    }


def test_a_slot_that_is_another_launchs_is_left_alone(world: World) -> None:
    slot = put_slot(world, launch_id="launch_2")
    mine, before = replace(slot, launch_id="launch_1"), lying(world, KEY)
    assert report(world) is None
    assert world.store.slots.leave("00", "launch_1", now=12) is False
    assert world.store.slots.look_again_at(mine, 99) is False
    assert lying(world, KEY) == before


@pytest.mark.parametrize("since", [{"beat": 4}, {"status": SlotStatus.LEAVING}], ids=["heard of", "leaving"])
def test_a_machine_that_was_heard_of_since_is_not_suspected(world: World, since: dict[str, Any]) -> None:
    slot = put_slot(world, beat=3, status=SlotStatus.RUNNING)
    put_slot(world, **{"beat": 3, "status": SlotStatus.RUNNING, **since})
    assert changed(world, KEY, lambda: world.store.slots.look_again_at(slot, 99, suspected=True)) == {}
    assert world.store.slots.look_again_at(slot, 99) is False


def test_a_look_at_a_slot_says_when_the_next_is_and_what_is_thought(world: World) -> None:
    slot = put_slot(world, note="warm")
    slots = world.store.slots
    assert changed(world, KEY, lambda: slots.look_again_at(slot, 99, suspected=True)) == {
        "due_at": 99,
        "suspected": True,
    }
    assert changed(world, KEY, lambda: slots.look_again_at(slot, 100, note="ended")) == {
        "due_at": 100,
        "suspected": NEVER,
        "note": "ended",
    }
    assert slots.look_again_at(slot, 101) is True
    assert lying(world, KEY)["note"] == "warm", "what it was when it was read"


def test_a_slot_is_freed_once(world: World) -> None:
    slot = put_slot(world)
    assert world.store.slots.free(slot) is True
    assert lying(world, KEY) == {}
    assert world.store.slots.free(slot) is False


def test_silent_boots_are_counted_until_one_reports(world: World) -> None:
    fleet = world.store.fleet
    assert fleet.breaker() is None
    fleet.good_boot()
    assert lying(world, BREAKER) == {}, "nothing to forget, nothing written"
    assert [fleet.silent_boot(until).silent_boots for until in (5, 6)] == [1, 2]
    assert lying(world, BREAKER) == {
        "pk": "FLEET",
        "sk": "BREAKER",
        "silent_boots": 2,
        "open_until": 6,
        "schema_version": 1,
    }
    assert changed(world, BREAKER, fleet.good_boot) == {"silent_boots": 0}
    write_id = (table(world).get(BREAKER) or {})["write_id"]
    fleet.good_boot()
    assert (table(world).get(BREAKER) or {})["write_id"] == write_id


def test_a_stray_is_known_from_its_first_sight(world: World) -> None:
    assert world.store.fleet.mark_stray("i-1", 1_000) == 1_000
    assert world.store.fleet.mark_stray("i-1", 2_000) == 1_000
    assert lying(world, ("FLEET", "STRAY#i-1")) == {
        "pk": "FLEET",
        "sk": "STRAY#i-1",
        "seen_at": 1_000,
        "schema_version": 1,
        "expires_at": (1_000 + DAY_MS) // SECOND_MS,
    }


def test_why_no_machine_comes_is_known_until_one_reports(world: World) -> None:
    fleet = world.store.fleet
    fleet.silent_boot(5, waiting="image", reason="No key.")
    assert fleet.silent_boot(6, waiting="quota", reason="No volume.").waiting == "quota"
    assert changed(world, BREAKER, fleet.good_boot) == {"silent_boots": 0, "waiting": NEVER, "reason": NEVER}
    fleet.silent_boot(7, waiting="image", reason="No key.")
    assert fleet.silent_boot(8, reason="It powered itself off.").waiting is None, "the last one's end counts"


def test_a_mark_that_was_forgotten_is_no_first_sight(world: World) -> None:
    fleet = world.store.fleet
    fleet.mark_stray("i-1", 1_000)
    assert fleet.mark_stray("i-1", 1_000 + FORGOTTEN_MS) == 1_000
    later = 1_001 + FORGOTTEN_MS
    assert fleet.mark_stray("i-1", later) == later
    assert fleet.mark_stray("i-1", later + MINUTE_MS) == later


def test_a_mark_is_taken_back_unless_it_was_made_anew_meanwhile(world: World) -> None:
    fleet = world.store.fleet
    assert fleet.strays() == {}
    for instance_id in ("i-1", "i-2"):
        fleet.mark_stray(instance_id, 1_000)
    assert fleet.strays() == {"i-1": 1_000, "i-2": 1_000}
    fleet.unmark_stray("i-1", 999)
    assert fleet.strays() == {"i-1": 1_000, "i-2": 1_000}
    fleet.unmark_stray("i-1", 1_000)
    fleet.unmark_stray("i-1", 1_000)
    assert fleet.strays() == {"i-2": 1_000}


def test_the_last_bad_end_of_each_slot_is_kept_for_a_week(world: World) -> None:
    fleet = world.store.fleet
    fleet.ended_badly("00", "i-1", 1_000, why="One.", console=None)
    fleet.ended_badly("00", "i-2", 2_000, why="Two.", console="/group i-2/console")
    assert lying(world, ("FLEET", "END#00")) == {
        "pk": "FLEET",
        "sk": "END#00",
        "instance_id": "i-2",
        "ended_at": 2_000,
        "why": "Two.",
        "console": "/group i-2/console",
        "schema_version": 1,
        "expires_at": (2_000 + 7 * DAY_MS) // SECOND_MS,
    }
    assert {name: end["why"] for name, end in fleet.bad_ends().items()} == {"00": "Two."}


def test_an_own_box_is_there_until_its_time_is_over(world: World) -> None:
    fleet = world.store.fleet
    fleet.present("worker", host="desk", beat=3, until=9_000)
    assert lying(world, ("FLEET", "OWN#worker")) == {
        "pk": "FLEET",
        "sk": "OWN#worker",
        "host": "desk",
        "beat": 3,
        "until": 9_000,
        "schema_version": 1,
        "expires_at": 9,
    }
    assert [box["host"] for box in fleet.own_boxes(8_999)] == ["desk"]
    assert fleet.own_boxes(9_000) == []
    fleet.absent("worker")
    assert fleet.own_boxes(0) == []


def test_two_searches_do_not_move_each_other_back(world: World) -> None:
    fleet = world.store.fleet
    assert fleet.search() is None
    first, second = Search().begin(DAY_MS).move("b", failed=False), Search().begin(DAY_MS + 1)
    assert fleet.move_search(None, first)
    assert lying(world, SEARCH) == {
        "pk": "FLEET",
        "sk": "SEARCH",
        "cursor": "b",
        "began": DAY_MS,
        "full": True,
        "failed": False,
        "last": 0,
        "last_full": 0,
        "schema_version": 1,
    }
    assert not fleet.move_search(None, second.move("a", failed=False))
    assert not fleet.move_search(second.move("b", failed=False), second.move("c", failed=False))
    assert not fleet.move_search(first.move("a", failed=False), first.move("", failed=False))
    assert fleet.search() == first
    done = first.move("", failed=False)
    assert fleet.move_search(first, done)
    assert fleet.search() == done


def test_a_clients_turns_follow_each_other_and_begin_anew_once_it_is_idle(world: World) -> None:
    turns = world.store.turns
    assert [turns.take("alice", 10, 100) for _ in range(3)] == [100, 110, 120]
    assert turns.take("bob", 10, 100) == 100, "nobody waits for another's files"
    assert turns.take("alice", 10, 130) == 130, "just then"
    assert turns.take("alice", 10, 500) == 500
    assert lying(world, ("CLIENT#alice", "TURN")) == {
        "pk": "CLIENT#alice",
        "sk": "TURN",
        "next_at": 510,
        "schema_version": 1,
    }
