"""What ends a command in order, as Ctrl-C does."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from services.cli import main

SIGNALS = (signal.SIGTERM, signal.SIGHUP)


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_being_told_to_end_is_as_ctrl_c(number: signal.Signals) -> None:
    signal.signal(number, signal.SIG_DFL)
    main._end_in_order()
    assert signal.getsignal(number) is signal.default_int_handler


@pytest.mark.parametrize("number", SIGNALS)
def test_what_nohup_has_a_command_ignore_it_ignores(number: signal.Signals) -> None:
    signal.signal(number, signal.SIG_IGN)
    main._end_in_order()
    assert signal.getsignal(number) is signal.SIG_IGN
