"""A cursor stands for one place in a list, and every text of its shape for some place."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.api import cursors

ids = st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=26, max_size=26)


@given(milliseconds=st.integers(0, 10**13 - 1), name=ids)
def test_a_cursor_leads_back_to_its_place_and_shows_nothing_of_it(milliseconds: int, name: str) -> None:
    sort = f"JOB#{milliseconds:013d}#job_{name}"
    cursor = cursors.encode(sort)

    assert cursor is not None
    assert cursors.decode(cursor, "JOB") == sort


@given(cursor=st.from_regex(cursors.PATTERN, fullmatch=True))
def test_every_text_of_the_shape_is_a_cursor(cursor: str) -> None:
    sort = cursors.decode(cursor, "EVENT")

    assert sort is not None
    assert cursors.encode(sort) == cursor


@given(event=ids, callback=ids)
def test_a_ledgers_cursor_leads_back_to_its_place(event: str, callback: str) -> None:
    sort = f"DELIVERY#evt_{event}#cb_{callback}"
    cursor = cursors.encode(sort)

    assert cursor is not None
    assert cursors.decode(cursor, "DELIVERY") == sort


@given(cursor=st.from_regex(cursors.DELIVERY_PATTERN, fullmatch=True))
def test_every_text_of_a_ledgers_shape_is_a_cursor(cursor: str) -> None:
    assert cursors.encode(cursors.decode(cursor, "DELIVERY")) == cursor
