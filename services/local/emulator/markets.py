"""EC2's two markets as CreateFleet meets them: quotas, zones that do not offer a type, and pools that are refused.

A pool is also refused for its template's tags: on demand if they are for spot requests, and on both markets if a
machine could not show a tag in its metadata.

moto launches the first override whatever it is. EC2 tries the pools (an override each) until one gives a machine. It
says in `Errors` of each other pool why it gave none, with the status 200. Tests say what the markets are like at
`/_local/markets`, one JSON object at a time; each entry replaces what was said before:

- `{"quotas": {"spot": 0}}`: the vCPUs that may run on a market, which Service Quotas says as well;
- `{"not_offered": [["g5.xlarge", "eu-north-1a"], …]}`: types that a zone does not offer;
- `{"refusals": [{"market", "type", "zone", "error": [code, message]}, …]}`: pools that are refused with this error.
  Without a market, a type or a zone, the refusal is for each of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from moto.ec2.models.fleets import FleetsBackend
from moto.ec2.models.instance_types import INSTANCE_TYPES
from moto.ec2.responses.fleets import Fleets

from services.common.domain.prices import dollars_per_hour

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from moto.core.responses import ActionResult

    Error = tuple[str, str]
    """EC2's code and message."""

MOST_TRIED = 3
"""So many pools a fleet tries. No document of AWS says it; it was seen on an account (us-east-2, October 2026)."""
UNTRIED = ("UnfulfillableCapacity", "Unable to fulfill capacity due to your request configuration.")
OVER_QUOTA = {
    "spot": ("MaxSpotInstanceCountExceeded", "Max spot instance count exceeded"),
    "on-demand": ("VcpuLimitExceeded", "You have requested more vCPU capacity than your current vCPU limit allows."),
}
TAGGED_IN_VAIN = (
    "InvalidParameterValue",
    (
        "You cannot specify tags for Spot instances requests if there are no Spot instances requests being created by"
        " the request."
    ),
)
TAG_KEY = "[0-9a-zA-Z\\-_+=,.@:]{1,255}"
RESERVED_KEYS = (".", "..", "_index")


