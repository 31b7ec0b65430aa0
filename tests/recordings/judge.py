"""What is read of a recording, judged without a model: is each sentence there, when it is heard, and nothing else?

A sentence is found by its sound: twelve bands of its spectrum, every 5 ms, correlated with those of what was read. That
survives telephone codecs, an inverted channel and lost packets, and tells one sentence from another.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from services.common.domain.errors import TranscriberError
from services.common.domain.options import Options
from services.gpu_worker.engine.plan.plan import Plan
from tests.recordings.case import LOSSY, Case
from tests.support.acoustics import load
from tests.support.listening import plan_of
from tests.support.recordings import LENGTH, RATE, Said, ffmpeg, sentence

TOLERANCE = 0.05
"""Seconds by which a sentence, or the end, may be elsewhere than the referee has it."""
FAINT = 10 ** (-36 / 20)
"""How quiet, beside the sentence itself: one microphone of 64."""
QUIET = 10 ** (-16 / 20)
"""How loud it may be between sentences, beside them."""
AGREED = 0.16
"""Seconds by which the referee may differ from how a file was made: encoders begin with up to a frame of nothing."""
HOP = 80
WINDOW = 320
_EDGES = np.geomspace(200, 3600, 13)
_WITHIN = TOLERANCE + HOP / RATE / 2
"""Both places are whole hops."""
_LISTENED = 0.5
"""Seconds to both sides of its place in which a sentence is looked for first."""
_SPEECH_BEGINS = 0.4
"""Seconds by which speech detection may begin a sentence elsewhere."""

Bands = npt.NDArray[np.float32]
"""Shape (12, n)."""
Mono = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Heard:
    """Where a sentence was found best."""

    at: float
    likeness: float


@dataclass(frozen=True)
class Verdict:
    """What came of one case."""

    kind: str
    name: str
    outcome: str
    """`exact`, `warned`, `refused` or `WRONG`."""
    faults: tuple[str, ...]
    warnings: tuple[str, ...]
    seconds: float
    """Of processor, to plan it."""
    offset: float | None = None
    """Greatest of a sentence, in seconds."""
    likeness: float | None = None
    """Least of a sentence with what was heard of it."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def bands(sound: Mono) -> Bands:
    """The spectrum over time, evened out so that a whisper counts beside a shout."""
    padded = np.concatenate([sound, np.zeros(WINDOW, np.float32)])
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    power = np.abs(np.fft.rfft(frames * np.hanning(WINDOW).astype(np.float32), axis=1)) ** 2
    bins = np.searchsorted(_EDGES, np.fft.rfftfreq(WINDOW, 1 / RATE)) - 1
    loudness: Bands = np.stack([power[:, bins == band].sum(axis=1) for band in range(12)]).astype(np.float32)
    evened: Bands = np.cbrt(loudness)
    return evened


@cache
def _known(number: int) -> Bands:
    pattern: Bands = bands(sentence(number))[:, : int(LENGTH * RATE / HOP)]
    pattern -= pattern.mean(axis=1, keepdims=True)
    return pattern


def find(number: int, where: Bands, first: float = 0.0, last: float = 1e9) -> Heard | None:
    """The place most like a sentence that begins within these seconds; None where there is no room for one."""
    start = max(0, round(first * RATE / HOP))
    pattern = _known(number)
    length = pattern.shape[1]
    room = where[:, start : round(min(last, 1e6) * RATE / HOP) + length].astype(np.float64)
    if room.shape[1] < length:
        return None
    likeness = sum(np.correlate(row, known, "valid") for row, known in zip(room, pattern, strict=True))
    ones = np.ones(length)
    power = sum(np.convolve(row**2, ones, "valid") - np.convolve(row, ones, "valid") ** 2 / length for row in room)
    likeness = likeness / np.sqrt(np.maximum(power, 1e-9) * np.sum(pattern.astype(np.float64) ** 2))
    best = int(np.argmax(likeness))
    return Heard((start + best) * HOP / RATE, float(likeness[best]))


