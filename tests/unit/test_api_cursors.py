"""A cursor stands for one place in a list, and every text of its shape for some place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api import cursors
from services.api.problems import Problem

ids = st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=26, max_size=26)


LISTS = {"JOB": ("j", "job"), "EVENT": ("e", "evt")}


@pytest.mark.parametrize("kind", LISTS)
@given(milliseconds=st.integers(0, 10**13 - 1), name=ids)
def test_a_cursor_leads_back_to_its_place_in_its_own_list_alone(kind: str, milliseconds: int, name: str) -> None:
    sort = f"{kind}#{milliseconds:013d}#{LISTS[kind][1]}_{name}"
    cursor = cursors.encode(sort)

    assert cursor is not None
    assert cursors.decode(cursor, kind) == sort
    for other in {*LISTS, "DELIVERY"} - {kind}:
        with pytest.raises(Problem, match="no cursor of this list"):
            cursors.decode(cursor, other)


@pytest.mark.parametrize("kind", LISTS)
@given(data=st.data())
def test_every_text_of_the_shape_is_a_cursor_and_one_of_the_release_before_lacks_a_letter(
    kind: str, data: st.DataObject
) -> None:
    cursor = data.draw(st.from_regex(cursors.PATTERNS[kind], fullmatch=True))

    assert cursors.encode(cursors.decode(cursor, kind)) == LISTS[kind][0] + cursor[-35:]


@given(event=ids, callback=ids)
def test_a_ledgers_cursor_leads_back_to_its_place(event: str, callback: str) -> None:
    sort = f"DELIVERY#evt_{event}#cb_{callback}"
    cursor = cursors.encode(sort)

    assert cursor is not None
    assert cursors.decode(cursor, "DELIVERY") == sort


@given(cursor=st.from_regex(cursors.PATTERNS["DELIVERY"], fullmatch=True))
def test_every_text_of_a_ledgers_shape_is_a_cursor(cursor: str) -> None:
    assert cursors.encode(cursors.decode(cursor, "DELIVERY")) == cursor
