"""A transcript in the page, in a real browser: it is read, heard and corrected, and nothing that is written is lost."""

from __future__ import annotations

import json
import re
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from services.local.client import Client
from services.local.stack import Stack
from tests.support.audio import DIALOGUE
from tests.support.page import NARROW, PATIENCE_MS, WIDE, Open, Watched, assert_accessible, until
from tests.support.page_transcript import SURE, Said, dialogue, hours_long, listen, put_words, until_heard

pytestmark = [pytest.mark.chromium, pytest.mark.npm]

DOUBTFUL = {5: 0.4, 9: 0.3, 20: 0.1}
"""“the”, “old” and “engineers”."""
FIRST = "Good morning, and welcome to the meeting about the old bridge."
SECOND = "Shall we begin with the budget?"
HOSTILE = [
    "<img",
    "src=x",
    "onerror=alert(1)>",
    "${alert(1)}",
    "\u202egpj.3pm",
    "\u2066",
    "👩🏽‍🚒",
    "שלום",
    "-->",
    "=1+1",
    "å" * 10_000,
]
LONG = 30_000
"""Words of three hours."""
USABLE_SECONDS, FRAME_SECONDS, MEMORY_BYTES = 1.5, 0.05, 250_000_000
FRAMES = """
async (step) => {
    let frames = 0;
    for (const until = performance.now() + 2000; performance.now() < until; frames += 1) {
        scrollBy(0, step);
        await new Promise(requestAnimationFrame);
    }
    return frames;
}
"""
"""Scrolls at each frame, and counts them."""
FAST = """
const media = document.querySelector("audio"), began = performance.now();
Object.defineProperty(media, "currentTime", {get: () => 600 + (performance.now() - began) / 30, set: () => {}});
Object.defineProperty(media, "paused", {get: () => window.rests ?? false});
media.dispatchEvent(new Event("play"));
"""
"""The recording seems to play, about thirty times as fast as it would."""
DRAFTS = "Object.keys(localStorage).filter((name) => name.startsWith('draft:'))"


_clients: dict[str, tuple[Client, str]] = {}
"""By the address of a stack: a client, and its one job. Each test has it as if nobody had worked on it."""


@pytest.fixture
def job(stack: Stack) -> str:
    """A dialogue of three speakers, of which three words are doubtful."""
    client, made = _clients.get(stack.api_url) or (Client(stack, "page-transcript"), "")
    if not made or client.http.get(f"/api/jobs/{made}").is_error:
        made = client.send(DIALOGUE.read_bytes()[:48_000], "dialogue.mp3", options={"language": "en"})
        assert client.wait(made)["status"] == "completed"
    _clients[stack.api_url] = client, made
    put_words(stack, made, dialogue(DOUBTFUL))
    client.http.patch(f"/api/jobs/{made}", json={"names": None}).raise_for_status()
    if (before := saved(client, made))["changes"]:
        headers = {"If-Match": f'"{before["number"]}"'}
        client.http.put(f"/api/jobs/{made}/correction", json={"changes": []}, headers=headers).raise_for_status()
    return made


@pytest.fixture
def client(stack: Stack, job: str) -> Client:
    """Whose job it is."""
    found, made = _clients[stack.api_url]
    assert made == job
    return found


def show(watched: Watched, stack: Stack, client: Client, job: str) -> Page:
    """A transcript in a tab that is signed in."""
    key = json.dumps(client.http.headers["authorization"].removeprefix("Bearer "))
    watched.context.add_init_script(f"sessionStorage.setItem('key', {key})")
    return visit(watched.page, stack, f"/{job}")


def visit(page: Page, stack: Stack, place: str) -> Page:
    page.goto(f"{stack.api_url}/#{place}")
    page.locator(".words").first.wait_for()
    return page


def words(page: Page, number: int) -> Locator:
    return page.locator(".words").nth(number)


