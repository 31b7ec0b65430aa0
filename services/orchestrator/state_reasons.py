"""Finds out from EC2's code why a machine has ended, and who caused it. Pure.

The codes are those of EC2's API reference (StateReason). For a code that is not listed, EC2 is the cause if it
begins with `Server.`. Any other code, and an end without a code, counts against the machine.
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
    """Who caused a machine's end."""

    EC2 = "ec2"
    """EC2 itself: this says nothing about the image, and the next machine may work."""
    ACCOUNT = "account"
    """The account: no machine will start until an operator has mended the cause."""
    MACHINE = "machine"
    """The machine, its image or what runs on it: several of these in a row open the breaker."""


@dataclass(frozen=True, kw_only=True)
class Cause:
    """What a code means."""

    doing: Doing
    words: str
    """A sentence for people. Where the account is the cause, it says what to do."""
    waiting: Waiting = Waiting.BREAKER
    """What jobs wait for while machines end in this way."""


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
"""Most characters of EC2's own words in a note or in the reason why a job waits."""


@dataclass(frozen=True, kw_only=True)
class End:
    """Why a machine has ended, as far as EC2 says."""

    code: str
    cause: Cause
    ec2_says: str
    """EC2's own words; empty if it gives none."""

    @property
    def said(self) -> str:
        """For people, in sentences."""
        return f"{self.cause.words} EC2 says: {self.ec2_says}" if self.ec2_says else self.cause.words


def end_of(machine: Mapping[str, Any] | None) -> End:
    """Why a machine has ended; `machine` is None if EC2 does not know it any more."""
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
