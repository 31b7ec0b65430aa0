"""The plan: which stretches of a recording are decoded, as clips, and how clips make up parts.

All positions are samples at 16 kHz of the whole recording, so they mean the same on every machine. The plan decides
every clip's audio, so the words do not depend on which worker decodes a clip, or when.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from services.common.transcript.quality import Remark
from services.gpu_worker.engine.audio.sound import MIXED, RATE, Hearing, LongPause, MediaInfo, Span, on_the_clock

VERSION = 2


@dataclass(frozen=True, slots=True)
class Clip:
    """At most 30 s of audio that is decoded by itself: the spans of one channel, laid end to end."""

    index: int
    channel: int
    spans: tuple[Span, ...]

    @property
    def start(self) -> int:
        return self.spans[0][0]

    @property
    def end(self) -> int:
        return self.spans[-1][1]

    @property
    def samples(self) -> int:
        """The length of the clip's audio."""
        return sum(end - start for start, end in self.spans)

    def to_json(self) -> list[Any]:
        """Without its index, which is its place in a list."""
        return [self.channel, [list(span) for span in self.spans]]

    @classmethod
    def from_json(cls, index: int, data: Sequence[Any]) -> Clip:
        """The clip with this index that `to_json` gave."""
        channel, spans = data
        return cls(index, channel, tuple((start, end) for start, end in spans))

    def place(self, start: float, end: float) -> tuple[float, float]:
        """Where in the recording a word lies that is aligned to `start` and `end` of the clip's audio, all in seconds.

        The alignment may let a word reach over a pause that was shortened. Such a word is placed into the one span that
        holds most of it, the first of several that hold as much, or at the clip's end if no span holds any of it.
        """
        begin, finish = round(start * RATE), round(end * RATE)
        placed = None
        for first, last in self.spans:
            length = last - first
            if begin <= length:
                piece = first + min(max(begin, 0), length), first + min(max(finish, 0), length)
                placed = max(placed or piece, piece, key=lambda span: span[1] - span[0])
            begin, finish = begin - length, finish - length
        begin, finish = placed or (self.end, self.end)
        return begin / RATE, finish / RATE


@dataclass(frozen=True, slots=True)
class PlannedPart:
    """A stretch of the recording that one worker takes at a time; its clips are those from `first` to before `last`."""

    index: int
    start: int
    end: int
    first: int
    last: int

    @property
    def clips(self) -> range:
        return range(self.first, self.last)


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that must be known to decode any clip of a recording, anywhere."""

    samples: int
    """The length of the sound, without the long pauses."""
    channels: int
    """Voices that are decoded by themselves: 1 to 8."""
    language: str
    speech: int
    """Samples with speech in any channel."""
    clips: tuple[Clip, ...]
    parts: tuple[PlannedPart, ...]
    source: MediaInfo
    truncated_at: float | None = None
    """Where the sound ended, in seconds, if the file's header declares clearly more than could be read."""
    remarks: tuple[Remark, ...] = ()
    hearing: Hearing = MIXED
    pauses: tuple[LongPause, ...] = ()
    vocabulary: tuple[str, ...] = ()
    """The words of the job's vocabulary that the model reads."""
    listening: Mapping[str, Any] = field(default_factory=dict)
    """What there is for people who listen. Of the reader: `{media, faults}` (`listening/listening.py`); then as the
    job's result shows it: `{media, peaks, listening}`. Empty where an earlier release made the plan."""

    @property
    def seconds(self) -> float:
        """Where the sound ends, on the clock that a player shows."""
        return self.clock(self.samples / RATE)

    @property
    def warnings(self) -> tuple[str, ...]:
        """The codes of the remarks."""
        return tuple(remark.code for remark in self.remarks)

    def clock(self, seconds: float) -> float:
        """The time that a player shows at a moment of the sound, both in seconds."""
        return on_the_clock(seconds, self.pauses)

    def with_at_most(self, count: int) -> Plan:
        """The same clips in no more than `count` parts: neighbours are joined."""
        size = -(-len(self.parts) // count)
        groups = [self.parts[start : start + size] for start in range(0, len(self.parts), size)]
        joined = tuple(
            PlannedPart(index, group[0].start, group[-1].end, group[0].first, group[-1].last)
            for index, group in enumerate(groups)
        )
        return replace(self, parts=joined)

    def to_json(self) -> dict[str, Any]:
        """A JSON object that `from_json` takes back."""
        return {
            "version": VERSION,
            "samples": self.samples,
            "channels": self.channels,
            "language": self.language,
            "speech": self.speech,
            "clips": [clip.to_json() for clip in self.clips],
            "parts": [[part.start, part.end, part.first, part.last] for part in self.parts],
            "source": asdict(self.source),
            "truncated_at": self.truncated_at,
            "remarks": [asdict(remark) for remark in self.remarks],
            "hearing": asdict(self.hearing),
            "pauses": [list(pause) for pause in self.pauses],
            "vocabulary": list(self.vocabulary),
            "listening": dict(self.listening),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Plan:
        """The plan that `to_json` gave, here or in an earlier release.

        Raises:
            ValueError: it is of a version that is not known here.

        """
        if data["version"] not in (1, VERSION):
            raise ValueError(f"plan version {data['version']} is not {VERSION}")
        if data["version"] == 1:
            remarks = [{"code": code, "message": "An earlier release said so."} for code in data["warnings"]]
            hearing = {"separate": data["channels"] > 1, "tracks": None}
            data = {**data, "remarks": remarks, "pauses": [], "hearing": hearing}
        tracks = data["hearing"]["tracks"]
        clips = tuple(Clip.from_json(index, clip) for index, clip in enumerate(data["clips"]))
        return cls(
            samples=data["samples"],
            channels=data["channels"],
            language=data["language"],
            speech=data["speech"],
            clips=clips,
            parts=tuple(PlannedPart(index, *numbers) for index, numbers in enumerate(data["parts"])),
            source=MediaInfo(**data["source"]),
            truncated_at=data["truncated_at"],
            remarks=tuple(Remark(**remark) for remark in data["remarks"]),
            hearing=Hearing(**{**data["hearing"], "tracks": tuple(tracks) if tracks else None}),
            pauses=tuple((position, length) for position, length in data["pauses"]),
            vocabulary=tuple(data.get("vocabulary", ())),
            listening=data.get("listening", {}),
        )