def referee(path: Path, track: str = "0:a:0") -> Mono:
    """The file as FFmpeg's program plays it: silence where the stamps have a hole, cut where they overlap."""
    stamps = "aresample=async=1:first_pts=0:min_hard_comp=0.01"
    out = ffmpeg(["-i", f"file:{path}", "-map", track, "-af", stamps, "-ac", "1", "-ar", str(RATE), "-f", "f32le", "-"])
    return np.nan_to_num(np.frombuffer(out, np.float32), posinf=1, neginf=-1)


def judge(case: Case, folder: Path) -> Verdict:
    """Make a case's file, read it, and compare."""
    path = folder / case.name
    case.make(path)
    began = time.process_time()
    try:
        plan = plan_of(path, Options.parse(case.options, ["any"]), max_seconds=600)
    except TranscriberError as error:
        faults = [] if case.refused == error.code else [f"refused with {error.code}: {error}"]
        return _verdict(case, "refused", faults, time.process_time() - began)
    took = time.process_time() - began
    if case.refused:
        return _verdict(case, "WRONG", [f"read, not refused with {case.refused}"], took, plan.warnings)
    faults = [*_warnings(case, plan), *_planned(case, plan)]
    if took > case.costs:
        faults.append(f"planning took {took:.1f} s of processor")
    offset = likeness = None
    if not case.by_plan:
        found, offset, likeness = _listened(case, plan, path)
        faults += found
    verdict = _verdict(case, "warned" if plan.warnings else "exact", faults, took, plan.warnings)
    return replace(verdict, offset=offset, likeness=likeness)


def _verdict(case: Case, outcome: str, faults: Sequence[str], took: float, warnings: Sequence[str] = ()) -> Verdict:
    return Verdict(
        kind=case.kind,
        name=case.name,
        outcome="WRONG" if faults else outcome,
        faults=tuple(faults),
        warnings=tuple(warnings),
        seconds=round(took, 3),
    )


def _warnings(case: Case, plan: Plan) -> list[str]:
    """Where what is said of a reading is not what should be said."""
    said = set(plan.warnings)
    faults = [f"does not warn of {wanted}" for wanted in case.warns if not said & set(wanted.split("|"))]
    excused = {code for wanted in case.warns for code in wanted.split("|")} | set(case.may_warn)
    faults += [f"warns of {code}" for code in sorted(said - excused)]
    if ("truncated" in said) != (plan.truncated_at is not None):
        faults.append("truncated_at and the warning do not agree")
    return faults


def _planned(case: Case, plan: Plan) -> list[str]:
    """Where speech that is said is not planned, in the channel that says it."""
    faults = []
    wanted = 2 if case.apart else 1
    if plan.channels != wanted:
        faults.append(f"{plan.channels} channels planned apart, not {wanted}")
    for one in case.said:
        spans = [
            (plan.clock(start / RATE), plan.clock(end / RATE))
            for clip in plan.clips
            if clip.channel == (one.channel if case.apart else 0)
            for start, end in clip.spans
        ]
        covered = sum(max(0.0, min(end, one.end) - max(start, one.at - case.early)) for start, end in spans)
        if covered < LENGTH / 2:
            faults.append(f"no speech planned where sentence {one.sentence} is said, at {one.at:.2f} s")
    if case.by_plan:
        for one in case.said:
            starts = [plan.clock(start / RATE) for clip in plan.clips for start, _ in clip.spans]
            nearest = min(starts, key=lambda start: abs(start - one.at), default=-1.0)
            if abs(nearest - one.at) > _SPEECH_BEGINS:
                faults.append(f"speech begins at {nearest:.2f} s, not {one.at:.2f}")
        if case.seconds is not None and abs(plan.seconds - case.seconds) > TOLERANCE:
            faults.append(f"{plan.seconds:.2f} s long, not {case.seconds:.2f}")
    return faults


