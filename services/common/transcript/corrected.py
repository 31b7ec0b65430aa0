"""Applies a person's corrections to a machine's transcript, in a time that grows with its words alone. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import accumulate, chain

from services.common.domain.corrections import Change, CorrectedSegment, Kept
from services.common.domain.errors import InvalidCorrectionError
from services.common.transcript.segments import Segment
from services.common.transcript.transcript import Transcript
from services.common.transcript.voices import all_voices
from services.common.transcript.words import Word

SURE = 1.0
"""The probability of a word that a person wrote."""


def corrected(transcript: Transcript, changes: Sequence[Change]) -> Transcript:
    """The transcript with the changes; without changes it is the machine's.

    Segments that a person changed have no flags, and the mean probability of their words. What the machine found out
    about the whole recording (`quality`) stays.

    Args:
        transcript: the machine's.
        changes: in order, as `domain.corrections.parse` gives them.

    Raises:
        InvalidCorrectionError: they do not fit the machine's words; `field` names the place.

    """
    if not changes:
        return transcript
    machine = _Machine(transcript)
    segments: list[Segment] = []
    seen = 0
    for number, change in enumerate(changes):
        place = f"changes.{number}"
        begin, end = machine.boundary(change.first, f"{place}.first"), machine.boundary(change.end, f"{place}.end")
        if transcript.options.speakers is None:
            _check_no_speakers(change, place)
        segments += transcript.segments[seen:begin]
        segments += _Rewritten(machine, change).segments()
        seen = end
    segments += transcript.segments[seen:]
    if transcript.options.speakers is None:
        return replace(transcript, segments=tuple(segments))
    return replace(transcript, segments=tuple(segments), voices=all_voices(segments, transcript.voices))


def _check_no_speakers(change: Change, place: str) -> None:
    for number, segment in enumerate(change.segments):
        if segment.speaker is not None:
            raise InvalidCorrectionError(
                f"{place}.segments.{number}.speaker", "The job did not ask for speakers: give null."
            )


class _Machine:
    """A machine's transcript, whose words are found by their index."""

    def __init__(self, transcript: Transcript) -> None:
        self.transcript = transcript
        self.words: Sequence[Word] = list(chain.from_iterable(segment.words for segment in transcript.segments))
        self._starts = list(accumulate((len(segment.words) for segment in transcript.segments), initial=0))

    @cached_property
    def _boundaries(self) -> dict[int, int]:
        return {start: index for index, start in enumerate(self._starts)}

    def boundary(self, word: int, place: str) -> int:
        """The index of the segment that begins with this word, or the number of segments.

        Raises:
            InvalidCorrectionError: none begins there.

        """
        found = self._boundaries.get(word)
        if found is None:
            beyond = word > len(self.words)
            raise InvalidCorrectionError(
                place,
                f"There are {len(self.words)} words." if beyond else "A change begins and ends where segments do.",
            )
        return found

    def channel(self, word: int) -> int:
        """The channel of a word; of one behind the last word, that of the last one."""
        segments = self.transcript.segments
        index = bisect_right(self._starts, word) - 1
        return segments[min(index, len(segments) - 1)].channel if segments else 0

    def start(self, word: int) -> float:
        """When a word begins; of one behind the last word, when the recording ends."""
        return self.words[word].start if word < len(self.words) else self.transcript.seconds

    def end_before(self, word: int) -> float:
        """When the word before this one ends; before the first word, when the recording begins."""
        return self.words[word - 1].end if word else 0.0


class _Rewritten:
    """One change on its way to segments."""

    def __init__(self, machine: _Machine, change: Change) -> None:
        self._machine = machine
        self._change = change

    def segments(self) -> Iterator[Segment]:
        timed = iter(self._timed())
        for segment in self._change.segments:
            words: list[Word] = []
            beside: int | None = None
            for piece in segment.pieces:
                apart = bool(words) and isinstance(piece, Kept) and piece.first != beside
                words += _said(next(timed), segment.speaker, apart=apart)
                beside = piece.end if isinstance(piece, Kept) else None
            yield Segment(
                start=words[0].start,
                end=max(word.end for word in words),
                text="".join(word.text for word in words).strip(),
                confidence=round(sum(word.probability for word in words) / len(words), 4),
                channel=self._channel(segment),
                flags=(),
                words=tuple(words),
                speaker=segment.speaker,
            )

    def _channel(self, segment: CorrectedSegment) -> int:
        """That of the first word that is kept, else that of the speaker, else that of what was replaced."""
        voices = self._machine.transcript.voices
        for piece in segment.pieces:
            if isinstance(piece, Kept):
                return self._machine.channel(piece.first)
        if segment.speaker is not None and segment.speaker < len(voices):
            return voices[segment.speaker].channel
        return self._machine.channel(self._change.first)

    def _timed(self) -> Iterator[Sequence[Word]]:
        """The words of each piece, in order, with their times.

        New words share the time between the kept words around them. At the change's edges it is the time of the
        replaced words, or what lies between the words around an insertion.
        """
        change, machine = self._change, self._machine
        inserted = change.first == change.end
        start = machine.end_before(change.first) if inserted else machine.start(change.first)
        last = machine.start(change.end) if inserted else machine.end_before(change.end)
        new: list[list[str]] = []
        for piece in (piece for segment in change.segments for piece in segment.pieces):
            if isinstance(piece, str):
                new.append(piece.split())
                continue
            yield from _shared_out(new, start, machine.start(piece.first))
            new = []
            yield machine.words[piece.first : piece.end]
            start = machine.end_before(piece.end)
        yield from _shared_out(new, start, last)


def _said(words: Sequence[Word], speaker: int | None, *, apart: bool) -> Iterator[Word]:
    """The words of a piece, said by a speaker; `apart`: the words before are others than in the machine's text."""
    for index, word in enumerate(words):
        text = f" {word.text}" if apart and index == 0 and not word.text[:1].isspace() else word.text
        yield Word(text, word.start, word.end, word.probability, speaker)


def _shared_out(texts: Sequence[Sequence[str]], start: float, end: float) -> Iterator[Sequence[Word]]:
    """The words of texts that follow each other, with the time from start to end by their lengths in characters.

    Words of two channels may overlap. Then there is no time, and the new words have none.
    """
    start = min(start, end)
    whole = sum(len(text) for words in texts for text in words)
    said, moment = 0, start
    for words in texts:
        made = []
        for text in words:
            said += len(text)
            share = round(start + (end - start) * said / whole, 3)
            after = end if said == whole else min(max(moment, share), end)
            made.append(Word(f" {text}", moment, after, SURE))
            moment = after
        yield made
