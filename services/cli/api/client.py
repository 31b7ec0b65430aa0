"""Requests to the API and to links that it gives. What passes by itself is tried again, and happens once."""

from __future__ import annotations

import hashlib
import uuid
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx

from services.cli.api.answers import STORAGE, document, ended, refusal, refused_by_storage
from services.cli.api.connection import find
from services.cli.api.patience import Persistence
from services.cli.errors import UsageError
from services.cli.version import version

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

    from services.cli.api.login_store import Connection
    from services.cli.api.patience import Patience
    from services.cli.commands import Given

TIMEOUT = httpx.Timeout(30, read=60, write=60, pool=None)
OWN_ADDRESSES = ("127.0.0.1", "localhost", "[::1]")
"""A proxy of the environment does not know this machine's own addresses."""
LINKS = 3
"""How many links are asked for, one after the other, if each has ended before it was followed."""


def path(*parts: str) -> str:
    """The path of an operation, such as `/api/jobs/job_1/cancel`. What a person typed as an id stays one part of it."""
    return "/api/" + "/".join(quote(part, safe="", errors="replace") for part in parts)


class Api:
    """The API of one service, as one of its clients. It may be used by several threads."""

    def __init__(self, connection: Connection) -> None:
        # None of these may come into a header, or into a message that tells why the header was refused.
        if not (connection.key.isascii() and connection.key.isprintable()) or " " in connection.key:
            raise UsageError("The key has a character that no key has: copy it again.")
        self.url = connection.url
        self.identity = hashlib.sha256(f"{connection.url}\n{connection.key}".encode()).hexdigest()
        """Tells whose this is, and does not tell the key."""
        self._who = f"The service at {self.url}"
        self._http = web_client(Authorization=f"Bearer {connection.key}")
        self.storage = web_client()
        """For links and forms, which take no key: S3 refuses two kinds of authorisation."""
        self._persistence = Persistence()
        # The API gives its address, so it is right. A line may break in a first upload that has gone well for long.
        self._persistence.answered(STORAGE)

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
            link = self.get(path("jobs", job_id, "transcript"), format=form, redirect="false")["url"]
            reply = self.stored(lambda link=link: self.storage.get(link))  # type: ignore[misc] # of this turn
            if reply.is_success:
                return reply.content
            if not ended(reply):
                break
        raise refused_by_storage(reply)

    def latest_transcript(self, job_id: str, form: str) -> bytes:
        """The text of a completed job with the names as they are now.

        Raises:
            RefusedError: there is none.

        """
        reply = self._granted("GET", path("jobs", job_id, "transcript"), params={"format": form, "version": "latest"})
        assert reply is not None
        return reply.content

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
        reply = self._granted(method, path, **more)
        return None if reply is None else document(reply, self._who)

    def _granted(self, method: str, path: str, **more: Any) -> httpx.Response | None:  # noqa: ANN401 - JSON
        """The answer; None: what was to be deleted is gone, and nobody tells more of it."""
        # Whatever follows the slash, the key goes to the service's own host.
        assert path.startswith("/")
        asked = 0

        def ask() -> httpx.Response:
            nonlocal asked
            asked += 1
            return self._http.request(method, self.url + path, **more)

        reply = self._persistence.tried(ask, self._who)
        if reply.is_success:
            return reply
        if method == "DELETE" and reply.status_code == httpx.codes.NOT_FOUND and asked > 1:
            # The first request was carried out, and its answer was lost.
            return None
        raise refusal(reply, self._who)


def web_client(**headers: str) -> httpx.Client:
    """A client of HTTP, with the proxies of the environment.

    Raises:
        UsageError: they, or the certificates that the environment names, cannot be used.

    """
    agent = {"User-Agent": f"transcribe/{version()}"}
    direct: dict[str, httpx.BaseTransport | None] = {f"all://{one}": None for one in OWN_ADDRESSES}
    try:
        return httpx.Client(headers=agent | headers, timeout=TIMEOUT, mounts=direct, verify=_trusted())
    except (ImportError, ValueError, httpx.InvalidURL):
        raise UsageError(
            "The proxy of the environment cannot be used: set HTTPS_PROXY, HTTP_PROXY and ALL_PROXY to http:// "
            "addresses, or unset them."
        ) from None


@cache
def _trusted() -> ssl.SSLContext:
    """The certificates that this machine trusts: reading them takes longer than all else that a client needs.

    Raises:
        UsageError: they cannot be read.

    """
    try:
        return httpx.create_ssl_context()
    except OSError as error:
        told = f"The certificates that SSL_CERT_FILE or SSL_CERT_DIR names cannot be read ({error.strerror or error})"
        raise UsageError(f"{told}: correct or unset it.") from None
