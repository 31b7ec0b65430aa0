"""When the process that holds the model is taken for hung, and whose fault its death is."""

from __future__ import annotations

import pytest

from services.gpu_worker.engine.processes.account import LOAD_SECONDS, SLACK, STOP_LIMIT_SECONDS, Account
from services.gpu_worker.engine.processes.messages import LOADING


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def account(clock: Clock) -> Account:
    made = Account(clock, patience_seconds=60, speed=2.0)
    made.opened(1)
    return made


def test_silence_is_counted_from_when_something_is_owed(account: Account, clock: Clock) -> None:
    clock.now += 1_000
    assert account.overdue() is None
    account.asked(1)
    clock.now += 60
    assert account.overdue() is None
    clock.now += 1
    assert account.overdue() == "nothing was answered in 60 s"


def test_every_word_of_the_process_begins_the_silence_anew(account: Account, clock: Clock) -> None:
    for _ in range(3):
        account.asked(1)
    account.answered(1, last=False)
    clock.now += 59
    account.begun(0, frozenset({1}), 0)
    clock.now += 59
    account.ended(0)
    clock.now += 59
    account.answered(1, last=False)
    clock.now += 59
    assert account.overdue() is None


def test_much_audio_may_take_long(account: Account, clock: Clock) -> None:
    account.asked(1)
    account.begun(0, frozenset({1}), 600.0)
    clock.now += 60 + SLACK * 600 / 2
    assert account.overdue() is None
    clock.now += 1
    assert account.overdue() == "a batch took more than 3060 s"


def test_a_batch_that_hangs_is_noticed_beside_others_that_do_not(account: Account, clock: Clock) -> None:
    account.begun(0, frozenset({1}), 0.0)
    for number in range(1, 100):
        clock.now += 1
        account.begun(number, frozenset({2}), 0.0)
        account.ended(number)
    assert account.overdue() == "a batch took more than 60 s"


def test_a_device_that_waits_for_what_is_still_being_read_owes_nothing(account: Account, clock: Clock) -> None:
    account.asked(1)
    account.begun(0, frozenset({1}), 30.0)
    account.ended(0)
    account.answered(1, last=False)
    clock.now += 1_000
    assert account.overdue() is None


def test_a_stop_has_to_be_answered_soon_whatever_the_device_does(account: Account, clock: Clock) -> None:
    account.asked(1)
    account.begun(0, frozenset({1}), 600.0)
    account.told_to_stop(1)
    clock.now += STOP_LIMIT_SECONDS + 1
    assert account.overdue() == f"a stop was not answered in {STOP_LIMIT_SECONDS:g} s"


def test_what_has_had_its_last_answer_is_owed_nothing_more(account: Account, clock: Clock) -> None:
    account.asked(1)
    account.answered(1, last=True)
    account.asked(1)
    account.told_to_stop(1)
    clock.now += 1_000
    assert account.overdue() is None
    assert account.suspects() == frozenset()


def test_loading_has_a_limit_of_its_own(account: Account, clock: Clock) -> None:
    account.opened(LOADING)
    account.asked(LOADING)
    clock.now += LOAD_SECONDS
    assert account.overdue() is None
    clock.now += 1
    assert account.overdue()


def test_suspects_are_those_in_the_batches_under_way_or_else_those_who_wait(account: Account) -> None:
    account.opened(2)
    account.asked(1)
    account.asked(2)
    assert account.suspects() == {1, 2}
    account.begun(0, frozenset({2}), 30)
    assert account.suspects() == {2}
    account.begun(1, frozenset({1}), 30)
    assert account.suspects() == {1, 2}
    account.ended(0)
    assert account.suspects() == {1}
