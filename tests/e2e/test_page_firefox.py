"""The page in Firefox: a recording is played, its words are marked as they are said, and a click leads to a word."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from services.local.client import Client
from services.local.stack import Stack
from tests.support.audio import DIALOGUE
from tests.support.page import Pages, until
from tests.support.page_transcript import dialogue, listen, put_words, until_heard
from tests.support.sound_device import sound_device

pytestmark = pytest.mark.firefox

TIME = "document.querySelector('audio').currentTime"


def test_a_recording_is_heard_and_followed_in_firefox(stack: Stack, client: Client, tmp_path: Path) -> None:
    job_id = client.send(DIALOGUE.read_bytes(), "dialogue.mp3", options={"language": "en"})
    assert client.wait(job_id)["status"] == "completed"
    sentences = dialogue()
    put_words(stack, job_id, sentences)
    later = max(range(2, len(sentences)), key=lambda number: len(sentences[number].words))
    with (
        sound_device(tmp_path) as known,
        Pages(firefox=known) as pages,
        pages.open([stack.api_url, stack.endpoint]) as watched,
    ):
        page = watched.page
        page.goto(f"{stack.api_url}/#/{job_id}")
        page.get_by_label("API key").fill(client.key)
        page.keyboard.press("Enter")
        play = page.get_by_role("button", name="Play", exact=True)
        expect(play).to_be_enabled()
        listen(page)
        play.click()
        until_heard(page, *sentences[:4])
        page.locator(".words").nth(later).click(position={"x": 4, "y": 8})
        until(page, f"{TIME} >= {sentences[later].words[0][1]}")
        until_heard(page, sentences[later])
