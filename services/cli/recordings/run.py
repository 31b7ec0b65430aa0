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

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from services.cli.api.client import Api
    from services.cli.commands import Given
    from services.cli.recordings.options.outputs import Output
    from services.cli.recordings.output.files import Files
    from services.cli.recordings.progress.display import Display
    from services.cli.recordings.progress.recording import Recording
    from services.cli.recordings.upload.sending import Sending

TICK_SECONDS = 0.2
STOP_SECONDS = 2.0
"""How long uploads may take to end after Ctrl-C."""


def bring(
    recordings: Sequence[Recording],
    *,
    api: Api,
    output: Output,
    files: Files,
    given: Given,
    quiet: bool,
    sending: Sending | None = None,
    wait: bool = True,
    failed: Mapping[Recording, Exception] | None = None,
) -> Exit:
    """Bring recordings to their texts; returns the highest exit code.

    Args:
        recordings: in the order in which their texts are printed.
        api: of the service that has them, or gets them.
        output: where texts go.
        files: writes them.
        given: the options of the command.
        quiet: whether only errors and results are printed.
        sending: uploads them; None: they have been sent earlier.
        wait: whether their texts are waited for.
        failed: those of which it is known already that there will be no text.

    """
    shown = display(recordings, quiet=quiet)
    results = Results(
        recordings, api=api, output=output, files=files, display=shown, as_json=given.json, again=given.again
    )
    for recording, error in (failed or {}).items():
        results.failed(recording, error)
    return Run(recordings, sending=sending, watch=Watch(api), display=shown, results=results, wait=wait).run()


class Run:
    """The course of one run. The main thread runs it."""

    def __init__(
        self,
        recordings: Sequence[Recording],
        *,
        sending: Sending | None,
        watch: Watch,
        display: Display,
        results: Results,
        wait: bool = True,
    ) -> None:
        """Take the recordings and what is done with them.

        Args:
            recordings: in the order in which their texts are printed.
            sending: uploads them; None: they have been sent earlier.
            watch: looks after their jobs.
            display: shows them.
            results: prints what becomes of them.
            wait: whether their texts are waited for.

        """
        self._recordings = recordings
        self._sending, self._watch, self._display, self._results = sending, watch, display, results
        self._wait = wait
        self._looked = 0.0
        self._next_look = math.inf if sending else 0.0
        self._reasons: set[str] = set()

    def run(self) -> Exit:
        """Bring all recordings to their ends; returns the highest exit code."""
        try:
            if self._sending:
                self._sending.start()
            while self._goes_on():
                self._display.update()
                self._take_uploads()
                self._look()
        except KeyboardInterrupt:
            return self._interrupted()
        finally:
            self._display.make_way()
        return max((one.exit_code for one in self._recordings), default=Exit.DONE)

    def _goes_on(self) -> bool:
        return any(one.phase is not Phase.ENDED for one in self._recordings)

    def _sent(self) -> list[Recording]:
        return [one for one in self._recordings if one.phase is Phase.SENT]

    def _take_uploads(self) -> None:
        """Take in an upload that has ended, if one does within a moment."""
        if not self._sending:
            time.sleep(TICK_SECONDS)
            return
        ended = self._sending.ended(TICK_SECONDS)
        while ended:
            recording, error = ended
            if error:
                self._results.failed(recording, error)
            elif not self._wait:
                self._results.sent(recording)
            else:
                soon = max(time.monotonic() + SOON_SECONDS, self._looked + pause(self._sent()))
                self._next_look = min(self._next_look, soon)
            ended = self._sending.ended(0)

    def _look(self) -> None:
        """Read how far the jobs are, if it is time to."""
        if time.monotonic() < self._next_look:
            return
        sent = self._sent()
        try:
            lost = self._watch.look([one for one in sent if not one.has_ended])
        except (UnreachableError, RefusedError) as error:
            self._results.lost(sent, error)
            return
        for recording in sent:
            self._tell_reason(recording)
            if recording in lost:
                self._results.failed(recording, lost[recording])
        self._results.ended([one for one in sent if one.has_ended and one not in lost])
        self._looked = time.monotonic()
        self._next_look = self._looked + pause(self._sent())

    def _tell_reason(self, recording: Recording) -> None:
        """Say once in full why there is no machine: the recordings that wait all wait for the same."""
        reason = recording.job.get("waiting_reason")
        if reason and reason not in self._reasons:
            self._reasons.add(reason)
            self._results.remark(recording, reason)

    def _interrupted(self) -> Exit:
        self._display.make_way()
        printing.note("Stopped. What the service has, it goes on with.")
        stopped = False
        try:
            stopped = self._sending is None or self._sending.stop(STOP_SECONDS)
            stopped = stopped and not self._results.is_fetching
            self._results.left(self._recordings)
        finally:
            # After a second Ctrl-C too. A thread that waits for the network or for standard input would fail as the
            # program ends, with words of Python's.
            if not stopped:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(Exit.INTERRUPTED)
        return Exit.INTERRUPTED