def marked(page: Page, name: str) -> list[str]:
    """The texts that a highlight marks."""
    found: list[str] = page.evaluate(
        "(name) => [...CSS.highlights.get(name)].map(({startContainer: node, startOffset, endOffset}) =>"
        " node.data.slice(startOffset, endOffset))",
        name,
    )
    return found


def time(page: Page) -> float:
    return float(page.evaluate("document.querySelector('.picture > *').currentTime"))


def place_of(page: Page, paragraph: int, at: int) -> tuple[float, float]:
    """Where a character of a paragraph is in the window."""
    x, y = page.evaluate(
        """([number, at]) => {
            const node = document.querySelectorAll(".words")[number].firstChild;
            const range = document.createRange();
            range.setStart(node, at);
            range.setEnd(node, at + 1);
            const {x, y, width, height} = range.getBoundingClientRect();
            return [x + width / 2, y + height / 2];
        }""",
        [paragraph, at],
    )
    return x, y


def saved(client: Client, job: str) -> dict[str, Any]:
    found: dict[str, Any] = client.http.get(f"/api/jobs/{job}/correction").raise_for_status().json()
    return found


def text(client: Client, job: str) -> str:
    reply = client.http.get(f"/api/jobs/{job}/transcript", params={"format": "txt", "version": "latest"})
    return reply.raise_for_status().text


def wait_saved(page: Page) -> None:
    expect(page.locator(".saving")).to_contain_text("Saved at")


def write_at_end(page: Page, paragraph: int, told: str) -> None:
    words(page, paragraph).click()
    page.keyboard.press("End")
    page.keyboard.type(told)


def correct(page: Page) -> None:
    page.get_by_role("button", name="Correct", exact=True).click()


def test_with_a_mouse_it_is_read_and_heard_from_any_word(opened: Open, stack: Stack, client: Client, job: str) -> None:
    with opened(width=WIDE) as watched:
        page = show(watched, stack, client, job)
        assert page.locator(".words").all_text_contents()[:2] == [FIRST, SECOND]
        expect(page.get_by_role("button", name="Play", exact=True)).to_be_enabled()
        assert {name: marked(page, f"doubt-{name}") for name in (1, 2, 3)} == {
            1: ["the"],
            2: ["old"],
            3: ["engineers"],
        }
        listen(page)
        page.mouse.click(*place_of(page, 1, SECOND.index("budget")))
        until(page, "document.querySelector('audio').currentTime > 3 && !document.querySelector('audio').paused")
        until_heard(page, dialogue()[1])
        page.get_by_role("button", name="1.5\N{MULTIPLICATION SIGN}").click()
        assert page.evaluate("document.querySelector('audio').playbackRate") == 1.5
        page.get_by_role("button", name="Pause", exact=True).click()
        until(page, "document.querySelector('audio').paused")
        before = time(page)
        page.get_by_role("button", name="5 seconds back").click()
        assert time(page) == pytest.approx(max(0, before - 5), abs=0.1)
        slider = page.get_by_role("slider", name="Place in the recording")
        box = slider.bounding_box()
        assert box
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 10)
        assert time(page) == pytest.approx(float(slider.get_attribute("aria-valuemax") or 0) / 2, abs=1)
        assert page.evaluate(
            "(() => { const canvas = document.querySelector('canvas'), {data} ="
            " canvas.getContext('2d').getImageData(0, 0, canvas.width, 8); return data.some(Boolean) })()"
        ), "the sound has a picture"

        page.get_by_role("searchbox").fill("THE bridge")
        expect(page.locator(".find .count")).to_have_text("1 of 2")
        assert marked(page, "found-now") == ["the bridge"]
        page.get_by_role("button", name="The next one").click()
        expect(page.locator(".find .count")).to_have_text("2 of 2")
        assert_accessible(page)


