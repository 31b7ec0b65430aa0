"""`transcribe cost FILE…`: what recordings will cost and how long they take, before they are sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from services.cli.errors import Exit, RefusedError, UsageError
from services.cli.printing import answer, clock, dollars, duration, note, problem
from services.cli.recordings.input.lengths import length_of
from services.cli.recordings.input.sources import find
from services.common.domain.forecast import Forecast, Start, parts
from services.common.domain.prices import ADDRESS_AND_DISK, DOLLARS_PER_HOUR

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from services.cli.recordings.input.lengths import Length
    from services.cli.recordings.input.sources import Source

NAME, COLUMN = 24, 16
"""Characters of the first column, and of each column of numbers."""
GUESSED = "Where a length is guessed by the size, it may be several times longer or shorter, a video far shorter."
ON_TOP = (
    f"On top come a machine's address and disk ({ADDRESS_AND_DISK} dollars an hour) and the time for which it waits "
    "after its last job. Jobs that find a running machine share it. Further machines make it sooner, and each costs a "
    "start. Prices are those of November 2026 in eu-north-1."
)


def estimate(words: Sequence[str], *, recursive: bool, json: bool) -> None:
    """Print what the recordings that the words name will cost, and how long it takes until the last text is there.

    Raises:
        UsageError: one of them is no file of this machine.
        RefusedError: one that is named cannot be read, or none can.
        typer.Exit: one in a folder cannot be read; what the others cost was printed.

    """
    sources = find(words, recursive=recursive)
    for source in sources:
        if source.refused:
            problem(source.refused, of=source.word)
    lengths = [(source, _length(source)) for source in sources if not source.refused]
    if not lengths:
        raise RefusedError("None of these recordings can be read.")
    forecast = Forecast(lengths=tuple(length.seconds for _, length in lengths))
    answer(_document(lengths, forecast), *_files(lengths), *_machines(forecast), json=json)
    if not all(length.is_known for _, length in lengths):
        note(GUESSED)
    note(ON_TOP)
    if len(lengths) < len(sources):
        raise typer.Exit(Exit.REFUSED)


def _length(source: Source) -> Length:
    if source.beside is None:
        raise UsageError(f"The length of {source.word} is known once it is here: save it, and give the file.")
    return length_of(source.beside)


def _document(lengths: Sequence[tuple[Source, Length]], forecast: Forecast) -> dict[str, Any]:
    return {
        "files": [
            {
                "file": source.word,
                "seconds": round(length.seconds, 1),
                "length_is_known": length.is_known,
                "parts_at_most": parts(length.seconds),
            }
            for source, length in lengths
        ],
        "seconds_of_audio": round(sum(forecast.lengths), 1),
        "starts": [
            {
                "start": start.name.lower(),
                "seconds": round(forecast.seconds(start), 1),
                "machine_seconds": round(forecast.machine_seconds(start), 1),
                "machines": [
                    {"instance_type": kind, "market": market, "dollars": _dollars(forecast, start, kind, market)}
                    for kind, market in DOLLARS_PER_HOUR
                ],
            }
            for start in Start
        ],
    }


def _dollars(forecast: Forecast, start: Start, kind: str, market: str) -> float:
    """Of a machine that has a price."""
    return round(forecast.dollars(start, kind, market) or 0.0, 6)


def _files(lengths: Sequence[tuple[Source, Length]]) -> Iterator[str]:
    for source, length in lengths:
        split = parts(length.seconds)
        told = "by its header" if length.is_known else "guessed by its size"
        yield f"{source.word}: {clock(length.seconds)}, {told}" + (f", up to {split} parts" if split > 1 else "")
    if len(lengths) > 1:
        yield f"in all: {clock(sum(length.seconds for _, length in lengths))}"


def _machines(forecast: Forecast) -> Iterator[str]:
    """How long and how much, by how a machine comes to the recordings."""
    yield _row("", *(start.value for start in Start))
    yield _row("until the last text", *(duration(forecast.seconds(start)) for start in Start))
    for kind, market in DOLLARS_PER_HOUR:
        costs = (dollars(_dollars(forecast, start, kind, market)) for start in Start)
        yield _row(f"{kind} {market}", *costs)


def _row(name: str, *cells: str) -> str:
    return f"{name:<{NAME}}" + "".join(f"{cell:>{COLUMN}}" for cell in cells)
