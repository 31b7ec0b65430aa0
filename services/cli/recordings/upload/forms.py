"""The upload of a recording with one form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.cli.api.answers import ended, refused_by_storage
from services.cli.errors import RefusedError
from services.cli.printing import note, shown
from services.common.domain.states import JobStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import httpx

    from services.cli.api.client import Api
    from services.cli.recordings.input.content import Content

FORMS = 5
"""How many are used, one after the other, if each ends before the storage has taken the recording."""
NOT_AWAITING = "NOT_AWAITING"


class _ArrivedError(Exception):
    """The job no longer waits for its recording."""


class FormUpload:
    """The upload of one recording."""

    def __init__(self, api: Api, content: Content, job_id: str, sent: Callable[[int], None]) -> None:
        """`sent` is called with the bytes that have been sent."""
        self._api = api
        self._content = content
        self._job = f"/api/jobs/{job_id}"
        self._sent = sent

    def send(self, form: Mapping[str, Any]) -> None:
        """Send it with this form, or with a fresh one once that has ended, until the recording has arrived.

        Raises:
            RefusedError: the storage refuses it, or the file has changed meanwhile.
            UnreachableError: the storage cannot be reached.

        """
        try:
            for _ in range(FORMS):
                reply = self._posted(form)
                if reply.is_success:
                    self._tell_if_changed()
                    return
                if not ended(reply):
                    break
                form = self._api.post(f"{self._job}/upload")["upload"]
        except _ArrivedError:
            return
        except RefusedError as error:
            if error.problem != NOT_AWAITING:
                raise
            return
        self._content.check()
        raise refused_by_storage(reply)

    def _tell_if_changed(self) -> None:
        """What arrived has the checksum of what was there at first; a file that only grew passes that."""
        if self._content.has_changed():
            note(f"{shown(self._content.word)} has changed while it was sent: the text will be of what it was before.")

    def _posted(self, form: Mapping[str, Any]) -> httpx.Response:
        tries = 0

        def ask() -> httpx.Response:
            nonlocal tries
            tries += 1
            # The recording may be there although no answer came: sent again, it could be transcribed once more.
            if tries > 1 and self._api.get(self._job)["status"] != JobStatus.AWAITING_UPLOAD:
                raise _ArrivedError
            # The storage wants the file as the last field.
            with self._content.as_file(self._sent) as file:
                return self._api.storage.post(form["url"], data=form["fields"], files={"file": ("recording", file)})

        return self._api.stored(ask)
