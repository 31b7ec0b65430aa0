"""Takes the pictures of the page that documents show, with the packaged model: `./nox -s pictures`."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page

from services.local.client import Client
from services.local.stack import Stack
from tests.support.page import NARROW, WIDE, Pages

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "images"
SOUND = ROOT / "examples" / "audio"
UPLOAD_BYTES = 60_000_000
PATIENCE_SECONDS = 300
Look = Callable[[Page, Path], None]


def recordings(page: Page, folder: Path) -> None:
    """The list: what is being sent, what waits, what failed, and what has its text."""
    large = folder / "Valnatten, hela sändningen.wav"
    with large.open("wb") as file:
        file.truncate(UPLOAD_BYTES)
    # Of its eight parts, four arrive.
    page.route(re.compile("partNumber=[56]&"), lambda _: None)
    page.locator("input[type=file]").set_input_files(large)
    page.get_by_text("holds no sound or film").wait_for()
    page.get_by_text(re.compile("^Sending: 5")).wait_for()


VIEWS: dict[str, Look] = {"recordings": recordings}
"""Each view by the name of its pictures, and how it comes to be as it is to be seen."""


def main() -> None:
    """Take every picture, wide and light, and narrow and dark."""
    with tempfile.TemporaryDirectory() as scratch, Stack() as stack, Pages() as pages:
        client = Client(stack, "newsroom")
        sent = [
            client.send((SOUND / "meeting.mp3").read_bytes(), "Nämndmöte 12 november.mp3", reference="Ärende 4711"),
            client.send((SOUND / "dialogue.mp3").read_bytes(), "Intervju, två röster.mp3", options={"speakers": 2}),
            client.send(b"No sound.\n" * 100, "anteckningar.mp3"),
        ]
        for job_id in sent:
            client.wait(job_id, seconds=PATIENCE_SECONDS)
        for name, look in VIEWS.items():
            with pages.open([stack.api_url, stack.endpoint], language="en") as watched:
                page = watched.page
                page.goto(f"{stack.api_url}/")
                page.get_by_label("API key").fill(client.key)
                page.keyboard.press("Enter")
                page.get_by_role("searchbox").wait_for()
                look(page, Path(scratch))
                for width, dark in ((WIDE, False), (NARROW, True)):
                    page.set_viewport_size({"width": width, "height": 900})
                    page.emulate_media(color_scheme="dark" if dark else "light")
                    page.screenshot(path=FOLDER / f"page-{name}{'-narrow' if dark else ''}.png")


if __name__ == "__main__":
    main()
