"""The upload of a recording with one form."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from services.cli.api.answers import NOT_AWAITING, ended, refused_by_storage
from services.cli.errors import RefusedError
from services.cli.printing import note, shown
from services.common.domain.states import JobStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from services.cli.api.answers import Answer
    from services.cli.api.client import Api
    from services.cli.recordings.input.content import Content

FORMS = 5
"""How many are used, one after the other, if each ends before the storage has taken the recording."""
ARRIVAL_SECONDS = 8.0
"""How long a job is looked at whose recording may lie there: the service learns of it by an event of S3's."""
LOOK_EVERY_SECONDS = 0.5
PERHAPS_TAKEN = (500, 502, 504)
"""What the storage, or somebody on the way to it, may answer although the recording was taken."""


class _ArrivedError(Exception):
    """The job no longer waits for its recording."""


@dataclass(frozen=True, kw_only=True)
class Form:
    """Where a recording is posted, and with which fields."""

    url: str
    fields: Mapping[str, str]

    @classmethod
    def of(cls, answer: Answer) -> Form:
        """That of an answer of the API's."""
        form = answer["upload"]
        return cls(url=str(form["url"]), fields=dict(form["fields"]))


class FormUpload:
    """The upload of one recording."""

    def __init__(self, api: Api, content: Content, job_id: str, sent: Callable[[int], None]) -> None:
        """`sent` is called with the bytes that have been sent."""
        self._api = api
        self._content = content
        self._job = f"/api/jobs/{job_id}"
        self._told = sent
        self._sent = 0
        """Bytes, with the present try."""

    def send(self, form: Form) -> None:
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
                form = self._api.post(f"{self._job}/upload").read(Form.of)
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

    def _posted(self, form: Form) -> httpx.Response:
        look: float | None = None

        def ask() -> httpx.Response:
            nonlocal look
            # The recording may be there although no answer came: sent again, it could be transcribed once more.
            if look is not None and self._arrives(look):
                raise _ArrivedError
            look = 0.0
            try:
                reply = self._post(form)
            except httpx.RequestError:
                look = self._seconds_to_look()
                raise
            if reply.status_code in PERHAPS_TAKEN:
                look = self._seconds_to_look()
            return reply

        return self._api.stored(ask)

    def _post(self, form: Form) -> httpx.Response:
        self._sent = 0
        # The storage wants the file as the last field.
        with self._content.as_file(self._count) as file:
            return self._api.storage.post(form.url, data=dict(form.fields), files={"file": ("recording", file)})

    def _count(self, sent: int) -> None:
        self._sent = sent
        self._told(sent)

    def _seconds_to_look(self) -> float:
        """How long the job is looked at before the next try; what was not sent to its end lies nowhere."""
        return ARRIVAL_SECONDS if self._sent == self._content.size else 0.0

    def _arrives(self, seconds: float) -> bool:
        """Whether the job has its recording, or has it within these seconds."""
        until = time.monotonic() + seconds
        while self._api.get(self._job)["status"] == JobStatus.AWAITING_UPLOAD:
            if time.monotonic() >= until:
                return False
            time.sleep(LOOK_EVERY_SECONDS)
            # Whoever is told may want that this ends.
            self._told(self._sent)
        return True
