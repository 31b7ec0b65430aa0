"""The catalogue of the API's errors: every code that a problem document can have, its status, meaning and remedy."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class ProblemCode(StrEnum):
    """Code, HTTP status, meaning and remedy of each. A code that is not listed here cannot be answered."""

    status: int
    """The HTTP status. Each code has one."""
    meaning: str
    remedy: str

    def __new__(cls, code: str, status: int, meaning: str, remedy: str) -> Self:
        """Make a member of a row."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.status, member.meaning, member.remedy = status, meaning, remedy
        return member

    @property
    def slug(self) -> str:
        """The code as its address spells it, such as `not-found`."""
        return self.lower().replace("_", "-")

    @property
    def heading(self) -> str:
        """The code as words, such as `Not found`."""
        return self.replace("_", " ").capitalize()

    @property
    def path(self) -> str:
        """Where the API tells about the code, without its host."""
        return f"/api/problems/{self.slug}"

    UNAUTHORIZED = (
        "UNAUTHORIZED",
        401,
        "The request has no API key, or one that is unknown or revoked.",
        "Send a valid key as `Authorization: Bearer …`. An operator makes keys with `transcribe keys create`.",
    )
    SHARE_ENDED = (
        "SHARE_ENDED",
        401,
        "The share has ended, was taken back, or there never was one: its transcript cannot be opened with this token.",
        "Ask whoever sent the link for a new one.",
    )
    ONLY_TO_READ = (
        "ONLY_TO_READ",
        403,
        "The share lets its holder read the transcript, and not correct it.",
        "Ask whoever sent the link for one that lets you correct.",
    )
    NOT_FOUND = (
        "NOT_FOUND",
        404,
        "There is nothing at this address, or it belongs to another client. The answer is the same for both.",
        "Compare the id with the one that the API gave. What was erased, deleted or has expired is gone.",
    )
    NO_SUCH_FORMAT = (
        "NO_SUCH_FORMAT",
        404,
        "The job was made for other formats of the transcript.",
        "Ask for a format that `detail` names, or make a new job whose `formats` hold the one you need.",
    )
    NO_LATEST_VERSION = (
        "NO_LATEST_VERSION",
        404,
        "The words of which the transcript's latest version is made are not kept, or not as this release keeps them.",
        "Leave `version` out: the machine's version is there, with the names that it was written with.",
    )
    NO_SUCH_VERSION = (
        "NO_SUCH_VERSION",
        404,
        "The transcript has no correction of this number, or it is not written as this release writes them.",
        "Ask for the number that `correction` of the job names, or for `latest`.",
    )
    METHOD_NOT_ALLOWED = (
        "METHOD_NOT_ALLOWED",
        405,
        "The address exists, but does not take this method.",
        "Use a method that the header `Allow` names.",
    )
    TRANSCRIPT_TOO_LARGE = (
        "TRANSCRIPT_TOO_LARGE",
        406,
        "The transcript's latest version is too large for a reply, in the format and the encoding that are asked for.",
        "Send the header `Accept-Encoding: gzip`, ask for another format, or leave `version` out.",
    )
    CONFLICT = (
        "CONFLICT",
        409,
        "Another request or a machine changed the same thing at the same moment. Nothing was done.",
        "Read it again, and repeat the request if it still makes sense.",
    )
    ALREADY_ENDED = (
        "ALREADY_ENDED",
        409,
        "The job that was to be canceled has ended in another way.",
        "Read the job: there is nothing left to cancel.",
    )
    NOT_FAILED = (
        "NOT_FAILED",
        409,
        "The job that was to be retried has not failed.",
        "Read the job. Only a failed job is retried; a canceled one begins anew when its recording is uploaded again.",
    )
    NOT_COMPLETED = (
        "NOT_COMPLETED",
        409,
        "The job has no transcript: it is not completed.",
        "Wait until the job's status is `completed`. A webhook tells it, or the job itself.",
    )
    NOT_AWAITING = (
        "NOT_AWAITING",
        409,
        "The job does not wait for an upload, or not for one in parts: it came, the job has ended, or it has a form.",
        "Read the job. If it was canceled or has expired, register a new one.",
    )
    MISSING_PARTS = (
        "MISSING_PARTS",
        409,
        "The upload cannot be completed: S3 does not have all of its parts.",
        "Get links for the missing parts with `POST /api/jobs/{job_id}/upload`, send them, and complete it again.",
    )
    VOCABULARY_EXISTS = (
        "VOCABULARY_EXISTS",
        409,
        "The client has a vocabulary of this name.",
        "Replace its words with `PATCH /api/vocabularies/{name}`, or take another name.",
    )
    TOO_MANY_VOCABULARIES = (
        "TOO_MANY_VOCABULARIES",
        409,
        "The client has as many vocabularies as it may have.",
        "Delete a vocabulary that is no longer needed. Jobs that were made with it keep its words.",
    )
    TOO_MANY_SHARES = (
        "TOO_MANY_SHARES",
        409,
        "The job has as many shares as it may have.",
        "Take one back that is no longer needed, with `DELETE /api/jobs/{job_id}/shares/{share_id}`.",
    )
    TOO_MANY_CALLBACKS = (
        "TOO_MANY_CALLBACKS",
        409,
        "The client has as many callbacks as it may have.",
        "Delete a callback that is no longer needed.",
    )
    TOO_MANY_SECRETS = (
        "TOO_MANY_SECRETS",
        409,
        "The callback has as many secrets as may sign a message, and each is promised its 24 hours.",
        "Rotate again when `detail` says; `Retry-After` has the seconds until then.",
    )
    CALLBACK_DISABLED = (
        "CALLBACK_DISABLED",
        409,
        "The callback is disabled: nothing is sent to it.",
        "Put its receiver right, then enable the callback with `POST /api/callbacks/{callback_id}/enable`.",
    )
    CALLBACK_INACTIVE = (
        "CALLBACK_INACTIVE",
        409,
        "The callback of this delivery was deleted, is disabled, or has not answered its challenge.",
        "Enable the callback, or register it again. The feed `GET /api/events` holds the same messages.",
    )
    NOT_DISABLED = (
        "NOT_DISABLED",
        409,
        "The callback that was to be enabled is not disabled.",
        "Nothing has to be done for an active one. A pending one becomes active when its challenge is answered.",
    )
    UNDER_WAY = (
        "UNDER_WAY",
        409,
        "An attempt at this delivery is being made at this moment.",
        "Look at the ledger after some seconds, and redeliver if the attempt has failed.",
    )
    DELETED_SINCE = (
        "DELETED_SINCE",
        409,
        "The request was carried out before under its `Idempotency-Key`, and what it made has been deleted since.",
        "Take a new `Idempotency-Key` to make it once more.",
    )
    RECORDING_GONE = (
        "RECORDING_GONE",
        410,
        "The recording of which the transcript was made is not there any more: it was deleted, or replaced by another.",
        "Go on without the sound. The transcript stays as it is.",
    )
    CORRECTED_MEANWHILE = (
        "CORRECTED_MEANWHILE",
        412,
        "Somebody has saved another correction since the one that `If-Match` names. Nothing was changed.",
        "Read the newest correction, whose number is `latest`, bring the changes together, and save them upon it.",
    )
    TOO_LARGE = (
        "TOO_LARGE",
        413,
        "The request's body, or the upload that it announces, is larger than is allowed.",
        "Send a smaller body. Register a recording beyond 5 GB with `multipart`, and put a still larger one into S3.",
    )
    UNSUPPORTED_MEDIA_TYPE = (
        "UNSUPPORTED_MEDIA_TYPE",
        415,
        "The body does not say that it is JSON.",
        "Send the header `Content-Type: application/json`.",
    )
    INVALID_REQUEST = (
        "INVALID_REQUEST",
        422,
        "A field, a parameter or a header is wrong, the body is not JSON in UTF-8, or the operation takes none.",
        "Correct what `errors` names, field by field. Without `errors`, the body cannot be read, as `detail` says.",
    )
    INVALID_OPTION = (
        "INVALID_OPTION",
        422,
        "Options of the job do not go together: one needs another, or `prompt` and `hotwords` are too long together.",
        "Correct the option that `field` names, as `detail` says.",
    )
    INVALID_ANNOTATION = (
        "INVALID_ANNOTATION",
        422,
        (
            "The job's metadata or its names have too many bytes as a whole. A single text or key that is wrong is an "
            "`INVALID_REQUEST`."
        ),
        "Shorten them, as `detail` says.",
    )
    INVALID_CORRECTION = (
        "INVALID_CORRECTION",
        422,
        "The changes are not written as changes, or do not fit the machine's words.",
        "Correct what `field` names, as `detail` says. `GET /api/jobs/{job_id}/words` has the words.",
    )
    MODEL_UNAVAILABLE = (
        "MODEL_UNAVAILABLE",
        422,
        "This deployment does not hold the model or style, its machines may not fetch it, or it has no speaker labels.",
        "Take a model and style that `detail` or `/api/openapi.json` lists, leave out `speakers`, or ask the operator.",
    )
    INVALID_URL = (
        "INVALID_URL",
        422,
        "The callback's URL breaks a rule.",
        "Correct it as `detail` says: https, port 443 or 8443, a public host, no user name and no fragment.",
    )
    ADDRESS_REFUSED = (
        "ADDRESS_REFUSED",
        422,
        "The callback's URL names an address that is not on the public internet.",
        "Give a host that everybody can reach.",
    )
    UNKNOWN_CALLBACK = (
        "UNKNOWN_CALLBACK",
        422,
        "The job names a callback that does not exist or is another client's.",
        "Name one that `GET /api/callbacks` lists, or register it first.",
    )
    UNKNOWN_VOCABULARY = (
        "UNKNOWN_VOCABULARY",
        422,
        "The job names a vocabulary that does not exist or is another client's.",
        "Name one that `GET /api/vocabularies` lists, or make it first.",
    )
    UPLOAD_DIFFERS = (
        "UPLOAD_DIFFERS",
        422,
        "The parts together are not the file that was announced: the size or the checksum differs. They are discarded.",
        "Begin again with `POST /api/jobs/{job_id}/upload`. If the file has changed since, register a new job.",
    )
    INVALID_CURSOR = (
        "INVALID_CURSOR",
        422,
        "`after` is the cursor of another kind of list, or no cursor.",
        "Pass `next` of the page before, unchanged, or leave `after` out to begin.",
    )
    IDEMPOTENCY_KEY_REUSED = (
        "IDEMPOTENCY_KEY_REUSED",
        422,
        "The `Idempotency-Key` was used for another request within the last day.",
        "Take a new key for each new request, and the same key only to send the same request again.",
    )
    PRECONDITION_REQUIRED = (
        "PRECONDITION_REQUIRED",
        428,
        "The request does not say upon which correction it is made, so it might undo another one.",
        'Send the header `If-Match` with the `ETag` of the correction that was read; `"0"` if there was none.',
    )
    TOO_MANY_REQUESTS = (
        "TOO_MANY_REQUESTS",
        429,
        "The key has made as many requests in this minute as it may.",
        "Wait as many seconds as `Retry-After` says. An operator can make a key with a higher limit.",
    )
    INTERNAL = (
        "INTERNAL",
        500,
        "Something went wrong in the API itself.",
        "Send the request again later, with the same `Idempotency-Key`; then give the operator the `request_id`.",
    )
    UNAVAILABLE = (
        "UNAVAILABLE",
        503,
        "A service behind the API did not answer.",
        "Send the request again after as many seconds as `Retry-After` says, with the same `Idempotency-Key`.",
    )
