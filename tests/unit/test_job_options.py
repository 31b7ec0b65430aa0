"""The options of a job on the command line: what is sent of them, and what is refused before."""

from __future__ import annotations

from typing import Any

import pytest
import typer

from services.cli.commands import command
from services.cli.errors import UsageError
from services.cli.options import speakers
from services.cli.options.job_options import of_a_job, with_formats
from services.cli.options.option_groups import takes


def wanted(*formats: str, fetched: bool = True, **given: Any) -> dict[str, Any]:
    return with_formats(of_a_job(**given), formats, fetched=fetched)


def test_only_what_differs_from_the_defaults_is_sent() -> None:
    assert wanted("txt", "srt", language="sv", preset="balanced", style="standard", speakers="off") == {"options": {}}
    assert wanted(fetched=False) == {"options": {}}


def test_every_option_is_sent_as_the_api_takes_it() -> None:
    sent = wanted(
        "json",
        "docx",
        language="auto",
        model="KBLab/kb-whisper-small",
        style="strict",
        preset="careful",
        prompt="Möte",
        hotwords="Åsa",
        vocabulary="council",
        words=True,
        channels="separate",
        tracks=["2, 1", "3"],
        speakers="2-4",
        speaker_name=["Åsa Ek", "", "Ek, Bo"],
        doubtful_places=True,
        reference="case 1",
        metadata=["department=north", "note=a=b", "empty="],
        callback_id="cb_a2",
    )
    assert sent == {
        "options": {
            "language": "auto",
            "model": "KBLab/kb-whisper-small",
            "style": "strict",
            "preset": "careful",
            "prompt": "Möte",
            "hotwords": "Åsa",
            "vocabulary": "council",
            "words": True,
            "channels": "separate",
            "tracks": [2, 1, 3],
            "speakers": {"at_least": 2, "at_most": 4},
            "doubtful_places": True,
            "formats": ["json", "txt", "srt", "vtt", "tsv", "docx"],
        },
        "reference": "case 1",
        "metadata": {"department": "north", "note": "a=b", "empty": ""},
        "names": ["Åsa Ek", None, "Ek, Bo"],
        "callback_id": "cb_a2",
    }


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("auto", "auto"),
        (" Auto", "auto"),
        ("1", 1),
        ("50", 50),
        ("2-4", {"at_least": 2, "at_most": 4}),
        ("3-3", {"at_least": 3, "at_most": 3}),
        ("2-", {"at_least": 2}),
    ],
)
def test_how_many_speakers_are_expected_is_typed_and_shown_in_the_same_words(typed: str, sent: Any) -> None:
    assert wanted(speakers=typed) == {"options": {"speakers": sent}}
    assert speakers.told(sent) == typed.strip().lower()


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"language": "klingon"}, "--language: There is no such language: give a code such as sv"),
        ({"style": "loud"}, "--style: style must be one of: standard"),
        ({"preset": "slow"}, "--preset: .*fast"),
        ({"channels": "left"}, "--channels: .*separate"),
        ({"tracks": ["a"]}, "--tracks: a are no numbers"),
        ({"speakers": "many"}, "--speakers: many is no number of speakers: give auto, 3 for at most three, 2-4, or 2-"),
        ({"speakers": ""}, "--speakers: nothing is no number of speakers"),
        ({"speakers": "-4"}, "--speakers: -4 is no number of speakers"),
        ({"speakers": "٣"}, "--speakers: ٣ is no number of speakers"),
        ({"speakers": "0"}, "--speakers: 0 is too few or too many: give a number from 1 to 50"),
        ({"speakers": "51"}, "--speakers: 51 is too few or too many: give a number from 1 to 50"),
        ({"speakers": "2-51"}, "--speakers: 51 is too few or too many: give a number from 1 to 50"),
        ({"speakers": "4-2"}, "--speakers: 4-2 begins with the larger number: give 2-4"),
        ({"speaker_name": ["x" * 81]}, "--speaker-name: Give a name of 1 to 80 characters"),
        ({"speaker_name": ["Bo"] * 51}, "--speaker-name: .*at most 50"),
        ({"tracks": ["²"]}, "--tracks: ² are no numbers"),
        ({"tracks": ["1,1"]}, "--tracks: .*different whole numbers"),
        ({"hotwords": "x" * 601}, "--hotwords: They have 601 characters"),
        ({"metadata": ["north"]}, "--metadata: north is no KEY=VALUE"),
        ({"metadata": ["a=" + "x" * 3_000]}, "--metadata: metadata has"),
        ({"reference": "x" * 81}, "--reference: .*1 to 80 characters"),
        ({"callback_id": "job_1"}, "--callback-id: job_1 is no callback's id"),
        ({"vocabulary": "names.txt"}, "--vocabulary: names.txt is no name of a vocabulary"),
        ({"words": True}, "add `-f json`"),
        ({"doubtful_places": True}, "add `-f docx`"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_the_name_of_its_option(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        wanted("txt", **given)


def test_times_of_words_may_be_asked_for_if_nothing_is_fetched_since_the_service_writes_a_json() -> None:
    assert wanted(fetched=False, words=True) == {"options": {"words": True}}


def test_a_command_takes_groups_of_options_and_is_given_what_they_make() -> None:
    seen = []

    def pair(*, left: int = 1, right: int = 2) -> tuple[int, int]:
        return left, right

    @takes(both=pair)
    def both_ways(context: typer.Context, *, loud: bool = False, both: tuple[int, int]) -> None:
        seen.append((context.info_name, loud, both))

    command(both_ways, "ways").main(["--right", "5", "--loud"], prog_name="ways", standalone_mode=False)
    assert seen == [("ways", True, (1, 5))]
