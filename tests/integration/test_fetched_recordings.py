"""Recordings that this machine fetches from a URL, or reads from standard input."""

from __future__ import annotations

import errno
import io
import tempfile
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from services.cli.api.client import Api
from services.cli.api.login_store import Connection
from services.cli.errors import CliError, RefusedError, UnreachableError
from services.cli.recordings.input.fetching import spooled
from services.cli.recordings.input.sources import Source, find
from tests.support.web_site import Page, Site, serving

RECORDING = bytes(range(256)) * 8_000
RANGES = {"Accept-Ranges": "bytes", "ETag": '"one"'}
KEY = "key_secret"


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setattr("services.cli.api.patience.FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr("services.cli.api.patience.LONGEST_PAUSE_SECONDS", 0.01)
    with serving() as served:
        yield served


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files are kept."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def api() -> Api:
    return Api(Connection(url="http://127.0.0.1:9", key=KEY))


def content(source: Source, told: list[tuple[int, int | None]] | None = None) -> bytes:
    with spooled(source, api(), lambda done, size: (told if told is not None else []).append((done, size))) as found:
        return b"".join(found.pieces())


def fetched(address: str, told: list[tuple[int, int | None]] | None = None) -> bytes:
    (source,) = find([address])
    return content(source, told)


def refused(address: str, kind: type[CliError] = RefusedError) -> str:
    with pytest.raises(kind) as caught:
        fetched(address)
    return str(caught.value)


def test_a_recording_is_fetched_without_our_key_and_nothing_of_it_stays(site: Site, folder: Path) -> None:
    site.pages["/a.mp3"] = [Page(RECORDING)]
    told: list[tuple[int, int | None]] = []
    with spooled(find([f"{site.address}/a.mp3?token=1#t"])[0], api(), lambda *now: told.append(now)) as found:
        assert b"".join(found.pieces()) == RECORDING
        assert list(folder.iterdir()) == []
    (asked,) = site.asked
    assert asked.path == "/a.mp3?token=1"
    assert KEY not in str(asked.headers)
    assert "Authorization" not in asked.headers
    assert told[0] == (0, len(RECORDING))
    assert told[-1] == (len(RECORDING), len(RECORDING))


def test_ten_redirects_are_followed_and_no_more(site: Site) -> None:
    for number in range(12):
        site.pages[f"/{number}"] = [Page(status=302, headers={"Location": str(number + 1)})]
    site.pages["/12"] = [Page(RECORDING)]
    assert fetched(f"{site.address}/2") == RECORDING
    assert "without an end" in refused(f"{site.address}/1?secret")


@pytest.mark.parametrize("place", ["file:///etc/passwd", "ftp://me:secret@example.com/a.mp3?secret", "data:,secret"])
def test_a_redirect_leads_to_http_only(place: str, site: Site) -> None:
    site.pages["/a.mp3"] = [Page(status=301, headers={"Location": place})]
    told = refused(f"{site.address}/a.mp3")
    assert "leads to" in told
    assert "secret" not in told


def test_an_address_that_no_request_can_be_sent_to_is_refused() -> None:
    assert "no address that can be fetched" in refused("http://example.com/\x01a.mp3")


def test_a_login_is_sent_to_the_first_server_alone_and_is_in_no_message(site: Site) -> None:
    with serving() as other:
        other.pages["/b.mp3"] = [Page(RECORDING)]
        site.pages["/a.mp3"] = [Page(status=302, headers={"Location": "/here.mp3"})]
        elsewhere = other.address.replace("http://", "http://them:theirs@")
        site.pages["/here.mp3"] = [Page(status=302, headers={"Location": f"{elsewhere}/b.mp3"})]
        address = site.address.replace("http://", "http://me:p%40ss@")
        assert fetched(f"{address}/a.mp3") == RECORDING
        login = f"Basic {b64encode(b'me:p@ss').decode()}"
        assert [asked.headers.get("Authorization") for asked in site.asked] == [login, login]
        assert "Authorization" not in other.asked[0].headers
    site.pages["/a.mp3"] = [Page(status=404)]
    assert "p%40ss" not in refused(f"{address}/a.mp3")


def test_a_broken_download_goes_on_where_it_broke_if_the_server_can(site: Site) -> None:
    rest = {**RANGES, "Content-Range": f"bytes 1000000-{len(RECORDING) - 1}/{len(RECORDING)}"}
    site.pages["/a.mp3"] = [
        Page(RECORDING, headers=RANGES, cut=1_000_000),
        Page(status=503),
        Page(RECORDING[1_000_000:], status=206, headers=rest),
    ]
    assert fetched(f"{site.address}/a.mp3") == RECORDING
    ranges = [(asked.headers.get("Range"), asked.headers.get("If-Range")) for asked in site.asked]
    assert ranges == [(None, None)] + [("bytes=1000000-", '"one"')] * 2


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Accept-Ranges": "bytes"},
        {"ETag": '"one"'},
        {"Accept-Ranges": "bytes", "ETag": 'W/"one"'},
        {"Accept-Ranges": "none", "ETag": '"one"'},
    ],
)
def test_a_broken_download_begins_anew_if_nothing_says_that_the_rest_would_fit(
    headers: dict[str, str], site: Site
) -> None:
    site.pages["/a.mp3"] = [Page(bytes(500_000), headers=headers, cut=300_000), Page(RECORDING)]
    assert fetched(f"{site.address}/a.mp3") == RECORDING
    assert [asked.headers.get("Range") for asked in site.asked] == [None, None]


