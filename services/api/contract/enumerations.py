"""Words that requests, replies and messages use, as named schemas: each list comes from where its words are made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.api.problem_codes import ProblemCode
from services.common.domain import errors
from services.common.domain.errors import PermanentError, TranscriberError
from services.common.domain.events import EventType
from services.common.domain.options import CHANNELS, FORMATS, LANGUAGE_CHOICES, PRESETS
from services.common.domain.prices import MARKETS
from services.common.domain.shares import ShareRight
from services.common.domain.states import DisabledReason, Waiting
from services.common.transcript.quality import FLAGS, WARNINGS
from services.common.webhooks.outcome import NO_ATTEMPT, Failure
from services.common.webhooks.registration import SUBSCRIBABLE

if TYPE_CHECKING:
    from collections.abc import Iterable

_NO_JOB_ENDS_SO = {
    PermanentError.code,
    "DAMAGED_MODEL",
    "ALREADY_ENDED",
    "NOT_FAILED",
    "CONFLICT",
    "INVALID_ANNOTATION",
    "INVALID_CORRECTION",
    "CORRECTED_MEANWHILE",
}
"""The base of others, what ends a machine instead of a job, and why a job or a command on it was refused."""


def job_error_codes() -> list[str]:
    """Every code with which a job can fail."""
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, TranscriberError)]
    return sorted({kind.code for kind in kinds} - _NO_JOB_ENDS_SO)


def schemas() -> dict[str, dict[str, Any]]:
    """The enumerations by name."""
    return {
        "CallbackEventType": _enumeration(
            "What callbacks listen to. Tests and challenges come whatever that is.",
            SUBSCRIBABLE,
        ),
        "Channels": _enumeration("Whether all channels are heard as one, or each as a speaker.", CHANNELS),
        "DeliveryOutcome": _enumeration(
            "What came of an attempt: `DELIVERED`, or why it failed or was not made.",
            ["DELIVERED", *(failure.value for failure in Failure), *NO_ATTEMPT],
        ),
        "DisabledReason": _enumeration(
            "Why a callback was disabled: its receiver answered 410 (`gone`), or nothing could be delivered for days "
            "(`failing`).",
            DisabledReason,
        ),
        "EventType": _enumeration("What a message is about.", EventType),
        "FeedEventType": _enumeration("What happened: the feed holds no tests and no challenges.", SUBSCRIBABLE),
        "Flag": _enumeration("A doubt about a clip's text.", FLAGS),
        "Format": _enumeration("A format of the transcript.", FORMATS),
        "JobErrorCode": _enumeration("Why a job failed; docs/operations.md says what to do.", job_error_codes()),
        "Language": _enumeration("A language that is spoken; `auto`: the engine finds out which.", LANGUAGE_CHOICES),
        "Market": _enumeration("How the machine was bought; `own`: it is a person's own box.", MARKETS),
        "Preset": _enumeration("How much work is spent on the text.", PRESETS),
        "ProblemCode": _enumeration("Why a request was refused: docs/api/errors.md says what to do.", ProblemCode),
        "QualityWarning": _enumeration("What of a recording is missing or doubtful: docs/recordings.md.", WARNINGS),
        "ShareRight": _enumeration("What a share lets its holder do with the transcript.", ShareRight),
        "Waiting": _enumeration("Why a queued job has no machine yet.", Waiting),
    }


def _enumeration(description: str, words: Iterable[str]) -> dict[str, Any]:
    return {"type": "string", "description": description, "enum": [str(word) for word in words]}
