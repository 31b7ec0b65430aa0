"""What becomes of recordings: texts, files, remarks and errors, each printed where it belongs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.cli import printing
from services.cli.errors import JobFailedError, NotWrittenError, UnreachableError
from services.cli.explained import Explained, explain
from services.cli.recordings.output.telling import goes_on, print_path, print_text, problem_of, reason, say, text_of
from services.cli.recordings.progress.recording import Phase
from services.cli.recordings.side_by_side import side_by_side
from services.common.domain.options import READ_FORMAT
from services.common.domain.states import JobStatus

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from threading import Event

    from services.cli.api.client import Api
    from services.cli.recordings.options.outputs import Output
    from services.cli.recordings.output.files import Files
    from services.cli.recordings.progress.display import Display
    from services.cli.recordings.progress.recording import Recording

FEW = 3
"""So many recordings that were not sent are named one by one."""
AT_ONCE, TOGETHER = 4, 20
"""How many texts are fetched at the same time, and how many before they are printed or written."""


class Results:
    """Prints what becomes of the recordings of one run. One thread uses it."""

    def __init__(
        self,
        recordings: Sequence[Recording],
        *,
        api: Api,
        output: Output,
        files: Files,
        display: Display,
        as_json: bool,
        again: str,
    ) -> None:
        """Take what decides on where things are printed.

        Args:
            recordings: all of the run, in the order in which their texts are printed.
            api: from which texts are fetched.
            output: where they go.
            files: writes them.
            display: gives way for what is printed.
            as_json: whether a line of JSON is printed for each recording.
            again: options of `transcribe show` with which another run finds the same service, with a space before them.

        """
        self._recordings = recordings
        self._api, self._output, self._files, self._display = api, output, files, display
        self._as_json, self._again = as_json, again
        self._texts: dict[Recording, bytes] = {}
        self._fetched: dict[Recording, dict[str, bytes] | Exception] = {}

    @property
    def is_fetching(self) -> bool:
        """Whether fetching was broken off, as by Ctrl-C, so that threads may still be at it."""
        return bool(self._fetched)

    def sent(self, recording: Recording) -> None:
        """Print the id of a job for which nobody waits."""
        recording.phase = Phase.ENDED
        self._display.make_way()
        if self._as_json:
            printing.as_json({"file": recording.name, "job_id": recording.job_id}, line=True)
        else:
            print(recording.job_id, flush=True)

    def ended(self, recordings: Sequence[Recording]) -> None:
        """Fetch and print the texts of jobs that have ended, or say why there are none."""
        for start in range(0, len(recordings), TOGETHER):
            some = recordings[start : start + TOGETHER]
            self._fetched = {one: {} for one in some}
            side_by_side(self._fetch, some, AT_ONCE)
            for recording in some:
                self._print(recording, self._fetched.pop(recording))

    def _fetch(self, recording: Recording, _: Event) -> None:
        """Fetch what is wanted of a text. One that cannot be had keeps no other from being fetched."""
        try:
            self._fetched[recording] = self._contents(recording)
        except Exception as error:  # noqa: BLE001 - it is told when the recording has its turn
            self._fetched[recording] = error

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
        if self._as_json:
            printing.as_json({**recording.job, "file": recording.name, **printed}, line=True)
        for path in () if self._as_json else printed.get("files", ()):
            print_path(path)
        self.print_texts()

    def failed(self, recording: Recording, error: Exception) -> None:
        """Say what went wrong with a recording."""
        told = explain(error)
        self._display.make_way()
        say(recording, told.sentence)
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
        if self._as_json:
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
                print_text(heading.encode() + text)

    def left(self, recordings: Sequence[Recording]) -> None:
        """Say of recordings for which nobody waits any more what is with them, and how to come back."""
        for recording in recordings:
            if recording.phase is Phase.SENT or recording in self._texts:
                told = "its text is there" if recording.has_ended else "its job goes on"
                say(recording, f"{told}; come back with `{self.command(recording, follow=True)}`")
            elif recording.phase is Phase.UPLOADING:
                again = "to go on with it" if goes_on(recording) else "to send it"
                say(recording, f"its upload has not ended; run the same command again {again}")
        unsent = [one for one in recordings if one.phase is Phase.BEFORE]
        for recording in unsent if len(unsent) <= FEW else unsent[:1]:
            others = "" if len(unsent) <= FEW else f", nor were the {len(unsent) - 1} after it"
            say(recording, f"it was not sent{others}")

    def command(self, recording: Recording, *, follow: bool) -> str:
        """The command that shows a job's text or writes its files."""
        following = " --follow" if follow else ""
        return f"transcribe show {recording.job_id}{following}{self._output.options}{self._again}"

    def _placed(self, recording: Recording, contents: dict[str, bytes]) -> dict[str, Any]:
        """What is printed of a text: itself, the paths of its files, or nothing yet.

        Raises:
            NotWrittenError: its files could not be written.

        """
        if self._output.formats:
            paths = self._written(recording, contents)
            return {"files": [text_of(path) for path in paths] if self._as_json else paths}
        if self._as_json:
            return {"text": contents[READ_FORMAT].decode("utf-8", "replace")}
        self._texts[recording] = contents[READ_FORMAT]
        return {}

    def _contents(self, recording: Recording) -> dict[str, bytes]:
        """What is wanted of a text, by format.

        Raises:
            JobFailedError: there is none.
            UnreachableError: it could not be fetched.

        """
        if recording.job["status"] != JobStatus.COMPLETED:
            raise JobFailedError(reason(recording.job))
        try:
            return {
                form: self._api.transcript(recording.job_id, form) for form in self._output.formats or (READ_FORMAT,)
            }
        except UnreachableError as error:
            again = self.command(recording, follow=True)
            raise UnreachableError(f"{error} Its text is there; come back with `{again}`.") from None

    def _written(self, recording: Recording, contents: dict[str, bytes]) -> list[Path]:
        assert recording.place is not None
        try:
            return self._files.write(recording.place, contents)
        except OSError as error:
            why = f"cannot be written into {recording.place.folder.absolute()} ({error.strerror})"
            again = f"make room or give another folder, then run `{self.command(recording, follow=False)}`"
            raise NotWrittenError(f"Its text is there and {why}: {again}.") from None
