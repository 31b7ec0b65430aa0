"""Checks of what watches, and of what can be watched: the functions' logs, the alarms and the API's health."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx

from services.cli.operator.doctor.findings import APPLY, Finding, ok, warning, wrong
from services.cli.operator.doctor.rights import found
from services.common.domain.metrics import SWEEPS
from services.common.domain.times import MINUTE_MS, SECOND_MS, now_ms

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from services.cli.operator.doctor.patient import Patient

SILENT_MINUTES, RECENT_MINUTES = 15, 5
"""After so long a sweep is missed; so long a failure counts that later sweeps have not repeated."""
FAILURES = ("sweep.failed", "invocation.failed", "request.failed")
WORDS_OF_LAMBDA = ("[ERROR]", "Task timed out", "Runtime exited")
PATTERN = " ".join(f'?"{word}"' for word in (SWEEPS.name, *FAILURES, *WORDS_OF_LAMBDA))
"""Of all lines, those that tell of a sweep's end or of a failure; CloudWatch chooses them."""
MOST_LINES, SHOWN = 10_000, 200
API_SECONDS, API_MINUTES = 8, 60
ALARMS = (
    *("uploads-wait", "uploads-set-aside", "work-stalled", "sweep-silent", "jobs-failing", "deliveries-exhausted"),
    *("work-lost", "objects-not-deleted", "breaker-opened"),
)
"""The alarms that each deployment has (terraform/modules/observability)."""
NO_API = "This deployment has no API."


def sweep(patient: Patient) -> Finding:
    """When the last sweep came to its end, and what its log says of failures."""
    group, now = _log(patient.names.orchestrator), now_ms()
    lines = _lines(patient, group, now - SILENT_MINUTES * MINUTE_MS)
    if lines is None:
        return wrong(f"There is no log {group}, so nobody can see what the orchestrator does.")
    ends = [line["timestamp"] for line in lines if _is_end(line["message"])]
    failures = [line for line in lines if not _is_end(line["message"])]
    last = f" Its log's last complaint: {_words(failures[-1]['message'])}" if failures else ""
    show = patient.aws(f"logs tail {group} --since {SILENT_MINUTES}m")
    if not ends:
        return wrong(f"No sweep has come to its end for {SILENT_MINUTES} minutes.{last}", show)
    seconds = max(0, now - max(ends)) // SECOND_MS
    said = f"The last sweep ended {seconds} seconds ago."
    if failures and failures[-1]["timestamp"] > now - RECENT_MINUTES * MINUTE_MS:
        return warning(f"{said}{last}", show)
    return ok(said)


def requests(patient: Patient) -> Finding:
    """What the API's log says of failures."""
    if not patient.setting("PUBLIC_URL"):
        return ok(NO_API)
    group = _log(patient.names.api)
    lines = _lines(patient, group, now_ms() - API_MINUTES * MINUTE_MS)
    if lines is None:
        return wrong(f"There is no log {group}, so nobody can see what the API does.")
    if not lines:
        return ok(f"The API's log has no failure of the last {API_MINUTES} minutes.")
    return warning(
        f"The API's log has failures of the last {API_MINUTES} minutes: {len(lines)}. The last one: "
        f"{_words(lines[-1]['message'])}",
        patient.aws(f"logs tail {group} --since {API_MINUTES}m"),
    )


def alarms(patient: Patient) -> Finding:
    """Which alarms ring."""
    told = patient.alarms()
    if not told:
        return warning("The deployment has no alarms: nobody hears of trouble.", APPLY)
    ringing = [one["AlarmName"].removeprefix(patient.names.alarms) for one in told if one["StateValue"] == "ALARM"]
    if ringing:
        return wrong(f"These alarms ring: {', '.join(ringing)}.", "docs/operations.md, By alarm, says what to do.")
    names = {one["AlarmName"] for one in told}
    if gone := [name for name in ALARMS if patient.names.alarms + name not in names]:
        return warning(f"No alarm rings, but these are gone: {', '.join(gone)}.", APPLY)
    return ok(f"No alarm rings; there are {len(told)}.")


