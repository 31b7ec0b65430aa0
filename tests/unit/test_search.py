"""What a search remembers decides which objects the next one asks the table about."""

from __future__ import annotations

from services.common.domain.search import Search
from services.common.domain.times import DAY_MS, HOUR_MS, MINUTE_MS

NOON = 500_000 * HOUR_MS


def completed(at: int) -> Search:
    """After a first search, which began at this time and came to its end at once."""
    return Search().begin(at).move("", failed=False)


def test_the_first_search_compares_everything() -> None:
    first = Search().begin(NOON)
    assert first.full
    assert first.newer_than == 0


def test_a_search_leaves_out_what_the_last_completed_one_has_seen_but_for_an_hours_uploads() -> None:
    second = completed(NOON + MINUTE_MS).begin(NOON + HOUR_MS)
    assert not second.full
    assert second.newer_than == NOON + MINUTE_MS - HOUR_MS


def test_everything_is_compared_again_in_the_same_hour_of_the_next_day() -> None:
    first = completed(NOON + MINUTE_MS)
    assert not first.begin(NOON + DAY_MS - HOUR_MS).full
    assert first.begin(NOON + DAY_MS).full


def test_only_the_end_of_a_search_in_which_nothing_failed_counts() -> None:
    before, began = completed(NOON), NOON + HOUR_MS
    second = before.begin(began)
    half = second.move("uploads/m", failed=False)
    assert half.under_way
    assert half.last == NOON
    assert half.move("", failed=False).last == began
    for failed in (half.move("", failed=True), second.move("uploads/m", failed=True).move("", failed=False)):
        assert not failed.under_way
        assert failed.last == NOON
    assert failed.begin(NOON + 2 * HOUR_MS).newer_than == NOON - HOUR_MS
    assert not failed.begin(NOON + 2 * HOUR_MS).failed


def test_a_search_of_new_objects_does_not_put_off_the_next_of_all() -> None:
    second = completed(NOON).begin(NOON + 23 * HOUR_MS).move("", failed=False)
    assert second.last_full == NOON
    assert second.begin(NOON + DAY_MS).full


def test_an_hour_has_one_search() -> None:
    first = completed(NOON + MINUTE_MS)
    assert not first.is_due(NOON + 59 * MINUTE_MS)
    assert first.is_due(NOON + HOUR_MS)


def test_the_cursor_of_version_0_1_0_is_gone_on_with_and_counts_as_no_completed_search() -> None:
    old = Search(cursor="uploads/m")
    assert old.under_way
    assert old.newer_than == 0
    assert old.move("", failed=False).begin(NOON).full
