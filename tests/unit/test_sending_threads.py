"""Uploads side by side, and their end."""

from __future__ import annotations

import threading
import time
from typing import cast

from services.cli.recordings.input.sources import Source
from services.cli.recordings.progress.recording import Recording
from services.cli.recordings.side_by_side import Inbox
from services.cli.recordings.upload import sending
from services.cli.recordings.upload.sending import Sending
from services.cli.recordings.upload.uploads import Uploads
from tests.support.scripted_service import PATIENCE_SECONDS, ScriptedUploads, waited


def ends(going: Sending, count: int) -> list[tuple[Recording, Exception | None]]:
    """Begin, and wait for so many ends of uploads."""
    inbox, ended = Inbox(), []
    going.start(inbox, lambda recording, error: ended.append((recording, error)))
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(ended) < count and time.monotonic() < deadline:
        inbox.take_in(PATIENCE_SECONDS)
    return ended


def test_an_upload_that_does_not_end_is_left_behind() -> None:
    release = threading.Event()
    uploads = ScriptedUploads({"a": lambda _: waited(release)})
    recording = Recording(name="a", source=Source(word="a", file_name="a"))
    going = Sending(cast("Uploads", uploads), [recording], {})
    going.start(Inbox(), lambda *_: None)
    assert not going.stop(0.05)
    assert all(thread.daemon for thread in going._threads)
    release.set()
    assert going.stop(PATIENCE_SECONDS)


def test_no_more_than_three_are_uploaded_at_once() -> None:
    running, most, lock = 0, 0, threading.Lock()
    all_there = threading.Barrier(sending.AT_ONCE)

    def upload(_: object) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        all_there.wait(PATIENCE_SECONDS)
        with lock:
            running -= 1

    names = [str(number) for number in range(9)]
    recordings = [Recording(name=name, source=Source(word=name, file_name=name)) for name in names]
    going = Sending(cast("Uploads", ScriptedUploads(dict.fromkeys(names, upload))), recordings, {})
    assert {recording for recording, _ in ends(going, len(names))} == {*recordings}
    assert most == sending.AT_ONCE


def test_what_cannot_be_sent_is_told_of_and_not_uploaded() -> None:
    empty = Recording(name="a", source=Source(word="a", file_name="a", refused="is empty."))
    going = Sending(cast("Uploads", ScriptedUploads({})), [empty], {})
    ((recording, error),) = ends(going, 1)
    assert (recording, str(error), empty.job_id) == (empty, "It is empty.", "")
