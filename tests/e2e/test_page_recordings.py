"""The page's list of recordings in a real browser: signing in, dropping, watching, and what can be done with each."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from services.common.domain.times import now_ms
from services.local.client import Client
from services.local.stack import Stack
from tests.support.audio import MEETING
from tests.support.page import HEIGHT, NARROW, WIDE, Open, assert_accessible

pytestmark = [pytest.mark.chromium, pytest.mark.npm]

ID3 = b"ID3\x04\x00\x00"
"""How a tag in front of an MP3 begins; the length of the rest follows, in four bytes of seven bits."""
HOSTILE = [
    "<img src=x onerror=alert(1)>.mp3",
    "${alert(1)} {name} `x`.mp3",
    "\u202egpj.3pm \u2066 👩🏽‍🚒 räksmörgås.mp3",
    "å" * 1_000,
]


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "möte 1.mp3"
    path.write_bytes(MEETING.read_bytes()[:60_000])
    return path


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """The same behind a tag that makes it large."""
    padding = 9 << 20
    size = bytes(padding >> shift & 0x7F for shift in (21, 14, 7, 0))
    path = tmp_path / "large.mp3"
    path.write_bytes(ID3 + size + bytes(padding) + MEETING.read_bytes()[:60_000])
    return path


def sign_in(page: Page, stack: Stack, client: Client) -> None:
    page.goto(f"{stack.api_url}/")
    page.get_by_label(re.compile("API key|API-nyckel")).fill(client.key)
    page.keyboard.press("Enter")
    page.get_by_role("searchbox").wait_for()


def choose(page: Page, *files: Path) -> None:
    page.locator("input[type=file]").set_input_files(files)


def row(page: Page, name: str) -> Locator:
    return page.get_by_role("listitem").filter(has_text=name)


def ready(page: Page, name: str) -> Locator:
    """The link to the text, once it is there."""
    link = page.get_by_role("link", name=name)
    link.wait_for()
    return link


def drop(page: Page, file: Path) -> None:
    """Drop a file in the middle of the page, as a hand with a mouse does."""
    page.evaluate(
        """([name, bytes]) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(bytes)], name, {type: "audio/mpeg"}));
            for (const kind of ["dragover", "drop"]) {
                const event = new DragEvent(kind, {dataTransfer: transfer, bubbles: true, cancelable: true});
                document.querySelector("h1").dispatchEvent(event);
            }
        }""",
        [file.name, list(file.read_bytes())],
    )


def test_with_the_keyboard_alone_a_recording_is_sent_watched_read_and_erased(
    opened: Open, stack: Stack, client: Client, recording: Path
) -> None:
    with opened(width=NARROW, language="sv") as watched:
        page = watched.page
        page.goto(f"{stack.api_url}/")
        page.keyboard.type(client.key)
        page.keyboard.press("Enter")
        page.get_by_text("Det finns inga inspelningar än").wait_for()
        assert page.locator("html").get_attribute("lang") == "sv"

        tab_to(page, page.locator("input[type=file]"))
        with page.expect_file_chooser() as chooser:
            page.keyboard.press("Enter")
        chooser.value.set_files(recording)
        link = ready(page, recording.name)
        tab_to(page, link)
        page.keyboard.press("Enter")
        text = page.locator(".words")
        text.first.wait_for()
        (job,) = client.http.get("/api/jobs").json()["jobs"]
        assert "\n".join(text.all_text_contents()) == client.transcript(job["job_id"]).strip()
        tab_to(page, page.get_by_role("link", name="Alla inspelningar"))
        page.keyboard.press("Enter")
        ready(page, recording.name)
        erase, keep = (page.get_by_role("button", name=name) for name in (f"Radera {recording.name}", "Behåll den"))
        tab_to(page, erase)
        page.keyboard.press("Enter")
        expect(keep).to_be_focused()
        page.keyboard.press("Escape")
        expect(erase).to_be_focused()
        assert client.job(job["job_id"])["status"] == "completed"
        page.keyboard.press("Enter")
        expect(keep).to_be_focused()
        page.keyboard.press("Shift+Tab")
        expect(page.get_by_role("button", name="Radera för gott")).to_be_focused()
        page.keyboard.press("Enter")
        page.get_by_role("dialog", name="Den är raderad").get_by_text("filer med dess text").wait_for()
        page.keyboard.press("Escape")
        page.get_by_text("Det finns inga inspelningar än").wait_for()
        assert page.evaluate("document.activeElement.id") == "jobs-title"
    assert client.http.get(f"/api/jobs/{job['job_id']}").status_code == 404


def tab_to(page: Page, wanted: Locator) -> None:
    """Press Tab until the focus is there, and see that it shows."""
    for _ in range(40):
        page.keyboard.press("Tab")
        if wanted.evaluate("(one) => one === document.activeElement"):
            assert wanted.evaluate("(one) => one.matches(':focus-visible')")
            return
    pytest.fail(f"Tab does not lead to {wanted}")


def test_nothing_keeps_people_out_or_runs_over_the_edge_in_any_width_and_light(
    opened: Open, stack: Stack, client: Client, tmp_path: Path
) -> None:
    (tmp_path / "bad.mp3").write_text("Detta är ingen ljudfil.\n" * 50, "utf-8")
    with opened() as watched:
        page = watched.page
        page.goto(f"{stack.api_url}/")
        page.get_by_label("API key").wait_for()
        assert_fits(page)
        sign_in(page, stack, client)
        client.new_job("w" * 300 + ".mp3")
        choose(page, tmp_path / "bad.mp3")
        page.get_by_text("holds no sound or film").wait_for()
        page.locator("summary").click()
        assert_fits(page)
        page.get_by_role("button", name="Erase bad.mp3").click()
        page.get_by_role("button", name="Erase for good").click()
        page.get_by_role("heading", name="It is erased").wait_for()
        page.get_by_text("What ends by itself").click()
        assert_fits(page)


def assert_fits(page: Page) -> None:
    """In each width and light."""
    for width, scheme in ((NARROW, "light"), (NARROW, "dark"), (WIDE, "light"), (WIDE, "dark")):
        page.set_viewport_size({"width": width, "height": HEIGHT})
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        assert_accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (width, scheme)


def test_dropped_and_pasted_files_are_sent_with_the_options_that_are_remembered(
    opened: Open, stack: Stack, client: Client, recording: Path, tmp_path: Path
) -> None:
    client.http.post("/api/vocabularies", json={"name": "council", "words": ["Umeå"]}).raise_for_status()
    with opened() as watched:
        page = watched.page
        sign_in(page, stack, client)
        page.locator("summary").click()
        page.get_by_label("Word list").select_option("council")
        page.get_by_label("Language").select_option("auto")
        page.reload()
        page.get_by_text("Find out · council").wait_for()
        drop(page, recording)
        pasted = tmp_path / "pasted.mp3"
        pasted.write_bytes(recording.read_bytes())
        page.evaluate(
            """([name, bytes]) => {
                const transfer = new DataTransfer();
                transfer.items.add(new File([new Uint8Array(bytes)], name));
                document.dispatchEvent(new ClipboardEvent("paste", {clipboardData: transfer}));
            }""",
            [pasted.name, list(pasted.read_bytes())],
        )
        for name in (recording.name, pasted.name):
            ready(page, name)
        assert page.locator(".dropping").count() == 0
        # What a page keeps for good holds no key, and of the uploads nothing when they are done.
        kept = page.evaluate("JSON.stringify(localStorage)")
    jobs = client.http.get("/api/jobs").json()["jobs"]
    assert [(job["options"]["language"], job["options"]["vocabulary"]) for job in jobs] == [("auto", "council")] * 2
    assert client.key not in kept
    assert recording.name not in kept


def test_a_large_file_goes_on_by_itself_when_the_line_is_back_and_after_a_reload_when_it_is_chosen_again(
    opened: Open, stack: Stack, client: Client, large: Path
) -> None:
    with opened() as watched:
        page = watched.page
        sign_in(page, stack, client)
        # The line is broken for the second of two parts.
        page.route("**/*partNumber=2&*", lambda route: route.abort("internetdisconnected"))
        choose(page, large)
        page.get_by_text("The line is broken").wait_for()
        (job,) = client.http.get("/api/jobs").json()["jobs"]
        assert len(client.links(job["job_id"])["received"]) == 1
        assert row(page, large.name).get_by_role("progressbar").get_attribute("aria-label") == f"Upload of {large.name}"

        page.reload()
        page.get_by_text("drop the same file again").wait_for()
        choose(page, large)
        page.get_by_text("The line is broken").wait_for()
        page.unroute("**/*partNumber=2&*")
        page.evaluate("window.dispatchEvent(new Event('online'))")
        ready(page, large.name)
        sent = [address for address in watched.asked if "partNumber=1&" in address]
        assert len(sent) == 1, "or the part that was there was sent again"
    (there,) = client.http.get("/api/jobs").json()["jobs"]
    assert (there["job_id"], there["status"]) == (job["job_id"], "completed")


def test_three_files_are_sent_at_once_and_one_that_is_stopped_leaves_nothing(
    opened: Open, stack: Stack, client: Client, recording: Path, tmp_path: Path
) -> None:
    files = [tmp_path / f"{number}.mp3" for number in range(5)]
    for file in files:
        file.write_bytes(recording.read_bytes())
    held: list[Route] = []
    go_on = False

    def hold(route: Route) -> None:
        if go_on:
            route.continue_()
        else:
            held.append(route)

    with opened() as watched:
        page = watched.page
        sign_in(page, stack, client)
        page.route(f"{stack.endpoint}/**", hold)
        choose(page, *files)
        expect(page.get_by_text("Waits for its turn")).to_have_count(2)
        expect(page.get_by_text(re.compile("^Sending"))).to_have_count(3)
        expect(page.get_by_role("listitem")).to_have_count(5)
        page.get_by_role("button", name="Stop sending 4.mp3").click()
        page.get_by_role("button", name="Stop sending 0.mp3").click()
        expect(page.get_by_text("Waits for its turn")).to_have_count(0)
        go_on = True
        for route in held:
            if "0.mp3" not in (route.request.post_data or ""):
                route.continue_()
        for number in (1, 2, 3):
            ready(page, f"{number}.mp3")
        row(page, "0.mp3").get_by_text("Canceled").wait_for()
    jobs = client.http.get("/api/jobs").json()["jobs"]
    assert {job["file_name"] for job in jobs} == {f"{number}.mp3" for number in range(4)}


def test_an_upload_that_is_stopped_while_it_is_registered_leaves_no_job_waiting(
    opened: Open, stack: Stack, client: Client, recording: Path
) -> None:
    held: list[Route] = []
    with opened() as watched:
        page = watched.page
        sign_in(page, stack, client)
        page.route(
            "**/api/jobs", lambda route: held.append(route) if route.request.method == "POST" else route.continue_()
        )
        choose(page, recording)
        expect(page.get_by_text(re.compile("^Sending"))).to_have_count(1)
        page.get_by_role("button", name=f"Stop sending {recording.name}").click()
        (registration,) = held
        registration.continue_()
        row(page, recording.name).get_by_text("Canceled").wait_for()


def test_names_are_shown_as_text_whatever_they_hold(opened: Open, stack: Stack, client: Client) -> None:
    for name in HOSTILE:
        client.new_job(name)
    with opened(width=NARROW) as watched:
        page = watched.page
        sign_in(page, stack, client)
        expect(page.get_by_role("listitem")).to_have_count(len(HOSTILE))
        assert page.locator(".row .title bdi").all_text_contents() == HOSTILE[::-1]
        assert page.locator(".row img").count() == 0
        assert_fits(page)


def test_the_list_is_searched_filtered_and_shown_in_pages(opened: Open, stack: Stack, client: Client) -> None:
    for number in range(23):
        client.new_job(f"{number}.mp3")
    made = [job["job_id"] for job in client.http.get("/api/jobs").json()["jobs"]]
    client.http.post(f"/api/jobs/{made[0]}/cancel").raise_for_status()
    with opened() as watched:
        page = watched.page
        sign_in(page, stack, client)
        rows = page.get_by_role("listitem")
        expect(rows).to_have_count(20)
        page.get_by_role("button", name="Show more").click()
        expect(rows).to_have_count(23)
        assert page.get_by_role("button", name="Show more").count() == 0
        page.get_by_role("searchbox").fill("12.MP3")
        expect(rows).to_have_count(1)
        page.get_by_role("searchbox").fill("no such name")
        page.get_by_text("No recording fits").wait_for()
        page.get_by_role("searchbox").fill("")
        page.get_by_label("Show", exact=True).select_option("canceled")
        expect(rows).to_have_count(1)
        row(page, "22.mp3").get_by_text("Canceled").wait_for()


def test_a_waiting_job_says_why_how_long_and_is_canceled_and_a_failed_one_is_tried_again(
    opened: Open, stack: Stack, client: Client, recording: Path
) -> None:
    """The states are the API's answers as they are, in which a test puts what a machine would have to bring about."""
    job = client.job(client.send(recording.read_bytes(), recording.name))
    shown: list[dict[str, Any]] = [
        {"status": "queued", "waiting": "capacity", "stage": "queued", "queue_position": 3, "estimated_seconds": None},
        {
            "status": "running",
            "waiting": None,
            "stage": "transcribing",
            "queue_position": None,
            "estimated_seconds": 240,
        },
        {"status": "failed", "waiting": None, "stage": "ended", "queue_position": None, "estimated_seconds": None},
    ]
    actions: list[str] = []

    def answer(route: Route) -> None:
        now = shown[0]
        progress = {"fraction": 0.5, **{name: now[name] for name in ("stage", "queue_position", "estimated_seconds")}}
        error = {"code": "DISK_FULL", "message": "Full.", "retryable": True} if now["status"] == "failed" else None
        one = {**job, "status": now["status"], "waiting": now["waiting"], "progress": progress, "error": error}
        if route.request.method == "POST":
            actions.append(route.request.url.rsplit("/", 1)[-1])
        is_list = "?" in route.request.url
        route.fulfill(json={"jobs": [one], "next": None} if is_list else one)

    with opened() as watched:
        page = watched.page
        page.route("**/api/jobs**", answer)
        page.goto(f"{stack.api_url}/")
        page.get_by_label("API key").fill(client.key)
        page.keyboard.press("Enter")
        entry = row(page, recording.name)
        entry.get_by_text("In the queue, at place 3").wait_for()
        entry.get_by_text("No machine is free at Amazon").wait_for()
        shown.pop(0)
        entry.get_by_text("Becomes text: 50% · about 4 minutes left").wait_for()
        assert entry.get_by_role("progressbar").evaluate("(bar) => bar.value") == 0.5
        page.get_by_role("button", name=f"Cancel {recording.name}").click()
        shown.pop(0)
        entry.get_by_text("The machine's disk was full").wait_for()
        page.get_by_role("button", name=f"Try again: {recording.name}").click()
        expect(entry).to_be_focused()
    assert actions == ["cancel", "retry"]


