"""What the API and its storage answered, read and put into words. Nothing is asked here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar
from urllib.parse import urlsplit

import httpx

from services.cli.errors import RefusedError, UnreachableError
from services.cli.printing import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Read = TypeVar("Read")

STORAGE = "The storage"
"""S3, as the beginning of a sentence."""
ADDRESS = "give the address of the API, as `terraform output` prints it"
"""The remedy, if something else answers where the API should."""
OTHER = f"{ADDRESS}, and use the `transcribe` with it"
"""The same, or another version of the API does."""
SHOWN_CHARACTERS = 300
"""Of an answer whose form is not known."""
NOT_AWAITING = "NOT_AWAITING"
"""The code, if a job does not wait for its recording: that has come, or the job has ended."""
NO_MORE = ("NOT_FOUND", "DELETED_SINCE")
"""The codes of what was made and is there no more."""


class Answer(dict[str, Any]):
    """An object of the API's, with those in it. If it lacks what is read, something else answers at this address."""

    def __init__(self, fields: Mapping[str, Any], who: str) -> None:
        super().__init__(fields)
        self._who = who

    def __missing__(self, field: str) -> NoReturn:
        raise UnreachableError(f"{self._who} answered without `{field}`: {OTHER}.")

    def read(self, how: Callable[[Answer], Read]) -> Read:
        """What `how` reads of it.

        Raises:
            UnreachableError: it has another shape than `how` expects.

        """
        try:
            return how(self)
        except (TypeError, ValueError, AttributeError):
            raise UnreachableError(f"{self._who} answered with what its API does not say: {OTHER}.") from None


def document(reply: httpx.Response, who: str) -> Answer | None:
    """The body of the API's answer; None: there is nothing to say.

    Raises:
        UnreachableError: it is no JSON object, so that something else answers at this address.

    """
    if reply.status_code == httpx.codes.NO_CONTENT:
        return None
    try:
        answer = reply.json(object_hook=lambda fields: Answer(fields, who))
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, Answer):
        raise UnreachableError(f"{who} answered with what is no JSON of its own: {ADDRESS}.")
    return answer


def refusal(reply: httpx.Response, who: str) -> RefusedError | UnreachableError:
    """What the API said instead of doing what it was asked, as an error; `who` was asked, as a sentence begins."""
    if reply.has_redirect_location:
        place = urlsplit(reply.headers["location"])
        where = f" to {place.scheme}://{place.hostname}" if place.hostname else ""
        return UnreachableError(shown(f"{who} leads elsewhere{where}: {ADDRESS}."))
    problem = _problem(reply)
    code = str(problem.get("code", ""))
    detail = str(problem.get("detail") or f"{who} answered {reply.status_code}: {_words(reply)}")
    if reply.status_code == httpx.codes.UNAUTHORIZED:
        # The API says how a program sends its key, which nobody can do here.
        detail = f"{who} does not know this key" if code else detail.rstrip(".")
        detail = f"{detail}: run `transcribe login` with a key that your operator made."
    elif code == "NOT_FOUND":
        detail = f"{detail.rstrip('.')}: compare the id, and the key: each client has its own."
    elif not problem:
        detail = f"{detail.rstrip('.')}: {ADDRESS}."
    told = f"{detail.rstrip('.')} ({code})." if code else detail
    return RefusedError(shown(told), problem=code, status=reply.status_code)


def is_of_job(error: RefusedError) -> bool:
    """Whether the API itself refuses what was asked of a job: not the key, and nobody on the way or at the storage."""
    return bool(error.problem) and error.status != httpx.codes.UNAUTHORIZED


def ended(reply: httpx.Response) -> bool:
    """Whether the storage says that a form or a link has ended, by its own time or with the session that signed it."""
    return reply.status_code in (httpx.codes.BAD_REQUEST, httpx.codes.FORBIDDEN) and "expired" in reply.text.casefold()


def refused_by_storage(reply: httpx.Response) -> RefusedError:
    """What the storage said, which is XML of its own, as an error."""
    code, message = (re.search(rf"<{name}>([^<]*)<", reply.text) for name in ("Code", "Message"))
    words = f"{code[1]}: {message[1]}" if code and message else _words(reply)
    return RefusedError(
        shown(f"{STORAGE} refuses it ({reply.status_code} {words.rstrip('.')}): try again, and tell your operator."),
        status=reply.status_code,
    )


def _problem(reply: httpx.Response) -> dict[str, Any]:
    """A problem document; empty: the answer is none, as if a gateway or a proxy gave it."""
    try:
        document = reply.json()
    except ValueError:
        return {}
    return document if isinstance(document, dict) and isinstance(document.get("code"), str) else {}


def _words(reply: httpx.Response) -> str:
    """What an answer says whose form is not known: a page for browsers says nothing to a terminal."""
    page = "html" in reply.headers.get("content-type", "")
    text = "" if page else " ".join(reply.text.split())[:SHOWN_CHARACTERS]
    return text or reply.reason_phrase or "nothing more"
