"""Examples in the OpenAPI document: of every request, every reply and every message; `refusals` adds those of refusals.

Tests hold each of them to its schema.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.api.contract.example_records import (
    API,
    CALLBACK,
    CALLBACK_VIEW,
    CHANGES,
    COMPLETED,
    CORRECTION,
    DELIVERY,
    EVENT,
    JOB,
    LAST,
    NO_PROGRESS,
    PROBLEM_TYPE,
    QUEUED,
    REGISTERED,
    SECRET,
    SHARE_TOKEN,
    SHARE_VIEW,
    TRANSCRIPT,
    UPLOAD_FORM,
    VOCABULARY,
    VOCABULARY_SUMMARY,
    WORDS,
)
from services.common.domain.events import EventType

if TYPE_CHECKING:
    from collections.abc import Mapping

_BUCKET = "https://transcribe-123456789012.s3.eu-north-1.amazonaws.com"
_NOT_IN_MESSAGES = (
    "options",
    "waiting",
    "waiting_reason",
    "parts",
    "parts_done",
    "callback_id",
    "progress",
    "expires_at",
)


def _told(view: Mapping[str, Any], **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """What a message tells of a job: what the job does not have is left out."""
    facts = {name: value for name, value in view.items() if value is not None and name not in _NOT_IN_MESSAGES}
    return {**facts, **more}


_NO_SOUND = {"code": "NO_AUDIO_TRACK", "message": "The file holds pictures only.", "retryable": False}
_DATA: Mapping[EventType, dict[str, Any]] = {
    EventType.QUEUED: _told(QUEUED),
    EventType.STARTED: _told(QUEUED, status="running"),
    EventType.INTERRUPTED: _told(QUEUED, attempt=1),
    EventType.COMPLETED: _told(COMPLETED, text="Välkomna till mötet. Vi börjar med föregående protokoll."),
    EventType.FAILED: _told(QUEUED, status="failed", error=_NO_SOUND),
    EventType.CANCELED: _told(QUEUED, status="canceled"),
    EventType.EXPIRED: _told(REGISTERED, status="expired"),
    EventType.CORRECTED: _told(COMPLETED, correction=CORRECTION),
    EventType.CALLBACK_DISABLED: {"callback_id": CALLBACK, "url": CALLBACK_VIEW["url"], "reason": "gone"},
    EventType.CALLBACK_TEST: {"callback_id": CALLBACK, "message": "This is a test."},
    EventType.CALLBACK_CHALLENGE: {"callback_id": CALLBACK, "challenge": "q3k0oZ2v7Jx1m5Yt8Rb4Wd6Ne9Hs"},
}
MESSAGES = {
    kind.value: {
        "type": kind.value,
        "timestamp": "2026-11-26T09:01:31.900Z",
        "version": 1,
        "data": {**data, "sequence": LAST},
    }
    for kind, data in _DATA.items()
}
BODIES: Mapping[str, Any] = {
    "CallbackList": {"callbacks": [CALLBACK_VIEW]},
    "CallbackUpdate": {"url": CALLBACK_VIEW["url"], "prefix": "meetings/"},
    "CallbackView": CALLBACK_VIEW,
    "CreatedJob": {
        **REGISTERED,
        "upload": UPLOAD_FORM,
        "callback": {"callback_id": CALLBACK, "secret": SECRET},
    },
    "CorrectionUpdate": {"changes": CHANGES},
    "CorrectionView": {
        "number": 7,
        "changed_at": "2026-11-26T10:30:00.000Z",
        "by": "client",
        "changes": CHANGES,
        "latest": 7,
    },
    "CreatedShare": {**SHARE_VIEW, "token": SHARE_TOKEN, "url": f"{API}/#share={SHARE_TOKEN}"},
    "DeliveryPage": {"deliveries": [DELIVERY], "next": None},
    "DeliveryView": DELIVERY,
    "Feed": {
        "events": [
            {
                "event_id": EVENT,
                "job_id": JOB,
                "type": "transcription.completed",
                "created_at": "2026-11-26T09:01:31.900Z",
                "body": MESSAGES["transcription.completed"],
                "callback_id": None,
            }
        ],
        "next": "abqwnf7yk3n5ya7qkbdhvx2mwtj4crgzpes",
    },
    "Health": {"status": "ok"},
    "JobPage": {"jobs": [COMPLETED], "next": None},
    "JobUpdate": {"reference": "case 2026-114", "metadata": {"department": "north"}},
    "JobView": COMPLETED,
    "MachineWords": WORDS,
    "NamesUpdate": {"names": ["Anna Ek", None, "Bo"]},
    "NewCallback": {"url": CALLBACK_VIEW["url"], "prefix": "meetings/", "challenge": True},
    "NewJob": {
        "file_name": "möte.mp3",
        "size": 981_236,
        "content_type": "audio/mpeg",
        "options": {"language": "sv", "hotwords": "Åsa Örjansdotter", "vocabulary": "council"},
        "callback": {"url": "https://hooks.example.com/transcriptions"},
        "reference": "case 2026-114",
        "metadata": {"department": "north"},
    },
    "NewShare": {"right": "correct", "days": 7, "label": "Anna at the desk"},
    "NewVocabulary": {"name": "council", "words": VOCABULARY["words"]},
    "NewSecret": {**CALLBACK_VIEW, "secret": SECRET},
    "ProblemType": PROBLEM_TYPE,
    "ProblemTypeList": {"problems": [PROBLEM_TYPE]},
    "Receipt": {
        "job_id": JOB,
        "erased_at": "2026-11-26T12:00:00.000Z",
        "removed": {"recording": 1, "results": 6, "work": 2, "records": 4},
        "erases_uploads_until": "2026-11-27T13:00:00.000Z",
        "ages_out": [{"what": "point-in-time backups of the table", "days": 35}],
        "final": False,
    },
    "Recording": {
        "url": f"{_BUCKET}/uploads/acme/{JOB}/m%C3%B6te.mp3?response-content-type=audio%2Fmpeg&X-Amz-Expires=3600",
        "media_type": "audio/mpeg",
        "kind": "source",
        "video": False,
        "expires_at": "2026-11-26T10:01:31.900Z",
        "peaks": {
            "url": f"{_BUCKET}/results/{JOB}/1/peaks.gz?response-content-encoding=gzip&X-Amz-Expires=3600",
            "per_second": 20,
        },
    },
    "SavedCorrection": {
        "number": 7,
        "changed_at": "2026-11-26T10:30:00.000Z",
        "by": "client",
        "expires_at": "2026-12-26T10:30:00.000Z",
    },
    "SharedTranscript": {
        "file_name": "möte.mp3",
        "language": "sv",
        "duration": 1873.2,
        "names": ["Anna Ek", None, "Bo"],
        "right": "correct",
        "ends_at": SHARE_VIEW["ends_at"],
        "expires_at": "2026-12-26T10:30:00.000Z",
    },
    "ShareList": {"shares": [SHARE_VIEW]},
    "Transcript": TRANSCRIPT,
    "TranscriptLink": {
        "url": f"{_BUCKET}/results/{JOB}/1/transcript.txt?X-Amz-Expires=300",
        "hint": "Follow the link without the Authorization header.",
    },
    "VocabularyList": {"vocabularies": [VOCABULARY_SUMMARY]},
    "VocabularyUpdate": {"words": ["Kommunfullmäktige", "Sävar", "Holmön"]},
    "VocabularyView": VOCABULARY,
    "RenewedUpload": {
        "upload": None,
        "multipart": {
            "part_size": 8_388_608,
            "parts": 2,
            "received": [1],
            "links": [
                {
                    "number": 2,
                    "bytes": 981_236,
                    "url": f"{_BUCKET}/uploads/acme/{JOB}/m%C3%B6te.mp3"
                    "?uploadId=VXBsb2FkIElE&partNumber=2&X-Amz-SignedHeaders=content-length%3Bhost",
                }
            ],
            "next": None,
            "expires_at": "2026-11-26T10:00:00.000Z",
        },
    },
}
_STATES: Mapping[str, Mapping[str, Any]] = {
    "complete_upload": REGISTERED,
    "cancel_job": {**QUEUED, "status": "canceled", "progress": {**NO_PROGRESS, "stage": "ended"}},
    "retry_job": {**QUEUED, "progress": {**NO_PROGRESS, "stage": "queued", "fraction": None}},
    "test_callback": {
        **DELIVERY,
        "type": "callback.test",
        "status": "pending",
        "attempts": 0,
        "tries": [],
        "next_attempt_at": "2026-11-26T09:01:31.900Z",
    },
    "redeliver": {**DELIVERY, "status": "pending", "next_attempt_at": "2026-11-26T12:00:00.000Z"},
}
"""Examples of operations whose reply shows another state than the one that its schema's example shows."""


def add(document: dict[str, Any]) -> None:
    """Add the examples to a document, in place."""
    for operations in document["paths"].values():
        for operation in operations.values():
            if body := operation.get("requestBody"):
                _put(body["content"], None)
            for reply in operation["responses"].values():
                _put(reply.get("content", {}), _STATES.get(operation["operationId"]))
    for kind, message in document["webhooks"].items():
        message["post"]["requestBody"]["content"]["application/json"]["example"] = MESSAGES[kind]


def _put(content: dict[str, Any], own: Mapping[str, Any] | None) -> None:
    for described in (one for one in content.values() if "example" not in one):
        schema = described["schema"]
        first = schema.get("anyOf", [schema])[0]
        described["example"] = own or BODIES[first["$ref"].rsplit("/", 1)[-1]]
