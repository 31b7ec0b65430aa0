"""The deployment that is examined: clients of AWS, and the facts that several checks need."""

from __future__ import annotations

import json
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.config import Config

from services.cli.operator.doctor.rights import found
from services.common.domain.errors import TranscriberError
from services.common.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import boto3

    from services.cli.operator.names import Names

_CONFIG = Config(connect_timeout=3, read_timeout=6, retries={"mode": "standard", "total_max_attempts": 2})
"""A call that gets no answer gives up while the other checks are still waited for."""


Fact = TypeVar("Fact")


class UnseenError(TranscriberError):
    """A check needs something that another check could not see or has found missing; the message names that check."""

    code = "UNSEEN"


class Patient:
    """A deployment, whole or half there. Safe for threads; what is asked once is not asked again."""

    def __init__(self, session: boto3.session.Session, names: Names, table_name: str = "") -> None:
        """`table_name`: as the environment has it; empty: only the deployment's own settings say it."""
        self.names = names
        self.given_table = table_name
        self._session = session
        self._lock = threading.RLock()
        self._facts: dict[str, Future[Any]] = {}

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3's clients of many kinds
        """The client of a service, which waits for no call for long."""
        with self._lock:  # a session makes one client at a time
            return self._once(f"client of {service}", lambda: self._session.client(service, config=_CONFIG))  # type: ignore[call-overload]

    def stored(self) -> Mapping[str, Any] | None:
        """The machines' settings, as the parameter has them; None: there is no such parameter.

        Raises:
            ValueError: it holds something else.

        """
        return self._once("settings", self._read_settings)

    def function(self, name: str) -> Mapping[str, Any] | None:
        """What Lambda says of a function; None: there is no such function."""
        ask = self.client("lambda").get_function_configuration
        told: Mapping[str, Any] | None = self._once(name, lambda: found(ask, FunctionName=name))
        return told

    def mapping(self) -> Mapping[str, Any] | None:
        """What Lambda says of the way from the queue to the orchestrator; None: there is none."""
        return self._once("mapping", self._find_mapping)

    def alarms(self) -> Sequence[Mapping[str, Any]]:
        """All alarms of the deployment, as CloudWatch tells of them."""
        return self._once("alarms", self._find_alarms)

    def aws(self, command: str) -> str:
        """A command of AWS's command line, for the deployment's region, whichever the shell has that runs it."""
        return f"aws {command} --region {self.names.region}"

    def setting(self, name: str) -> str:
        """A setting of the orchestrator, or one of the machines, which have most in common.

        Raises:
            UnseenError: neither can be read, or neither has it.

        """
        for read in (self._variables, self.stored):
            try:
                known = read() or {}
            except Exception:  # noqa: BLE001, S112 - whatever it is, the check of this source tells it
                continue
            if name in known:
                return str(known[name])
        raise UnseenError(f"{name} is not known; see what is said of the orchestrator and of the settings.")

    def words(self, name: str) -> list[str]:
        """A setting that is a list."""
        return [word.strip() for word in self.setting(name).split(",") if word.strip()]

    def is_new(self) -> bool:
        """Whether nothing was applied yet: AWS knows neither the settings nor the orchestrator."""
        return self.function(self.names.orchestrator) is None and self.stored() is None

    @property
    def table_name(self) -> str:
        """As the deployment's settings say, else as the environment does, else as Terraform calls it."""
        try:
            return self.setting("TABLE_NAME")
        except UnseenError:
            return self.given_table or self.names.table

    def store(self) -> Store:
        return Store(self.client("dynamodb"), self.table_name)

    def queue_arn(self, name: str) -> str:
        """The ARN of a queue of the deployment, whether there is one or not."""
        return f"arn:{self._partition}:sqs:{self.names.region}:{self.caller()['Account']}:{name}"

    def bucket_arn(self, name: str) -> str:
        return f"arn:{self._partition}:s3:::{name}"

    def caller(self) -> Mapping[str, Any]:
        """Whose credentials these are."""
        return self._once("caller", lambda: self.client("sts").get_caller_identity())

    @property
    def _partition(self) -> str:
        return str(self.caller()["Arn"]).split(":")[1]

    def _variables(self) -> Mapping[str, Any]:
        """The orchestrator's environment."""
        told: Mapping[str, Any] = self.function(self.names.orchestrator) or {}
        variables: Mapping[str, Any] = told.get("Environment", {}).get("Variables", {})
        return variables

    def _read_settings(self) -> Mapping[str, Any] | None:
        reply = found(self.client("ssm").get_parameter, Name=self.names.config_parameter)
        if reply is None:
            return None
        told = json.loads(reply["Parameter"]["Value"])
        if not isinstance(told, dict):
            raise ValueError("no JSON object")  # noqa: TRY004 - the parameter's value is wrong, not its type here
        return told

    def _find_mapping(self) -> Mapping[str, Any] | None:
        asked = {"FunctionName": self.names.orchestrator, "EventSourceArn": self.queue_arn(self.names.queue)}
        reply = found(self.client("lambda").list_event_source_mappings, **asked)
        return next(iter(reply["EventSourceMappings"]), None) if reply else None

    def _find_alarms(self) -> Sequence[Mapping[str, Any]]:
        pages = self.client("cloudwatch").get_paginator("describe_alarms")
        prefix = self.names.alarms
        asked = {"AlarmNamePrefix": prefix, "AlarmTypes": ["MetricAlarm"]}
        alarms = [alarm for page in pages.paginate(**asked) for alarm in page["MetricAlarms"]]
        # A deployment whose own name begins like this prefix has the region once more.
        return [one for one in alarms if f"{self.names.region}-" not in one["AlarmName"].removeprefix(prefix)]

    def _once(self, what: str, look: Callable[[], Fact]) -> Fact:
        with self._lock:
            is_first = what not in self._facts
            fact: Future[Fact] = self._facts.setdefault(what, Future())
        if is_first:
            try:
                fact.set_result(look())
            except Exception as error:  # noqa: BLE001 - whoever asks is told
                fact.set_exception(error)
        return fact.result()