def _listened(case: Case, plan: Plan, path: Path) -> tuple[list[str], float, float]:
    """What is wrong with the sound itself, the greatest offset and the least likeness."""
    ours = load(path).astype(np.float32)
    faults = []
    if abs(plan.seconds - len(ours) / RATE) > TOLERANCE:
        faults.append(f"planned as {plan.seconds:.2f} s, read as {len(ours) / RATE:.2f}")
    expected, length = list(case.said), case.seconds
    if case.clock == "referee":
        right = referee(path, case.track)
        expected, disagreed = _by_referee(case.said, bands(right))
        faults += disagreed
        length = len(right) / RATE if length is None else length
    if length is not None and abs(len(ours) / RATE - length) > TOLERANCE:
        faults.append(f"{len(ours) / RATE:.2f} s long, not {length:.2f}")
    heard = bands(ours)
    offsets: list[float] = [0.0]
    likenesses = [1.0]
    for one in expected:
        place = _place(one, heard)
        likenesses.append(place.likeness)
        if place.likeness < case.likeness:
            faults.append(f"sentence {one.sentence}, at {one.at:.2f} s, is not heard (likeness {place.likeness:.2f})")
            continue
        offsets.append(place.at - one.at)
        if not -_WITHIN - case.early <= offsets[-1] <= _WITHIN + case.late:
            faults.append(f"sentence {one.sentence} is heard at {place.at:.2f} s, not {one.at:.2f}")
        faults += _loudness(one, ours[round(place.at * RATE) :])
    for other in case.left_out:
        if _place(other, heard).likeness < case.likeness and "tracks_left_out" not in plan.warnings:
            faults.append(f"sentence {other.sentence} of another track is left out and nothing says so")
    if case.quiet and not faults:
        faults += _noise(expected, ours)
    worst: float = max(offsets, key=abs)
    return faults, round(worst, 3), round(min(likenesses), 2)


def _by_referee(what: Sequence[Said], heard: Bands) -> tuple[list[Said], list[str]]:
    """The sentences where the referee has them, and those where it contradicts how the file was made."""
    expected, faults = [], []
    for one in what:
        place = find(one.sentence, heard, one.at - _LISTENED, one.at + _LISTENED)
        if place is None or place.likeness < LOSSY or abs(place.at - one.at) > AGREED:
            faults.append(f"the referee has sentence {one.sentence} not at {one.at:.2f} s but {place or 'nowhere'}")
            place = Heard(one.at, 1.0)
        expected.append(Said(one.sentence, place.at, one.channel))
    return expected, faults


def _place(one: Said, heard: Bands) -> Heard:
    """Where a sentence is heard: near its place if it is there, else wherever it is most like it."""
    near = find(one.sentence, heard, one.at - _LISTENED, one.at + _LISTENED)
    if near and near.likeness >= LOSSY:
        return near
    return find(one.sentence, heard) or Heard(one.at, 0.0)


def _power(sound: Mono) -> float:
    return float(np.sqrt(np.mean(sound**2))) if len(sound) else 0.0


def _loudness(one: Said, ours: Mono) -> list[str]:
    share = _power(ours[: round(LENGTH * RATE)]) / _power(sentence(one.sentence))
    return [] if FAINT <= share <= 2 else [f"sentence {one.sentence} is {share:.3f} times as loud as it was said"]


def _noise(expected: Sequence[Said], ours: Mono) -> list[str]:
    """Between sentences, a little away from them."""
    between = np.ones(len(ours), bool)
    spoken = []
    for one in expected:
        between[max(0, round((one.at - 0.15) * RATE)) : round((one.end + 0.15) * RATE)] = False
        spoken.append(_power(ours[round(one.at * RATE) : round(one.end * RATE)]))
    if not spoken or between.sum() < RATE // 10:
        return []
    share = _power(ours[between]) / max(spoken)
    return [f"{share:.2f} of the voice is heard where nobody speaks"] if share > QUIET else []
