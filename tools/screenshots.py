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
    from collections.abc import Iterator, Mapping, Sequence

ROOT = Path(__file__).parents[1]
IMAGES, AUDIO = ROOT / "docs" / "images", ROOT / "examples" / "audio"
WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 390, "height": 800}
TEXTS: Sequence[tuple[str, str, dict[str, Any]]] = (
    ("meeting.mp3", "kommunfullmäktige 12 november.mp3", {}),
    ("dialogue.mp3", "intervju med Åsa Örjansdotter.mp3", {"options": {"speakers": "auto"}}),
)
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
        for name, page, place in _views(browser, stack.api_url, client.key, jobs[1]):
            page.wait_for_load_state("networkidle")
            page.wait_for_timeout(500)  # fonts and the waveform are drawn
            page.screenshot(path=folder / name)
            taken.append(folder / name)
            if place:
                place.close()
        browser.close()
    return taken


def _views(browser: Any, address: str, key: str, job_id: str) -> Iterator[tuple[str, Page, Any]]:  # noqa: ANN401
    """Each picture's name, the page of which it is taken, and what is closed after it."""
    for name, where, how in (
        ("page-recordings.png", "#/", {"viewport": WIDE}),
        ("page-transcript.png", f"#/{job_id}", {"viewport": WIDE}),
        ("page-transcript-dark.png", f"#/{job_id}", {"viewport": NARROW, "color_scheme": "dark"}),
        ("page-recordings-narrow.png", "#/", {"viewport": NARROW}),
    ):
        context = _signed_in(browser, key, how)
        page = context.new_page()
        page.goto(f"{address}/{where}")
        yield name, page, context


def _signed_in(browser: Any, key: str, how: Mapping[str, Any]) -> Any:  # noqa: ANN401 - Playwright's, untyped here
    context = browser.new_context(locale="en-GB", **how)
    context.add_init_script(f"sessionStorage.setItem('key', {key!r})")
    return context


if __name__ == "__main__":
    for path in take(Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES):
        sys.stdout.write(f"{path}\n")
