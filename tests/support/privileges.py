"""Each service's calls held against its role's policies, and the other way round."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.support.aws_requests import Request, recorded
from tests.support.iam_policies import Statement, statements
from tests.support.implied_permissions import Deployed, implied

SERVICES = ("api", "orchestrator", "gpu_worker")


class Privileges:
    """One role: what is needed, by whom said, and what is granted."""

    def __init__(self, service: str, resources: list[dict[str, Any]], outputs: dict[str, Any], calls: Path) -> None:
        self.service = service
        role = outputs["role_names"][service]
        policies = [entry["values"] for entry in resources if entry["type"] == "aws_iam_role_policy"]
        self.granted = statements(json.loads(policy["policy"]) for policy in policies if policy["role"] == role)
        self.needed: dict[Request, str] = {}
        for request in recorded(calls / f"{service}.jsonl"):
            self.needed.setdefault(request, "recorded")
        for row in implied(service, deployed(resources, outputs)):
            self.needed.setdefault(row.request, row.source)

    def denied(self) -> list[Request]:
        """Needed, and granted by no statement."""
        return [request for request in self.needed if not any(one.allows(request) for one in self.granted)]

    def unused(self) -> list[tuple[str, str, str]]:
        """What nothing needs: statement, action and resource."""
        return [
            (statement.sid, action, resource)
            for statement in self.granted
            for action in statement.actions
            for resource in statement.resources
            if not any(request.action == action and statement.on(resource).allows(request) for request in self.needed)
        ]

    def starred(self) -> list[Statement]:
        """Statements on every resource."""
        return [statement for statement in self.granted if "*" in statement.resources]

    def table(self) -> list[str]:
        """A line for each statement and action: how many requests it allows, and who says that they are needed."""
        lines = []
        for statement in self.granted:
            for action in statement.actions:
                sources = [
                    source
                    for request, source in self.needed.items()
                    if request.action == action and statement.allows(request)
                ]
                said = ", ".join(sorted(set(sources)))
                lines.append(f"{self.service:13}{statement.sid:28}{action:30}{len(sources):4}  {said}")
        return lines


def deployed(resources: list[dict[str, Any]], outputs: dict[str, Any]) -> Deployed:
    """ARNs out of Terraform's state."""

    def arns(kind: str, name: str = "") -> list[str]:
        return [
            str(entry["values"]["arn"])
            for entry in resources
            if entry["type"] == kind and name in (entry["name"], *str(entry["values"].get("name", "")).split(), "")
        ]

    groups = {entry["values"]["name"]: entry["values"]["arn"] for entry in resources if entry["type"] == LOG_GROUP}
    orchestrator, api = outputs["function_names"]
    return Deployed(
        queue_arn=arns("aws_sqs_queue", "uploads")[0],
        worker_role_arn=arns("aws_iam_role", outputs["role_names"]["gpu_worker"])[0],
        subnet_arns=arns("aws_subnet"),
        security_group_arn=arns("aws_security_group")[0],
        template_arns={
            entry["index"]: entry["values"]["arn"] for entry in resources if entry["type"] == "aws_launch_template"
        },
        bucket_arn=arns("aws_s3_bucket")[0],
        disk_key_arn=next(entry["values"]["key_id"] for entry in resources if entry["type"] == "aws_kms_grant"),
        log_groups={
            "orchestrator": groups[f"/aws/lambda/{orchestrator}"],
            "api": groups[f"/aws/lambda/{api}"],
        },
    )


LOG_GROUP = "aws_cloudwatch_log_group"
