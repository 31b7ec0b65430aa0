"""Who speaks when in each voice of a recording: each has speakers of its own. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from services.common.domain.speakers import ExpectedSpeakers
from services.gpu_worker.engine.audio.sound import Span
from services.gpu_worker.engine.speakers.spoken_turns import SpeakerTurn, speaker_turns
from services.gpu_worker.engine.speakers.windows import ObservedWindow


def turns_of_voices(
    windows: Sequence[ObservedWindow], speech: Sequence[Sequence[Span]], expected: ExpectedSpeakers
) -> Iterator[tuple[SpeakerTurn, ...]]:
    """The turns of each voice; see `Speakers.turns`."""
    for voice, spans in enumerate(speech):
        observations = [window.voices[voice] for window in windows]
        yield speaker_turns(observations, spans, at_least=expected.at_least, at_most=expected.at_most)
