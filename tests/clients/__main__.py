"""Clients in Python and TypeScript, generated from the API's document as anybody would, and used on a local stack.

`python -m tests.clients` lints the document, and for each client: generates it from the document that a running system
serves, checks all types, and with it registers a job with a callback, uploads, waits, reads the text, the feed and the
webhook. Ends at the first failure, with what was written; the system's logs are in reports/clients.log.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from services.local.stack import Stack, StackSettings
from tests.clients.generated import CLIENTS, HERE, ROOT, Client
from tests.support import node
from tests.support.audio import MEETING
from tests.support.kept import run
from tests.support.random_model import UNTRAINED, write_random_model

LOGS = Path("reports/clients.log")
DOCUMENT = ROOT / "docs" / "api" / "openapi.json"


def step(name: str, do: Callable[[], object]) -> None:
    """Do one thing and print how long it took."""
    began = time.monotonic()
    try:
        do()
    except AssertionError as error:
        raise SystemExit(f"{name}: {error}") from None
    print(f"{name:<24}{time.monotonic() - began:6.1f} s", flush=True)


def lint() -> None:
    """Read the document with Redocly and Spectral; a warning is an error."""
    folder = HERE / "lint"
    programs = node.packages(folder) / ".bin"
    run(programs / "redocly", "lint", DOCUMENT, "--config", folder / "redocly.yaml")
    run(programs / "spectral", "lint", DOCUMENT, "--ruleset", folder / "spectral.yaml", "--fail-severity", "hint")


def prove(client: Client, stack: Stack, folder: Path) -> None:
    """Generate, check and use a client."""
    place = client.prepare(folder)
    url = stack.api_url
    step(f"{client.name}: generate", lambda: place.run(f"{client.generate} {client.strictly}", TRANSCRIBE_URL=url))
    step(f"{client.name}: check", lambda: place.run(client.check))
    known = {"TRANSCRIBE_URL": url, "TRANSCRIBE_KEY": stack.new_client(client.name), "FILE": str(MEETING)}
    step(f"{client.name}: use", lambda: place.run(client.use, **known))


def main() -> int:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="clients-") as folder:
        place = Path(folder)
        step("lint", lint)
        model = write_random_model(place / "model")
        with Stack(StackSettings(models_folder=model, worker=UNTRAINED)) as stack:
            try:
                for client in CLIENTS:
                    prove(client, stack, place / client.name)
            finally:
                LOGS.parent.mkdir(exist_ok=True)
                LOGS.write_text(stack.log_text())
    print(f"{len(CLIENTS)} clients in {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
