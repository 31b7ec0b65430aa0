"""How long what fails is tried again, and what a person is told meanwhile."""

from __future__ import annotations

from itertools import repeat

import httpx
import pytest

from services.cli.api import patience
from services.cli.api.patience import Persistence, asked_for, passes
from services.cli.errors import UnreachableError

WHO = "The service at https://api.example.com"
DATE = "Wed, 21 Oct 2026 07:28:00 GMT"


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were made, in seconds; the longest that chance gives, and none takes time."""
    made: list[float] = []
    monkeypatch.setattr("services.cli.api.patience.time.sleep", made.append)
    monkeypatch.setattr("services.cli.api.patience.random.uniform", lambda _, most: most)
    return made


def reply(status: int, text: str = "", **headers: str) -> httpx.Response:
    return httpx.Response(status, text=text, headers={name.replace("_", "-"): one for name, one in headers.items()})


def tried(persistence: Persistence, *of: httpx.Response | httpx.RequestError, forever: bool = False) -> httpx.Response:
    left = repeat(of[0]) if forever else iter(of)

    def ask() -> httpx.Response:
        one = next(left)
        if isinstance(one, httpx.RequestError):
            raise one
        return one

    return persistence.tried(ask, WHO)


def given_up(persistence: Persistence, of: httpx.Response | httpx.RequestError) -> str:
    with pytest.raises(UnreachableError) as caught:
        tried(persistence, of, forever=True)
    return str(caught.value)


@pytest.mark.parametrize("status", sorted(patience.PASSING))
def test_what_passes_by_itself_is_asked_again_and_then_answered(status: int, pauses: list[float]) -> None:
    found = tried(Persistence(), reply(status), httpx.ReadError("cut"), reply(status), reply(404))
    assert found.status_code == 404
    assert pauses == [0.5, 1, 2]


@pytest.mark.parametrize("status", [200, 301, 400, 401, 403, 404, 409, 413, 422])
def test_every_other_answer_is_final(status: int, pauses: list[float]) -> None:
    assert tried(Persistence(), reply(status)).status_code == status
    assert pauses == []


def test_a_refusal_passes_only_if_its_word_says_so() -> None:
    assert passes(reply(409, '{"code": "CONFLICT"}'))
    assert not passes(reply(409, '{"code": "UNDER_WAY"}'))
    assert passes(reply(400, "<Error><Code>RequestTimeout</Code></Error>"))
    assert not passes(reply(400, "<Error><Code>ExpiredToken</Code></Error>"))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": "7"}, 7),
        ({"retry_after": "Wed, 21 Oct 2026 07:28:09 GMT", "date": DATE}, 9),
        ({"retry_after": "Wed, 21 Oct 2026 07:27:00 GMT", "date": DATE}, 0),
        ({"retry_after": DATE, "date": "yesterday"}, 0),
        ({"retry_after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
        ({"retry_after": "soon"}, 0),
        ({"retry_after": "Fri, 31 Dec 99999999999 23:59:59 GMT"}, 0),
        ({"retry_after": "-5"}, 0),
        ({"retry_after": "²"}, 0),
        ({}, 0),
    ],
)
def test_the_pause_that_a_server_asks_for_is_read_in_seconds_or_as_a_date(
    headers: dict[str, str], seconds: float
) -> None:
    encoded = [(name.replace("_", "-").encode(), one.encode()) for name, one in headers.items()]
    assert asked_for(httpx.Response(429, headers=encoded)) == seconds


def test_the_pause_is_at_least_what_is_asked_for(pauses: list[float]) -> None:
    tried(Persistence(), reply(503, retry_after="20"), reply(200))
    assert pauses == [25]


def test_an_address_that_never_answers_is_tried_for_seconds_and_one_that_has_answered_for_minutes(
    pauses: list[float],
) -> None:
    persistence = Persistence()
    told = given_up(persistence, httpx.ConnectError("Connection refused"))
    assert told.startswith(f"{WHO} cannot be reached (Connection refused), 5 times in 8 s: check the address")
    assert sum(pauses) <= patience.FIRST_SECONDS
    tried(persistence, reply(200))
    pauses.clear()
    assert "try again later" in given_up(persistence, httpx.ReadTimeout(""))
    assert patience.LATER_SECONDS - patience.LONGEST_PAUSE_SECONDS < sum(pauses) <= patience.LATER_SECONDS


def test_too_many_requests_are_waited_for_much_longer_but_not_for_a_day(pauses: list[float]) -> None:
    given_up(Persistence(), reply(429, retry_after="60"))
    assert patience.LATER_SECONDS < sum(pauses) <= patience.BUSY_SECONDS
    pauses.clear()
    assert "asks to be left alone for 86400 s" in given_up(Persistence(), reply(429, retry_after="86400"))
    assert pauses == []


def test_a_certificate_that_is_not_trusted_will_not_be_a_moment_later(pauses: list[float]) -> None:
    told = given_up(Persistence(), httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed certificate"))
    assert "SSL_CERT_FILE" in told
    assert pauses == []


def test_a_long_try_that_breaks_leaves_patience_for_others(
    pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an upload that went well for an hour."""
    now = iter(range(0, 36_000, 3_600))
    monkeypatch.setattr("services.cli.api.patience.time.monotonic", lambda: float(next(now)))
    persistence = Persistence()
    persistence.answered(WHO)
    assert tried(persistence, httpx.WriteError("cut"), httpx.WriteError("cut"), reply(204)).status_code == 204
    assert pauses == [0.5, 1]


def test_a_person_is_told_of_a_trouble_that_lasts_once_by_all_threads_and_in_plain_characters(
    pauses: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    persistence = Persistence()
    tried(persistence, httpx.ReadError("cut"), httpx.ReadError("cut"), reply(200))
    assert capsys.readouterr().err == ""
    slow = [httpx.ReadError("\x1b[2J")] * 5
    tried(persistence, *slow, reply(200))
    tried(persistence, *slow, reply(200))
    assert capsys.readouterr().err == f"{WHO} cannot be reached (\ufffd[2J); trying again …\n"
    assert len(pauses) == 12
