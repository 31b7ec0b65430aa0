"""Runs the checks side by side. None can raise, and none is waited for too long."""

from __future__ import annotations

import queue
import threading
import time
from typing import TYPE_CHECKING

from services.cli.explained import explain
from services.cli.operator.doctor import (
    account,
    deliveries,
    functions,
    machines,
    quotas,
    storage,
    triggers,
    watching,
    work,
)
from services.cli.operator.doctor.findings import Finding, Level, unknown, wrong
from services.cli.operator.doctor.patient import UnseenError
from services.cli.operator.doctor.rights import is_missing, missing_right

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from services.cli.operator.doctor.patient import Patient

    Check = Callable[[Patient], Finding]

AT_ONCE, SECONDS = 8, 20
SIGN_IN = "Sign in, as with `aws configure` or `aws sso login`, or mend the way to AWS."
FIRST = account.CREDENTIALS_AND_CLOCK
"""Without credentials no other check could see anything, and with a wrong clock AWS takes none."""
THEN: Mapping[str, Check] = (
    account.CHECKS
    | quotas.CHECKS
    | functions.CHECKS
    | machines.CHECKS
    | triggers.CHECKS
    | storage.CHECKS
    | work.CHECKS
    | deliveries.CHECKS
    | watching.CHECKS
)


def examine(patient: Patient) -> dict[str, Finding]:
    """What each check has found, in the order in which the checks are listed."""
    first = _side_by_side(patient, FIRST)
    if first["credentials"].level is not Level.OK:
        return first
    return first | _side_by_side(patient, THEN)


def _side_by_side(patient: Patient, checks: Mapping[str, Check]) -> dict[str, Finding]:
    """What checks find within `SECONDS`; whoever takes longer is not waited for, and ends with the program."""
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    found: queue.SimpleQueue[tuple[str, Finding]] = queue.SimpleQueue()
    for name in checks:
        waiting.put(name)

    def work_off() -> None:
        while True:
            try:
                name = waiting.get_nowait()
            except queue.Empty:
                return
            found.put((name, _seen(checks[name], patient)))

    for _ in range(min(AT_ONCE, len(checks))):
        threading.Thread(target=work_off, daemon=True).start()
    late = unknown(f"AWS did not answer within {SECONDS} seconds.", "Try again; check the network.")
    findings = dict.fromkeys(checks, late)
    until = time.monotonic() + SECONDS
    for _ in checks:
        try:
            name, finding = found.get(timeout=max(0, until - time.monotonic()))
        except queue.Empty:
            break
        findings[name] = finding
    return findings


def _seen(check: Check, patient: Patient) -> Finding:
    """What a check finds; whatever keeps it from seeing is a finding too."""
    try:
        return check(patient)
    except UnseenError as error:
        return unknown(str(error))
    except Exception as error:  # noqa: BLE001 - one check that fails must not hide what the others find
        if right := missing_right(error):
            return unknown(f"These credentials lack the right {right}.", f"Allow {right} to them.")
        if is_missing(error):
            return unknown("What this looks at is not there; see the lines that are wrong.")
        told = explain(error).sentence
        return wrong(told, SIGN_IN) if check is account.credentials else unknown(told)