@dataclass
class Told:
    """By default the markets are those of an account that is not new, and lack nothing."""

    quotas: dict[str, int] = field(default_factory=lambda: {"spot": 64, "on-demand": 64})
    not_offered: set[tuple[str, str]] = field(default_factory=set)
    refusals: list[Mapping[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Pool:
    """One override of a request."""

    market: str
    type: str
    zone: str
    config: Mapping[str, Any]
    override: Mapping[str, Any]
    template: Mapping[str, Any]

    def answer(self, error: Error) -> dict[str, Any]:
        """The pool's entry in the reply's `Errors`."""
        code, message = error
        specification = {"LaunchTemplateSpecification": self.config["LaunchTemplateSpecification"]}
        return {
            "LaunchTemplateAndOverrides": specification | {"Overrides": self.override},
            "Lifecycle": self.market,
            "ErrorCode": code,
            "ErrorMessage": message,
        }


_told = Told()


def apply() -> None:
    """Patch moto in this process; once is enough, twice does no harm."""
    if getattr(FleetsBackend, "_markets_patched", False):
        return
    FleetsBackend._markets_patched = True
    make, answer = FleetsBackend.create_fleet, Fleets.create_fleet

    def create_fleet(backend: Any, **asked: Any) -> Any:
        taken, errors = _choose(list(_pools(backend, asked)), backend)
        if taken:
            asked["launch_template_configs"] = [{**taken.config, "Overrides": [taken.override]}]
        else:
            asked["target_capacity_specification"] = {"TotalTargetCapacity": 0}
        fleet = make(backend, **asked)
        fleet.errors = errors
        return fleet

    def answer_with_errors(response: Any) -> ActionResult:
        reply = answer(response)
        reply.result["Errors"] = response.ec2_backend.get_fleet(reply.result["FleetId"]).errors
        return reply

    FleetsBackend.create_fleet, Fleets.create_fleet = create_fleet, answer_with_errors


def tell(what: Mapping[str, Any]) -> None:
    """Take one of the objects that the module's docstring lists."""
    _told.quotas |= what.get("quotas", {})
    if "not_offered" in what:
        _told.not_offered = {(kind, zone) for kind, zone in what["not_offered"]}
    _told.refusals = list(what.get("refusals", _told.refusals))


def quota(market: str) -> int:
    """How many vCPUs of types with a GPU may run on a market."""
    return _told.quotas[market]


def _pools(backend: Any, asked: Mapping[str, Any]) -> Iterator[Pool]:
    market = asked["target_capacity_specification"].get("DefaultTargetCapacityType") or "on-demand"
    for config in asked["launch_template_configs"]:
        named = config["LaunchTemplateSpecification"]
        template = backend.get_launch_template(named["LaunchTemplateId"]).get_version(named["Version"]).data
        for override in config.get("Overrides") or [{}]:
            subnet = override.get("SubnetId")
            yield Pool(
                market=market,
                type=override.get("InstanceType") or template["InstanceType"],
                zone=backend.get_subnet(subnet).availability_zone if subnet else "",
                config=config,
                override=override,
                template=template,
            )


def _choose(pools: Sequence[Pool], backend: Any) -> tuple[Pool | None, list[dict[str, Any]]]:
    """The first pool that gives a machine, and the errors of those before it.

    On demand the cheapest are tried first. Nobody knows the order in which EC2 tries those of the spot market.
    """
    errors: list[dict[str, Any]] = []
    cheapest_first = sorted(pools, key=lambda pool: dollars_per_hour(pool.type, "on-demand") or float("inf"))
    for number, pool in enumerate(pools if pools and pools[0].market == "spot" else cheapest_first):
        error = _refusal(pool, backend) if number < MOST_TRIED else UNTRIED
        if error is None:
            return pool, errors
        errors.append(pool.answer(error))
    return None, errors


def _refusal(pool: Pool, backend: Any) -> Error | None:
    for refusal in _told.refusals:
        if all(refusal.get(name) in {None, getattr(pool, name)} for name in ("market", "type", "zone")):
            code, message = refusal["error"]
            return code, message
    if (pool.type, pool.zone) in _told.not_offered:
        words = f"Your requested instance type ({pool.type}) is not supported in your requested Availability Zone"
        return "InvalidFleetConfiguration", f"{words} ({pool.zone})."
    tags = _tags(pool.template)
    if pool.market == "on-demand" and "spot-instances-request" in tags:
        return TAGGED_IN_VAIN
    if pool.template.get("MetadataOptions", {}).get("InstanceMetadataTags") == "enabled":
        for key in tags.get("instance", ()):
            if not re.fullmatch(TAG_KEY, key) or key in RESERVED_KEYS:
                must = f"Tag keys must match pattern ({TAG_KEY}), and must not be a reserved name {RESERVED_KEYS}"
                return "InvalidParameterValue", f"'{key}' is not a valid tag key. {must}"
    wanted = _vcpus(pool.type)
    over = wanted and _running(pool.market, backend) + wanted > quota(pool.market)
    return OVER_QUOTA[pool.market] if over else None


def _tags(template: Mapping[str, Any]) -> dict[str, list[str]]:
    """The keys of a template's tags, by what they are for."""
    specifications = template.get("TagSpecifications", [])
    return {entry["ResourceType"]: [tag["Key"] for tag in entry["Tags"]] for entry in specifications}


def _running(market: str, backend: Any) -> int:
    return sum(
        _vcpus(instance.instance_type)
        for instance in backend.all_instances()
        if instance.state in {"pending", "running"} and (instance.lifecycle or "on-demand") == market
    )


def _vcpus(kind: str) -> int:
    """A type's vCPUs, as far as they count against the quotas of types with a GPU (G and VT)."""
    counts = kind.startswith(("g", "vt"))
    return INSTANCE_TYPES[kind]["VCpuInfo"]["DefaultVCpus"] if counts else 0
