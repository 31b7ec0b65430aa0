"""Brings a recording from where it lies to the service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.cli.api.answers import NO_MORE, is_of_job
from services.cli.errors import RefusedError, UnreachableError
from services.cli.recordings.input import content, fetching
from services.cli.recordings.upload.forms import Form, FormUpload
from services.cli.recordings.upload.parts import PartsUpload
from services.cli.recordings.upload.resume_record import Registration, ResumeRecord, can_keep
from services.common.domain.states import JobStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from services.cli.api.client import Api
    from services.cli.recordings.input.content import Content
    from services.cli.recordings.input.sources import Source

LARGEST_FORM = 100_000_000
"""Bytes; what is larger is uploaded in parts, which can go on after an interruption."""
HAS_NOTHING = (JobStatus.FAILED, JobStatus.CANCELED, JobStatus.EXPIRED)
"""A job that has ended like this is no reason not to make another one of the same recording."""


def is_form(size: int) -> bool:
    """Whether a recording of so many bytes is uploaded with one form."""
    return size <= LARGEST_FORM


def goes_on(source: Source, size: int) -> bool:
    """Whether the same command goes on with an upload that was interrupted."""
    return not is_form(size) and can_keep(source)


class Uploads:
    """Uploads to one service. Several recordings may be sent at once, each by a thread."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def send(
        self,
        source: Source,
        wanted: Mapping[str, Any],
        *,
        registered: Callable[[str], None],
        progress: Callable[[str, int, int | None], None],
    ) -> None:
        """Register a recording and upload it.

        Args:
            source: of the recording.
            wanted: the body of `POST /api/jobs` without the file's name, size and checksums.
            registered: called with the job's id as soon as it is known.
            progress: called with the stage (`fetching`, `checking` or `uploading`), the bytes that are done of it, and
                the bytes of all if they are known; of a large recording by several threads, one at a time.

        Raises:
            RefusedError: the recording is empty, cannot be had or changes meanwhile, another run uploads it, or the
                service refuses it.
            UnreachableError: the service, its storage or the recording's address cannot be reached.

        """
        with self._opened(source, progress) as opened:
            upload = _Upload(self._api, source, opened, registered, progress)
            if is_form(opened.size):
                upload.with_form(wanted)
            else:
                upload.in_parts(wanted)

    def _opened(
        self, source: Source, progress: Callable[[str, int, int | None], None]
    ) -> AbstractContextManager[Content]:
        if source.beside:
            return content.of_file(source.beside, source.word)
        return fetching.spooled(source, self._api, lambda done, size: progress("fetching", done, size))


class _Upload:
    """One recording, whose content is on this machine."""

    def __init__(
        self,
        api: Api,
        source: Source,
        opened: Content,
        registered: Callable[[str], None],
        progress: Callable[[str, int, int | None], None],
    ) -> None:
        self._api = api
        self._source = source
        self._content = opened
        self._registered = registered
        self._checked = lambda done: progress("checking", done, opened.size)
        self._sent = lambda done: progress("uploading", done, opened.size)

    def with_form(self, wanted: Mapping[str, Any]) -> None:
        made = self._api.post("/api/jobs", self._body(wanted, checksum_sha256=self._content.sha256(self._checked)))
        job_id = str(made["job_id"])
        self._registered(job_id)
        FormUpload(self._api, self._content, job_id, self._sent).send(made.read(Form.of))

    def in_parts(self, wanted: Mapping[str, Any]) -> None:
        record = ResumeRecord(self._api.identity, self._source, self._content, wanted)
        with record.held():
            self._go_on(record, wanted)

    def _go_on(self, record: ResumeRecord, wanted: Mapping[str, Any]) -> None:
        try:
            earlier = self._earlier(record)
            job_id = earlier or self._new(record, wanted)
            self._registered(job_id)
            PartsUpload(self._api, self._content, job_id, self._sent).send(resumed=earlier is not None)
        except RefusedError as error:
            # A wrong page of a proxy, or a key that is put right, is no reason to begin anew.
            if is_of_job(error) or self._content.has_changed():
                record.remove()
            raise
        except UnreachableError as error:
            if not record.is_kept:
                raise
            raise UnreachableError(f"{error} The same command goes on with the upload where it stopped.") from None
        record.remove()

    def _earlier(self, record: ResumeRecord) -> str | None:
        """The job that an earlier run has registered, if its recording may still come or has come."""
        found = record.read()
        if found is None:
            return None
        try:
            if found.job_id is None:
                job = self._api.post("/api/jobs", found.body, idempotency_key=found.idempotency_key)
                record.write(found.known(job["job_id"]))
            else:
                job = self._api.get(f"/api/jobs/{found.job_id}")
        except RefusedError as error:
            if error.problem in NO_MORE:
                return None
            raise
        return None if job["status"] in HAS_NOTHING else str(job["job_id"])

    def _new(self, record: ResumeRecord, wanted: Mapping[str, Any]) -> str:
        checksum = self._content.crc32(self._checked)
        registration = Registration.of(self._body(wanted, multipart=True, checksum_crc32=checksum))
        record.write(registration)
        job = self._api.post("/api/jobs", registration.body, idempotency_key=registration.idempotency_key)
        record.write(registration.known(job["job_id"]))
        return str(job["job_id"])

    def _body(self, wanted: Mapping[str, Any], **about: object) -> dict[str, Any]:
        return {**wanted, "file_name": self._source.file_name, "size": self._content.size, **about}
