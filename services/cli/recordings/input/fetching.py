"""Recordings that are no files of this machine: what is fetched from a URL, or comes from standard input.

Each is spooled to a temporary file without a name, so that nothing of it stays however this program ends.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

import httpx

from services.cli.api.client import web_client
from services.cli.api.patience import PASSING, why
from services.cli.errors import RefusedError
from services.cli.explained import FULL
from services.cli.printing import amount, shown
from services.cli.recordings.input.content import PIECE, Content

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from io import FileIO

    from services.cli.api.client import Api
    from services.cli.api.patience import Patience
    from services.cli.recordings.input.sources import Source

    Progress = Callable[[int, int | None], None]
    """Called with the bytes that are there, and the bytes of all if they are known."""

MOST_REDIRECTS = 10
PAGES = ("text/html", "application/xhtml+xml")
OTHER_PARTS = (httpx.codes.PARTIAL_CONTENT, httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE)


@contextmanager
def spooled(source: Source, api: Api, progress: Progress) -> Iterator[Content]:
    """The content of a URL or of standard input, which is there as long as the context is.

    Raises:
        RefusedError: it is empty, is refused, is a page of the web, or finds no room on this machine.
        UnreachableError: the address cannot be reached, or its server fails.

    """
    with _nameless() as file:
        if source.url is None:
            _read(sys.stdin.buffer, file, progress)
        else:
            with web_client() as web:
                Download(web, source, file, progress).run(lambda: api.patience(f"The server of {source.word}"))
        content = Content(file, source.word)
        if not content.size:
            where = "Standard input" if source.url is None else source.word
            raise RefusedError(f"{where} is empty: there is nothing to transcribe.")
        yield content


def _nameless() -> FileIO:
    try:
        return tempfile.TemporaryFile(buffering=0)
    except FileNotFoundError:
        # Python tries the folders by writing to them.
        raise _no_room("No folder takes a temporary file") from None


def _read(stream: BinaryIO, file: FileIO, progress: Progress) -> None:
    done = 0
    while piece := stream.read(PIECE):
        _write(file, piece)
        done += len(piece)
        progress(done, None)


class Download:
    """One URL on its way into a file. It goes on where it broke, if the server knows how."""

    def __init__(self, web: httpx.Client, source: Source, file: FileIO, progress: Progress) -> None:
        self._web = web
        self._word = source.word
        self._url = source.url or ""
        self._file = file
        self._progress = progress
        self._done = 0
        self._total: int | None = None
        self._version: str | None = None
        """What the server calls this state of the recording, if it gives parts of one; None: it does not."""

    def run(self, patience: Callable[[], Patience]) -> None:
        """Fetch it; `patience`: a new one, with which it begins, and goes on wherever it has come further.

        Raises:
            RefusedError: see `spooled`.
            UnreachableError: likewise.

        """
        left = patience()
        while True:
            began, before = time.monotonic(), self._done
            try:
                with self._answer() as reply:
                    left.answered()
                    if reply.status_code not in PASSING:
                        self._take(reply)
                        return
                left.wait_as_asked(reply, took=time.monotonic() - began)
            except httpx.InvalidURL:
                told = f"{self._word} is, or leads to, no address that can be fetched: check it."
                raise RefusedError(told) from None
            except httpx.RequestError as error:
                if self._version and self._done > before:
                    left = patience()
                left.wait(why(error), took=time.monotonic() - began)

    @contextmanager
    def _answer(self) -> Iterator[httpx.Response]:
        """What the address answers after all redirects."""
        headers = {"Accept-Encoding": "identity"}
        if self._version:
            headers |= {"Range": f"bytes={self._done}-", "If-Range": self._version}
        url = httpx.URL(self._url)
        first, login = url, httpx.BasicAuth(url.username, url.password) if url.userinfo else None
        for _ in range(MOST_REDIRECTS + 1):
            # Without a login httpx would take one from the address, and it could come from another server's redirect.
            plain = url.copy_with(userinfo=b"")
            auth = login if _same_server(first, plain) else None
            with self._web.stream("GET", plain, headers=headers, auth=auth) as reply:
                if not reply.has_redirect_location:
                    yield reply
                    return
                url = self._next(plain, reply.headers["location"])
        raise RefusedError(f"{self._word} leads from one address to another without an end: give the last one itself.")

    def _next(self, url: httpx.URL, location: str) -> httpx.URL:
        found = url.join(location)
        if found.scheme not in ("http", "https") or not found.host:
            kind = shown(f"{found.scheme}:")
            raise RefusedError(f"{self._word} leads to a {kind} address: give one that leads to http:// or https://.")
        return found

    def _take(self, reply: httpx.Response) -> None:
        if reply.status_code in OTHER_PARTS and not self._goes_on(reply):
            self._version = None
            raise httpx.RemoteProtocolError("It gave another part than was asked for.")
        if not reply.is_success:
            raise RefusedError(_refusal(self._word, reply), status=reply.status_code)
        kind = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind in PAGES:
            raise RefusedError(f"{self._word} is a page of the web, no recording: give the address of the file itself.")
        if not self._goes_on(reply):
            self._begin(reply)
        _check_room((self._total or 0) - self._done)
        self._progress(self._done, self._total)
        # Pieces as they come: of what was gathered into larger ones, a break would lose the last.
        for piece in reply.iter_bytes():
            _write(self._file, piece)
            self._done += len(piece)
            self._progress(self._done, self._total)

    def _goes_on(self, reply: httpx.Response) -> bool:
        begins = reply.headers.get("content-range", "").startswith(f"bytes {self._done}-")
        return reply.status_code == httpx.codes.PARTIAL_CONTENT and begins

    def _begin(self, reply: httpx.Response) -> None:
        """Take it from its first byte on."""
        self._file.seek(0)
        self._file.truncate()
        length, etag = reply.headers.get("content-length", ""), reply.headers.get("etag", "")
        whole = "content-encoding" not in reply.headers
        self._done, self._total = 0, int(length) if whole and length.isdecimal() else None
        offered = whole and reply.headers.get("accept-ranges") == "bytes"
        # A weak tag is not enough: under it the bytes may differ.
        strong = etag if etag.startswith('"') else ""
        self._version = (strong or reply.headers.get("last-modified")) if offered else None


def _refusal(word: str, reply: httpx.Response) -> str:
    told = f"{word} answers {reply.status_code} {reply.reason_phrase}".rstrip()
    if reply.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        return f"{told}: give an address that may be read, or download the recording where you are signed in."
    return f"{told}: check the address."


def _same_server(first: httpx.URL, other: httpx.URL) -> bool:
    """Whether a login for the one may be sent to the other; with encryption it may, if it could go without before."""
    if first.host != other.host:
        return False
    safer = (first.scheme, other.scheme) == ("http", "https") and first.port is None and other.port is None
    return safer or (first.scheme, first.port) == (other.scheme, other.port)


def _check_room(size: int) -> None:
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    if size > free:
        raise _no_room(f"{amount(size)} are needed under {folder}, where {amount(free)} are free")


def _write(file: FileIO, piece: bytes) -> None:
    rest = memoryview(piece)
    try:
        # Without a buffer, the last room of a disk takes a part of what is written.
        while rest:
            rest = rest[file.write(rest) :]
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise _no_room(f"The disk is full under {tempfile.gettempdir()}") from None


def _no_room(what: str) -> RefusedError:
    return RefusedError(f"{what}, where a recording is kept while it is sent: make room, or set TMPDIR to a folder.")