def mails(patient: Patient) -> Finding:
    """Whether somebody hears the alarms."""
    told = patient.alarms()
    if silent := [one["AlarmName"] for one in told if not one.get("ActionsEnabled", True)]:
        command = patient.aws(f"cloudwatch enable-alarm-actions --alarm-names {' '.join(silent)}")
        return warning(
            f"Nobody hears these alarms, since their actions are switched off: {', '.join(silent)}.", command
        )
    topics = {arn for one in told for arn in one.get("AlarmActions", []) if ":sns:" in arn}
    sns, remedy = patient.client("sns"), f"Set alarm_email, then `{APPLY}`."
    confirmed, pending = 0, 0
    for topic in topics:
        pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
        subscriptions = (found(pages.build_full_result) or {}).get("Subscriptions", [])
        waiting = sum(not one["SubscriptionArn"].startswith("arn:") for one in subscriptions)
        confirmed, pending = confirmed + len(subscriptions) - waiting, pending + waiting
    if confirmed:
        return ok(f"Subscribers that hear the alarms: {confirmed}.")
    if pending:
        return warning("Nobody hears the alarms: the subscription waits to be confirmed.", "Confirm AWS's e-mail.")
    return warning("Nobody hears the alarms: their topic has no subscriber.", remedy)


def health(patient: Patient) -> Finding:
    """Whether the API answers."""
    base = patient.setting("PUBLIC_URL")
    if not base:
        return ok(NO_API)
    address = f"{base}/api/health"
    try:
        reply = httpx.get(address, timeout=API_SECONDS)
    except httpx.HTTPError as error:
        return wrong(f"{address} cannot be reached from here: {error}", f"curl -v {address}")
    if reply.status_code == httpx.codes.OK:
        return ok(f"The API answers at {base}, in {round(reply.elapsed.total_seconds() * 1_000)} ms.")
    show = patient.aws(f"logs tail {_log(patient.names.api)} --since 1h")
    return wrong(f"{address} answers {reply.status_code}.", show)


def _log(function: str) -> str:
    """The log group of a function."""
    return f"/aws/lambda/{function}"


def _lines(patient: Patient, group: str, since: int) -> Sequence[Mapping[str, Any]] | None:
    """What the pattern finds in a log, in order of time; None: there is no such log."""
    asked = {"logGroupName": group, "startTime": since, "filterPattern": PATTERN}
    pages = patient.client("logs").get_paginator("filter_log_events")
    told = found(lambda: list(pages.paginate(**asked, PaginationConfig={"MaxItems": MOST_LINES})))
    if told is None:
        return None
    lines = [line for page in told for line in page["events"]]
    return sorted(filter(_tells, lines), key=lambda line: line["timestamp"])


def _tells(line: Mapping[str, Any]) -> bool:
    text = line["message"]
    return _is_end(text) or any(word in text for word in (*FAILURES, *WORDS_OF_LAMBDA))


def _is_end(text: str) -> bool:
    return SWEEPS.name in _document(text)


def _words(text: str) -> str:
    """What a line says, in short: of a traceback, the line that names the error."""
    told = _document(text)
    if not told:
        return text.strip()[:SHOWN]
    lines = str(told.get("exception", "")).strip().splitlines() or [str(told.get("error", ""))]
    step = f" ({told['step']})" if "step" in told else ""
    return f"{told.get('event')}{step} {lines[-1]}".strip()[:SHOWN]


def _document(text: str) -> dict[str, Any]:
    """A line of our log; empty if it is another program's."""
    try:
        told = json.loads(text)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


CHECKS = {"last sweep": sweep, "alarms": alarms, "alarms' subscribers": mails, "API": health, "API's log": requests}
