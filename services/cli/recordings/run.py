"""Recordings side by side, from their uploads to their texts."""

from __future__ import annotations

import math
import os
import sys
import time
from typing import TYPE_CHECKING

from services.cli import printing
from services.cli.errors import Exit, RefusedError, UnreachableError
from services.cli.recordings.output.results import Results
from services.cli.recordings.progress.display import display
from services.cli.recordings.progress.recording import Phase
from services.cli.recordings.progress.watching import SOON_SECONDS, Watch, pause
from services.cli.recordings.side_by_side import Errands, Inbox

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from services.cli.api.client import Api
    from services.cli.recordings.options.outputs import Wishes
    from services.cli.recordings.output.files import Files
    from services.cli.recordings.progress.display import Display
    from services.cli.recordings.progress.recording import Recording
    from services.cli.recordings.progress.watching import Look
    from services.cli.recordings.upload.sending import Sending

TICK_SECONDS = 0.2
STOP_SECONDS = 2.0
"""How long uploads may take to end after Ctrl-C."""


def bring(
    recordings: Sequence[Recording],
    *,
    api: Api,
    wishes: Wishes,
    files: Files,
    sending: Sending | None = None,
    failed: Mapping[Recording, Exception] | None = None,
) -> Exit:
    """Bring recordings to their texts; returns the highest exit code.

    Args:
        recordings: in the order in which their texts are printed.
        api: of the service that has them, or gets them.
        wishes: what is wanted.
        files: writes texts.
        sending: uploads them; None: they have been sent earlier.
        failed: those of which it is known already that there will be no text.

    """
    shown, inbox = display(recordings), Inbox()
    results = Results(recordings, api=api, wishes=wishes, files=files, display=shown, inbox=inbox)
    for recording, error in (failed or {}).items():
        results.failed(recording, error)
    run = Run(recordings, watch=Watch(api), display=shown, results=results, inbox=inbox, wait=wishes.wait)
    return run(sending)


class Run:
    """The course of one run. The main thread runs it; others send, look and fetch, and change and print nothing."""

    def __init__(
        self,
        recordings: Sequence[Recording],
        *,
        watch: Watch,
        display: Display,
        results: Results,
        inbox: Inbox,
        wait: bool = True,
    ) -> None:
        """Take the recordings and what is done with them.

        Args:
            recordings: in the order in which their texts are printed.
            watch: looks after their jobs.
            display: shows them.
            results: prints what becomes of them.
            inbox: through which comes what other threads find.
            wait: whether their texts are waited for.

        """
        self._recordings = recordings
        self._display, self._results, self._inbox, self._wait = display, results, inbox, wait
        self._looks = Errands(watch.look, self._take_look, most=1, inbox=inbox)
        self._looking = False
        self._looked = self._next_look = 0.0
        self._reasons: set[str] = set()

    def __call__(self, sending: Sending | None) -> Exit:
        """Bring all recordings to their ends; returns the highest exit code. `sending` uploads them, if it is given."""
        try:
            if sending:
                self._next_look = math.inf
                sending.start(self._inbox, self._take_upload)
            for recording in self._sent():
                if recording.has_ended:
                    self._results.ended(recording)
            while any(one.phase is not Phase.ENDED for one in self._recordings):
                self._display.update()
                self._look()
                self._inbox.take_in(TICK_SECONDS)
        except KeyboardInterrupt:
            return self._interrupted(sending)
        finally:
            self._display.make_way()
        return max((one.exit_code for one in self._recordings), default=Exit.DONE)

    def _sent(self) -> list[Recording]:
        return [one for one in self._recordings if one.phase is Phase.SENT]

    def _awaited(self) -> list[Recording]:
        """Those whose jobs have not ended yet, as far as is known."""
        return [one for one in self._sent() if not one.has_ended]

    def _take_upload(self, recording: Recording, error: Exception | None) -> None:
        """Take in that an upload has ended."""
        if error:
            self._results.failed(recording, error)
        elif not self._wait:
            self._results.sent(recording)
        else:
            soon = max(time.monotonic() + SOON_SECONDS, self._looked + pause(self._awaited()))
            self._next_look = min(self._next_look, soon)

    def _look(self) -> None:
        """Have it read how far the jobs are, if it is time to."""
        if self._looking or time.monotonic() < self._next_look:
            return
        self._next_look = math.inf
        if awaited := self._awaited():
            self._looking = True
            self._looks.give(awaited)

    def _take_look(self, asked: Sequence[Recording], found: Look | Exception) -> None:
        """Take in how far the jobs are."""
        self._looking = False
        if isinstance(found, (UnreachableError, RefusedError)):
            self._results.lost(self._awaited(), found)
            return
        if isinstance(found, Exception):
            raise found
        found.take_in()
        for recording in asked:
            self._tell_reason(recording)
            if recording in found.lost:
                self._results.failed(recording, found.lost[recording])
            elif recording.has_ended:
                self._results.ended(recording)
        self._looked = time.monotonic()
        # An upload may have ended long before a look that took long.
        wanted = min(self._next_look, self._looked + pause(self._awaited()))
        self._next_look = max(wanted, self._looked + SOON_SECONDS)

    def _tell_reason(self, recording: Recording) -> None:
        """Say once in full why there is no machine: the recordings that wait all wait for the same."""
        reason = recording.job.get("waiting_reason")
        if reason and reason not in self._reasons:
            self._reasons.add(reason)
            self._results.remark(recording, reason)

    def _interrupted(self, sending: Sending | None) -> Exit:
        stopped = False
        try:
            self._display.make_way()
            printing.note("Stopped. What the service has, it goes on with.")
            stopped = sending is None or sending.stop(STOP_SECONDS)
            stopped = stopped and not self._looks.are_under_way and not self._results.is_fetching
            self._results.left(self._recordings)
        finally:
            # After a second Ctrl-C too. A thread that waits for the network or for standard input would fail as the
            # program ends, with words of Python's.
            if not stopped:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(Exit.INTERRUPTED)
        return Exit.INTERRUPTED
