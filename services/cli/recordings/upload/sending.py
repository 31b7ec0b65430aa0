"""Uploads recordings side by side."""

from __future__ import annotations

import threading
import time
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from services.cli.errors import RefusedError
from services.cli.recordings.progress.recording import Phase, Recording
from services.cli.recordings.side_by_side import StoppedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from services.cli.recordings.side_by_side import Inbox
    from services.cli.recordings.upload.uploads import Uploads

AT_ONCE = 3


class Sending:
    """Uploads recordings, some at once, in threads that do not keep the program alive."""

    def __init__(self, uploads: Uploads, recordings: Sequence[Recording], wanted: Mapping[str, Any]) -> None:
        """Take what is to be uploaded.

        Args:
            uploads: to the service.
            recordings: each with a source.
            wanted: the body of `POST /api/jobs` without what tells of the recording.

        """
        self._uploads = uploads
        self._wanted = wanted
        self._left: SimpleQueue[Recording] = SimpleQueue()
        for recording in recordings:
            self._left.put(recording)
        self._stopped = False
        self._threads: list[threading.Thread] = []

    def start(self, inbox: Inbox, took: Callable[[Recording, Exception | None], None]) -> None:
        """Begin. May be called once.

        Args:
            inbox: where the ends of uploads are handed in.
            took: takes a recording, and what went wrong with it; whoever empties the inbox runs it.

        """
        number = min(AT_ONCE, self._left.qsize())
        work = partial(self._work, lambda recording, error: inbox.hand_in(partial(took, recording, error)))
        self._threads = [threading.Thread(target=work, daemon=True) for _ in range(number)]
        for thread in self._threads:
            thread.start()

    def stop(self, seconds: float) -> bool:
        """End all uploads where they are; returns whether that was so within these seconds."""
        self._stopped = True
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _work(self, ended: Callable[[Recording, Exception | None], None]) -> None:
        while not self._stopped:
            try:
                recording = self._left.get_nowait()
            except Empty:
                return
            try:
                self._send(recording)
            except StoppedError:
                return
            except Exception as error:  # noqa: BLE001 - whatever it is, the others go on, and the main thread tells it
                ended(recording, error)
            else:
                ended(recording, None)

    def _send(self, recording: Recording) -> None:
        assert recording.source is not None

        def registered(job_id: str) -> None:
            recording.job_id = job_id

        def progress(stage: str, done: int, total: int | None) -> None:
            if self._stopped:
                raise StoppedError
            recording.uploads(stage, done, total, time.monotonic())

        if recording.source.refused:
            raise RefusedError(f"It {recording.source.refused}")
        recording.phase = Phase.UPLOADING
        self._uploads.send(recording.source, self._wanted, registered=registered, progress=progress)
        recording.phase = Phase.SENT
