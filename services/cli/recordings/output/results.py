"""What becomes of recordings: texts, files, remarks and errors, each printed where it belongs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.cli import printing
from services.cli.errors import JobFailedError, NotWrittenError, RefusedError, UnreachableError
from services.cli.explained import Explained, explain
from services.cli.recordings.output.telling import problem_of, reason, text_of
from services.cli.recordings.progress.recording import Phase
from services.cli.recordings.side_by_side import Errands
from services.cli.recordings.upload.uploads import goes_on
from services.common.domain.options import READ_FORMAT
from services.common.domain.speakers import OFF
from services.common.domain.states import JobStatus

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from services.cli.api.client import Api
    from services.cli.recordings.options.outputs import Wishes
    from services.cli.recordings.output.files import Files
    from services.cli.recordings.progress.display import Display
    from services.cli.recordings.progress.recording import Recording
    from services.cli.recordings.side_by_side import Inbox

FEW, MANY = 3, 10
"""So many recordings that were not sent, or whose texts are not there, are named one by one."""
NO_LATEST_VERSION = "NO_LATEST_VERSION"
"""The code, if the job's words are not kept."""
AT_ONCE = 4
"""How many texts are fetched at the same time."""


class Results:
    """Prints what becomes of the recordings of one run. One thread uses it, and empties its inbox."""

    def __init__(
        self, recordings: Sequence[Recording], *, api: Api, wishes: Wishes, files: Files, display: Display, inbox: Inbox
    ) -> None:
        """Take what decides on where things are printed.

        Args:
            recordings: all of the run, in the order in which their texts are printed.
            api: from which texts are fetched.
            wishes: where they go.
            files: writes them.
            display: gives way for what is printed.
            inbox: through which texts come that have been fetched.

        """
        self._recordings = recordings
        self._api, self._wishes, self._files, self._display = api, wishes, files, display
        self._texts: dict[Recording, bytes] = {}
        self._fetches = Errands(self._contents, self._print, most=AT_ONCE, inbox=inbox)

    @property
    def is_fetching(self) -> bool:
        """Whether threads may be at it, as after Ctrl-C."""
        return self._fetches.are_under_way

    def sent(self, recording: Recording) -> None:
        """Print the id of a job for which nobody waits."""
        recording.phase = Phase.ENDED
        self._display.make_way()
        if self._wishes.as_json:
            printing.as_json({"file": recording.name, "job_id": recording.job_id}, line=True)
        else:
            print(recording.job_id, flush=True)

    def ended(self, recording: Recording) -> None:
        """Have the text of a job that has ended fetched and printed, or say why there is none."""
        if recording.job["status"] == JobStatus.COMPLETED:
            self._fetches.give(recording)
        else:
            self.failed(recording, JobFailedError(reason(recording.job)))

    def _print(self, recording: Recording, fetched: dict[str, bytes] | Exception) -> None:
        if isinstance(fetched, Exception):
            self.failed(recording, fetched)
            return
        try:
            printed = self._placed(recording, fetched)
        except Exception as error:  # noqa: BLE001 - whatever it is, the others go on
            self.failed(recording, error)
            return
        for remark in (recording.job.get("quality") or {}).get("remarks", []):
            self.remark(recording, remark["message"])
        recording.phase = Phase.ENDED
        self._display.make_way()
        if self._wishes.as_json:
            printing.as_json({**recording.job, "file": recording.name, **printed}, line=True)
        for path in () if self._wishes.as_json else printed.get("files", ()):
            printing.path(path)
        self.print_texts()

    def failed(self, recording: Recording, error: Exception) -> None:
        """Say what went wrong with a recording."""
        told = explain(error)
        self._display.make_way()
        printing.problem(told.sentence, of=recording.name)
        self._end_without_text(recording, error, told)
        self.print_texts()

    def lost(self, recordings: Sequence[Recording], error: Exception) -> None:
        """Say that the service cannot be asked about these any more, and how to come back to them."""
        told = explain(error)
        self._display.make_way()
        printing.problem(told.sentence)
        self.left(recordings)
        for recording in recordings:
            self._end_without_text(recording, error, told)
        self.print_texts()

    def _end_without_text(self, recording: Recording, error: Exception, told: Explained) -> None:
        recording.phase, recording.exit_code = Phase.ENDED, told.exit_code
        if self._wishes.as_json:
            printing.as_json(problem_of(recording, error, told.sentence), line=True)

    def remark(self, recording: Recording, sentence: str) -> None:
        """Say something of a recording that nobody must know."""
        self._display.make_way()
        printing.note(f"{printing.shown(recording.name)}: {printing.shown(sentence)}")

    def print_texts(self) -> None:
        """Print the texts that are there, up to the first recording of which is not known yet whether it has one."""
        for recording in self._recordings:
            if recording.phase is not Phase.ENDED:
                return
            if (text := self._texts.pop(recording, None)) is not None:
                self._display.make_way()
                heading = f"== {printing.shown(recording.name)} ==\n" if len(self._recordings) > 1 else ""
                printing.text(heading.encode() + text)

    def left(self, recordings: Sequence[Recording]) -> None:
        """Say of recordings for which nobody waits any more what is with them, and how to come back."""
        unread = [one for one in recordings if one.phase is Phase.SENT or one in self._texts]
        for recording in unread[:MANY]:
            told = "its text is there" if recording.has_ended else "its job goes on"
            back = self._wishes.show(recording.job_id, follow=True)
            printing.problem(f"{told}; come back with `{back}`", of=recording.name)
        if len(unread) > MANY:
            listed = f"transcribe jobs --limit {len(unread)}{self._wishes.again}"
            printing.problem(f"These are {MANY} of {len(unread)} jobs; find the others with `{listed}`.")
        for recording in recordings:
            if recording.phase is Phase.UPLOADING:
                again = "to go on with it" if _goes_on(recording) else "to send it"
                told = f"its upload has not ended; run the same command again {again}"
                printing.problem(told, of=recording.name)
        unsent = [one for one in recordings if one.phase is Phase.BEFORE]
        for recording in unsent if len(unsent) <= FEW else unsent[:1]:
            others = "" if len(unsent) <= FEW else f", nor were the {len(unsent) - 1} after it"
            printing.problem(f"it was not sent{others}", of=recording.name)

    def _placed(self, recording: Recording, contents: dict[str, bytes]) -> dict[str, Any]:
        """What is printed of a text: itself, the paths of its files, or nothing yet.

        Raises:
            NotWrittenError: its files could not be written.

        """
        if self._wishes.output.formats:
            paths = self._written(recording, contents)
            return {"files": [text_of(path) for path in paths] if self._wishes.as_json else paths}
        if self._wishes.as_json:
            return {"text": contents[READ_FORMAT].decode("utf-8", "replace")}
        self._texts[recording] = contents[READ_FORMAT]
        return {}

    def _contents(self, recording: Recording) -> dict[str, bytes]:
        """What is wanted of a text, by format.

        Raises:
            UnreachableError: it could not be fetched.

        """
        try:
            return {form: self._text(recording, form) for form in self._wishes.output.formats or (READ_FORMAT,)}
        except UnreachableError as error:
            again = self._wishes.show(recording.job_id, follow=True)
            raise UnreachableError(f"{error} Its text is there; come back with `{again}`.") from None

    def _text(self, recording: Recording, form: str) -> bytes:
        """The text as it was corrected, with the names as they are now; without either, the file that was announced."""
        corrected = recording.job.get("correction") is not None
        named = any(recording.job.get("names") or ())
        if corrected or named or _asks_for_speakers(recording.job):
            try:
                return self._api.latest_transcript(recording.job_id, form)
            except RefusedError as error:
                # Without names, the file that was announced is as good whatever is wrong, as if it is too large. It is
                # never as good as a corrected one.
                if corrected or (named and error.problem != NO_LATEST_VERSION):
                    raise
        return self._api.transcript(recording.job_id, form)

    def _written(self, recording: Recording, contents: dict[str, bytes]) -> list[Path]:
        assert recording.place is not None
        try:
            return self._files.write(recording.place, contents)
        except OSError as error:
            why = f"cannot be written into {recording.place.folder.absolute()} ({error.strerror})"
            again = f"make room or give another folder, then run `{self._wishes.show(recording.job_id, follow=False)}`"
            raise NotWrittenError(f"Its text is there and {why}: {again}.") from None


def _asks_for_speakers(job: dict[str, Any]) -> bool:
    """Whether a job may have had names at its end, which the file that was announced has for ever."""
    return bool((job.get("options") or {}).get("speakers", OFF) != OFF)


def _goes_on(recording: Recording) -> bool:
    return recording.source is not None and goes_on(recording.source, recording.total or 0)
