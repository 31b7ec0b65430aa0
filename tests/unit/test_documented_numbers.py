"""Numbers that documents tell are those of the code: whoever changes one changes the other."""

from __future__ import annotations

import pytest

from services.api.settings import ApiSettings
from services.common.domain import events
from services.common.domain.events import INLINE_TEXT_BYTES
from services.common.domain.progress import ALMOST
from services.common.domain.registrations import UPLOAD_BYTES_PER_SECOND
from services.common.domain.retry_policy import MAX_DEATHS, MAX_FAULTS, MAX_LOSSES
from services.common.domain.stages import SPEED, STAGES
from services.common.domain.times import MINUTE_MS, SECOND_MS
from services.common.store.codec import MOST_LOOKED_AT
from services.common.store.parts import MOST_COUNTED
from services.common.transcript import formats
from services.common.transcript.subtitles import LINE_CHARACTERS, LONGEST, MOST_LINES, READING_SPEED
from services.common.webhooks.decision import FAILING_DAYS
from services.common.webhooks.recipients import REMEMBERED_MS
from services.common.webhooks.registration import MAX_SECRETS
from services.common.webhooks.retry_schedule import GAPS_SECONDS, HOUR, JITTER, MINUTE
from services.common.webhooks.transport import DEADLINE_SECONDS
from services.gpu_worker.engine.decode.catalogue import PACKAGED, Habits, habits
from services.gpu_worker.settings import WorkerSettings
from services.orchestrator.drain import PER_RECEIVER
from services.orchestrator.expected import STAY_MS
from services.orchestrator.registrations import LATEST, MOST_AWAITED, NEVER_CAME
from services.orchestrator.scaling import BREAK_MS, SILENT_BOOTS
from tests.support import contract
from tests.support.documents import text_of

WORDS = {2: "two", 3: "three", 4: "four", 5: "five", 10: "ten", 20: "twenty", 30: "thirty"}
SETTINGS = {name: field.default for name, field in WorkerSettings.model_fields.items()}
SHORT = habits(PACKAGED).short or Habits()
AHEAD_SECONDS: float = ApiSettings.model_fields["early_launch_seconds"].default
MINUTES = WORDS[round(AHEAD_SECONDS / MINUTE)]
LEFT_AFTER_THE_UPLOAD = [
    stage.own_image for stage in STAGES if stage.since == "uploaded" or stage.until in {"claimed", "completed"}
]
"""The stages that a machine ahead of the upload cannot begin before it."""


def pause(seconds: int) -> str:
    """As the table of attempts writes it: 0, 5 s, 5 min, 2 h."""
    for unit, name in ((HOUR, "h"), (MINUTE, "min"), (1, "s")):
        if seconds >= unit:
            return f"{seconds // unit} {name}"
    return "0"


def beams(of: Habits) -> list[int]:
    return [of.beams[preset] for preset in ("fast", "balanced", "careful")]


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ("webhooks", f"| after | {' | '.join(map(pause, GAPS_SECONDS))} |"),
        ("webhooks", f"each ±{JITTER:.0%}, {sum(GAPS_SECONDS) / HOUR:.1f} hours in all".replace("%", " %")),
        ("webhooks", f"so do **{WORDS[FAILING_DAYS]} days** without a single success"),
        ("operations", f"a receiver failed for {WORDS[FAILING_DAYS]} days"),
        ("webhooks", f"At most {WORDS[PER_RECEIVER]} deliveries of one client go to one host at a time"),
        ("webhooks", f"holds the text as `text`, if that has at most {INLINE_TEXT_BYTES:,} bytes of UTF-8"),
        ("webhooks", f"At most {WORDS[MAX_SECRETS]} secrets sign a message"),
        ("webhooks", f"for {REMEMBERED_MS // SECOND_MS} s after the change, a sender may still use the old one"),
        ("webhooks", f"One deadline of {DEADLINE_SECONDS:.0f} s applies to look-up"),
        ("api/versioning", f"`info.version` of the OpenAPI document | {contract.document()['info']['version']} |"),
        ("api/versioning", f"`version` of a message | {events.VERSION} |"),
        ("api/versioning", f"`version` of the json transcript | {formats.VERSION} |"),
        (
            "engine",
            f"{WORDS[MOST_LINES]} lines of {LINE_CHARACTERS} characters at {READING_SPEED:.0f} characters a second",
        ),
        ("engine", f"for {LONGEST:.0f} s at most"),
        ("engine", "`fast` {}, `balanced` {}, `careful` {}".format(*beams(Habits()))),
        ("engine", "{}, {} and {}, and ".format(*beams(habits(PACKAGED))) + "{}, {} and {} on".format(*beams(SHORT))),
        ("operations", f"| a death of the recording | {MAX_DEATHS}, then `REPEATED_CRASH` |"),
        ("operations", f"kept apart from then on | {MAX_LOSSES} |"),
        ("operations", f"perhaps on another machine | {MAX_FAULTS}, then the code of the last fault |"),
        ("operations", f"{SILENT_BOOTS} in a row open the breaker"),
        ("operations", f"heard nothing of the worker for a lease ({SETTINGS['lease_seconds']} s)"),
        ("architecture", f"after {WORDS[SILENT_BOOTS]} machines in a row that never reported"),
        ("machine", f"less than {SETTINGS['self_test_likeness']} like the known words"),
        ("machine", f"`SELF_TEST_FLOOR_CUDA` {SETTINGS['self_test_floor_cuda']}"),
        ("machine", f"`SELF_TEST_FLOOR_CPU` {SETTINGS['self_test_floor_cpu']} seconds"),
        ("api/README", f"one request looks at no more than {MOST_LOOKED_AT + 1} jobs or events"),
        ("api/README", f"behind the {MOST_COUNTED + 1}th place of the queue"),
        ("api/README", f"at most {ALMOST} before"),
        ("api/README", f"the assumed {SPEED:.0f} seconds of audio a second"),
        ("performance", f"{SPEED:.0f} times real time assumed"),
        ("performance", f"a machine idles for {SETTINGS['idle_seconds']} s"),
        ("deploy", f"does not come within {MINUTES} minutes of its registration"),
        ("deploy", f"may stay up to {WORDS[STAY_MS // MINUTE_MS]} minutes afterwards"),
        ("deploy", f"for an upload of more than {AHEAD_SECONDS * UPLOAD_BYTES_PER_SECOND / 1e6:.0f} MB"),
        ("deploy", f"whose last {WORDS[NEVER_CAME]} uploads never came"),
        ("api/README", f"waits {MINUTES} minutes from the registration"),
        ("api/README", f"for a file of more than {AHEAD_SECONDS * UPLOAD_BYTES_PER_SECOND / 1e6:.0f} MB"),
        ("api/README", f"If the last {WORDS[NEVER_CAME]} that you registered never came"),
        ("decisions/queue", f"{WORDS[MOST_AWAITED]} of its uploads are awaited at once"),
        ("decisions/queue", f"A client's newest {WORDS[LATEST]} jobs are looked at"),
        ("performance", "{:.0f} + {:.0f} + {:.0f} s of the budget".format(*LEFT_AFTER_THE_UPLOAD)),
    ],
)
def test_a_document_tells_the_number_of_the_code(document: str, told: str) -> None:
    assert told in " ".join(text_of(f"docs/{document}.md").split())


def test_the_pause_of_an_open_breaker_is_the_half_hour_of_the_documents() -> None:
    assert BREAK_MS == 30 * MINUTE_MS
    assert all(
        "half an hour" in text_of(f"docs/{name}.md").lower() for name in ("architecture", "operations", "states")
    )