def test_with_keys_alone_doubtful_words_are_heard_confirmed_and_mended(
    opened: Open, stack: Stack, client: Client, job: str
) -> None:
    with opened(width=NARROW, dark=True, language="sv") as watched:
        page = show(watched, stack, client, job)
        expect(page.get_by_role("button", name="Spela", exact=True)).to_be_enabled()
        page.keyboard.press("F8")
        expect(page.locator(".doubt")).to_contain_text("Osäkert ord 1 av 3: ”the”, 40 % säkert")
        until(page, "!document.querySelector('audio').paused")
        page.evaluate("document.querySelector('audio').currentTime = 12")
        until(page, "document.querySelector('audio').currentTime < 5")
        page.keyboard.press("F10")
        expect(page.locator(".doubt")).to_contain_text("1 av 2: ”old”")
        assert_accessible(page)
        page.keyboard.press("Control+e")
        page.keyboard.press("F8")
        expect(page.locator(".doubt")).to_contain_text("”engineers”")
        page.keyboard.type("builders")
        until(page, "document.querySelector('audio').paused")
        expect(words(page, 3)).to_contain_text("The builders measured")
        expect(page.locator(".saving")).to_contain_text("Sparat")
        page.keyboard.press("Control+Space")
        until(page, "!document.querySelector('audio').paused")
        page.keyboard.press("F4")
        until(page, "document.querySelector('audio').paused")
        assert_accessible(page)
    changes = saved(client, job)["changes"]
    assert [change["segments"][0]["pieces"] for change in changes] == [
        [[0, 5], "the", [6, 11]],
        [[19, 20], "builders", [21, 34]],
    ]


def test_paragraphs_are_split_joined_and_given_to_others_and_all_of_it_is_taken_back(
    opened: Open, stack: Stack, client: Client, job: str
) -> None:
    with opened() as watched:
        page = show(watched, stack, client, job)
        correct(page)
        words(page, 0).click()
        page.keyboard.press("Home")
        for _ in "Good morning,":
            page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        expect(words(page, 1)).to_have_text(FIRST.removeprefix("Good morning, "))
        page.keyboard.press("Control+m")
        page.keyboard.press("3")
        expect(page.locator(".turn.begins .who").nth(1)).to_have_text("Speaker 3")
        wait_saved(page)
        assert text(client, job).startswith("Speaker 1: Good morning,\n\nSpeaker 3: and welcome to the")

        page.keyboard.press("Home")
        page.keyboard.press("Backspace")
        expect(words(page, 0)).to_have_text(FIRST)
        page.keyboard.press("Delete")
        for _ in range(4):
            page.keyboard.press("Control+z")
        expect(words(page, 1)).to_have_text(SECOND)
        expect(page.get_by_role("button", name="Undo")).to_be_disabled()
        page.get_by_role("button", name="Redo").click()
        expect(words(page, 0)).to_have_text("Good morning,")
        page.get_by_role("button", name="Undo").click()
        until(page, "document.querySelector('.saving').textContent.includes('Saved')")
    assert saved(client, job)["changes"] == []


def test_a_speaker_is_renamed_everywhere_at_once_and_every_file_has_the_correction(
    opened: Open, stack: Stack, client: Client, job: str
) -> None:
    with opened() as watched:
        page = show(watched, stack, client, job)
        page.locator(".turn.begins .who").first.click()
        page.get_by_label("Name, everywhere").fill("Åsa <b>")
        page.keyboard.press("Enter")
        expect(page.locator(".turn.begins .who").filter(has_text="Åsa <b>")).not_to_have_count(1)
        correct(page)
        write_at_end(page, 1, " Corrected =1+1 -->")
        for form in ("txt", "docx", "srt", "vtt", "tsv", "json"):
            page.get_by_role("button", name="Download").click()
            with page.expect_download() as taken:
                page.get_by_role("button", name=f"({form})").click()
            assert taken.value.suggested_filename == f"dialogue.{form}"
            content = taken.value.path().read_bytes()
            assert content[:2] == b"PK" if form == "docx" else "Corrected" in content.decode()
    assert client.job(job)["names"][0] == "Åsa <b>"