def test_a_key_that_is_wrong_or_taken_back_is_told_and_is_never_kept_or_in_an_address(
    opened: Open, stack: Stack, client: Client
) -> None:
    with opened() as watched:
        page = watched.page
        page.goto(f"{stack.api_url}/#/job_aaaaaaaaaaaaaaaaaaaaaaaaaa")
        for wrong in ("x" * 40, "möte", "short"):
            page.get_by_label("API key").fill(wrong)
            page.keyboard.press("Enter")
            page.get_by_role("alert").filter(has_text="does not know this key").wait_for()
        assert page.evaluate("sessionStorage.length") == 0
        page.get_by_label("API key").fill(client.key)
        page.keyboard.press("Enter")
        page.get_by_role("alert").filter(has_text="There is no such recording").wait_for()

        page.get_by_role("link", name="GPU Transcriber").click()
        page.get_by_text("There are no recordings yet").wait_for()
        (key,) = stack.store.clients.keys_of(client.client_id)
        assert stack.store.clients.revoke(client.client_id, key.digest, now_ms())
        page.reload()
        page.get_by_role("alert").filter(has_text="it was taken back").wait_for()
        assert page.evaluate("sessionStorage.length") == 0
        other = watched.tab()
        other.goto(f"{stack.api_url}/")
        other.get_by_label("API key").wait_for()
    assert not any(client.key in address for address in watched.asked)


