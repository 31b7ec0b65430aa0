"""The page in Firefox: a recording is played, its words are marked as they are said, and a click leads to a word."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from services.local.client import Client
from services.local.stack import Stack
from tests.support.audio import MEETING
from tests.support.page import Pages

pytestmark = pytest.mark.firefox

MARKED = "[...CSS.highlights.get('said') ?? []].map((range) => range.startOffset)"
TIME = "document.querySelector('audio').currentTime"


def test_a_recording_is_heard_and_followed_in_firefox(stack: Stack, client: Client) -> None:
    job_id = client.send(MEETING.read_bytes(), "möte.mp3")
    client.wait(job_id)
    with Pages(firefox=True) as pages, pages.open([stack.api_url, stack.endpoint]) as watched:
        page = watched.page
        page.goto(f"{stack.api_url}/#/{job_id}")
        page.get_by_label("API key").fill(client.key)
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Play", exact=True).click()
        page.wait_for_function(f"{TIME} > 1")
        first = marked(page)
        page.wait_for_function(f"JSON.stringify({MARKED}) !== '{first}'")
        before = page.evaluate(TIME)
        page.locator("main p[data-segment]").last.click()
        page.wait_for_function(f"{TIME} > {before} + 20")


def marked(page: Page) -> str:
    """Where the word that is said is marked."""
    page.wait_for_function(f"{MARKED}.length > 0")
    return str(page.evaluate(f"JSON.stringify({MARKED})"))
