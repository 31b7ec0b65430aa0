"""What is heard of several channels and tracks: nothing said is lost, and what is left out is found."""

from __future__ import annotations

import numpy as np
import pytest

from services.gpu_worker.engine.audio.mixing import SETTLING, Mixer, Sources
from services.gpu_worker.engine.audio.samples import Block, Pause, Samples
from services.gpu_worker.engine.audio.sound import RATE

SECONDS = 5
SILENCE = np.zeros(SECONDS * RATE, np.float32)
STEREO, MONO = ("FL", "FR"), ("FC",)


def voice(number: int, seconds: int = SECONDS, level: float = 2000.0) -> np.ndarray:
    """Noise that comes and goes like syllables, another for each number."""
    random = np.random.default_rng(number)
    count = seconds * RATE
    syllables = np.repeat(random.uniform(0, 1, -(-count // 3000)), 3000)[:count]
    return (random.normal(0, level, count) * syllables).astype(np.float32)


def mixed(sources: Sources, *parts: tuple[tuple[tuple[str, ...], ...], list[np.ndarray]]) -> tuple[Samples, Mixer]:
    """All voices of parts of a recording, each a layout and its channels, handed over second by second."""
    mixer = Mixer(sources)
    found: list[Samples | Pause] = []
    for layout, channels in parts:
        sound = np.stack(channels).astype(np.int16)
        for start in range(0, sound.shape[1], RATE):
            found += mixer.push(Block(sound[:, start : start + RATE], layout))
    found += mixer.finish()
    return np.concatenate([item for item in found if not isinstance(item, Pause)], axis=1), mixer


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.corrcoef(one, other)[0, 1])


def level(sound: np.ndarray) -> float:
    return float(np.sqrt(np.mean(sound.astype(np.float64) ** 2)))


def test_one_channel_is_left_as_it_is() -> None:
    voices, _ = mixed(Sources(), ((MONO,), [voice(1)]))
    assert (voices == voice(1).astype(np.int16)).all()


@pytest.mark.parametrize("share", [-1.0, -0.8, 1.0])
def test_channels_that_would_cancel_or_repeat_are_as_loud_as_the_loudest(share: float) -> None:
    voices, _ = mixed(Sources(), ((STEREO,), [voice(1), share * voice(1)]))
    assert abs(likeness(voices[0], voice(1))) > 0.999
    assert level(voices[0]) == pytest.approx(level(voice(1)), rel=0.01)


@pytest.mark.parametrize("channels", [2, 6, 13, 64])
def test_a_voice_on_one_of_many_channels_is_not_made_quiet(channels: int) -> None:
    sound = [voice(1) if number == channels - 1 else SILENCE for number in range(channels)]
    voices, _ = mixed(Sources(), ((("NONE",) * channels,), sound))
    assert level(voices[0]) == pytest.approx(level(voice(1)), rel=0.01)


def test_the_effects_channel_is_not_heard() -> None:
    voices, _ = mixed(Sources(), ((("FL", "FR", "FC", "LFE"),), [SILENCE, SILENCE, voice(1), voice(2, level=9000)]))
    assert likeness(voices[0], voice(1)) > 0.999


def test_who_is_silent_for_the_first_minute_is_heard_when_he_speaks() -> None:
    first, second = voice(1, 100), voice(2, 100)
    second[: 90 * RATE] = 0
    voices, _ = mixed(Sources(), ((STEREO,), [first, second]))
    assert likeness(voices[0][90 * RATE :], first[90 * RATE :] + second[90 * RATE :]) > 0.99


def test_everything_is_settled_from_the_first_minute_with_sound_in_it() -> None:
    mixer = Mixer(Sources())
    seconds = 0
    for second in range(400):
        sound = voice(second, 1) if second >= 200 else SILENCE[:RATE]
        if list(mixer.push(Block(np.stack([sound, -sound]).astype(np.int16), (STEREO,)))):
            break
        seconds += 1
    assert seconds == 200 + SETTLING // RATE - 1


def test_long_silence_is_not_waited_for_without_end() -> None:
    mixer = Mixer(Sources())
    block = Block(np.zeros((64, RATE), np.int16), (("NONE",) * 64,))
    waiting = 0
    while not list(mixer.push(block)):
        waiting += 1
    assert waiting * block.samples.nbytes <= 2**26


def test_the_default_track_is_heard_and_no_other() -> None:
    voices, mixer = mixed(Sources(first=1), ((MONO, MONO), [voice(1), voice(2)]))
    assert likeness(voices[0], voice(2)) > 0.999
    assert mixer.findings.heard == (1,)


def test_another_track_is_heard_where_the_default_one_is_silent() -> None:
    hiss = np.random.default_rng(9).normal(0, 4, SECONDS * RATE).astype(np.float32)
    voices, mixer = mixed(Sources(), ((MONO, MONO), [hiss, voice(2)]))
    assert likeness(voices[0], voice(2)) > 0.999
    assert mixer.findings.heard == (1,)


def test_a_quiet_default_track_is_not_left_for_a_loud_one() -> None:
    _, mixer = mixed(Sources(), ((MONO, MONO), [voice(1, level=300), voice(2, level=9000)]))
    assert mixer.findings.heard == (0,)


def test_tracks_that_belong_together_are_mixed() -> None:
    voices, mixer = mixed(Sources(together=True), ((MONO, MONO), [voice(1), voice(2)]))
    assert mixer.findings.heard == (0, 1)
    assert likeness(voices[0], voice(1) + voice(2)) > 0.999


def test_tracks_that_were_asked_for_are_mixed_whatever_is_in_them() -> None:
    voices, mixer = mixed(Sources(chosen=(0, 2)), ((MONO, MONO, MONO), [voice(1), voice(2), voice(3)]))
    assert mixer.findings.heard == (0, 2)
    assert likeness(voices[0], voice(1) + voice(3)) > 0.999


@pytest.mark.parametrize("channels", [2, 3, 8])
def test_up_to_eight_channels_are_kept_separate(channels: int) -> None:
    sound = [voice(number) for number in range(channels)]
    voices, mixer = mixed(Sources(separate=True), ((("NONE",) * channels,), sound))
    assert all(likeness(voices[number], sound[number]) > 0.999 for number in range(channels))
    assert not mixer.findings.mixed


@pytest.mark.parametrize("channels", [1, 9])
def test_one_channel_or_more_than_eight_are_mixed_and_it_is_told(channels: int) -> None:
    voices, mixer = mixed(Sources(separate=True), ((("NONE",) * channels,), [voice(n) for n in range(channels)]))
    assert len(voices) == 1
    assert mixer.findings.mixed


def test_several_tracks_that_were_asked_for_are_a_voice_each() -> None:
    sound = [voice(1), voice(1), voice(2), SILENCE]
    voices, _ = mixed(Sources(separate=True, chosen=(0, 1)), ((STEREO, STEREO), sound))
    assert [likeness(voices[0], voice(1)), likeness(voices[1], voice(2))] == pytest.approx([1, 1], abs=0.001)


@pytest.mark.parametrize("share", [1.0, -1.0])
def test_equal_channels_are_told_once(share: float) -> None:
    voices, mixer = mixed(Sources(separate=True), ((STEREO,), [voice(1), share * voice(1)]))
    assert len(voices) == 1
    assert mixer.findings.equal


def test_of_three_channels_two_of_which_are_equal_each_keeps_its_number() -> None:
    voices, mixer = mixed(Sources(separate=True), ((("NONE",) * 3,), [voice(1), voice(1), voice(2)]))
    assert level(voices[1]) == 0
    assert likeness(voices[2], voice(2)) > 0.999
    assert mixer.findings.equal


def test_what_equal_channels_carry_later_is_heard_although_they_differ_then() -> None:
    later = [np.concatenate([voice(1, 70), voice(number, 10)]) for number in (2, 3)]
    voices, _ = mixed(Sources(separate=True), ((STEREO,), later))
    assert likeness(voices[0][70 * RATE :], voice(2, 10) + voice(3, 10)) > 0.99


def test_equal_channels_that_differ_later_are_told_with_the_time() -> None:
    greeting, first, second = voice(1, 70), voice(2, 20), voice(3, 20)
    first[10 * RATE :], second[: 10 * RATE] = 0, 0
    later = [np.concatenate([greeting, own]) for own in (first, second)]
    _, mixer = mixed(Sources(separate=True), ((STEREO,), later))
    assert mixer.findings.differ_at == pytest.approx(70 * RATE, abs=RATE)


def test_an_offset_is_no_sound() -> None:
    offset = np.full(SECONDS * RATE, 2500, np.float32)
    _, mixer = mixed(Sources(), ((MONO, MONO), [offset, voice(2)]))
    assert mixer.findings.heard == (1,)
    apart, mixer = mixed(
        Sources(separate=True), ((STEREO,), [voice(1, level=300) + offset, voice(2, level=300) + offset])
    )
    assert len(apart) == 2
    assert not mixer.findings.equal


def test_channels_that_begin_to_cancel_later_are_told_with_the_time() -> None:
    both = voice(1, 80)
    other = both.copy()
    other[70 * RATE :] *= -1
    _, mixer = mixed(Sources(), ((STEREO,), [both, other]))
    assert mixer.findings.cancelled_at == pytest.approx(70 * RATE, abs=RATE)


def test_what_only_happens_for_a_moment_is_not_told() -> None:
    both, others = voice(1, 100), voice(2, 100)
    cancelling = both.copy()
    for second in (65, 75, 85, 95):
        cancelling[second * RATE : (second + 1) * RATE] *= -1
    assert mixed(Sources(), ((STEREO,), [both, cancelling]))[1].findings.cancelled_at is None
    pausing = both.copy()
    for second in (65, 75, 85, 95):
        pausing[second * RATE : (second + 4) * RATE] = 0
    assert mixed(Sources(), ((MONO, MONO), [pausing, others]))[1].findings.left_out_at is None


def test_a_track_left_out_that_is_heard_alone_later_is_told_with_the_time() -> None:
    first, second = voice(1, 90), voice(2, 90)
    first[70 * RATE :] = 0
    second[: 70 * RATE] = 0
    _, mixer = mixed(Sources(), ((MONO, MONO), [first, second]))
    assert (mixer.findings.left_out, mixer.findings.left_out_at) == (1, 70 * RATE)


def test_a_layout_that_changes_is_settled_anew_and_voices_keep_their_number() -> None:
    stereo, mono = ((STEREO,), [voice(1), -voice(1)]), ((MONO,), [voice(2)])
    voices, _ = mixed(Sources(), stereo, mono, stereo)
    assert len(voices) == 1
    assert level(voices[0]) == pytest.approx(level(np.concatenate([voice(1), voice(2), voice(1)])), rel=0.01)
    apart, _ = mixed(Sources(separate=True), ((STEREO,), [voice(1), voice(2)]), mono)
    assert len(apart) == 2
    assert level(apart[1][SECONDS * RATE :]) == 0


@pytest.mark.parametrize("separate", [False, True])
def test_nothing_is_settled_from_what_comes_before_a_layout_is_known(separate: bool) -> None:
    unknown = ((("NONE",), ("NONE",)), [SILENCE[:5000], SILENCE[:5000]])
    voices, mixer = mixed(Sources(separate=separate), unknown, ((MONO, MONO), [SILENCE, voice(2)]))
    assert mixer.findings.heard == (1,)
    assert likeness(voices[0][5000:], voice(2)) > 0.999
    one_of_two = ((("NONE", "NONE"),), [SILENCE[:5000], voice(1)[:5000]])
    voices, mixer = mixed(Sources(separate=True), one_of_two, ((STEREO,), [voice(1), voice(1)]))
    assert mixer.findings.equal


def test_loud_channels_are_clipped_not_wrapped_round() -> None:
    loud = [np.full(RATE, 30_000, np.float32), np.full(RATE, 30_000, np.float32)]
    quiet = [voice(1, 70), voice(2, 70)]
    voices, _ = mixed(Sources(), ((STEREO,), [np.concatenate(pair) for pair in zip(quiet, loud, strict=True)]))
    assert (voices[0][70 * RATE :] == 32767).all()


def test_a_file_of_ours_is_taken_as_it_is() -> None:
    voices, mixer = mixed(Sources(as_they_are=True), ((("FL", "FR", "FC", "LFE"),), [voice(n) for n in (1, 1, 2, 3)]))
    assert (voices == np.stack([voice(n) for n in (1, 1, 2, 3)]).astype(np.int16)).all()
    assert not mixer.findings.equal
