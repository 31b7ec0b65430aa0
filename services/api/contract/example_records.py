"""What a job, a callback and a delivery look like: the parts of which the examples in the document are made."""

from __future__ import annotations

from services.api.problem_codes import ProblemCode

API = "https://api.example.com"
JOB, CALLBACK, EVENT, SHARE = (
    f"{kind}_{name}"
    for kind, name in (
        ("job", "r4cmb7wnsyv3qk2ed5xhgz6tui"),
        ("cb", "m2vzkq6rdt4xwp7hsnya3ejgoc"),
        ("evt", "3n5ya7qkbdhvx2mwtj4crgzpes"),
        ("share", "w6dtq3m5znrx7ahkuvj2e4sypg"),
    )
)
SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="  # noqa: S105 - an example
PROBLEM_TYPE = {
    "type": f"{API}{ProblemCode.NOT_FOUND.path}",
    "code": ProblemCode.NOT_FOUND.value,
    "title": ProblemCode.NOT_FOUND.heading,
    "status": ProblemCode.NOT_FOUND.status,
    "meaning": ProblemCode.NOT_FOUND.meaning,
    "remedy": ProblemCode.NOT_FOUND.remedy,
}
OPTIONS = {
    "language": "sv",
    "model": "KBLab/kb-whisper-small",
    "style": "standard",
    "preset": "balanced",
    "prompt": None,
    "hotwords": "Åsa Örjansdotter",
    "vocabulary": "council",
    "words": False,
    "channels": "mixed",
    "tracks": None,
    "speakers": "auto",
    "formats": ["json", "txt", "srt", "vtt", "tsv"],
    "doubtful_places": False,
}
NO_PROGRESS = {"stage": "awaiting_upload", "fraction": 0.0, "estimated_seconds": None, "queue_position": None}
REGISTERED = {
    "job_id": JOB,
    "status": "awaiting_upload",
    "file_name": "möte.mp3",
    "source": f"s3://transcribe-123456789012/uploads/acme/{JOB}/möte.mp3",
    "created_at": "2026-11-26T09:00:00.000Z",
    "times": {"created": "2026-11-26T09:00:00.000Z"},
    "job_url": f"{API}/api/jobs/{JOB}",
    "attempt": None,
    "language": None,
    "duration": None,
    "model": None,
    "quality": None,
    "results": None,
    "cost": None,
    "error": None,
    "options": OPTIONS,
    "waiting": None,
    "waiting_reason": None,
    "parts": 1,
    "parts_done": 0,
    "sequence": 1_795_683_600_000,
    "reference": "case 2026-114",
    "metadata": {"department": "north"},
    "names": ["Anna Ek", None, "Bo"],
    "callback_id": CALLBACK,
    "progress": NO_PROGRESS,
    "correction": None,
    "expires_at": "2026-12-26T09:00:00.000Z",
}
UPLOAD_FORM = {
    "url": "https://transcribe-123456789012.s3.eu-north-1.amazonaws.com/",
    "fields": {
        "key": f"uploads/acme/{JOB}/möte.mp3",
        "Content-Type": "audio/mpeg",
        "policy": "eyJleHBpcmF0aW9uIjog…",
        "x-amz-signature": "c" * 64,
    },
    "expires_at": "2026-11-26T10:00:00.000Z",
}
QUEUED_TIMES = {
    **REGISTERED["times"],  # type: ignore[dict-item] # a map of times
    "uploaded": "2026-11-26T09:00:11.000Z",
    "queued": "2026-11-26T09:00:12.480Z",
}
STARTING = {"stage": "starting", "fraction": 0.0, "estimated_seconds": 213, "queue_position": 1}
QUEUED = {
    **REGISTERED,
    "status": "queued",
    "times": QUEUED_TIMES,
    "sequence": 1_795_683_612_480,
    "progress": STARTING,
}
RESULTS = [
    {
        "format": form,
        "uri": f"s3://transcribe-123456789012/results/{JOB}/1/transcript.{form}",
        "bytes": size,
        "sha256": digest * 64,
        "result_url": f"{API}/api/jobs/{JOB}/transcript?format={form}",
    }
    for form, size, digest in (("json", 1_894, "a"), ("txt", 62, "b"))
]
LAST = 1_795_683_691_900
COMPLETED = {
    **REGISTERED,
    "status": "completed",
    "times": {
        **QUEUED_TIMES,
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
        "speaker_count": 3,
    },
    "results": RESULTS,
    "cost": {
        "machine_seconds": 79.2,
        "market": "spot",
        "instance_type": "g4dn.xlarge",
        "dollars_per_hour": 0.19,
        "dollars": 0.00418,
    },
    "parts_done": 1,
    "progress": {**NO_PROGRESS, "stage": "ended", "fraction": 1.0},
    "sequence": LAST,
}
CALLBACK_VIEW = {
    "callback_id": CALLBACK,
    "url": "https://hooks.example.com/transcriptions",
    "events": ["transcription.completed", "transcription.failed"],
    "prefix": "meetings/",
    "status": "active",
    "disabled_reason": None,
    "description": "The archive",
    "created_at": "2026-11-20T08:00:00.000Z",
    "failing_since": None,
}
VOCABULARY_SUMMARY = {"name": "council", "count": 2, "updated_at": "2026-11-20T08:00:00.000Z"}
VOCABULARY = {**VOCABULARY_SUMMARY, "words": ["Kommunfullmäktige", "Sävar"]}
DELIVERY = {
    "delivery_id": f"{EVENT}.{CALLBACK}",
    "event_id": EVENT,
    "type": "transcription.completed",
    "callback_id": CALLBACK,
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
WORDS = {
    "language": "sv",
    "duration": 1873.2,
    "speakers_asked": True,
    "names": ["Anna Ek", None, "Bo"],
    "speakers": [
        {"id": "S1", "name": "Anna Ek"},
        {"id": "S2", "name": "Talare 2"},
        {"id": "S3", "name": "Bo"},
    ],
    "segments": [
        {
            "start": 0.42,
            "end": 1.9,
            "channel": 0,
            "speaker": 0,
            "flags": [],
            "words": [[" Välkomna", 0.42, 0.98, 0.97], [" till", 1.02, 1.2, 0.99], [" mötet.", 1.24, 1.9, 0.41]],
        }
    ],
}
CHANGES = [{"first": 0, "end": 3, "segments": [{"speaker": 0, "pieces": [[0, 2], "det här mötet."]}]}]
SHARE_VIEW = {
    "share_id": SHARE,
    "right": "correct",
    "label": "Anna at the desk",
    "created_at": "2026-11-26T12:00:00.000Z",
    "ends_at": "2026-12-03T12:00:00.000Z",
}
SHARE_TOKEN = f"{JOB}.{SHARE}.MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"
_SPOKEN = "Välkomna till mötet."
TRANSCRIPT = {
    "version": 2,
    "language": "sv",
    "duration": 61.4,
    "text": f"Anna Ek: {_SPOKEN}",
    "speakers": [{"id": "S1", "name": "Anna Ek"}],
    "segments": [
        {"start": 0.0, "end": 2.5, "text": _SPOKEN, "confidence": 0.94, "flags": [], "speaker": "S1"},
    ],
    "quality": {
        **COMPLETED["quality"],  # type: ignore[dict-item] # a map
        "confidence_deciles": {"p10": 0.71, "p50": 0.97, "p90": 0.99},
        "speech_share": 0.92,
        "clips": 3,
        "redecoded_clips": 0,
        "dropped_clips": 0,
        "flags": {},
    },
    "options": OPTIONS,
    "model": COMPLETED["model"],
    "versions": {"faster-whisper": "1.2.1"},
    "reference": "case 2026-114",
    "metadata": {"department": "north"},
}
CORRECTION = {
    "number": 7,
    "changed_at": "2026-11-26T10:30:00.000Z",
    "by": "client",
    "uri": f"s3://transcribe-123456789012/results/{JOB}/corrections/7.json",
    "bytes": 214,
    "sha256": "d" * 64,
    "result_url": f"{API}/api/jobs/{JOB}/transcript?format=txt&version=7",
    "text": {"bytes": 64, "sha256": "e" * 64},
}