@pytest.mark.parametrize(
    "second",
    [
        Page(RECORDING),
        Page(status=416, headers={"Content-Range": f"bytes */{len(RECORDING)}"}),
        Page(b"other", status=206, headers={"Content-Range": "bytes 5-9/10"}),
        Page(b"other", status=206),
    ],
)
def test_a_recording_that_was_replaced_meanwhile_is_fetched_whole(second: Page, site: Site) -> None:
    modified = {"Accept-Ranges": "bytes", "Last-Modified": "Wed, 21 Oct 2026 07:28:00 GMT"}
    site.pages["/a.mp3"] = [Page(bytes(500_000), headers=modified, cut=300_000), second, Page(RECORDING)]
    assert fetched(f"{site.address}/a.mp3") == RECORDING
    assert site.asked[1].headers["If-Range"] == modified["Last-Modified"]


def test_a_download_that_breaks_each_time_has_an_end(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.cli.api.patience.LATER_SECONDS", 0.1)
    site.pages["/a.mp3"] = [Page(RECORDING, cut=1_000)]
    told = refused(f"{site.address}/a.mp3?secret", UnreachableError)
    assert told.startswith(f"The server of {site.address}/a.mp3 cannot be reached (peer closed connection")
    assert "secret" not in told


def test_an_address_that_nobody_serves_is_unreachable(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.cli.api.patience.FIRST_SECONDS", 0.1)
    assert "check the address and the network" in refused("http://127.0.0.1:9/a.mp3", UnreachableError)


@pytest.mark.parametrize(("status", "remedy"), [(404, "check the address"), (410, "check"), (403, "signed in")])
def test_what_a_server_refuses_is_refused_at_once(status: int, remedy: str, site: Site) -> None:
    site.pages["/a.mp3"] = [Page(status=status)]
    told = refused(f"{site.address}/a.mp3?secret")
    assert told.startswith(f"{site.address}/a.mp3 answers {status} ")
    assert remedy in told
    assert "secret" not in told
    assert len(site.asked) == 1


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "Text/HTML", "application/xhtml+xml"])
def test_a_page_of_the_web_is_no_recording(kind: str, site: Site) -> None:
    site.pages["/a.mp3"] = [Page(b"<html>Sign in</html>", headers={"Content-Type": kind})]
    assert refused(f"{site.address}/a.mp3") == (
        f"{site.address}/a.mp3 is a page of the web, no recording: give the address of the file itself."
    )


def test_nothing_is_no_recording(site: Site) -> None:
    site.pages["/a.mp3"] = [Page()]
    assert refused(f"{site.address}/a.mp3") == f"{site.address}/a.mp3 is empty: there is nothing to transcribe."


def test_a_recording_without_a_known_length_is_fetched(site: Site) -> None:
    site.pages["/a.mp3"] = [Page(RECORDING, headers={"Content-Length": None})]
    told: list[tuple[int, int | None]] = []
    assert fetched(f"{site.address}/a.mp3", told) == RECORDING
    assert told[-1] == (len(RECORDING), None)


def test_a_recording_that_finds_no_room_is_refused_before_it_is_fetched(
    site: Site, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.pages["/a.mp3"] = [Page(RECORDING)]
    monkeypatch.setattr(
        "services.cli.recordings.input.fetching.shutil.disk_usage", lambda _: SimpleNamespace(free=len(RECORDING) - 1)
    )
    told = refused(f"{site.address}/a.mp3")
    assert str(folder) in told
    assert "TMPDIR" in told


def test_a_full_disk_is_a_sentence_with_the_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(RECORDING), isatty=lambda: False))
    with Path("/dev/full").open("r+b", buffering=0) as full:
        monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: full)
        with pytest.raises(RefusedError) as caught:
            content(find(["-"])[0])
    assert str(caught.value) == (
        f"The disk is full under {folder}, where a recording is kept while it is sent: make room, or set TMPDIR to a "
        "folder."
    )


def test_no_folder_for_temporary_files_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_folder(**_: object) -> None:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "TemporaryFile", no_folder)
    with pytest.raises(RefusedError, match="TMPDIR"):
        content(Source(word="-", file_name="standard-input"))


def test_standard_input_is_read_to_its_end_and_nothing_of_it_stays(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(RECORDING), isatty=lambda: False))
    told: list[tuple[int, int | None]] = []
    assert content(find(["-"])[0], told) == RECORDING
    assert told[-1] == (len(RECORDING), None)
    assert list(folder.iterdir()) == []
    with pytest.raises(RefusedError, match="Standard input is empty"):
        content(find(["-"])[0])
