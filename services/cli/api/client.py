"""Requests to the API and to links that it gives. What passes by itself is tried again, and happens once."""

from __future__ import annotations

import random
import time
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx

from services.cli.api.connection import find
from services.cli.errors import RefusedError, UnreachableError
from services.cli.printing import note
from services.cli.version import version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from services.cli.api.kept import Connection
    from services.cli.commands import Given

PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses that may pass by themselves."""
FIRST_PATIENCE_SECONDS = 10.0
"""How long an address is tried that has not answered yet: it may be wrong."""
PATIENCE_SECONDS = 120.0
"""How long a request is tried after that."""
LONGEST_PAUSE_SECONDS = 15.0
NOTE_AFTER_SECONDS = 3.0
"""A person is told of a trouble that lasts longer."""
TIMEOUT = httpx.Timeout(30, read=60, write=60)


def path(*parts: str) -> str:
    """The path of an operation, such as `/api/jobs/job_1/cancel`. What a person typed as an id stays one part of it."""
    return "/api/" + "/".join(quote(part, safe="") for part in parts)


class Api:
    """The API of one service, as one of its clients. It may be used by several threads."""

    def __init__(self, connection: Connection) -> None:
        self.url = connection.url
        # A proxy of the environment does not know this machine's own addresses.
        own = httpx.URL(self.url).host in ("127.0.0.1", "localhost", "::1")
        agent = {"User-Agent": f"transcribe/{version()}"}
        key = {"Authorization": f"Bearer {connection.key}"}
        self._http = httpx.Client(base_url=self.url, headers=agent | key, timeout=TIMEOUT, trust_env=not own)
        self.storage = httpx.Client(headers=agent, timeout=TIMEOUT, trust_env=not own)
        """For links and forms, which take no key: S3 refuses two kinds of authorisation."""
        self._answered = False

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
        """The text of a completed job."""
        link = self.get(f"/api/jobs/{job_id}/transcript", format=form, redirect="false")
        return self.tried(lambda: self.storage.get(link["url"]), "The storage").content

    def _asked(self, method: str, path: str, **more: Any) -> Any:  # noqa: ANN401 - JSON
        reply = self.tried(lambda: self._http.request(method, path, **more), f"The service at {self.url}")
        if not reply.is_success:
            raise _refusal(reply)
        try:
            return reply.json() if reply.content else None
        except ValueError:
            raise _no_api(reply) from None

    def tried(self, ask: Callable[[], httpx.Response], who: str) -> httpx.Response:
        """Ask until there is an answer that would not be another one later; returns it, refusals too.

        Args:
            ask: sends the request, each time the same.
            who: is asked, as the beginning of a sentence.

        Raises:
            UnreachableError: there was none in time.

        """
        began, tries, told = time.monotonic(), 0, False
        while True:
            wait, trouble = None, ""
            try:
                reply = ask()
            except httpx.TransportError as error:
                trouble = f"cannot be reached ({error or type(error).__name__})"
            else:
                self._answered = True
                if reply.status_code not in PASSING:
                    return reply
                wait, trouble = _retry_after(reply), f"answered {reply.status_code} {reply.reason_phrase}"
            tries += 1
            pause = min(LONGEST_PAUSE_SECONDS, 0.25 * 2**tries) * random.uniform(0.5, 1)  # noqa: S311 - spreads load
            pause = max(pause, wait or 0)
            patience = PATIENCE_SECONDS if self._answered else FIRST_PATIENCE_SECONDS
            spent = time.monotonic() - began
            if spent + pause > patience:
                hint = "try again later" if self._answered else "check the address and the network"
                raise UnreachableError(f"{who} {trouble}, {tries} times in {spent:.0f} s: {hint}.")
            if not told and spent + pause > NOTE_AFTER_SECONDS:
                note(f"{who} {trouble}; trying again …")
                told = True
            time.sleep(pause)


def _retry_after(reply: httpx.Response) -> float | None:
    seconds = reply.headers.get("retry-after", "")
    return float(seconds) if seconds.isdigit() else None


def _refusal(reply: httpx.Response) -> RefusedError:
    """What the API said, as an error."""
    try:
        problem = reply.json()
        code, detail = str(problem["code"]), str(problem["detail"])
    except (ValueError, KeyError, TypeError):
        return _no_api(reply)
    if reply.status_code == httpx.codes.UNAUTHORIZED:
        detail = f"{detail.rstrip('.')}: run `transcribe login` with a key that your operator made."
    elif code == "NOT_FOUND":
        detail = f"{detail.rstrip('.')}: compare the id, and the key: each client has its own."
    return RefusedError(f"{detail} ({code})", problem=code, status=reply.status_code)


def _no_api(reply: httpx.Response) -> RefusedError:
    """What is told of an answer that the API would not give: of another server, or of what stands before it."""
    host, told = reply.url.host, f"{reply.status_code} {reply.reason_phrase}".strip()
    return RefusedError(
        f"{host} does not answer as an API of this service ({told}): check the address.", status=reply.status_code
    )
