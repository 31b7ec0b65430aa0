"""Examples in the OpenAPI document: of every request, every reply and every message; `refusals` adds those of refusals.

Tests hold each of them to its schema.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.api.problem_codes import ProblemCode
from services.common.domain.events import EventType

if TYPE_CHECKING:
    from collections.abc import Mapping

_API = "https://api.example.com"
_JOB, _CALLBACK, _EVENT = (
    f"{kind}_{name}"
    for kind, name in (
        ("job", "r4cmb7wnsyv3qk2ed5xhgz6tui"),
        ("cb", "m2vzkq6rdt4xwp7hsnya3ejgoc"),
        ("evt", "3n5ya7qkbdhvx2mwtj4crgzpes"),
    )
)
_SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="  # noqa: S105 - an example
_PROBLEM_TYPE = {
    "type": f"{_API}{ProblemCode.NOT_FOUND.path}",
    "code": ProblemCode.NOT_FOUND.value,
    "title": ProblemCode.NOT_FOUND.heading,
    "status": ProblemCode.NOT_FOUND.status,
    "meaning": ProblemCode.NOT_FOUND.meaning,
    "remedy": ProblemCode.NOT_FOUND.remedy,
}
_OPTIONS = {
    "language": "sv",
    "model": "KBLab/kb-whisper-small",
    "style": "standard",
    "preset": "balanced",
    "prompt": None,
    "hotwords": "Åsa Örjansdotter",
    "words": False,
    "channels": "mixed",
    "tracks": None,
    "formats": ["json", "txt", "srt", "vtt", "tsv"],
    "doubtful_places": False,
}
_REGISTERED = {
    "job_id": _JOB,
    "status": "awaiting_upload",
    "file_name": "möte.mp3",
    "source": f"s3://transcribe-123456789012/uploads/acme/{_JOB}/möte.mp3",
    "created_at": "2026-11-26T09:00:00.000Z",
    "times": {"created": "2026-11-26T09:00:00.000Z"},
    "job_url": f"{_API}/api/jobs/{_JOB}",
    "attempt": None,
    "language": None,
    "duration": None,
    "model": None,
    "quality": None,
    "results": None,
    "cost": None,
    "error": None,
    "options": _OPTIONS,
    "waiting": None,
    "waiting_reason": None,
    "parts": 1,
    "parts_done": 0,
    "sequence": 1_795_683_600_000,
    "reference": "case 2026-114",
    "metadata": {"department": "north"},
    "callback_id": _CALLBACK,
}
_QUEUED_TIMES = {
    **_REGISTERED["times"],  # type: ignore[dict-item] # a map of times
    "uploaded": "2026-11-26T09:00:11.000Z",
    "queued": "2026-11-26T09:00:12.480Z",
}
_QUEUED = {**_REGISTERED, "status": "queued", "times": _QUEUED_TIMES, "sequence": 1_795_683_612_480}
_RESULTS = [
    {
        "format": form,
        "uri": f"s3://transcribe-123456789012/results/{_JOB}/1/transcript.{form}",
        "bytes": size,
        "sha256": digest * 64,
        "result_url": f"{_API}/api/jobs/{_JOB}/transcript?format={form}",
    }
    for form, size, digest in (("json", 1_894, "a"), ("txt", 62, "b"))
]
_LAST = 1_795_683_691_900
_COMPLETED = {
    **_REGISTERED,
    "status": "completed",
    "times": {
        **_QUEUED_TIMES,
        "claimed": "2026-11-26T09:01:29.310Z",
        "planned": "2026-11-26T09:01:30.200Z",
        "first_text": "2026-11-26T09:01:31.020Z",
        "transcribed": "2026-11-26T09:01:31.640Z",
        "completed": "2026-11-26T09:01:31.900Z",
    },
    "attempt": 1,
    "language": "sv",
    "duration": 61.4,
    "model": {"name": "KBLab/kb-whisper-small", "revision": "4f6cbf5"},
    "quality": {
        "confidence": 0.94,
        "doubtful_share": 0.01,
        "covered_share": 1.0,
        "flagged_clips": 0,
        "truncated_at": None,
        "warnings": ["gaps"],
        "remarks": [{"code": "gaps", "message": "15.7 s of sound are missing at 28.2 s.", "at": 28.2}],
    },
    "results": _RESULTS,
    "cost": {
        "machine_seconds": 79.2,
        "market": "spot",
        "instance_type": "g4dn.xlarge",
        "dollars_per_hour": 0.19,
        "dollars": 0.00418,
    },
    "parts_done": 1,
    "sequence": _LAST,
}
_CALLBACK_VIEW = {
    "callback_id": _CALLBACK,
    "url": "https://hooks.example.com/transcriptions",
    "events": ["transcription.completed", "transcription.failed"],
    "prefix": "meetings/",
    "status": "active",
    "disabled_reason": None,
    "description": "The archive",
    "created_at": "2026-11-20T08:00:00.000Z",
    "failing_since": None,
}
_DELIVERY = {
    "delivery_id": f"{_EVENT}.{_CALLBACK}",
    "event_id": _EVENT,
    "type": "transcription.completed",
    "callback_id": _CALLBACK,
    "status": "delivered",
    "attempts": 2,
    "tries": [
        {
            "at": "2026-11-26T09:01:32.000Z",
            "outcome": "HTTP_STATUS",
            "status": 503,
            "milliseconds": 120,
            "detail": "Try later.",
        },
        {
            "at": "2026-11-26T09:01:37.000Z",
            "outcome": "DELIVERED",
            "status": 204,
            "milliseconds": 41,
            "detail": None,
        },
    ],
    "next_attempt_at": None,
}
_NOT_IN_MESSAGES = ("options", "waiting", "waiting_reason", "parts", "parts_done", "callback_id")


def _told(view: Mapping[str, Any], **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """What a message tells of a job: what the job does not have is left out."""
    facts = {name: value for name, value in view.items() if value is not None and name not in _NOT_IN_MESSAGES}
    return {**facts, **more}


_NO_SOUND = {"code": "NO_AUDIO_TRACK", "message": "The file holds pictures only.", "retryable": False}
_DATA: Mapping[EventType, dict[str, Any]] = {
    EventType.QUEUED: _told(_QUEUED),
    EventType.STARTED: _told(_QUEUED, status="running"),
    EventType.INTERRUPTED: _told(_QUEUED, attempt=1),
    EventType.COMPLETED: _told(_COMPLETED, text="Välkomna till mötet. Vi börjar med föregående protokoll."),
    EventType.FAILED: _told(_QUEUED, status="failed", error=_NO_SOUND),
    EventType.CANCELED: _told(_QUEUED, status="canceled"),
    EventType.EXPIRED: _told(_REGISTERED, status="expired"),
    EventType.CALLBACK_DISABLED: {"callback_id": _CALLBACK, "url": _CALLBACK_VIEW["url"], "reason": "gone"},
    EventType.CALLBACK_TEST: {"callback_id": _CALLBACK, "message": "This is a test."},
    EventType.CALLBACK_CHALLENGE: {"callback_id": _CALLBACK, "challenge": "q3k0oZ2v7Jx1m5Yt8Rb4Wd6Ne9Hs"},
}
MESSAGES = {
    kind.value: {
        "type": kind.value,
        "timestamp": "2026-11-26T09:01:31.900Z",
        "version": 1,
        "data": {**data, "sequence": _LAST},
    }
    for kind, data in _DATA.items()
}
BODIES: Mapping[str, Any] = {
    "CallbackList": {"callbacks": [_CALLBACK_VIEW]},
    "CallbackUpdate": {"url": _CALLBACK_VIEW["url"], "prefix": "meetings/"},
    "CallbackView": _CALLBACK_VIEW,
    "CreatedJob": {
        **_REGISTERED,
        "upload": {
            "url": "https://transcribe-123456789012.s3.eu-north-1.amazonaws.com/",
            "fields": {
                "key": f"uploads/acme/{_JOB}/möte.mp3",
                "Content-Type": "audio/mpeg",
                "policy": "eyJleHBpcmF0aW9uIjog…",
                "x-amz-signature": "c" * 64,
            },
            "expires_at": "2026-11-26T10:00:00.000Z",
        },
        "callback": {"callback_id": _CALLBACK, "secret": _SECRET},
    },
    "DeliveryPage": {"deliveries": [_DELIVERY], "next": None},
    "DeliveryView": _DELIVERY,
    "Feed": {
        "events": [
            {
                "event_id": _EVENT,
                "job_id": _JOB,
                "type": "transcription.completed",
                "created_at": "2026-11-26T09:01:31.900Z",
                "body": MESSAGES["transcription.completed"],
            }
        ],
        "next": "abqwnf7yk3n5ya7qkbdhvx2mwtj4crgzpes",
    },
    "Health": {"status": "ok"},
    "JobPage": {"jobs": [_COMPLETED], "next": None},
    "JobUpdate": {"reference": "case 2026-114", "metadata": {"department": "north"}},
    "JobView": _COMPLETED,
    "NewCallback": {"url": _CALLBACK_VIEW["url"], "prefix": "meetings/", "challenge": True},
    "NewJob": {
        "file_name": "möte.mp3",
        "size": 981_236,
        "content_type": "audio/mpeg",
        "options": {"language": "sv", "hotwords": "Åsa Örjansdotter"},
        "callback": {"url": "https://hooks.example.com/transcriptions"},
        "reference": "case 2026-114",
        "metadata": {"department": "north"},
    },
    "NewSecret": {**_CALLBACK_VIEW, "secret": _SECRET},
    "ProblemType": _PROBLEM_TYPE,
    "ProblemTypeList": {"problems": [_PROBLEM_TYPE]},
    "Receipt": {
        "job_id": _JOB,
        "erased_at": "2026-11-26T12:00:00.000Z",
        "removed": {"recording": 1, "results": 6, "work": 2, "records": 4},
        "erases_uploads_until": "2026-11-27T13:00:00.000Z",
        "ages_out": [{"what": "point-in-time backups of the table", "days": 35}],
        "final": False,
    },
    "TranscriptLink": {
        "url": f"https://transcribe-123456789012.s3.eu-north-1.amazonaws.com/results/{_JOB}/1/transcript.txt"
        "?X-Amz-Expires=300",
        "hint": "Follow the link without the Authorization header.",
    },
}
_STATES: Mapping[str, Mapping[str, Any]] = {
    "cancel_job": {**_QUEUED, "status": "canceled"},
    "retry_job": _QUEUED,
    "test_callback": {
        **_DELIVERY,
        "type": "callback.test",
        "status": "pending",
        "attempts": 0,
        "tries": [],
        "next_attempt_at": "2026-11-26T09:01:31.900Z",
    },
    "redeliver": {**_DELIVERY, "status": "pending", "next_attempt_at": "2026-11-26T12:00:00.000Z"},
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
        described["example"] = own or BODIES[described["schema"]["$ref"].rsplit("/", 1)[-1]]