def test_what_is_written_offline_survives_minutes_without_a_line_and_a_closed_tab(
    opened: Open, stack: Stack, client: Client, job: str
) -> None:
    with opened() as watched:
        page = show(watched, stack, client, job)
        page.clock.install()
        correct(page)
        watched.context.set_offline(offline=True)
        write_at_end(page, 0, " Offline.")
        page.clock.run_for(2_000)
        expect(page.locator(".saving")).to_contain_text("This browser keeps what you wrote")
        page.clock.run_for(600_000)
        expect(page.locator(".saving")).to_contain_text("This browser keeps what you wrote")
        watched.context.set_offline(offline=False)
        page.clock.run_for(31_000)
        wait_saved(page)
        assert "bridge. Offline." in text(client, job)

        watched.context.set_offline(offline=True)
        write_at_end(page, 1, " Closed.")
        page.close()
        watched.context.set_offline(offline=False)
        assert "Closed." not in text(client, job)
        again = visit(watched.tab(), stack, f"/{job}")
        expect(again.locator(".saving")).to_contain_text("What you wrote last time is here again")
        wait_saved(again)
        assert again.evaluate("Object.keys(localStorage).filter((name) => name.startsWith('draft:'))") == []
    assert f"{SECOND} Closed." in text(client, job)


def test_two_tabs_that_correct_different_places_lose_nothing(
    opened: Open, stack: Stack, client: Client, job: str
) -> None:
    with opened() as watched:
        one = show(watched, stack, client, job)
        other = visit(watched.tab(), stack, f"/{job}")
        for page in (one, other):
            correct(page)
        write_at_end(one, 0, " One.")
        wait_saved(one)
        write_at_end(other, 1, " Other.")
        expect(words(other, 0)).to_have_text(f"{FIRST} One.")
        wait_saved(other)
        assert other.evaluate("getSelection().anchorNode.textContent") == f"{SECOND} Other."
    assert f"{FIRST} One. {SECOND} Other." in text(client, job)


def share(client: Client, job: str, right: str) -> dict[str, Any]:
    reply = client.http.post(f"/api/jobs/{job}/shares", json={"right": right})
    made: dict[str, Any] = reply.raise_for_status().json()
    return made


def test_of_two_people_at_one_place_the_later_sees_both_versions_and_chooses(
    opened: Open, stack: Stack, client: Client, job: str
) -> None:
    link = share(client, job, "correct")["token"]
    with opened() as mine, opened() as theirs:
        page = show(mine, stack, client, job)
        guest = visit(theirs.page, stack, f"share={link}")
        for one in (page, guest):
            correct(one)
        write_at_end(guest, 0, " Guest.")
        wait_saved(guest)
        write_at_end(page, 0, " Host.")
        expect(page.locator(".saving")).to_contain_text("Somebody else changed the same places")
        versions = page.locator(".versions section")
        expect(versions.nth(0)).to_contain_text(f"{FIRST} Host.")
        expect(versions.nth(1)).to_contain_text(f"{FIRST} Guest.")
        assert "Host." not in text(client, job)
        assert_accessible(page)
        page.reload()
        expect(page.locator(".versions section").nth(0)).to_contain_text(f"{FIRST} Host.")
        page.get_by_role("button", name="Take the other's").click()
        expect(words(page, 0)).to_have_text(f"{FIRST} Guest.")
        write_at_end(page, 1, " Host.")
        wait_saved(page)
    assert f"{FIRST} Guest. {SECOND} Host." in text(client, job)


