"""Checks of the account: who asks, from where, by which clock, and what a first spot machine needs."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from services.cli.operator.doctor.findings import Finding, ok, unknown, warning, wrong
from services.cli.operator.doctor.rights import found

if TYPE_CHECKING:
    from services.cli.operator.doctor.patient import Patient

NOTICED_SECONDS = 60
REFUSED_SECONDS = 240
"""Requests whose time is five minutes off are refused."""
SPOT_ROLE = "AWSServiceRoleForEC2Spot"
SET_CLOCK = "Set this machine's clock by a time server: `sudo timedatectl set-ntp true`."


def credentials(patient: Patient) -> Finding:
    """Whose credentials these are."""
    caller, names = patient.caller(), patient.names
    where = f"account {caller['Account']}, region {names.region}, deployment {names.deployment}"
    return ok(f"{caller['Arn']}, {where}.")


def clock(patient: Patient) -> Finding:
    """How far this machine's clock is from AWS's, by the date of a reply; a refusal has one too."""
    began = time.time()
    try:
        reply = patient.client("sts").get_caller_identity()
    except ClientError as error:
        reply = error.response
    now = (began + time.time()) / 2
    date = reply.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    if not date:
        return unknown("AWS's reply had no date.")
    off = round(now - parsedate_to_datetime(date).timestamp())
    if abs(off) <= NOTICED_SECONDS:
        return ok("This machine's clock is AWS's.")
    said = f"This machine's clock is {abs(off)} seconds {'ahead of' if off > 0 else 'behind'} AWS's."
    if abs(off) <= REFUSED_SECONDS:
        return warning(said, SET_CLOCK)
    return wrong(f"{said} AWS refuses requests that are five minutes off.", SET_CLOCK)


def spot_role(patient: Patient) -> Finding:
    """Whether the account has the role that its first spot machine needs."""
    if found(patient.client("iam").get_role, RoleName=SPOT_ROLE):
        return ok(f"The account has {SPOT_ROLE}.")
    return warning(
        f"The account never had a spot machine: it has no {SPOT_ROLE}. The first launch makes it, unless a policy of "
        "the organisation forbids that, or the disks are under a key of your own.",
        patient.aws("iam create-service-linked-role --aws-service-name spot.amazonaws.com"),
    )


CREDENTIALS_AND_CLOCK = {"credentials": credentials, "clock": clock}
CHECKS = {"spot role": spot_role}
