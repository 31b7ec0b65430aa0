"""A site of the web on loopback, which serves files in the ways in which servers do, breaks included."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

STOP_SECONDS = 0.02


@dataclass
class Page:
    """What is answered at a path."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str | None] = field(default_factory=dict)
    """Beside the length; None: this one is left out."""
    cut: int | None = None
    """After how many bytes of the body the connection breaks; None: it does not."""


@dataclass
class Asked:
    """A request as it came."""

    path: str
    headers: Mapping[str, str]


@dataclass
class Site:
    """Pages by path; of several the first is given first, and the last from then on."""

    address: str = ""
    pages: dict[str, list[Page]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def page(self, path: str) -> Page:
        left = self.pages[path.partition("?")[0]]
        return left.pop(0) if len(left) > 1 else left[0]


@contextmanager
def serving() -> Iterator[Site]:
    """Listens on loopback."""
    site = Site()

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append(Asked(self.path, dict(self.headers)))
            page = site.page(self.path)
            self.send_response(page.status)
            for name, value in {"Content-Length": str(len(page.body)), **page.headers}.items():
                if value is not None:
                    self.send_header(name, value)
            self.end_headers()
            # Who has seen enough of an answer does not wait for the rest.
            with suppress(ConnectionError):
                self.wfile.write(page.body[: page.cut])
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Tests ask for what was asked."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        site.address = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, args=(STOP_SECONDS,), daemon=True).start()
        yield site
        server.shutdown()