def test_a_link_that_is_taken_back_while_somebody_writes_says_so_and_keeps_what_was_written(
    opened: Open, stack: Stack, client: Client, job: str
) -> None:
    made = share(client, job, "correct")
    with opened() as watched:
        page = visit(watched.page, stack, f"share={made['token']}")
        assert page.get_by_role("button", name="Share").count() == 0
        correct(page)
        client.http.delete(f"/api/jobs/{job}/shares/{made['share_id']}").raise_for_status()
        write_at_end(page, 0, " Late.")
        expect(page.locator(".saving")).to_contain_text("This link has ended")
        kept = page.evaluate("JSON.stringify(localStorage)")
        assert "Late." in kept
        assert made["token"] not in kept
        assert made["token"].rsplit(".", 1)[1] not in kept
    assert "Late." not in text(client, job)


def test_a_shared_transcript_is_made_in_a_dialog_and_read_without_being_corrected(
    opened: Open, stack: Stack, client: Client, job: str
) -> None:
    with opened() as watched, opened(width=NARROW, language="sv") as guests:
        page = show(watched, stack, client, job)
        page.get_by_role("button", name="Share").click()
        page.get_by_label("For whom").fill("Anna <b>")
        page.get_by_role("button", name="Make a link").click()
        link = page.get_by_label("The link").input_value()
        assert_accessible(page)
        guest = guests.page
        guest.goto(link)
        guest.locator(".words").first.wait_for()
        assert guest.get_by_role("button", name="Rätta").count() == 0
        guest.mouse.dblclick(*place_of(guest, 0, 3))
        assert words(guest, 0).get_attribute("contenteditable") is None
        assert_accessible(guest)
        until(guest, "document.querySelector('audio') !== null")
        page.get_by_role("button", name="Take back: Anna <b>").click()
        expect(page.get_by_role("button", name="Take back: Anna <b>")).to_have_count(0)
        guest.reload()
        guest.get_by_role("alert").wait_for()
        assert guest.locator(".words").count() == 0


def test_a_link_to_the_recording_that_has_ended_gives_way_to_a_new_one_at_the_same_place(
    opened: Open, stack: Stack, client: Client, job: str
) -> None:
    asked: list[str] = []

    def old(route: Route) -> None:
        """The first link has ended when it is played from."""
        asked.append(route.request.url)
        route.continue_()

    with opened() as watched:
        page = watched.page
        page.route("**/recording", old)
        show(watched, stack, client, job)
        until(page, "document.querySelector('audio')?.readyState > 0")
        page.mouse.click(*place_of(page, 1, 0))
        until(page, "document.querySelector('audio').currentTime > 3")
        page.keyboard.press("F4")
        page.clock.install()
        page.clock.fast_forward(3_600_000)
        before = time(page)
        page.keyboard.press("F4")
        until(page, "!document.querySelector('audio').paused && document.querySelector('audio').readyState > 0")
        assert len(asked) == 2
        assert before <= time(page) < before + 5
        # One that fails while it is played from gives way, too.
        page.clock.fast_forward(10_000)
        page.evaluate(
            "document.querySelector('audio').src = document.querySelector('audio').src.replace('?', '-none?')"
        )
        until(page, "!document.querySelector('audio').src.includes('-none?')")
        until(page, "document.querySelector('audio').readyState > 0")
        assert len(asked) == 3


def test_whatever_was_heard_is_shown_as_text(opened: Open, stack: Stack, client: Client, job: str) -> None:
    said = [Said(0, [(f" {word}", number, number + 0.5, SURE) for number, word in enumerate(HOSTILE)])]
    put_words(stack, job, said)
    with opened(width=NARROW) as watched:
        page = show(watched, stack, client, job)
        assert words(page, 0).text_content() == " ".join(HOSTILE)
        assert page.locator(".column img").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        correct(page)
        words(page, 0).click()
        page.keyboard.press("Control+Home")
        page.evaluate(
            """() => {
                const transfer = new DataTransfer();
                transfer.setData("text/plain", "<script>alert(1)</script>\\n\\u0000 två\\r\\nrader ");
                document.activeElement.dispatchEvent(new InputEvent("beforeinput", {
                    inputType: "insertFromPaste", dataTransfer: transfer, bubbles: true, cancelable: true}));
            }"""
        )
        wait_saved(page)
        assert_accessible(page)
    assert "<script>alert(1)</script> två rader <img" in text(client, job)


