"""Ctrl-C is held back while something must be done as a whole, and not for longer."""

from __future__ import annotations

import io
import signal
from collections.abc import Iterator

import pytest
from rich.console import Console

from services.cli import printing
from services.cli.recordings.progress.display import LiveLines
from services.cli.recordings.progress.recording import Recording
from services.cli.streams import uninterrupted

TOLD_TO_END = (signal.SIGINT, signal.SIGTERM)
NAME = "möte.mp3"


@pytest.fixture(autouse=True)
def as_in_the_program() -> Iterator[None]:
    before = {number: signal.signal(number, signal.default_int_handler) for number in TOLD_TO_END}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def done_when_pressed(*numbers: signal.Signals) -> bool:
    """Whether all is done although the program was told so within it; it ends in any case."""
    done: list[bool] = []

    def press() -> None:
        with uninterrupted():
            for number in numbers:
                signal.raise_signal(number)
            done.append(True)

    with pytest.raises(KeyboardInterrupt):
        press()
    return any(done)


@pytest.mark.parametrize("number", TOLD_TO_END)
def test_whoever_presses_it_once_waits_until_all_is_done(number: signal.Signals) -> None:
    assert done_when_pressed(number)


def test_whoever_presses_it_twice_waits_for_nothing() -> None:
    assert not done_when_pressed(signal.SIGINT, signal.SIGINT)


def test_it_ends_as_before_what_comes_afterwards() -> None:
    with uninterrupted():
        pass
    assert all(signal.getsignal(number) is signal.default_int_handler for number in TOLD_TO_END)


def test_what_ignores_it_goes_on_ignoring_it() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with uninterrupted():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN


class PressedWhile(io.StringIO):
    """A terminal at which somebody presses Ctrl-C just after the live lines were drawn for the first time."""

    def __init__(self) -> None:
        super().__init__()
        self._is_pressed = False

    def isatty(self) -> bool:
        return True

    def flush(self) -> None:
        super().flush()
        if NAME in self.getvalue() and not self._is_pressed:
            self._is_pressed = True
            signal.raise_signal(signal.SIGINT)


def test_live_lines_that_ctrl_c_breaks_off_are_not_drawn_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = PressedWhile()
    monkeypatch.setattr(printing, "console", lambda **_: Console(file=terminal, force_terminal=True, width=100))
    live = LiveLines([Recording(name=NAME, source=None)])
    with pytest.raises(KeyboardInterrupt):
        live.update()
    live.make_way()
    drawings = terminal.getvalue().split(NAME)
    assert all("\x1b[2K" in erased for erased in drawings[1:])
