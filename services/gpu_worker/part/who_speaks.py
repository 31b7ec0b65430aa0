"""From the windows of a whole recording to who speaks when, on the clock that a player shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from services.common.transcript.attribution import SpokenTurn
from services.gpu_worker.engine.audio.sound import RATE
from services.gpu_worker.engine.speakers.grid import windows_between
from services.gpu_worker.engine.speakers.observations import Observation
from services.gpu_worker.engine.speakers.windows import ObservedWindow
from services.gpu_worker.engine.stopping import StoppedError
from services.gpu_worker.part.observing import TRIES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.gpu_worker.engine.audio.sound import Span
    from services.gpu_worker.engine.plan.plan import Plan
    from services.gpu_worker.engine.speakers.spoken_turns import SpeakerTurn
    from services.gpu_worker.engine.speakers.work import Speakers
    from services.gpu_worker.part.claim import Claim

log = structlog.get_logger()


def who_speaks(
    claim: Claim, speakers: Speakers, plan: Plan, windows: Mapping[int, ObservedWindow]
) -> list[tuple[SpokenTurn, ...]] | None:
    """The turns of each channel; None if speakers are not asked for, or could not be told apart.

    Raises:
        StoppedError: the work must stop.

    """
    expected = claim.options.speakers
    if expected is None:
        return None
    wanted = windows_between(0, plan.samples)
    # A recording that is read again may be shorter by less than a second, and then lack the last window.
    windows = {wanted[-1]: _silence(wanted[-1], plan.channels), **windows} if wanted else windows
    missing = sum(index not in windows for index in wanted)
    if missing:
        log.error("speakers.unknown", job_id=claim.part.job_id, windows=len(wanted), missing=missing)
        return None
    speech = [_speech(plan, channel) for channel in range(plan.channels)]
    for _ in range(TRIES):
        try:
            found = speakers.turns([windows[index] for index in wanted], speech, expected, stop=claim.stop)
        except StoppedError:
            raise
        except Exception:
            log.exception("speakers.failed", job_id=claim.part.job_id, part=claim.part.part_id)
        else:
            return [tuple(_on_the_clock(plan, turn) for turn in channel) for channel in found]
    log.error("speakers.unknown", job_id=claim.part.job_id, windows=len(wanted), missing=0)
    return None


def _silence(index: int, voices: int) -> ObservedWindow:
    return ObservedWindow(index, (Observation(),) * voices)


def _on_the_clock(plan: Plan, turn: SpeakerTurn) -> SpokenTurn:
    return SpokenTurn(plan.clock(turn.start / RATE), plan.clock(turn.end / RATE), turn.speaker)


def _speech(plan: Plan, channel: int) -> list[Span]:
    """Where somebody speaks in a channel, with the padding of its clips."""
    return [span for clip in plan.clips if clip.channel == channel for span in clip.spans]