def test_the_language_changes_at_once_and_is_remembered_and_signing_out_forgets_the_key(
    opened: Open, stack: Stack, client: Client
) -> None:
    with opened(language="en") as watched:
        page = watched.page
        sign_in(page, stack, client)
        page.get_by_role("button", name="Svenska").click()
        page.get_by_role("heading", name="Inspelningar", exact=True).wait_for()
        page.reload()
        page.get_by_role("button", name="Logga ut").click()
        page.get_by_role("heading", name="Logga in").wait_for()
        assert page.evaluate("[sessionStorage.length, ...Object.keys(localStorage)]") == [0, "language"]


def test_where_the_service_cannot_be_reached_that_is_said_and_the_list_comes_when_it_can(
    opened: Open, stack: Stack, client: Client
) -> None:
    with opened() as watched:
        page = watched.page
        sign_in(page, stack, client)
        page.get_by_text("There are no recordings yet").wait_for()
        client.new_job("late.mp3")
        watched.context.set_offline(True)
        page.get_by_role("searchbox").fill("late")
        page.get_by_role("alert").filter(has_text="cannot be reached").wait_for()
        watched.context.set_offline(False)
        row(page, "late.mp3").wait_for()
        assert page.get_by_role("alert").count() == 0


def test_a_page_that_was_loaded_before_an_upgrade_says_that_it_is_to_be_loaded_again(
    opened: Open, stack: Stack, client: Client
) -> None:
    with opened() as watched:
        page = watched.page
        page.route("**/recordings/view.js", lambda route: route.fulfill(status=404))
        page.goto(f"{stack.api_url}/")
        page.get_by_label("API key").fill(client.key)
        page.keyboard.press("Enter")
        page.get_by_role("alert").filter(has_text="Load the page again").wait_for()
        page.unroute("**/recordings/view.js")
        page.get_by_role("button", name="Load again").click()
        page.get_by_role("searchbox").wait_for()


def test_a_file_of_the_page_that_is_refused_at_first_is_asked_for_again(
    opened: Open, stack: Stack, client: Client, recording: Path
) -> None:
    """As where an AWS account runs no more functions at once."""
    refused = set[str]()

    def once(route: Route) -> None:
        if route.request.url in refused:
            route.continue_()
        else:
            refused.add(route.request.url)
            route.fulfill(status=503)

    job_id = client.send(recording.read_bytes(), recording.name)
    client.wait(job_id)
    with opened() as watched:
        page = watched.page
        page.route(re.compile(r"/transcript/(view|player|column|texts)\.js$"), once)
        page.goto(f"{stack.api_url}/#/{job_id}")
        page.get_by_label("API key").fill(client.key)
        page.keyboard.press("Enter")
        page.get_by_role("heading", name=recording.name).wait_for()
    assert len(refused) == 4
