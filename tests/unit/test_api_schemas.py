"""What the schemas promise to take is taken, and what they leave out means the same everywhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import get_args, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.contract import enumerations
from services.api.routes.events import list_events
from services.api.routes.transcripts import read_transcript
from services.api.schemas.callbacks import CallbackUpdate, NewCallback, Target
from services.api.schemas.fields import OneOf
from services.api.schemas.options import JobOptions
from services.common.domain.options import DEFAULTS
from services.common.webhooks import endpoint
from tests.support.urls import with_a_host_of_dns

PATTERN = NewCallback.model_json_schema()["properties"]["url"]["pattern"]


@given(
    url=st.from_regex(PATTERN, fullmatch=True)
    .map(with_a_host_of_dns)
    .filter(lambda url: len(url) <= endpoint.MAX_URL_CHARACTERS)
)
def test_every_url_that_the_schema_describes_is_one_that_messages_are_sent_to(url: str) -> None:
    assert endpoint.parse(url).scheme == "https"


@pytest.mark.parametrize(
    "url",
    [
        "https://abcdefghijklmnopqrstuvwxyz234567.lambda-url.eu-north-1.on.aws/",
        "https://a.b.c.d.e.f.g.h.example.com/hooks?a=%5B1%5D",
        f"https://{'a' * 63}.{'b' * 63}.{'c' * 63}.{'d' * 61}:8443",
    ],
)
def test_a_client_that_checks_what_it_sends_can_name_every_host(url: str) -> None:
    assert re.fullmatch(PATTERN[1:-1], url)
    assert endpoint.parse(url).scheme == "https"


def choices(kind: object) -> Iterator[OneOf]:
    """What a type holds of choices that have a name."""
    for part in get_args(kind):
        if isinstance(part, OneOf) and part.name:
            yield part
        yield from choices(part)


@pytest.mark.parametrize("taker", [JobOptions, Target, NewCallback, CallbackUpdate, list_events, read_transcript])
def test_the_words_that_are_taken_are_those_of_the_named_schema(taker: object) -> None:
    found = [one for kind in get_type_hints(taker, include_extras=True).values() for one in choices(kind)]

    assert found
    for one in found:
        assert one.choices == enumerations.schemas()[one.name or ""]["enum"]


def test_every_option_is_offered_with_its_own_default() -> None:
    offered = JobOptions().model_dump()

    assert offered.pop("model") is None, "which one it is depends on the deployment"
    assert offered == {option: default for option, default in DEFAULTS.to_json().items() if option != "model"}
