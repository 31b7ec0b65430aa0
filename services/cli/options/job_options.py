"""The options of a job on the command line, and of a client's uploads. They are checked before anything is sent."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer

from services.cli.errors import UsageError
from services.cli.options.option_groups import takes
from services.common.domain import model_keys, vocabularies
from services.common.domain.annotations import check_annotations
from services.common.domain.errors import InvalidFieldError
from services.common.domain.options import CHANNELS, DEFAULTS, FORMATS, PRESETS, STYLES, Options

CALLBACK_ID = re.compile(r"cb_[a-z2-7]{1,40}")
ANY_MODEL = "any"
"""Which models a deployment holds is not known here: whatever is asked for is taken to be held."""

UNKNOWN_LANGUAGE = "There is no such language: give a code such as sv or en, or auto."
"""There are too many languages to list them in a sentence."""


def one_of(words: Sequence[str], told: str) -> Any:  # noqa: ANN401 - typer's own class
    """An option with these words, which the Tab key completes. They are checked with the other options."""
    return typer.Option(help=f"{told}: {', '.join(words)}.", autocompletion=lambda: list(words))


def options_of_a_job(
    *,
    language: Annotated[
        str, typer.Option("--language", "-l", help="Language code of the speech, or auto: it is detected.")
    ] = DEFAULTS.language,
    model: Annotated[str | None, typer.Option(help="A model of the service's; else its first.")] = None,
    style: Annotated[str, one_of(STYLES, "How close to the spoken word")] = DEFAULTS.style,
    preset: Annotated[str, one_of(PRESETS, "How much care is taken")] = DEFAULTS.preset,
    prompt: Annotated[str | None, typer.Option(help="A text as if it came before; its spelling is followed.")] = None,
    hotwords: Annotated[str | None, typer.Option(help="Names and words to expect.")] = None,
    vocabulary: Annotated[str | None, typer.Option(help="A list of words; see `transcribe vocabularies`.")] = None,
    words: Annotated[bool, typer.Option("--words", help="Times of words, in the json.")] = False,
    channels: Annotated[str, one_of(CHANNELS, "Whether each channel is a speaker of its own")] = DEFAULTS.channels,
    tracks: Annotated[
        list[str] | None,
        typer.Option("--tracks", "--track", metavar="1,2", help="Sound tracks to be heard, from 1; else it is chosen."),
    ] = None,
    doubtful_places: Annotated[
        bool, typer.Option("--doubtful-places", help="Places worth hearing again, at the end of the docx.")
    ] = False,
) -> dict[str, Any]:
    """The `options` of `POST /api/jobs`, without formats.

    They are only those that differ from the defaults, so that a service of an earlier release takes the job.

    Raises:
        UsageError: a value cannot be meant.

    """
    given = {
        "language": language,
        "model": model,
        "style": style,
        "preset": preset,
        "prompt": prompt,
        "hotwords": hotwords,
        "vocabulary": _vocabulary(vocabulary),
        "words": words,
        "channels": channels,
        "tracks": _tracks(tracks) if tracks else None,
        "doubtful_places": doubtful_places,
    }
    usual = asdict(DEFAULTS)
    return {name: value for name, value in given.items() if value is not None and value != usual[name]}


def told_of_a_job(
    *,
    reference: Annotated[str | None, typer.Option(help="A name of your own for the jobs.")] = None,
    metadata: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="A note of your own; again for each further one.")
    ] = None,
    callback_id: Annotated[str | None, typer.Option(help="A callback that is told of the jobs, `cb_…`.")] = None,
) -> dict[str, Any]:
    """What the same body has beside the options. Raises as `options_of_a_job`."""
    told = {"reference": reference, "metadata": _metadata(metadata or ()), "callback_id": _callback(callback_id)}
    return {name: value for name, value in told.items() if value}


@takes(options=options_of_a_job, told=told_of_a_job)
def of_a_job(*, options: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
    """The body of `POST /api/jobs`, without what tells of the recording and without formats."""
    return {"options": options, **told}


def with_formats(wanted: dict[str, Any], formats: tuple[str, ...], *, fetched: bool) -> dict[str, Any]:
    """The same body, with the formats that must be asked for.

    Args:
        wanted: of `of_a_job`.
        formats: those that are wanted; empty: the text alone.
        fetched: whether they are fetched at the end, so that nothing else of the job is seen.

    Raises:
        UsageError: the options do not go together.

    """
    options = dict(wanted["options"])
    if fetched and options.get("words") and "json" not in formats:
        raise UsageError("Times of words are written to the json only: add `-f json`.")
    if options.get("doubtful_places") and "docx" not in formats:
        raise UsageError("Doubtful places are listed in the docx only: add `-f docx`.")
    if further := [form for form in formats if form not in DEFAULTS.formats]:
        options["formats"] = [*DEFAULTS.formats, *further]
    style = options.get("style", DEFAULTS.style)
    held = [model_keys.join(options.get("model") or ANY_MODEL, style)] if style in STYLES else [ANY_MODEL]
    try:
        Options.parse(options, held)
        check_annotations({name: wanted[name] for name in ("reference", "metadata") if name in wanted})
    except InvalidFieldError as error:
        told = UNKNOWN_LANGUAGE if error.field == "language" else str(error)
        raise UsageError(f"--{error.field.replace('_', '-')}: {told}") from None
    return {**wanted, "options": options}


def checked_formats(texts: list[str] | None) -> tuple[str, ...]:
    """The formats, each once, as `txt,srt` or one after another.

    Raises:
        UsageError: there is no such format.

    """
    words = [word.strip().lower().removeprefix(".") for text in texts or () for word in text.split(",")]
    for word in words:
        if word not in FORMATS:
            raise UsageError(f"There is no format {word or 'without a name'}; there are: {', '.join(FORMATS)}.")
    return tuple(dict.fromkeys(words))


def _tracks(texts: list[str]) -> list[int]:
    words = [word.strip() for text in texts for word in text.split(",")]
    if not all(word.isascii() and word.isdigit() for word in words):
        raise UsageError(
            f"--tracks: {', '.join(texts)} are no numbers of sound tracks: give them as in `--tracks 1,2`."
        )
    return [int(word) for word in words]


def _metadata(texts: list[str] | tuple[()]) -> dict[str, str]:
    pairs = [text.partition("=") for text in texts]
    for key, sign, _ in pairs:
        if not (key and sign):
            raise UsageError(f"--metadata: {key or '='} is no KEY=VALUE: give it as in `--metadata department=north`.")
    return {key: value for key, _, value in pairs}


def _vocabulary(name: str | None) -> str | None:
    if name is not None and not re.fullmatch(vocabularies.NAME, name):
        raise UsageError(f"--vocabulary: {name} is no name of a vocabulary: `transcribe vocabularies list` shows them.")
    return name


def _callback(callback_id: str | None) -> str | None:
    if callback_id is not None and not CALLBACK_ID.fullmatch(callback_id):
        raise UsageError(
            f"--callback-id: {callback_id} is no callback's id: `transcribe callbacks list` shows them, `cb_…`."
        )
    return callback_id
