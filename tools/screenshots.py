"""Takes the pictures of the page that stand in docs/images: `python -m tools.screenshots [FOLDER]`.

The system runs on this machine with recordings of examples/audio, and Chromium opens its page.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.sync_api import Page, sync_playwright

from services.common.domain.states import TERMINAL
from services.gpu_worker.engine.decode.catalogue import PACKAGED
from services.gpu_worker.engine.decode.model_files import locate
from services.local.client import Client
from services.local.stack import Stack, StackSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROOT = Path(__file__).parents[1]
IMAGES, AUDIO = ROOT / "docs" / "images", ROOT / "examples" / "audio"
WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 390, "height": 800}
TEXTS: Sequence[tuple[str, str, dict[str, Any]]] = (
    ("meeting.mp3", "kommunfullmäktige 12 november.mp3", {}),
    ("dialogue.mp3", "intervju med Åsa Örjansdotter.mp3", {"options": {"speakers": "auto"}}),
)
SETTLED_MS = 500
"""After which the fonts and the sound's picture are drawn."""
NAMES = ["Åsa Örjansdotter", "Bo Ek"]


def take(folder: Path) -> list[Path]:
    """Take all pictures; returns where they lie."""
    settings = StackSettings(models_folder=locate(PACKAGED).folder)
    with Stack(settings) as stack, sync_playwright() as playwright:
        client = Client(stack, "newsroom")
        jobs = [client.send((AUDIO / name).read_bytes(), shown, **wanted) for name, shown, wanted in TEXTS]
        jobs.append(client.send(b"no sound", "anteckningar.mp3"))
        for job_id in jobs:
            client.wait(job_id, until=TERMINAL, seconds=300)
        client.http.patch(f"/api/jobs/{jobs[1]}", json={"names": NAMES}).raise_for_status()
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        taken = []
        for name, place, how, act in VIEWS:
            context = browser.new_context(locale="en-GB", **how)
            context.add_init_script(f"sessionStorage.setItem('key', {client.key!r})")
            page = context.new_page()
            page.goto(f"{stack.api_url}/#/{jobs[1] if place else ''}")
            page.wait_for_load_state("networkidle")
            act(page)
            page.wait_for_timeout(SETTLED_MS)
            page.screenshot(path=folder / name)
            context.close()
            taken.append(folder / name)
        browser.close()
    return taken


def _look(page: Page) -> None:
    """The page as it is."""


def _listen(page: Page) -> None:
    """In the middle of a sentence."""
    page.locator(".words").nth(2).click(position={"x": 60, "y": 10})
    while not page.evaluate("CSS.highlights.get('said').size > 0"):
        page.wait_for_timeout(SETTLED_MS)
    page.keyboard.press("F4")
    page.evaluate("scrollTo(0, 0)")


def _correct(page: Page) -> None:
    page.get_by_role("button", name="Correct").click()
    page.keyboard.press("F8")
    page.keyboard.press("F4")


def _share(page: Page) -> None:
    page.get_by_role("button", name="Share").click()


VIEWS: Sequence[tuple[str, bool, dict[str, Any], Callable[[Page], None]]] = (
    ("page-recordings.png", False, {"viewport": WIDE}, _look),
    ("page-recordings-narrow.png", False, {"viewport": NARROW, "color_scheme": "dark"}, _look),
    ("page-transcript.png", True, {"viewport": WIDE}, _listen),
    ("page-transcript-narrow.png", True, {"viewport": NARROW, "color_scheme": "dark"}, _listen),
    ("page-correcting.png", True, {"viewport": WIDE}, _correct),
    ("page-sharing.png", True, {"viewport": WIDE}, _share),
)
"""Each picture's name, whether it shows a transcript, the window, and what is done before it is taken."""


if __name__ == "__main__":
    for path in take(Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES):
        sys.stdout.write(f"{path}\n")
