"""What fails and may pass by itself is tried again: how often, how long, and what a person is told meanwhile."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from threading import Lock
from typing import TYPE_CHECKING

import httpx

from services.cli.errors import UnreachableError
from services.cli.printing import note, shown

if TYPE_CHECKING:
    from collections.abc import Callable

PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses that may pass by themselves."""
PASSING_WORDS = ('"CONFLICT"', "<Code>RequestTimeout</Code>")
"""What a refusal says that passes too: the API was asked at the moment of another change; S3 did not get all bytes."""
FIRST_SECONDS = 10.0
"""How long an address is tried that has not answered yet: it may be wrong."""
LATER_SECONDS = 120.0
"""How long a request is tried after that."""
BUSY_SECONDS = 600.0
"""How long, if there are too many requests: the service works, and says when it has time."""
LONGEST_TRY_SECONDS = 30.0
"""A try counts as no longer than this, since an upload may have gone well for an hour before it broke."""
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 15.0
NOTE_AFTER_SECONDS = 3.0
"""A person is told of a trouble that lasts longer, but not by each of several threads."""
NOTE_EVERY_SECONDS = 30.0
UNTRUSTED = "CERTIFICATE_VERIFY_FAILED"


class Persistence:
    """Tries requests again. It may be used by several threads, which share what is known of the servers."""

    def __init__(self) -> None:
        self._answered: set[str] = set()
        self._told: dict[str, float] = {}
        self._lock = Lock()

    def tried(self, ask: Callable[[], httpx.Response], who: str) -> httpx.Response:
        """Ask until there is an answer that would not be another one later; returns it, refusals too.

        Args:
            ask: sends the request, each time the same.
            who: is asked, as the beginning of a sentence.

        Raises:
            UnreachableError: there was none in time.

        """
        patience = self.patience(who)
        while True:
            began = time.monotonic()
            try:
                reply = ask()
            except (httpx.RequestError, httpx.InvalidURL) as error:
                patience.wait(why(error), took=time.monotonic() - began)
            else:
                self.answered(who)
                if not passes(reply):
                    return reply
                patience.wait_as_asked(reply, took=time.monotonic() - began)

    def patience(self, who: str) -> Patience:
        """With one request to a server; `who` as above."""
        return Patience(who, self)

    def answered(self, who: str) -> None:
        """Note that a server has answered: its address is right."""
        self._answered.add(who)

    def knows(self, who: str) -> bool:
        """Whether a server has answered before."""
        return who in self._answered

    def tell(self, who: str, trouble: str) -> None:
        """Tell a person of a trouble, unless that was done a moment ago."""
        with self._lock:
            now = time.monotonic()
            if now < self._told.get(who, -NOTE_EVERY_SECONDS) + NOTE_EVERY_SECONDS:
                return
            self._told[who] = now
        note(shown(f"{who} {trouble}; trying again …"))


class Patience:
    """Waits from one try of a request to the next."""

    def __init__(self, who: str, persistence: Persistence) -> None:
        self._who = who
        self._persistence = persistence
        self._tries = 0
        self._spent = 0.0

    def answered(self) -> None:
        """Note that the server has answered: its address is right."""
        self._persistence.answered(self._who)

    def wait_as_asked(self, reply: httpx.Response, *, took: float) -> None:
        """Wait after an answer that may pass, at least as long as it asks for.

        Raises:
            UnreachableError: the patience has an end.

        """
        trouble = f"answered {reply.status_code} {reply.reason_phrase}".rstrip()
        busy = reply.status_code == httpx.codes.TOO_MANY_REQUESTS
        self.wait(trouble, took=took, at_least=asked_for(reply), most=BUSY_SECONDS if busy else None)

    def wait(self, trouble: str, *, took: float, at_least: float = 0.0, most: float | None = None) -> None:
        """Wait before the next try.

        Args:
            trouble: of the last one, as the end of a sentence.
            took: how long the last try took, seconds.
            at_least: the shortest pause, seconds.
            most: how long the request may be tried in all, seconds; None: as long as is usual.

        Raises:
            UnreachableError: the patience has an end.

        """
        known = self._persistence.knows(self._who)
        self._tries += 1
        self._spent += min(took, LONGEST_TRY_SECONDS)
        usual = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** (self._tries - 1))
        # Many that were sent away together do not come back together.
        pause = max(usual * random.uniform(0.5, 1), at_least * random.uniform(1, 1.25))  # noqa: S311 - spreads load
        if self._spent + pause > (most or (LATER_SECONDS if known else FIRST_SECONDS)) or UNTRUSTED in trouble:
            raise UnreachableError(self._sentence(trouble, at_least, known=known))
        if self._spent + pause > NOTE_AFTER_SECONDS:
            self._persistence.tell(self._who, trouble)
        self._spent += pause
        time.sleep(pause)

    def _sentence(self, trouble: str, asked_for: float, *, known: bool) -> str:
        remedy = "try again later" if known else "check the address and the network"
        if UNTRUSTED in trouble:
            remedy = "check the address, or set SSL_CERT_FILE to the certificates that this machine should trust"
        asked = f", and asks to be left alone for {asked_for:.0f} s" if asked_for else ""
        often = f", {self._tries} times in {self._spent:.0f} s" if self._tries > 1 else ""
        return shown(f"{self._who} {trouble}{often}{asked}: {remedy}.")


def passes(reply: httpx.Response) -> bool:
    """Whether an answer may be another one later."""
    if reply.status_code in PASSING:
        return True
    refused = reply.status_code in (httpx.codes.CONFLICT, httpx.codes.BAD_REQUEST)
    return refused and any(word in reply.text for word in PASSING_WORDS)


def why(error: Exception) -> str:
    """Why there was no answer, as the end of a sentence."""
    return f"cannot be reached ({error or type(error).__name__})"


def asked_for(reply: httpx.Response) -> float:
    """How long the server asks to be left alone, in seconds, be it told as a length or as a date; 0: it does not."""
    told = reply.headers.get("retry-after", "").strip()
    if told.isdecimal() and told.isascii():
        return float(told)
    try:
        until, now = parsedate_to_datetime(told), datetime.now(UTC)
        if "date" in reply.headers:
            # The difference between two dates of the server is right, however wrong this machine's clock is.
            now = parsedate_to_datetime(reply.headers["date"])
        return max(0.0, (until - now).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return 0.0
