"""The log's events that documents and alarms name are written by the code, and those of errors are in the runbook."""

from __future__ import annotations

import re

import pytest

from services.common.domain.events import EventType
from tests.support import documents, log_events
from tests.support.documents import ROOT, text_of
from tests.support.log_events import ERRORS, EVENT

RUNBOOK = "docs/operations.md"
EVENTS = log_events.events()
SUBJECTS = {event.partition(".")[0] for event in EVENTS}
ON_ONE_MACHINE = ("cli", "local")
"""Services that run beside a person, who sees the line itself and needs no runbook."""


def unknown_events(text: str, *, in_runbook: bool = False) -> set[str]:
    """Events that a text names and that no code writes.

    A word with one dot in backticks is a file if it ends as the project's files do, and a message if it is a webhook's
    type. Otherwise it is an event: always in the runbook, elsewhere if its first word begins an event of the code.
    """
    named = {span for span in documents.code_spans(text) if EVENT.fullmatch(span) and not _is_other(span)}
    meant = named if in_runbook else {name for name in named if name.partition(".")[0] in SUBJECTS}
    return meant - EVENTS.keys()


def _is_other(name: str) -> bool:
    return f".{name.partition('.')[2]}" in documents.suffixes() or name in set(EventType)


def alarm_events() -> set[str]:
    """Events that a metric is counted of, which alarms and the dashboard then show."""
    text = (ROOT / "terraform/modules/observability/log_metrics.tf").read_text(encoding="utf-8")
    return set(re.findall(rf'"({EVENT.pattern})"', text))


@pytest.mark.parametrize("document", documents.documents())
def test_every_event_that_a_document_names_is_written(document: str) -> None:
    assert unknown_events(text_of(document), in_runbook=document == RUNBOOK) == set()


def test_every_event_that_an_alarm_counts_is_in_the_runbook() -> None:
    """That the function writes them is held in test_terraform_contract.py."""
    assert "breaker.opened" in alarm_events()
    assert alarm_events() - set(documents.code_spans(text_of(RUNBOOK))) == set()


def test_every_event_of_an_error_is_in_the_runbook() -> None:
    errors = {event for event, levels in log_events.events(*ON_ONE_MACHINE).items() if levels & ERRORS}
    assert errors - set(documents.code_spans(text_of(RUNBOOK))) == set()


@pytest.mark.parametrize("wrong", ["machine.silent", "job.done"])
def test_an_event_that_nothing_writes_is_found(wrong: str) -> None:
    assert unknown_events(f"Look for `{wrong}` in the log.") == {wrong}


@pytest.mark.parametrize("other", ["transcription.completed", "clock.py", "quality.remarks", "poweroff.target"])
def test_what_only_looks_like_an_event_is_told_apart(other: str) -> None:
    assert unknown_events(f"See `{other}`.") == set()


def test_a_misspelled_event_of_the_runbook_is_found() -> None:
    assert unknown_events("| `mashine.ended` | |", in_runbook=True) == {"mashine.ended"}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("log.info(\n    'a.b',\n    job_id=1,\n)", {"a.b": {"info"}}),
        ("log.warning('a.b' if x else 'a.c')", {"a.b": {"warning"}, "a.c": {"warning"}}),
        ("tell = log.error if x else log.info\ntell('a.b')", {"a.b": {"error", "info"}}),
        ("structlog.get_logger().error('a.b')", {"a.b": {"error"}}),
        ("line = {'event': 'a.b', 'level': 'warning'}", {"a.b": {"warning"}}),
        ("log_line('a.b', now, level='info')", {"a.b": {"info"}}),
        ("path.open('a.b')", {}),
    ],
)
def test_events_are_found_however_they_are_written(source: str, found: dict[str, set[str]]) -> None:
    assert log_events.events_in(source) == found
