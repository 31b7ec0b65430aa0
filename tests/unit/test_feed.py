"""Whoever follows the feed sees each event once, whatever its pages, filters and the service's absences are."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cli.client import feed
from services.cli.client.feed import LONGEST_PAUSE_SECONDS, SHORTEST_PAUSE_SECONDS, Feed
from services.cli.errors import UnreachableError

LOOKED_AT = 3
"""How many events the service looks at for one reply, if only some are wanted."""
QUEUED, FAILED, DISABLED = "transcription.queued", "transcription.failed", "callback.disabled"


class EnoughError(Exception):
    """The test has seen what it wanted to see."""


@dataclass
class Service:
    """The feed's side of the API, by its rules; `away`: how often it cannot be reached before it answers."""

    types: list[str] = field(default_factory=list)
    away: int = 0
    asked: int = 0
    url: str = "https://api.example.com"

    def get(self, path: str, *, type: list[str], limit: int, after: str | None) -> dict[str, Any]:  # noqa: A002 - the API's name
        assert path == "/api/events"
        self.asked += 1
        if self.away:
            self.away -= 1
            raise UnreachableError("It is away.")
        start = int(after or 0)
        found: list[dict[str, Any]] = []
        place = start
        for number in range(start, len(self.types)):
            place = number + 1
            if not type or self.types[number] in type:
                found.append({"event_id": number})
            if len(found) == limit or (type and place - start == LOOKED_AT):
                break
        return {"events": found, "next": str(place) if place > start else after}


def ids(pages: Any) -> list[int]:
    return [event["event_id"] for page in pages for event in page["events"]]


def reading(service: Service, **more: Any) -> Feed:
    return Feed(service, **more)  # type: ignore[arg-type] # it has what the feed asks for


kinds = st.lists(st.sampled_from([QUEUED, FAILED, DISABLED]), max_size=12)
filters = st.sets(st.sampled_from([QUEUED, FAILED]))


def wanted(types: list[str], kinds: set[str], first: int = 0) -> list[int]:
    return [number for number, kind in enumerate(types) if number >= first and (not kinds or kind in kinds)]


@pytest.fixture(autouse=True, scope="module")
def small_pages() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(feed, "LARGEST_PAGE", 2)
        yield


@given(types=kinds, kinds=filters)
def test_read_to_its_end_the_feed_gives_each_wanted_event_once(types: list[str], kinds: set[str]) -> None:
    assert ids(reading(Service(types), types=sorted(kinds)).pages()) == wanted(types, kinds)


@given(types=kinds, kinds=filters, limit=st.integers(1, 6))
def test_a_limit_is_kept_and_the_rest_stands_behind_the_place_that_is_told(
    types: list[str], kinds: set[str], limit: int
) -> None:
    service = Service(types)
    first = reading(service, types=sorted(kinds), limit=limit)
    begun = ids(first.pages())
    assert begun == wanted(types, kinds)[:limit]
    rest = ids(reading(service, types=sorted(kinds), after=first.after).pages())
    assert begun + rest == wanted(types, kinds)


@given(before=kinds, later=st.lists(st.tuples(kinds, st.integers(0, 2)), min_size=1, max_size=6), kinds=filters)
def test_followed_through_absences_the_feed_gives_each_wanted_event_once(
    before: list[str], later: list[tuple[list[str], int]], kinds: set[str]
) -> None:
    quiet: list[tuple[list[str], int]] = [([], 0)] * 20  # in which the feed is read to its end
    service, moments = Service(list(before)), iter(later + quiet)

    def pause(_: float) -> None:
        if service.away:
            return
        moment = next(moments, None)
        if moment is None:
            raise EnoughError
        service.types += moment[0]
        service.away = moment[1]

    seen: list[int] = []
    followed = reading(service, types=sorted(kinds), pause=pause)
    with suppress(EnoughError):
        for page in followed.pages(follow=True):
            seen += ids([page])
    assert seen == wanted(service.types, kinds)


@given(before=kinds, later=kinds, kinds=filters)
def test_whoever_begins_now_sees_only_what_comes_later(before: list[str], later: list[str], kinds: set[str]) -> None:
    service = Service(list(before))
    begun = reading(service, types=sorted(kinds))
    begun.skip()
    service.types += later
    assert ids(begun.pages()) == wanted(service.types, kinds, first=len(before))


def test_a_page_that_is_not_done_with_is_given_again() -> None:
    service = Service([QUEUED] * 4)
    broken_off = reading(service)
    pages = broken_off.pages()
    next(pages)
    second = next(pages)
    pages.close()
    assert ids(reading(service, after=broken_off.after).pages()) == ids([second])


def test_at_its_end_the_feed_is_asked_more_seldom_and_soon_again_once_something_happens() -> None:
    service, pauses = Service([QUEUED]), []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 10:
            service.types.append(QUEUED)
        if len(pauses) == 12:
            raise EnoughError

    followed = reading(service, pause=pause).pages(follow=True)
    assert ids([next(followed), next(followed)]) == [0, 1]
    with pytest.raises(EnoughError):
        next(followed)
    assert pauses[:10] == sorted(pauses[:10])
    assert (pauses[9], pauses[10]) == (LONGEST_PAUSE_SECONDS, SHORTEST_PAUSE_SECONDS)
    assert min(pauses) >= SHORTEST_PAUSE_SECONDS


def test_a_feed_in_which_something_happens_at_every_moment_is_not_asked_without_a_pause() -> None:
    service, pauses = Service(), []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        service.types += [DISABLED, QUEUED]
        if len(pauses) == 5:
            raise EnoughError

    with pytest.raises(EnoughError):
        list(reading(service, types=[DISABLED], pause=pause).pages(follow=True))
    assert service.asked == len(pauses)


def test_a_service_that_has_never_answered_is_not_waited_for() -> None:
    with pytest.raises(UnreachableError):
        list(reading(Service(away=1)).pages(follow=True))


def test_an_absence_is_told_once_and_so_is_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    service = Service([QUEUED])

    def pause(_: float) -> None:
        if len(service.types) == 1:
            service.types.append(QUEUED)
            service.away = 3

    followed = reading(service, pause=pause).pages(follow=True)
    assert ids([next(followed), next(followed)]) == [0, 1]
    away, back = capsys.readouterr().err.splitlines()
    assert "away" in away
    assert "back" in back
