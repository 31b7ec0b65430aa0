"""Pages of other origins in a real browser, as docs/api/README.md describes them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from services.local import resources
from services.local.client import Client
from services.local.stack import Stack
from tests.e2e.conftest import PAGE
from tests.support.audio import MEETING
from tests.support.browser import Browser, Page, PageError

pytestmark = pytest.mark.chromium

EXAMPLE = Path(__file__).parents[2] / "examples" / "browser"
ID3 = b"ID3\x04\x00\x00"
"""How a tag in front of an MP3 begins; the length of the rest follows, in four bytes of seven bits."""
STRANGER = "http://localhost:5174"
"""An origin that nobody has listed, with the same page."""
KEPT_FROM_THE_PAGE = "TypeError: Failed to fetch"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """To it, the same pages lie under two origins."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=EXAMPLE)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        place = f"127.0.0.1:{server.server_port}"
        names = {origin.removeprefix("http://"): place for origin in (PAGE, STRANGER)}
        with Browser(tmp_path_factory.mktemp("browser"), names) as running:
            yield running
        server.shutdown()


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "möte 1.mp3"
    path.write_bytes(MEETING.read_bytes()[:60_000])
    return path


def transcribe(page: Page, stack: Stack, recording: Path) -> None:
    """Do as somebody who opens the page, and wait for what it says in the end."""
    page.fill("[name=api]", stack.api_url)
    page.fill("[name=key]", stack.new_client("page"))
    page.choose("[name=file]", recording)
    page.click("button")
    page.until("document.getElementById('text').textContent + document.getElementById('error').textContent")


def said(page: Page, field: str) -> str:
    return str(page.run(f"document.getElementById('{field}').textContent"))


def test_a_page_of_a_listed_origin_registers_uploads_waits_and_shows_the_text(
    browser: Browser, stack: Stack, recording: Path
) -> None:
    page = browser.open(f"{PAGE}/index.html")
    page.run(
        "window.seen = [], new MutationObserver(() => seen.push(stage.textContent))"
        ".observe(document.getElementById('stage'), {childList: true})"
    )
    transcribe(page, stack, recording)

    assert said(page, "error") == ""
    client = Client(stack, "page")
    (job,) = client.http.get("/api/jobs").json()["jobs"]
    assert said(page, "text") == client.transcript(job["job_id"])
    assert job["file_name"] == recording.name
    seen = page.run("seen")
    assert (seen[0], seen[-1]) == ("upload", "ended")


def test_a_page_sends_a_larger_file_in_parts_and_goes_on_where_a_part_has_failed(
    browser: Browser, stack: Stack, client: Client, recording: Path, tmp_path: Path
) -> None:
    """The first part is sent with a changed link, so that S3 refuses it."""
    padding = 9 << 20
    size = bytes(padding >> shift & 0x7F for shift in (21, 14, 7, 0))
    (tmp_path / "large.mp3").write_bytes(ID3 + size + bytes(padding) + recording.read_bytes())
    page = browser.open(f"{PAGE}/index.html")
    page.choose("[name=file]", tmp_path / "large.mp3")
    key = client.http.headers["authorization"].removeprefix("Bearer ")
    text = page.run(f"""(async () => {{
        const send = window.fetch;
        window.puts = [], window.told = [];
        window.fetch = (url, how) => {{
            if (how?.method !== "PUT") return send(url, how);
            puts.push(url);
            return send(puts.length === 1 ? url.replace("partNumber=1", "partNumber=2") : url, how);
        }};
        const {{ transcribe }} = await import("./transcribe.js");
        const file = document.querySelector("[name=file]").files[0];
        const tell = (stage, fraction) => stage === "upload" && told.push(fraction);
        return await transcribe({{ api: "{stack.api_url}", key: "{key}", file, tell, partsFrom: 1 }});
    }})()""")
    (job,) = client.http.get("/api/jobs").json()["jobs"]
    assert text == client.transcript(job["job_id"])
    assert len(page.run("puts")) == 3, "two parts, and the first once more"
    assert page.run("told") == [0.5, 1]


def test_a_page_whose_form_has_ended_goes_on_with_a_fresh_one(browser: Browser, stack: Stack, recording: Path) -> None:
    page = browser.open(f"{PAGE}/index.html")
    ended = stack.s3.generate_presigned_post(resources.BUCKET, "uploads/a", ExpiresIn=-1)
    page.run(f"""(() => {{
        const send = window.fetch;
        window.fetch = async (url, how) => {{
            const reply = await send(url, how);
            if (!url.endsWith("/api/jobs")) return reply;
            return Response.json({{ ...await reply.json(), upload: {json.dumps(ended)} }});
        }};
    }})()""")
    transcribe(page, stack, recording)
    assert (said(page, "error"), said(page, "text") != "") == ("", True)


def test_the_same_page_of_another_origin_is_told_nothing(browser: Browser, stack: Stack, recording: Path) -> None:
    page = browser.open(f"{STRANGER}/index.html")
    transcribe(page, stack, recording)

    assert said(page, "error") == f"There is no answer that this page may read: is {STRANGER} in cors_origins?"
    assert said(page, "text") == ""


def test_a_form_and_a_link_serve_a_page_of_another_origin_as_little(
    browser: Browser, stack: Stack, client: Client, recording: Path
) -> None:
    """But what is sent without asking arrives: a form is good for whoever holds it."""
    listed, stranger = (browser.open(f"{origin}/index.html") for origin in (PAGE, STRANGER))
    made = client.new_job("a.mp3")
    send = f"""(() => {{
        const form = new FormData();
        Object.entries({json.dumps(made["upload"]["fields"])}).forEach((field) => form.append(...field));
        form.append("file", new Blob([new Uint8Array({list(recording.read_bytes())})]));
        return fetch("{made["upload"]["url"]}", {{method: "POST", body: form}}).then((reply) => reply.status);
    }})()"""
    with pytest.raises(PageError, match=KEPT_FROM_THE_PAGE):
        stranger.run(send)
    assert client.wait(made["job_id"])["status"] == "completed"
    assert listed.run(send) == 204

    asked = client.http.get(f"/api/jobs/{made['job_id']}/transcript?redirect=false&format=txt")
    read = f"fetch({json.dumps(asked.json()['url'])}).then((reply) => reply.text())"
    assert listed.run(read) == client.transcript(made["job_id"])
    with pytest.raises(PageError, match=KEPT_FROM_THE_PAGE):
        stranger.run(read)


def test_a_page_that_follows_the_apis_redirect_is_kept_from_the_text(
    browser: Browser, stack: Stack, client: Client, recording: Path
) -> None:
    """The browser calls the origin `null` then; so a page asks for the link with `redirect=false`."""
    job_id = client.send(recording.read_bytes(), "a.mp3")
    client.wait(job_id)
    key = client.http.headers["authorization"]
    followed = f"fetch('{stack.api_url}/api/jobs/{job_id}/transcript', {{headers: {{Authorization: '{key}'}}}})"
    with pytest.raises(PageError, match=KEPT_FROM_THE_PAGE):
        browser.open(f"{PAGE}/index.html").run(followed)
