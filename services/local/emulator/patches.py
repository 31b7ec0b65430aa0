"""Patches for moto's control plane where it differs from AWS, so that Terraform applies, plans no changes and destroys.

What the data plane lacks is added in front of the emulator, in `wire.py`. Each patch says what AWS does and moto 5.2
does not.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from moto.awslambda.models import LambdaBackend
from moto.budgets.models import BudgetsBackend
from moto.budgets.responses import BudgetsResponse
from moto.core.responses import ActionResult
from moto.dynamodb.responses import DynamoHandler
from moto.ec2.exceptions import InvalidPermissionNotFoundError, InvalidSecurityGroupRuleIdNotFoundError
from moto.ec2.models.security_groups import SecurityGroupBackend
from moto.ec2.responses.launch_templates import LaunchTemplates
from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.iam.exceptions import NotFoundException
from moto.iam.models import IAMBackend
from moto.s3.models import FakeBucket
from moto.servicequotas.models import ServiceQuotasBackend
from moto.servicequotas.responses import ServiceQuotasResponse
from moto.sqs.models import Queue

from services.local.emulator import calls, markets, multipart

if TYPE_CHECKING:
    from collections.abc import Callable

_QUOTAS: dict[tuple[str, str], Callable[[], int]] = {
    ("ec2", "L-3819A6DF"): lambda: markets.quota("spot"),  # all G and VT spot instance requests, in vCPUs
    ("ec2", "L-DB2E81BA"): lambda: markets.quota("on-demand"),  # running on-demand G and VT instances, in vCPUs
    ("lambda", "L-B99A9384"): lambda: 1_000,  # concurrent executions
}
"""The quotas of an account that is not new, by service and code."""


def apply() -> None:
    """Patch moto in this process; once is enough, twice does no harm."""
    if getattr(Queue, "_patched", False):
        return
    Queue._patched = True
    _queue_attributes()
    _bucket_permissions()
    _launch_template_tags()
    _table_tags()
    _budget_subscribers()
    _quotas()
    _instance_profile_roles()
    _mappings_of_a_function()
    _revoked_rules()
    multipart.apply()
    calls.forget()


def _queue_attributes() -> None:
    """SQS returns policies as they were written, and returns the redrive allow policy.

    moto returns the redrive policy with other white space, which is a difference in every plan, and leaves out the
    allow policy, for which the provider then waits in vain.
    """
    original = Queue.attributes.fget

    def attributes(queue: Any) -> dict[str, Any]:
        found: dict[str, Any] = original(queue)
        if queue.redrive_policy:
            found["RedrivePolicy"] = json.dumps(queue.redrive_policy, separators=(",", ":"))
        return {name: value for name, value in found.items() if value not in (None, "")}

    Queue.redrive_allow_policy = None
    Queue.BASE_ATTRIBUTES = [*Queue.BASE_ATTRIBUTES, "RedriveAllowPolicy"]
    Queue.attributes = property(attributes)


def _bucket_permissions() -> None:
    """S3 evaluates a statement's conditions; moto ignores them, so that a TLS-only policy would deny everything.

    Statements with conditions are ignored here; tests of the plan check them.
    """
    original = FakeBucket.get_permission

    def get_permission(bucket: Any, action: str, resource: str) -> Any:
        if bucket.policy is None:
            return original(bucket, action, resource)
        policy = json.loads(bucket.policy)
        statements = [statement for statement in policy["Statement"] if "Condition" not in statement]
        if not statements:
            return PermissionResult.NEUTRAL
        return IAMPolicy(json.dumps(policy | {"Statement": statements})).is_action_permitted(action, resource)

    FakeBucket.get_permission = get_permission


def _launch_template_tags() -> None:
    """EC2 puts the request's own tags on the template; moto also copies them into the template's data."""
    original = LaunchTemplates.create_launch_template

    def create_launch_template(response: Any) -> ActionResult:
        created = original(response)
        template = response.ec2_backend.get_launch_template(created.result["LaunchTemplate"]["LaunchTemplateId"])
        data = template.versions[0].data
        specifications = [
            entry for entry in data.get("TagSpecifications", []) if entry["ResourceType"] != "launch-template"
        ]
        data.pop("TagSpecifications", None)
        if specifications:
            data["TagSpecifications"] = specifications
        return created

    LaunchTemplates.create_launch_template = create_launch_template


def _table_tags() -> None:
    """DynamoDB lists all tags at once (its team's words in aws-sdk issue 583); moto ten at a time."""

    def list_tags_of_resource(response: Any) -> ActionResult:
        return ActionResult({"Tags": response.dynamodb_backend.list_tags_of_resource(response.body["ResourceArn"])})

    DynamoHandler.list_tags_of_resource = list_tags_of_resource


def _budget_subscribers() -> None:
    """Budgets has calls for subscribers and for tags; moto has neither."""

    def subscribers(response: Any) -> str:
        backend: BudgetsBackend = response.backend
        account, name = response._get_param("AccountId"), response._get_param("BudgetName")
        wanted = response._get_param("Notification")
        found = [
            subscriber
            for notification in backend.budgets[account][name].notifications
            if notification.details["NotificationType"] == wanted["NotificationType"]
            for subscriber in notification.subscribers
        ]
        return json.dumps({"Subscribers": found})

    BudgetsResponse.describe_subscribers_for_notification = subscribers
    BudgetsResponse.list_tags_for_resource = lambda _: json.dumps({"ResourceTags": _BUDGET_TAGS})
    BudgetsResponse.tag_resource = _tag_budget
    original = BudgetsResponse.create_budget

    def create_budget(response: Any) -> str:
        _BUDGET_TAGS[:] = response._get_param("ResourceTags", [])
        return str(original(response))

    BudgetsResponse.create_budget = create_budget


_BUDGET_TAGS: list[dict[str, str]] = []
"""The tags of a deployment's only budget."""


def _tag_budget(response: Any) -> str:
    _BUDGET_TAGS[:] = response._get_param("ResourceTags", [])
    return json.dumps({})


def _quotas() -> None:
    """Service Quotas has EC2's GPU quotas and Lambda's; moto has only those of VPC."""
    original = ServiceQuotasBackend.get_service_quota

    def get_service_quota(backend: Any, service_code: str, quota_code: str) -> dict[str, Any]:
        if (service_code, quota_code) in _QUOTAS:
            place = f"{backend.region_name}:{backend.account_id}:{service_code}/{quota_code}"
            return {
                "ServiceCode": service_code,
                "QuotaCode": quota_code,
                "QuotaName": quota_code,
                "QuotaArn": f"arn:aws:servicequotas:{place}",
                "Value": float(_QUOTAS[service_code, quota_code]()),
            }
        quota: dict[str, Any] = original(backend, service_code, quota_code)
        return quota

    ServiceQuotasBackend.get_service_quota = get_service_quota
    ServiceQuotasResponse.get_aws_default_service_quota = ServiceQuotasResponse.get_service_quota


def _instance_profile_roles() -> None:
    """IAM answers NoSuchEntity for a role that is not in a profile. moto fails instead, and Terraform's destroy with
    it, when a call is sent again whose answer was lost.
    """
    original = IAMBackend.remove_role_from_instance_profile

    def remove_role_from_instance_profile(backend: Any, profile_name: str, role_name: str) -> None:
        try:
            original(backend, profile_name, role_name)
        except ValueError:
            raise NotFoundException(f"The role with name {role_name} cannot be found.") from None

    IAMBackend.remove_role_from_instance_profile = remove_role_from_instance_profile


def _mappings_of_a_function() -> None:
    """Lambda lists a function's mappings by its name and by its ARN, moto by the one that it was made with."""
    original = LambdaBackend.list_event_source_mappings

    def list_event_source_mappings(backend: Any, event_source_arn: str, function_name: str) -> list[Any]:
        found = original(backend, event_source_arn, "")
        return [one for one in found if not function_name or _name(one.function_name) == _name(function_name)]

    LambdaBackend.list_event_source_mappings = list_event_source_mappings


def _revoked_rules() -> None:
    """EC2 says that it does not know a rule's id; moto says so of the rule's ports, which were not given.

    Terraform takes the first for a rule that is gone already, as if its request had been sent twice.
    """
    for direction in ("ingress", "egress"):
        operation = f"revoke_security_group_{direction}"
        setattr(SecurityGroupBackend, operation, _revoking(getattr(SecurityGroupBackend, operation)))


def _revoking(original: Callable[..., None]) -> Callable[..., None]:
    def revoke(backend: Any, *given: Any, security_rule_ids: list[str] | None = None, **named: Any) -> None:
        try:
            original(backend, *given, security_rule_ids=security_rule_ids, **named)
        except InvalidPermissionNotFoundError:
            if security_rule_ids:
                raise InvalidSecurityGroupRuleIdNotFoundError(security_rule_ids[0]) from None
            raise

    return revoke


def _name(function: str) -> str:
    """The name of a function that is named by it or by its ARN."""
    return function.rpartition(":function:")[2]
