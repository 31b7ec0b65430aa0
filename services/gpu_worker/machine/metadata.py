"""The instance metadata service (IMDSv2): this machine's identity, and whether EC2 is about to interrupt it."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass

import boto3
import httpx

from services.common.aws import IMPATIENT, Aws

DEFAULT_ENDPOINT = "http://169.254.169.254"
_TOKEN_SECONDS = 21_600
_TIMEOUT_SECONDS = 2.0
_ATTEMPTS = 3
"""A single lost answer must not end a machine."""
_PAUSE_SECONDS = 0.1
_NOT_FOUND = 404


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What EC2 says of this machine."""

    instance_id: str
    instance_type: str
    zone: str
    region: str
    tags: dict[str, str]


def aws_of(machine: Machine | None) -> Aws:
    """AWS's clients for this machine: boto3 asks the metadata service for credentials, but not for the region.

    A region in the environment has precedence, so that a person's own machine may work for another region.
    """
    told = boto3.session.Session()
    session = told if told.region_name or not machine else boto3.session.Session(region_name=machine.region or None)
    return Aws(session, IMPATIENT)


class Metadata:
    """Reads the metadata service."""

    def __init__(self, endpoint: str | None = None) -> None:
        base = endpoint or os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT") or DEFAULT_ENDPOINT
        self._client = httpx.Client(base_url=base, timeout=_TIMEOUT_SECONDS, trust_env=False)
        self._token = ""
        self._token_ends = 0.0

    def machine(self, patience_seconds: float = 0) -> Machine | None:
        """This machine's identity; None where no metadata service answers, as on a machine outside of EC2.

        `patience_seconds`: how long to wait for an answer, if the first few attempts get none.
        """
        until = time.monotonic() + patience_seconds
        attempts = 0
        while attempts < _ATTEMPTS or time.monotonic() < until:
            attempts += 1
            with suppress(httpx.HTTPError):
                return self._machine()
            # Without a network a request fails at once.
            time.sleep(min(_PAUSE_SECONDS, patience_seconds))
        return None

    def spot_notice(self) -> str | None:
        """EC2's spot interruption notice; None while there is none."""
        return self._read("spot/instance-action")

    def rebalance(self) -> str | None:
        """EC2's recommendation to rebalance, which says that an interruption has become likely; None without one."""
        return self._read("events/recommendations/rebalance")

    def _machine(self) -> Machine | None:
        instance_id = self._read("instance-id")
        if instance_id is None:
            return None
        names = (self._read("tags/instance") or "").split()
        return Machine(
            instance_id=instance_id,
            instance_type=self._read("instance-type") or "",
            zone=self._read("placement/availability-zone") or "",
            region=self._read("placement/region") or "",
            tags={name: self._read(f"tags/instance/{name}") or "" for name in names},
        )

    def _read(self, path: str) -> str | None:
        if time.monotonic() >= self._token_ends:
            reply = self._client.put(
                "/latest/api/token", headers={"X-aws-ec2-metadata-token-ttl-seconds": str(_TOKEN_SECONDS)}
            )
            reply.raise_for_status()
            self._token = reply.text
            self._token_ends = time.monotonic() + _TOKEN_SECONDS / 2
        reply = self._client.get(f"/latest/meta-data/{path}", headers={"X-aws-ec2-metadata-token": self._token})
        if reply.status_code == _NOT_FOUND:
            return None
        return reply.raise_for_status().text
