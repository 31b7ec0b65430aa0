"""What people who work with a transcript ask for: the machine's words, and corrections of them.

Each function takes a completed job: whoever calls it has found out that the caller may see it.
"""

from __future__ import annotations

import json
from typing import Any

from fastapi import Response

from services.api import latest
from services.api.problem_codes import ProblemCode
from services.api.problems import Problem, not_found
from services.api.schemas.corrections import IF_MATCH, CorrectionView, SavedCorrection
from services.api.service import Service
from services.common.corrections import newest
from services.common.domain.corrections import parse, to_json
from services.common.domain.records import Job
from services.common.domain.times import SECOND_MS, rfc3339
from services.common.transcript.formats import speakers
from services.common.transcript.segments import Segment
from services.common.transcript.words import Word


def words_of(job: Job, accepted: str, wired: Service) -> Response:
    """The machine's words, for programs in which people correct them.

    Args:
        job: which is completed.
        accepted: `Accept-Encoding` of the request.
        wired: what the routes use.

    Raises:
        Problem: the words are not kept, or are too many for a reply.

    """
    words = latest.machine_words(job, wired).named(job.names)
    asked = words.options.speakers is not None
    shown = {
        "language": words.language,
        "duration": words.seconds,
        "speakers_asked": asked,
        "names": list(job.names),
        "speakers": speakers(words) if asked else [],
        "segments": [_segment(segment) for segment in words.segments],
    }
    content = json.dumps(shown, ensure_ascii=False, separators=(",", ":")).encode()
    return latest.sent(content, "application/json", accepted)


def _segment(segment: Segment) -> dict[str, Any]:
    return {
        "start": segment.start,
        "end": segment.end,
        "channel": segment.channel,
        "speaker": segment.speaker,
        "flags": list(segment.flags),
        "words": [_word(word) for word in segment.words],
    }


def _word(word: Word) -> list[Any]:
    return [word.text, word.start, word.end, word.probability]


def correction_of(job: Job, number: int | None, wired: Service) -> CorrectionView:
    """A correction; None: the newest one, or the machine's words if there is none.

    Raises:
        Problem: there is no correction of this number.

    """
    last = newest(job)
    wanted = last if number is None else number
    if wanted == 0:
        return CorrectionView(number=0, changed_at=None, by=None, changes=[], latest=last)
    found = latest.version_of(job, wanted, wired)
    if found is None:
        raise latest.no_such_version(wanted, "number")
    return CorrectionView(
        number=found.number, changed_at=found.changed_at, by=found.by, changes=to_json(found.changes), latest=last
    )


def correct(job: Job, changes: object, if_match: str | None, by: str, wired: Service) -> SavedCorrection:
    """Save a correction as the newest one; the same request once more changes nothing.

    Args:
        job: which is completed.
        changes: as the client gave them.
        if_match: the request's header, with the number of the correction that they were made upon.
        by: `BY_CLIENT`, or the id of a share.
        wired: what the routes use.

    Raises:
        InvalidCorrectionError: the changes are not written as changes, or do not fit the words.
        CorrectedMeanwhileError: another correction is the newest.
        ChangedMeanwhileError: the job changed at the same moment, again and again.
        Problem: 428 without the header, 404 if the job is erased meanwhile or its words are not kept.

    """
    if if_match is None:
        detail = 'Send the header `If-Match` with the `ETag` of the correction that was read; `"0"` if there was none.'
        raise Problem(ProblemCode.PRECONDITION_REQUIRED, detail, field=IF_MATCH)
    after = wired.corrections.save(
        job,
        parse(changes),
        lambda: latest.machine_words(job, wired),
        base=int(if_match.strip('"')),
        by=by,
        now=wired.clock(),
    )
    if after is None:
        raise not_found("job")
    assert after.correction
    return SavedCorrection(
        number=after.correction["number"],
        changed_at=rfc3339(after.correction["changed_at"]),
        by=after.correction["by"],
        expires_at=None if after.expires_at is None else rfc3339(after.expires_at * SECOND_MS),
    )


def etag(number: int) -> str:
    """The `ETag` of a correction."""
    return f'"{number}"'