def test_an_erased_recording_is_told_of(opened: Open, stack: Stack, client: Client, job: str) -> None:
    with opened() as watched:
        page = show(watched, stack, client, job)
        correct(page)
        client.http.delete(f"/api/jobs/{job}").raise_for_status()
        write_at_end(page, 0, " Late.")
        expect(page.locator(".saving")).to_contain_text("It may have been erased")
        page.reload()
        expect(page.get_by_role("alert")).to_contain_text("It may have been erased")
        until(page, f"({DRAFTS}).length === 0")


def test_what_is_not_saved_stays_where_another_clients_key_finds_nothing(
    opened: Open, stack: Stack, client: Client, job: str
) -> None:
    with opened() as watched:
        page = show(watched, stack, client, job)
        correct(page)
        page.route("**/correction", lambda route: route.abort())
        write_at_end(page, 0, " Late.")
        expect(page.locator(".saving")).to_contain_text("cannot be reached")
        another = json.dumps(stack.new_client("another"))
        watched.context.add_init_script(f"sessionStorage.setItem('key', {another})")
        page.reload()
        expect(page.get_by_role("alert")).to_contain_text("It may have been erased")
        assert len(page.evaluate(DRAFTS)) == 1


@pytest.mark.alone
def test_three_hours_are_there_at_once_and_are_scrolled_followed_and_mended_without_waiting(
    opened: Open, stack: Stack, client: Client, job: str
) -> None:
    """What is measured is the processor's time, so that others on the machine do not count."""
    put_words(stack, job, hours_long(LONG))
    with opened() as watched:
        session = watched.context.new_cdp_session(watched.page)
        session.send("Performance.enable", {"timeDomain": "threadTicks"})

        def worked() -> float:
            metrics = session.send("Performance.getMetrics")["metrics"]
            return float(next(one["value"] for one in metrics if one["name"] == "TaskDuration"))

        page = show(watched, stack, client, job)
        assert worked() < USABLE_SECONDS
        until(page, "document.querySelector('audio') !== null")

        before = worked()
        frames = page.evaluate(FRAMES, 300)
        page.evaluate(f"(() => {{{FAST}}})()")
        page.evaluate("scrollTo(0, 0)")
        frames += page.evaluate(FRAMES, 0)
        page.mouse.move(600, 300)
        page.mouse.wheel(0, 9_000)
        back = page.get_by_role("button", name="Back to where it plays")
        back.click()
        expect(back).to_be_hidden()
        page.evaluate("window.rests = true")
        assert marked(page, "said"), "it follows"
        assert frames > 10
        assert (worked() - before) / frames < FRAME_SECONDS

        correct(page)
        words(page, 700).click()
        before = worked()
        page.keyboard.type("twenty characters 20")
        assert (worked() - before) / 20 < FRAME_SECONDS
        wait_saved(page)
        # What Playwright and the typing left behind is nobody's any more.
        session.send("HeapProfiler.collectGarbage")
        last = monotonic() + PATIENCE_MS / 1_000
        while memory(page) > MEMORY_BYTES:
            assert monotonic() < last, memory(page)
            page.wait_for_timeout(100)
    assert "twenty characters 20" in text(client, job)


def memory(page: Page) -> int:
    """Of the largest of the browser's processes that show pages: what is its own, in bytes."""
    browser = page.context.browser
    assert browser
    processes = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    found = [Path(f"/proc/{one['id']}/status").read_text() for one in processes if one["type"] == "renderer"]
    return max(int(re.search(r"RssAnon:\s+(\d+) kB", status)[1]) * 1024 for status in found)  # type: ignore[index]
