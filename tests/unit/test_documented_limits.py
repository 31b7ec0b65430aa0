"""The limits that clients read of are those that the code holds them to."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Mapping
from typing import Any

import pytest

from services.api import latest, multipart
from services.api.problems import MAX_BODY_BYTES, MAX_LARGE_BODY_BYTES
from services.api.routes.jobs import UPLOAD_MARGIN_MINUTES
from services.api.schemas.receipts import BACKUP_DAYS, QUEUE_DAYS
from services.api.settings import ApiSettings
from services.api.uploads import LINKS
from services.common.domain import object_keys, options, vocabularies
from services.common.domain.annotations import MAX_METADATA_BYTES, MAX_NAMES_BYTES, PRINTABLE
from services.common.domain.corrections import MAX_SPEAKERS
from services.common.domain.events import INLINE_TEXT_BYTES, MAX_LISTENERS
from services.common.domain.media_types import ALLOWED, APPLICATION_TYPES
from services.common.domain.shares import DEFAULT_DAYS, MAX_DAYS, MAX_LABEL_CHARACTERS, MAX_SHARES, MINUTE_LIMIT
from services.common.domain.speakers import MOST_SPEAKERS
from services.common.domain.times import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from services.common.domain.versions import QUIET_MS
from services.common.store.clients import DEFAULT_LIMIT
from services.common.store.codec import MOST_LOOKED_AT
from services.common.store.deliveries import KEPT_TRIES
from services.common.store.events import FEED_LAG_MS
from services.common.store.idempotency import KEPT_MS
from services.common.store.parts import MOST_COUNTED
from services.common.store.tombstones import LINGER_MS, TOMBSTONE_MS
from services.common.webhooks.decision import FAILING_DAYS
from services.common.webhooks.endpoint import MAX_HOST_CHARACTERS
from services.common.webhooks.outcome import EXCERPT_BYTES
from services.common.webhooks.registration import MAX_SECRETS, OVERLAP_MS
from services.common.webhooks.retry_schedule import GAPS_SECONDS, HOUR, MAX_ATTEMPTS
from services.common.webhooks.transport import DEADLINE_SECONDS
from services.gpu_worker.settings import WorkerSettings
from tests.support import contract
from tests.support.documents import text_of

API = {name: field.default for name, field in ApiSettings.model_fields.items()}
FLAGS = re.MULTILINE | re.DOTALL
LIMITS = text_of("docs/api/limits.md")


def field(schema: str, name: str) -> Mapping[str, Any]:
    """A field of a body, as the OpenAPI document describes it."""
    return contract.resolved(contract.document()["components"]["schemas"][schema]["properties"][name])


def query(name: str, path: str = "/api/jobs") -> dict[str, Any]:
    """A query parameter of a list, as the OpenAPI document describes it."""
    parameters = contract.document()["paths"][path]["get"]["parameters"]
    (found,) = (one["schema"] for one in parameters if one["name"] == name)
    schema: dict[str, Any] = next((one for one in found.get("anyOf", ()) if one["type"] != "null"), found)
    return schema


def page(path: str) -> str:
    """The sizes that a page of a list may have."""
    size = query("limit", path)
    return f"{size['minimum']} to {size['maximum']} entries, {size['default']} by default"


def key_characters() -> int:
    (key,) = (
        one
        for one in contract.document()["paths"]["/api/jobs"]["post"]["parameters"]
        if one["name"] == "Idempotency-Key"
    )
    (most,) = re.findall(r",(\d+)\}", str(key["schema"]))
    return int(most)


(ABORTED_AFTER_DAYS,) = re.findall(r"days_after_initiation = (\d+)", text_of("terraform/modules/storage/lifecycle.tf"))


def variable(name: str) -> str:
    """The default of a variable of Terraform."""
    (found,) = re.findall(rf'^variable "{name}" {{$.*?^ +default += (\d+)$', text_of("terraform/variables.tf"), FLAGS)
    return str(found)


ROWS = [
    ("body of a request", f"{MAX_BODY_BYTES:,} bytes"),
    ("requests with one key", f"{DEFAULT_LIMIT} a minute by default"),
    ("requests to the whole deployment", f"{variable('requests_per_second')} a second by default, twice as many"),
    ("`Idempotency-Key`", f"{key_characters()} letters"),
    ("page of jobs or events", page("/api/jobs")),
    ("page of jobs or events", page("/api/events")),
    ("jobs or events that one request with a filter looks at", f"{MOST_LOOKED_AT + 1} | "),
    ("`q`", f"{query('q')['minLength']} to {query('q')['maxLength']} characters"),
    ("`reference`", f"{query('reference')['maxLength']} characters"),
    ("`reference`", f"{field('NewJob', 'reference')['minLength']} to {field('NewJob', 'reference')['maxLength']} char"),
    ("keys of `metadata`", f"1 to {field('NewJob', 'metadata')['propertyNames']['maxLength']} characters"),
    ("values of `metadata`", f"{field('NewJob', 'metadata')['additionalProperties']['maxLength']:,} characters"),
    ("`metadata` as a whole", f"{MAX_METADATA_BYTES:,} bytes as compact JSON"),
    ("`speakers`, and its `at_least` and `at_most`", f"1 to {MOST_SPEAKERS}"),
    ("`names`", f"{field('NewJob', 'names')['maxItems']} names or nulls"),
    ("a name", f"1 to {contract.resolved(field('NewJob', 'names')['items'])['maxLength']} characters, all printable"),
    ("`names` as a whole", f"{MAX_NAMES_BYTES:,} bytes as compact JSON"),
    ("body of a request that saves a correction", f"{MAX_LARGE_BODY_BYTES:,} bytes"),
    ("speakers in a correction", f"{MAX_SPEAKERS} | "),
    ("correction before it is told of", f"{QUIET_MS // MINUTE_MS} minutes"),
    ("transcript with `version=latest` or a number, words", f"{latest.MOST_BYTES:,} bytes"),
    ("`queue_position`", f"{MOST_COUNTED + 1} | "),
    ("page of deliveries", page("/api/jobs/{job_id}/deliveries")),
    ("page of deliveries", page("/api/callbacks/{callback_id}/deliveries")),
    ("`file_name`", f"{field('NewJob', 'file_name')['maxLength']:,} characters, of which the last "),
    ("`file_name`", f"the last {len(object_keys.file_name('x' * 1_000))} bytes stay"),
    (
        "parameters in `content_type`",
        f"{max(n for n in range(1, 500) if re.fullmatch(ALLOWED, 'audio/x;' + 'a' * n))} characters",
    ),
    ("upload with a form", f"{API['max_upload_bytes']:,} bytes"),
    ("upload in parts", f"{API['max_upload_gb']} GB by default"),
    ("upload in parts", f"{variable('max_upload_gb')} GB by default"),
    ("parts of an upload", f"{multipart.MOST_PARTS:,}, each of {multipart.LEAST_PART // multipart.MIB} MiB"),
    ("links of parts in one reply", f"{LINKS} | "),
    ("length of a recording", f"{WorkerSettings.model_fields['max_audio_hours'].default:.0f} hours by default"),
    ("length of a recording", f"{variable('max_audio_hours')} hours by default"),
    (
        "`prompt` and `hotwords` together",
        f"{options.MAX_HINT_CHARACTERS} characters, and {options.MAX_HINT_TOKENS} tokens",
    ),
    ("`prompt` and `hotwords` together", f"{options.SURE_HINT_BYTES} bytes always fit"),
    ("`vocabulary`", f"{vocabularies.MAX_KEPT_CHARACTERS:,} characters"),
    ("`vocabulary`", f"{options.MAX_HINT_TOKENS} tokens"),
    ("vocabularies of a client", f"{vocabularies.MAX_VOCABULARIES} | "),
    ("`name` of a vocabulary", f"1 to {vocabularies.MAX_NAME_CHARACTERS} small letters"),
    ("`words`", f"1 to {vocabularies.MAX_WORDS:,} different ones"),
    ("a word or a term", f"1 to {vocabularies.MAX_WORD_CHARACTERS} characters"),
    ("`words` as a whole", f"{vocabularies.MAX_VOCABULARY_BYTES:,} bytes"),
    ("`tracks`", f"{field('JobOptions', 'tracks')['maxItems']} different numbers from 1 to {options.HIGHEST_TRACK}"),
    ('voices with `"channels": "separate"`', str(options.MAX_VOICES)),
    ("callbacks of a client", f"{MAX_LISTENERS}; each job"),
    ("`url`", f"{field('NewCallback', 'url')['maxLength']:,} characters"),
    ("host of a `url`", f"{MAX_HOST_CHARACTERS} characters"),
    ("`prefix`", f"{field('NewCallback', 'prefix')['maxLength']} characters"),
    ("`description`", f"{field('NewCallback', 'description')['maxLength']} characters"),
    ("text in a message", f"{INLINE_TEXT_BYTES // 1_000} kB ({INLINE_TEXT_BYTES:,} bytes of UTF-8)"),
    ("attempts at a delivery", f"{MAX_ATTEMPTS}, in {sum(GAPS_SECONDS) / HOUR:.1f} hours"),
    ("ledger of a delivery", f"the last {KEPT_TRIES} attempts, with {EXCERPT_BYTES:,} bytes"),
    ("time for a receiver's answer", f"{DEADLINE_SECONDS:.0f} s"),
    ("signatures on a message", f"{MAX_SECRETS} | "),
    ("form of an upload, links of its parts", f"{API['upload_minutes']} minutes, or less"),
    ("form of an upload, links of its parts", f"{UPLOAD_MARGIN_MINUTES} minutes later the job is `expired`"),
    ("parts of an upload that is not completed", f"{ABORTED_AFTER_DAYS} days from its first links"),
    ("link to a transcript", f"{API['link_seconds']} s"),
    ("links to a recording and its peaks", f"{API['recording_link_seconds']:,} s, or less"),
    ("`Idempotency-Key`, with the answer", f"{KEPT_MS // DAY_MS} day"),
    ("old secret beside the new one, after a rotation", f"{OVERLAP_MS // HOUR_MS} hours"),
    ("entry of the feed before it is shown", f"{FEED_LAG_MS // SECOND_MS} s"),
    ("job, its events and its ledger", f"{variable('retention_days')} days by default"),
    ("job, its events and its ledger", f"{API['retention_days']} days by default"),
    ("job, its events and its ledger", f"up to {variable('longest_retention_days')} days by default"),
    ("job, its events and its ledger", f"up to {API['longest_retention_days']} days by default"),
    ("shares of a job", f"{MAX_SHARES} that have not ended"),
    ("`days`", f"1 to {MAX_DAYS}"),
    ("`label`", f"1 to {MAX_LABEL_CHARACTERS} characters"),
    ("requests with one share", f"{MINUTE_LIMIT} a minute"),
    ("share of a transcript", f"{DEFAULT_DAYS} days by default and {MAX_DAYS} at most"),
    ("callback", f"disabled after {FAILING_DAYS} days"),
    ("receipt of an erasure", f"{(TOMBSTONE_MS + LINGER_MS) // DAY_MS} days at least"),
    ("backup of the table", f"{BACKUP_DAYS} days"),
    ("message about an upload that could not be taken in", f"{QUEUE_DAYS} days"),
    ("logs", f"{variable('log_retention_days')} days by default"),
]


@pytest.mark.parametrize(("limit", "number"), ROWS)
def test_a_row_of_the_limits_tells_the_number_of_the_code(limit: str, number: str) -> None:
    (row,) = re.findall(rf"^\| {re.escape(limit)} \| (.*)$", LIMITS, re.MULTILINE)

    assert number in row


def test_the_api_answers_within_the_time_that_is_told() -> None:
    (seconds,) = re.findall(r"timeout_seconds += (\d+)", text_of("terraform/modules/api/main.tf"))

    assert f"| time for an answer | {seconds} s |" in LIMITS


def test_the_characters_that_are_not_printable_are_those_that_are_refused() -> None:
    (told,) = re.findall(r"^Printable is .*?\.$", LIMITS, FLAGS)
    named = {chr(number) for pair in re.findall(r"U\+(\w+)(?: to U\+(\w+))?", told) for number in _between(*pair)}
    refused = {one for one in map(chr, range(sys.maxunicode + 1)) if not re.fullmatch(PRINTABLE, one)}

    assert refused == named | {one for one in map(chr, range(0x100)) if unicodedata.category(one) == "Cc"}


def _between(first: str, last: str) -> range:
    return range(int(first, 16), int(last or first, 16) + 1)


def test_the_media_types_that_are_listed_are_those_that_are_taken() -> None:
    (told,) = re.findall(r"^`content_type` is .*?; leave out any other", text_of("docs/api/README.md"), FLAGS)

    assert re.findall(r"`(application/[\w.-]+)`", told) == APPLICATION_TYPES
