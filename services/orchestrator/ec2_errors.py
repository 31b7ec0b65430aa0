"""What EC2's words mean for the queue when it is asked for a machine. Pure.

The codes are those of EC2's API reference ("Error codes for the Amazon EC2 API"), and those that projects which launch
by CreateFleet have met (Karpenter, terraform-aws-github-runner, runs-on). A fleet's reply has an error for each pool,
which is a type in a subnet. A missing right comes as such an error too. The table in docs/operations.md is made of the
same rows, and a test holds the two together.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from services.common.domain.states import Waiting

UNTRIED = "UnfulfillableCapacity"
"""A fleet tries three pools at most, and says this of all others. So beside another error it says nothing."""


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """What one code, or several, say."""

    codes: tuple[str, ...]
    words: str
    waiting: Waiting
    """What jobs wait for meanwhile."""
    other_market: bool
    """Whether the other market may have a machine all the same, so that on-demand is worth asking for."""
    certain: bool = False
    """Whether no machine was launched even if the whole request fails with the code and a status of 500 or above."""
    pool_only: bool = False
    """Whether the row is about an error of one pool, and not about one of the whole request."""


MEANINGS = (
    Meaning(
        codes=(
            "InsufficientInstanceCapacity",
            "InsufficientCapacity",
            "InsufficientHostCapacity",
            "InsufficientReservedInstanceCapacity",
            "ReservationCapacityExceeded",
        ),
        words="EC2 has no such machine in that zone now",
        waiting=Waiting.CAPACITY,
        other_market=True,
        certain=True,
    ),
    Meaning(
        codes=(UNTRIED,),
        words="EC2 did not try that type in that zone, since others had been refused",
        waiting=Waiting.CAPACITY,
        other_market=True,
        certain=True,
    ),
    Meaning(
        codes=("SpotMaxPriceTooLow",),
        words="the spot price is above the on-demand price, and no more than that is paid",
        waiting=Waiting.CAPACITY,
        other_market=True,
        certain=True,
    ),
    Meaning(
        codes=("Unsupported", "UnsupportedOperation"),
        words="EC2 does not offer that type in that zone on that market",
        waiting=Waiting.CAPACITY,
        other_market=True,
        certain=True,
    ),
    Meaning(
        codes=("InvalidFleetConfiguration",),
        words="EC2 does not offer that type in that zone; it may offer others, which it did not try",
        waiting=Waiting.CAPACITY,
        other_market=True,
        certain=True,
        pool_only=True,
    ),
    Meaning(
        codes=("InsufficientFreeAddressesInSubnet",),
        words="the subnet has no free address",
        waiting=Waiting.CAPACITY,
        other_market=False,
        certain=True,
    ),
    Meaning(
        codes=("RequestLimitExceeded", "Throttling", "ThrottlingException"),
        words="the account calls EC2 too often",
        waiting=Waiting.CAPACITY,
        other_market=False,
        certain=True,
    ),
    Meaning(
        codes=("InternalError", "InternalFailure", "ServiceUnavailable", "Unavailable"),
        words="EC2 failed; if the whole request did, the same one is made again, since a machine may have come",
        waiting=Waiting.CAPACITY,
        other_market=True,
    ),
    Meaning(
        codes=("MaxSpotInstanceCountExceeded",),
        words="the quota for spot machines is used up; new accounts have none",
        waiting=Waiting.QUOTA,
        other_market=True,
        certain=True,
    ),
    Meaning(
        codes=("VcpuLimitExceeded", "InstanceLimitExceeded"),
        words="the quota for on-demand machines is used up; new accounts have none",
        waiting=Waiting.QUOTA,
        other_market=True,
        certain=True,
    ),
    Meaning(
        codes=("MaxFleetCountExceeded", "MaxSpotFleetRequestCountExceeded"),
        words="the account may ask for no more fleets",
        waiting=Waiting.QUOTA,
        other_market=True,
        certain=True,
    ),
    Meaning(
        codes=(
            "VolumeLimitExceeded",
            "MaxIOPSLimitExceeded",
            "NetworkInterfaceLimitExceeded",
            "ResourceLimitExceeded",
        ),
        words="the account may hold no more disks, network interfaces or other parts of a machine",
        waiting=Waiting.QUOTA,
        other_market=False,
    ),
    Meaning(
        codes=("AuthFailure.ServiceLinkedRoleCreationNotPermitted",),
        words="the account has no role for spot machines yet, and the orchestrator may not make it",
        waiting=Waiting.IMAGE,
        other_market=True,
    ),
    Meaning(
        codes=("UnauthorizedOperation", "AuthFailure", "AccessDenied", "SsmAccessDenied"),
        words="a right is missing",
        waiting=Waiting.IMAGE,
        other_market=False,
    ),
    Meaning(
        codes=("OptInRequired", "PendingVerification", "Blocked"),
        words="AWS has not opened the account or the region for machines yet, or has closed it",
        waiting=Waiting.IMAGE,
        other_market=False,
    ),
    Meaning(
        codes=(
            "InvalidAMIID.NotFound",
            "InvalidAMIID.Malformed",
            "InvalidAMIID.Unavailable",
            "InvalidSnapshot.NotFound",
        ),
        words="the image is gone or not ready, or lies in another region",
        waiting=Waiting.IMAGE,
        other_market=False,
    ),
    Meaning(
        codes=(
            "InvalidFleetConfig",
            "InvalidFleetConfiguration",
            "InvalidGroup.NotFound",
            "InvalidLaunchTemplateId.NotFound",
            "InvalidLaunchTemplateId.VersionNotFound",
            "InvalidParameter",
            "InvalidParameterCombination",
            "InvalidParameterValue",
            "InvalidSecurityGroupID.NotFound",
            "InvalidSubnetID.NotFound",
            "MissingParameter",
        ),
        words="the request is wrong, or something that it names is gone",
        waiting=Waiting.IMAGE,
        other_market=False,
    ),
    Meaning(
        codes=("IdempotentParameterMismatch",),
        words="a launch was asked for again in other words; a machine that had come is ended, as it has no slot",
        waiting=Waiting.IMAGE,
        other_market=False,
    ),
)
UNKNOWN = Meaning(
    codes=(),
    words="any other code: it may be the market's, so on-demand is asked too; an operator has to read it",
    waiting=Waiting.IMAGE,
    other_market=True,
)
_OF_POOLS = {code: meaning for meaning in reversed(MEANINGS) for code in meaning.codes}
"""Of two rows with the same code, the first one counts, which is the one about pools."""
_OF_REQUESTS = {code: meaning for meaning in MEANINGS if not meaning.pool_only for code in meaning.codes}


def meaning_of(code: str, *, status: int = HTTPStatus.OK) -> Meaning | None:
    """What EC2's error means; None if it is not known whether a machine was launched.

    Args:
        code: EC2's error code.
        status: the reply's HTTP status. The errors of a fleet's pools come in a reply with status 200, and then no
            machine was launched.

    """
    found = (_OF_POOLS if status == HTTPStatus.OK else _OF_REQUESTS).get(code, UNKNOWN)
    return None if status >= HTTPStatus.INTERNAL_SERVER_ERROR and not found.certain else found
