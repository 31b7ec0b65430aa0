"""Whose doing it is that a machine has ended, by the code that EC2 gives for it. Pure.

The codes are those of EC2's API reference (StateReason). A code that is not listed is EC2's own if it begins with
`Server.`; any other counts against the machine, as an end without any word of EC2's does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from services.common.domain.states import Waiting

if TYPE_CHECKING:
    from collections.abc import Mapping


class Doing(StrEnum):
    """Whose doing an end is."""

    EC2 = "ec2"
    """It says nothing of the image: another machine may be sound."""
    ACCOUNT = "account"
    """No machine will come until somebody has mended it."""
    MACHINE = "machine"
    """The image or what is on it: some of these in a row open the breaker."""


@dataclass(frozen=True, kw_only=True)
class Cause:
    """What a code means."""

    doing: Doing
    words: str
    """A sentence; of the account's doing it says what to do."""
    waiting: Waiting = Waiting.BREAKER
    """What jobs wait for, if that end comes again and again."""


CAUSES: Mapping[str, Cause] = {
    "Server.InsufficientInstanceCapacity": Cause(doing=Doing.EC2, words="EC2 had no room for it after all."),
    "Server.InternalError": Cause(doing=Doing.EC2, words="An error within EC2 ended it while it started."),
    "Server.ScheduledStop": Cause(doing=Doing.EC2, words="EC2 retired the host that it ran on."),
    "Server.SpotInstanceShutdown": Cause(doing=Doing.EC2, words="EC2 stopped it and took the spot capacity back."),
    "Server.SpotInstanceTermination": Cause(doing=Doing.EC2, words="EC2 took the spot machine back."),
    "Client.InternalError": Cause(
        doing=Doing.ACCOUNT,
        waiting=Waiting.IMAGE,
        words="EC2 could not start it, most often because it may not use the KMS key of the machine's disk. Let that "
        "key's policy allow EC2 to use it, and name the key in the Terraform variable ebs_key_arn.",
    ),
    "Client.InvalidSnapshot.NotFound": Cause(
        doing=Doing.ACCOUNT,
        waiting=Waiting.IMAGE,
        words="The snapshot of its image is gone. Build and publish the image again, or write none into the image "
        "parameter.",
    ),
    "Client.VolumeLimitExceeded": Cause(
        doing=Doing.ACCOUNT,
        waiting=Waiting.QUOTA,
        words="The account may hold no more EBS volumes, or no more storage in them. Delete volumes that nobody "
        "needs, or ask AWS for a higher quota.",
    ),
    "Client.InstanceInitiatedShutdown": Cause(doing=Doing.MACHINE, words="It powered itself off."),
    "Client.InstanceTerminated": Cause(doing=Doing.MACHINE, words="It was ended while an image was made of it."),
    "Client.UserInitiatedHibernate": Cause(doing=Doing.MACHINE, words="Somebody put it to sleep through EC2's API."),
    "Client.UserInitiatedShutdown": Cause(doing=Doing.MACHINE, words="It was ended through EC2's API."),
}
_FORGOTTEN = Cause(doing=Doing.MACHINE, words="EC2 knows nothing of it any more.")
_UNSAID = Cause(doing=Doing.MACHINE, words="EC2 does not say why it ended.")
_OF_EC2 = Cause(doing=Doing.EC2, words="EC2 ended it.")
_OTHER = Cause(doing=Doing.MACHINE, words="It has ended.")
_CODE = re.compile(r"(?:Server|Client)(?:\.[A-Za-z]+)+")
MOST_WORDS = 500
"""Of EC2's own, in a note or a job's reason."""


@dataclass(frozen=True, kw_only=True)
class End:
    """Why a machine has ended, as far as EC2 says."""

    code: str
    cause: Cause
    ec2_says: str
    """In EC2's own words; empty if it has none."""

    @property
    def said(self) -> str:
        """For people, in sentences."""
        return f"{self.cause.words} EC2 says: {self.ec2_says}" if self.ec2_says else self.cause.words


def end_of(machine: Mapping[str, Any] | None) -> End:
    """Why a machine has ended; None: EC2 knows no such machine."""
    if machine is None:
        return End(code="", cause=_FORGOTTEN, ec2_says="")
    reason = machine.get("StateReason") or {}
    transition = str(machine.get("StateTransitionReason") or "")
    code, message = str(reason.get("Code") or ""), str(reason.get("Message") or "")
    found = _CODE.match(code) or _CODE.match(transition)
    code = found.group() if found else code
    words = [message if message.startswith(code) else f"{code}: {message}".strip(": "), transition]
    return End(code=code, cause=_cause(code), ec2_says="; ".join(dict.fromkeys(filter(None, words)))[:MOST_WORDS])


def _cause(code: str) -> Cause:
    if not code:
        return _UNSAID
    return CAUSES.get(code) or (_OF_EC2 if code.startswith("Server.") else _OTHER)
