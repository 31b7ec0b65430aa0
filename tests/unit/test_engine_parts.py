"""Parts are cut between clips, where most is left in peace."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from services.gpu_worker.engine.audio.sound import RATE, Span
from services.gpu_worker.engine.plan.parts import parts
from services.gpu_worker.engine.plan.plan import Clip, PlannedPart


def clips_of(*voices: Sequence[Span]) -> list[Clip]:
    """A clip for each stretch of each voice, which are in seconds."""
    stretches = sorted(
        (start * RATE, end * RATE, channel) for channel, voice in enumerate(voices) for start, end in voice
    )
    return [Clip(index, channel, ((start, end),)) for index, (start, end, channel) in enumerate(stretches)]


def cut(clips: Sequence[Clip], seconds: int, *, part: int, alone: int) -> list[tuple[float, float]]:
    """The stretches of the parts, in seconds."""
    found = parts(clips, seconds * RATE, part=part * RATE, alone=alone * RATE)
    return [(one.start / RATE, one.end / RATE) for one in found]


@st.composite
def recordings(draw: st.DrawFn) -> tuple[list[Clip], int]:
    """Clips of up to three voices, and the length of the recording in seconds."""
    voices = []
    for _ in range(draw(st.integers(1, 3))):
        position, stretches = draw(st.integers(0, 40)), []
        for _ in range(draw(st.integers(0, 20))):
            length = draw(st.integers(1, 90))
            stretches.append((position, position + length))
            position += length + draw(st.sampled_from([0, 1, 2, 30, 400]))
        voices.append(stretches)
    clips = clips_of(*voices)
    return clips, max([0, *(clip.end // RATE for clip in clips)]) + draw(st.integers(1, 100))


@given(recordings(), st.integers(1, 300), st.integers(1, 300))
def test_every_clip_is_in_one_part_that_holds_all_of_it(
    recording: tuple[list[Clip], int], part: int, alone: int
) -> None:
    clips, seconds = recording
    found = parts(clips, seconds * RATE, part=part * RATE, alone=alone * RATE)
    assert [one.index for one in found] == list(range(len(found)))
    assert [index for one in found for index in one.clips] == list(range(len(clips)))
    assert all(one.start <= clips[index].start and clips[index].end <= one.end for one in found for index in one.clips)
    assert (found[0].start, found[-1].end) == (0, seconds * RATE)
    assert all(before.end >= after.start for before, after in pairwise(found))
    assert len(found) == 1 or all(one.clips for one in found)


@given(recordings(), st.integers(1, 300))
def test_no_part_is_shorter_than_the_least_length(recording: tuple[list[Clip], int], part: int) -> None:
    clips, seconds = recording
    found = parts(clips, seconds * RATE, part=part * RATE, alone=0)
    middles = [(before.end + after.start) // 2 for before, after in pairwise(found)]
    assert len(found) == 1 or all(
        after - before >= part * RATE for before, after in pairwise([0, *middles, seconds * RATE])
    )


def test_a_recording_of_up_to_the_limit_stays_in_one_part() -> None:
    clips = clips_of([(start, start + 2) for start in range(0, 100, 4)])
    assert cut(clips, 100, part=30, alone=100) == [(0, 100)]
    assert len(cut(clips, 101, part=30, alone=100)) == 3


def test_parts_are_cut_in_the_middle_of_the_longest_pause_nearby() -> None:
    clips = clips_of([(0, 31), (32, 34), (39, 50), (51, 120)])
    assert cut(clips, 120, part=30, alone=60)[0] == (0, 36.5)


def test_of_pauses_as_long_as_each_other_the_first_is_cut() -> None:
    assert cut(clips_of([(0, 31), (33, 34), (36, 120)]), 120, part=30, alone=60)[0] == (0, 32)


def test_without_a_pause_nearby_the_next_one_is_cut() -> None:
    assert cut(clips_of([(0, 50), (51, 60), (64, 120)]), 120, part=30, alone=60)[0] == (0, 50.5)


def test_a_clip_of_another_voice_bars_a_cut() -> None:
    clips = clips_of([(0, 31), (38, 60)], [(20, 36), (38, 60)])
    assert cut(clips, 80, part=30, alone=60) == [(0, 37), (37, 80)]


def test_where_voices_always_overlap_parts_do_where_they_overlap_least() -> None:
    clips = clips_of([(0, 28), (29, 34), (41, 80)], [(0, 32), (33, 43), (44, 80)])
    found = parts(clips, 80 * RATE, part=30 * RATE, alone=60 * RATE)
    assert found == (PlannedPart(0, 0, 34 * RATE, 0, 3), PlannedPart(1, 33 * RATE, 80 * RATE, 3, 6))


def test_one_clip_is_not_cut_however_long_the_recording_is() -> None:
    assert cut(clips_of([(10, 40)]), 500, part=10, alone=20) == [(0, 500)]


def test_silence_alone_is_one_empty_part() -> None:
    assert parts([], 60 * RATE, part=RATE, alone=RATE) == (PlannedPart(0, 0, 60 * RATE, 0, 0),)
