"""Requests to the API and to links that it gives. What passes by itself is tried again, and happens once."""

from __future__ import annotations

import hashlib
import re
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx

from services.cli.api.connection import find
from services.cli.api.patience import Persistence
from services.cli.errors import RefusedError, UnreachableError, UsageError
from services.cli.printing import shown
from services.cli.version import version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from services.cli.api.connection import Connection
    from services.cli.api.patience import Patience
    from services.cli.commands import Given

TIMEOUT = httpx.Timeout(30, read=60, write=60, pool=None)
OWN_ADDRESSES = ("127.0.0.1", "localhost", "[::1]")
"""A proxy of the environment does not know this machine's own addresses."""
STORAGE = "The storage"
LINKS = 3
"""How many links are asked for, one after the other, if each has ended before it was followed."""
ADDRESS = "give the address of the API, as `terraform output` prints it"
"""The remedy, if something else answers where the API should."""
SHOWN_CHARACTERS = 300
"""Of an answer whose form is not known."""


class Api:
    """The API of one service, as one of its clients. It may be used by several threads."""

    def __init__(self, connection: Connection) -> None:
        if not (connection.key.isascii() and connection.key.isprintable()):
            raise UsageError("The key has a character that no key has: copy it again.")
        self.url = connection.url
        self.identity = hashlib.sha256(f"{connection.url}\n{connection.key}".encode()).hexdigest()
        """Tells whose this is, and does not tell the key."""
        self._who = f"The service at {self.url}"
        self._http = web_client(Authorization=f"Bearer {connection.key}")
        self.storage = web_client()
        """For links and forms, which take no key: S3 refuses two kinds of authorisation."""
        self._persistence = Persistence()

    @classmethod
    def of(cls, given: Given) -> Api:
        """The API that a command should use.

        Raises:
            UsageError: no address or no key is known.
            RefusedError: `--local`, and no local system runs.

        """
        return cls(find(given))

    def get(self, path: str, **params: Any) -> Any:  # noqa: ANN401 - JSON
        """Read; parameters that are None are left out."""
        return self._asked("GET", path, params={name: one for name, one in params.items() if one is not None})

    def post(self, path: str, body: object = None, *, idempotency_key: str | None = None) -> Any:  # noqa: ANN401 - JSON
        """Do something, once, however often it must be asked for.

        Args:
            path: of the operation.
            body: as JSON.
            idempotency_key: under which the request is known; None: a new one.

        """
        headers = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())}
        return self._asked("POST", path, json=body, headers=headers)

    def patch(self, path: str, body: object) -> Any:  # noqa: ANN401 - JSON
        return self._asked("PATCH", path, json=body)

    def delete(self, path: str) -> Any:  # noqa: ANN401 - JSON
        """Delete; returns the receipt, or None if there is none."""
        return self._asked("DELETE", path)

    def pages(self, path: str, field: str, **params: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - JSON
        """Every item of a list that comes in pages."""
        after: str | None = None
        while True:
            page = self.get(path, after=after, **params)
            yield from page[field]
            after = page.get("next")
            if after is None:
                return

    def transcript(self, job_id: str, form: str) -> bytes:
        """The text of a completed job.

        Raises:
            RefusedError: there is none, or the storage does not give it.

        """
        for _ in range(LINKS):
            link = self.get(f"/api/jobs/{job_id}/transcript", format=form, redirect="false")["url"]
            reply = self.stored(lambda link=link: self.storage.get(link))  # type: ignore[misc] # of this turn
            if reply.is_success:
                return reply.content
            if not ended(reply):
                break
        raise refused_by_storage(reply)

    def tried(self, ask: Callable[[], httpx.Response], who: str) -> httpx.Response:
        """See `Persistence.tried`."""
        return self._persistence.tried(ask, who)

    def stored(self, ask: Callable[[], httpx.Response]) -> httpx.Response:
        """Ask the storage until there is an answer that would not be another one later; returns it, refusals too.

        Raises:
            UnreachableError: there was none in time.

        """
        return self._persistence.tried(ask, STORAGE)

    def patience(self, who: str) -> Patience:
        """See `Persistence.patience`."""
        return self._persistence.patience(who)

    def _asked(self, method: str, path: str, **more: Any) -> Any:  # noqa: ANN401 - JSON
        # Whatever follows the slash, the key goes to the service's own host.
        assert path.startswith("/")
        asked = 0

        def ask() -> httpx.Response:
            nonlocal asked
            asked += 1
            return self._http.request(method, self.url + path, **more)

        reply = self.tried(ask, self._who)
        if reply.is_success:
            return self._document(reply)
        if method == "DELETE" and reply.status_code == httpx.codes.NOT_FOUND and asked > 1:
            # The first request was carried out, and its answer was lost.
            return None
        raise self._refusal(reply)

    def _document(self, reply: httpx.Response) -> Any:  # noqa: ANN401 - JSON
        try:
            return reply.json() if reply.content else None
        except ValueError:
            raise UnreachableError(f"{self._who} answered with what is no JSON: {ADDRESS}.") from None

    def _refusal(self, reply: httpx.Response) -> RefusedError | UnreachableError:
        """What the API said, as an error."""
        if reply.has_redirect_location:
            place = urlsplit(reply.headers["location"])
            where = f" to {place.scheme}://{place.hostname}" if place.hostname else ""
            return UnreachableError(shown(f"{self._who} leads elsewhere{where}: {ADDRESS}."))
        problem = _problem(reply)
        code = str(problem.get("code", ""))
        detail = str(problem.get("detail") or f"{self._who} answered {reply.status_code}: {_words(reply)}")
        if reply.status_code == httpx.codes.UNAUTHORIZED:
            detail = f"{detail.rstrip('.')}: run `transcribe login` with a key that your operator made."
        elif not problem:
            detail = f"{detail.rstrip('.')}: {ADDRESS}."
        told = shown(f"{detail} ({code})" if code else detail)
        return RefusedError(told, problem=code, status=reply.status_code)


def web_client(**headers: str) -> httpx.Client:
    """A client of HTTP, with the proxies of the environment.

    Raises:
        UsageError: they cannot be used.

    """
    agent = {"User-Agent": f"transcribe/{version()}"}
    direct: dict[str, httpx.BaseTransport | None] = {f"all://{one}": None for one in OWN_ADDRESSES}
    try:
        return httpx.Client(headers=agent | headers, timeout=TIMEOUT, mounts=direct)
    except (ImportError, ValueError, httpx.InvalidURL) as error:
        raise UsageError(
            f"The environment's proxy cannot be used ({error}): set HTTPS_PROXY to an http:// address, or unset it."
        ) from None


def ended(reply: httpx.Response) -> bool:
    """Whether the storage says that a form or a link has ended, by its own time or with the session that signed it."""
    return reply.status_code in (httpx.codes.BAD_REQUEST, httpx.codes.FORBIDDEN) and "expired" in reply.text.casefold()


def refused_by_storage(reply: httpx.Response) -> RefusedError:
    """What the storage said, which is XML of its own, as an error."""
    code, message = (re.search(rf"<{name}>([^<]*)<", reply.text) for name in ("Code", "Message"))
    words = f"{code[1]}: {message[1]}" if code and message else _words(reply)
    return RefusedError(
        shown(f"{STORAGE} refuses it ({reply.status_code} {words.rstrip('.')}): try again, and tell your operator."),
        problem=code[1] if code else "",
        status=reply.status_code,
    )


def _problem(reply: httpx.Response) -> dict[str, Any]:
    """A problem document; empty: the answer is none, as if a gateway or a proxy gave it."""
    try:
        document = reply.json()
    except ValueError:
        return {}
    return document if isinstance(document, dict) and "code" in document else {}


def _words(reply: httpx.Response) -> str:
    """What an answer says whose form is not known: a page for browsers says nothing to a terminal."""
    page = "html" in reply.headers.get("content-type", "")
    text = "" if page else " ".join(reply.text.split())[:SHOWN_CHARACTERS]
    return text or reply.reason_phrase or "nothing more"
