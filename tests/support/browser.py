"""A real browser, which opens a page and says what came of it, or does in pages what a test tells it."""

from __future__ import annotations

import json
import os
import select
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from tests.support import programs

LOAD_MS = 20_000
"""How much time the page's clock may pass; the browser does not wait for it, only for the network."""
ANSWER_SECONDS = 90
"""How long a page that a test works in may take for one thing."""


@dataclass(frozen=True)
class Visit:
    html: str
    """The page as its scripts left it."""
    asked: frozenset[str]
    """Every address that the page asked for, also those that could not be reached."""
    console: list[str]
    """What the browser wrote about the page: its errors, and what its policy forbade."""


def visit(address: str, folder: Path) -> Visit:
    """Open a page on this machine; no name leads anywhere. `folder`: where the browser may write."""
    log = folder / "network.json"
    done = subprocess.run(
        [
            *_command(folder, {"*": "~NOTFOUND"}),
            *(f"--log-net-log={log}", "--enable-logging=stderr"),
            *("--dump-dom", f"--virtual-time-budget={LOAD_MS}", address),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    # The browser asks its makers for things of its own; what a page asks for bears the page's origin.
    origin = "://".join(urlsplit(address)[:2])
    events = [event.get("params", {}) for event in json.loads(log.read_text(encoding="utf-8"))["events"]]
    asked = frozenset(event["url"] for event in events if event.get("initiator") == origin)
    return Visit(done.stdout, asked, [line for line in done.stderr.splitlines() if "CONSOLE" in line])


def _command(folder: Path, names: Mapping[str, str]) -> list[str]:
    """How the browser is started; `names`: where names lead, of which none leads to another machine."""
    browser = programs.browser()
    assert browser
    rules = ", ".join([*(f"MAP {name} {place}" for name, place in names.items()), "EXCLUDE 127.0.0.1"])
    return [
        *(browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage"),
        *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
        *(f"--host-resolver-rules={rules}", f"--user-data-dir={folder / 'profile'}"),
    ]


class PageError(Exception):
    """What a page's script threw."""


class Browser:
    """A browser until the context ends. It is told what to do over a pipe, in Chromium's DevTools protocol."""

    def __init__(self, folder: Path, names: Mapping[str, str]) -> None:
        """`folder`: where the browser may write. `names`: where names lead, such as `localhost:5173`."""
        # The browser hears on the descriptor 3 and tells on 4.
        shell = ["sh", "-c", 'exec "$@" 3<&0 4>&1 </dev/null >&2', "sh"]
        with (folder / "browser.log").open("wb") as log:
            self._process = subprocess.Popen(
                [*shell, *_command(folder, {**names, "*": "~NOTFOUND"}), "--remote-debugging-pipe"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        assert self._process.stdin
        assert self._process.stdout
        self._tell, self._hear = self._process.stdin, self._process.stdout
        self._number = 0
        self._heard = b""
        self._events: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.call("Browser.close")
        self._process.communicate(timeout=ANSWER_SECONDS)

    def open(self, address: str) -> Page:
        """Open a page in a tab of its own, and wait until it is loaded."""
        tab = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=tab, flatten=True)["sessionId"]
        self.call("Page.enable", session)
        self.call("Page.navigate", session, url=address)
        until = time.monotonic() + ANSWER_SECONDS
        while not any(
            (one["method"], one.get("sessionId")) == ("Page.loadEventFired", session) for one in self._events
        ):
            self._events.append(self._next(until))
        return Page(self, session)

    def call(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        """Call a method of the protocol, and wait for its result."""
        self._number += 1
        called = {"id": self._number, "method": method, "params": params}
        self._tell.write(json.dumps(called | ({"sessionId": session} if session else {})).encode() + b"\0")
        self._tell.flush()
        until = time.monotonic() + ANSWER_SECONDS
        while (answer := self._next(until)).get("id") != self._number:
            self._events.append(answer)
        assert "error" not in answer, answer
        result: dict[str, Any] = answer["result"]
        return result

    def _next(self, until: float) -> dict[str, Any]:
        while b"\0" not in self._heard:
            assert select.select([self._hear], [], [], max(0.0, until - time.monotonic()))[0], "the browser is silent"
            read = os.read(self._hear.fileno(), 1 << 16)
            assert read, "the browser has ended"
            self._heard += read
        message, _, self._heard = self._heard.partition(b"\0")
        answer: dict[str, Any] = json.loads(message)
        return answer


class Page:
    """A page that a test works in."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session

    def run(self, script: str) -> Any:
        """The value of an expression in the page; of a promise, what it is fulfilled with.

        Raises:
            PageError: it threw, or the promise was rejected.

        """
        done = self._evaluate(script, returnByValue=True, awaitPromise=True, userGesture=True)
        return done["result"].get("value")

    def choose(self, selector: str, file: Path) -> None:
        """Choose a file, as a person does, in the field that the selector finds."""
        field = self._evaluate(f"document.querySelector({json.dumps(selector)})")["result"]["objectId"]
        self._browser.call("DOM.setFileInputFiles", self._session, objectId=field, files=[str(file)])

    def fill(self, selector: str, text: str) -> None:
        """Write into the field that the selector finds."""
        self.run(f"document.querySelector({json.dumps(selector)}).value = {json.dumps(text)}")

    def click(self, selector: str) -> None:
        self.run(f"document.querySelector({json.dumps(selector)}).click()")

    def until(self, condition: str) -> None:
        """Wait until an expression is true in the page."""
        until = time.monotonic() + ANSWER_SECONDS
        while not self.run(condition):
            assert time.monotonic() < until, f"never true: {condition}\n{self.run('document.body.innerText')}"
            time.sleep(0.05)

    def _evaluate(self, script: str, **how: Any) -> dict[str, Any]:
        done = self._browser.call("Runtime.evaluate", self._session, expression=script, **how)
        if "exceptionDetails" in done:
            raise PageError(done["exceptionDetails"]["exception"].get("description", done))
        return done
