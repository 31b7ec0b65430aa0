"""A real browser, which opens a page and says what came of it."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.support import programs

LOAD_MS = 20_000
"""How much time the page's clock may pass; the browser does not wait for it, only for the network."""


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
    browser = programs.browser()
    assert browser
    done = subprocess.run(
        [
            *(browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage"),
            *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            *(f"--user-data-dir={folder / 'profile'}", f"--log-net-log={log}", "--enable-logging=stderr"),
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
