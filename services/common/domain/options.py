"""The options of a job: checked when it is submitted, and repeated in its result. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from services.common.domain import model_keys
from services.common.domain.errors import NO_SPEAKER_LABELS, InvalidOptionError, ModelUnavailableError, unrecorded
from services.common.domain.languages import LANGUAGES
from services.common.domain.speakers import OFF, ExpectedSpeakers

STYLES = (model_keys.STANDARD, "subtitle", "strict")
PRESETS = ("fast", "balanced", "careful")
CHANNELS = ("mixed", "separate")
DEFAULT_FORMATS = ("json", "txt", "srt", "vtt", "tsv")
FORMATS = (*DEFAULT_FORMATS, "docx")
LANGUAGE_CHOICES = ("auto", *sorted(LANGUAGES))
READ_FORMAT = "txt"
"""The format of a transcript if a request names none."""

MAX_HINT_TOKENS = 223
"""Most tokens of prompt and hotwords together: half the model's window, less the token that begins it."""
MAX_HINT_CHARACTERS = 600
"""Most characters of both texts together: more would hardly ever fit. Swedish prose has about three characters a
token, and names have two and a half. The engine counts the tokens before it decodes anything, and refuses texts that
do not fit."""
SURE_HINT_BYTES = MAX_HINT_TOKENS - 2
"""Bytes of UTF-8 that always fit: each token stands for at least one byte, and the engine puts a space before each
of the two texts."""
HINTS = (
    f"Prompt and hotwords have at most {MAX_HINT_CHARACTERS} characters together, of which the model reads "
    f"{MAX_HINT_TOKENS} tokens: {SURE_HINT_BYTES} bytes of UTF-8 always fit, and what does not fit is refused."
)
"""The sentence about this limit, in messages and documentation."""
MAX_TRACKS, HIGHEST_TRACK = 32, 999
MAX_VOICES = 8
"""Most channels or tracks that are transcribed separately. If there are more, all are mixed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options in effect; every field has a value, defaults included."""

    language: str = "sv"
    """ISO 639 code, or `auto`: detected once for the whole recording."""
    model: str = ""
    """Name of the model without its style, such as `KBLab/kb-whisper-small`."""
    style: str = model_keys.STANDARD
    """How close the text is to the spoken word. Each style is a revision of the model, which the deployment must
    hold."""
    preset: str = "balanced"
    prompt: str | None = None
    """Text as if it came before the recording; it influences spelling and style in every clip."""
    hotwords: str | None = None
    """Names and terms to expect."""
    vocabulary: str | None = None
    """The name of the client's vocabulary whose words are read after the hotwords, as far as they fit. The job keeps
    the words themselves (`vocabularies.py`)."""
    words: bool = False
    """Whether each word's time and probability are in the json."""
    channels: str = "mixed"
    """`separate`: one speaker a channel, or a track, up to eight."""
    tracks: tuple[int, ...] | None = None
    """Which sound tracks are heard, counted from 1; None: chosen by the engine."""
    speakers: ExpectedSpeakers | None = None
    """How many speakers are told apart; None (`off`): none are."""
    formats: tuple[str, ...] = DEFAULT_FORMATS
    doubtful_places: bool = False
    """Whether the docx ends with a table of the places that are worth hearing again."""

    @property
    def model_key(self) -> str:
        """The name under which a deployment lists the model: `name` or `name@style`."""
        return model_keys.join(self.model, self.style)

    def to_json(self) -> dict[str, Any]:
        """A JSON object that `from_json` takes back."""
        speakers = self.speakers.to_json() if self.speakers else OFF
        tracks = self.tracks and list(self.tracks)
        return {**asdict(self), "tracks": tracks, "speakers": speakers, "formats": list(self.formats)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Options:
        """The options that `to_json` of this or an earlier release gave; nothing is checked again."""
        tracks = data.get("tracks")
        speakers = ExpectedSpeakers.parse(data.get("speakers"))
        formats = tuple(data["formats"])
        return cls(**{**data, "tracks": tracks and tuple(tracks), "speakers": speakers, "formats": formats})

    @classmethod
    def parse(cls, mapping: Mapping[str, Any], models: Sequence[str], unfetchable: Sequence[str] = ()) -> Options:
        """Check the options that a client gave, and complete them with the defaults.

        Args:
            mapping: the options as given; None stands for the default.
            models: the keys of the deployment's models, its default first.
            unfetchable: those of `models` that machines must not fetch, since the lock of models does not hold them;
                also `speakers`, if the deployment tells no speakers apart.

        Raises:
            InvalidOptionError: an option is unknown or has a wrong value; `field` names it.
            ModelUnavailableError: the deployment does not hold the model or the style, or must not fetch it.

        """
        known = set(cls.__dataclass_fields__)
        for field in mapping:
            if field not in known:
                raise InvalidOptionError(field, f"Unknown option {field!r}. There are: {', '.join(sorted(known))}.")
        given = asdict(DEFAULTS) | {field: value for field, value in mapping.items() if value is not None}
        options = cls(
            language=_choice(given, "language", LANGUAGE_CHOICES),
            model=_text(given, "model") or model_keys.split(models[0])[0],
            style=_choice(given, "style", STYLES),
            preset=_choice(given, "preset", PRESETS),
            prompt=_text(given, "prompt"),
            hotwords=_text(given, "hotwords"),
            vocabulary=_text(given, "vocabulary"),
            words=_flag(given, "words"),
            channels=_choice(given, "channels", CHANNELS),
            tracks=_tracks(given),
            speakers=ExpectedSpeakers.parse(given["speakers"]),
            formats=_formats(given),
            doubtful_places=_flag(given, "doubtful_places"),
        )
        _check_together(options, models)
        if options.model_key in unfetchable:
            raise ModelUnavailableError("model", unrecorded(options.model_key))
        if options.speakers and model_keys.SPEAKERS in unfetchable:
            raise ModelUnavailableError("speakers", NO_SPEAKER_LABELS)
        return options


DEFAULTS = Options()
"""The default options. The default model depends on the deployment, so none is named here."""


def in_effect(given: Mapping[str, Any], model: str) -> dict[str, Any]:
    """The options that apply, of a job for which these were given; `model` is used unless they name one.

    Nothing is checked, so that options of another release can be shown. Those that this one does not know are left out.
    """
    named = {field: given[field] for field in Options.__dataclass_fields__ if given.get(field) is not None}
    return DEFAULTS.to_json() | {"model": model} | named


def _check_together(options: Options, models: Sequence[str]) -> None:
    """Refuse options that would be silently ignored, hints that are too long, and models that are not held."""
    if options.model_key not in models:
        field = "model" if options.style == model_keys.STANDARD else "style"
        raise ModelUnavailableError(
            field, f"This deployment does not hold {options.model_key}. It holds: {', '.join(models)}."
        )
    if options.words and "json" not in options.formats:
        raise InvalidOptionError("words", "Word times are written to the json only: ask for that format as well.")
    if options.doubtful_places and "docx" not in options.formats:
        raise InvalidOptionError(
            "doubtful_places", "Doubtful places are listed in the docx only: ask for that format as well."
        )
    length = len(options.prompt or "") + len(options.hotwords or "")
    if length > MAX_HINT_CHARACTERS:
        raise InvalidOptionError(
            "prompt" if options.prompt else "hotwords",
            f"They have {length} characters: shorten them. {HINTS}",
        )


def _text(given: Mapping[str, Any], field: str) -> str | None:
    value = given[field]
    if value is not None and not isinstance(value, str):
        raise InvalidOptionError(field, f"{field} must be text.")
    return value.strip() or None if value is not None else None


def _flag(given: Mapping[str, Any], field: str) -> bool:
    value = given[field]
    if not isinstance(value, bool):
        raise InvalidOptionError(field, f"{field} must be true or false.")
    return value


def _choice(given: Mapping[str, Any], field: str, choices: Sequence[str]) -> str:
    value = given[field]
    if value not in choices:
        raise InvalidOptionError(field, f"{field} must be one of: {', '.join(choices)}.")
    return str(value)


def _tracks(given: Mapping[str, Any]) -> tuple[int, ...] | None:
    value = given["tracks"]
    if value is None:
        return None
    listed = value if isinstance(value, Sequence) else ()
    if not (1 <= len(listed) <= MAX_TRACKS and all(map(_is_track, listed)) and len(set(listed)) == len(listed)):
        raise InvalidOptionError(
            "tracks", f"tracks must be a list of 1 to {MAX_TRACKS} different whole numbers from 1 to {HIGHEST_TRACK}."
        )
    return tuple(sorted(map(int, listed)))


def _is_track(value: object) -> bool:
    """Whether the value is a track number.

    JSON has one kind of number, so `2.0` is a whole one; `true` is no number in JSON.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 1 <= value <= HIGHEST_TRACK and value == int(value)


def _formats(given: Mapping[str, Any]) -> tuple[str, ...]:
    value = given["formats"]
    if isinstance(value, str) or not isinstance(value, Sequence) or not value:
        raise InvalidOptionError("formats", f"formats must be a list of: {', '.join(FORMATS)}.")
    for name in value:
        if name not in FORMATS:
            raise InvalidOptionError("formats", f"Unknown format {name!r}. There are: {', '.join(FORMATS)}.")
    return tuple(name for name in FORMATS if name in value)
