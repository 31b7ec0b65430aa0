"""What exists in an account, by Terraform's types: whatever is left after a destroy shows here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Client = Callable[[str], Any]
_ACCOUNT = "123456789012"


def _names(
    service: str, operation: str, key: str, name: str | None = None, **given: Any
) -> Callable[[Client], set[str]]:
    def listed(client: Client) -> set[str]:
        entries = getattr(client(service), operation)(**given)[key]
        return {str(entry[name] if name else entry) for entry in entries}

    return listed


def _living_keys(client: Client) -> set[str]:
    """Without the one that AWS itself makes for the first encrypted table, and keeps; moto calls it a customer's."""
    kms = client("kms")
    keys = [kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"] for key in kms.list_keys()["Keys"]]
    living = [key for key in keys if key["KeyState"] != "PendingDeletion"]
    return {key["KeyId"] for key in living if not key["Description"].startswith("Default master key")}


def _grants(client: Client) -> set[str]:
    kms = client("kms")
    return {grant["GrantId"] for key in _living_keys(client) for grant in kms.list_grants(KeyId=key)["Grants"]}


def _own_parameters(client: Client) -> set[str]:
    pages = client("ssm").get_paginator("describe_parameters").paginate()
    names = {str(entry["Name"]) for page in pages for entry in page["Parameters"]}
    return {name for name in names if not name.startswith("/aws/")}


def _living_endpoints(client: Client) -> set[str]:
    endpoints = client("ec2").describe_vpc_endpoints()["VpcEndpoints"]
    return {endpoint["VpcEndpointId"] for endpoint in endpoints if endpoint["State"].lower() != "deleted"}


def _living_machines(client: Client) -> set[str]:
    reply = client("ec2").describe_instances()
    machines = [machine for reservation in reply["Reservations"] for machine in reservation["Instances"]]
    return {machine["InstanceId"] for machine in machines if machine["State"]["Name"] != "terminated"}


LISTERS: dict[str, Callable[[Client], set[str]]] = {
    "aws_apigatewayv2_api": _names("apigatewayv2", "get_apis", "Items", "ApiId"),
    "aws_budgets_budget": _names("budgets", "describe_budgets", "Budgets", "BudgetName", AccountId=_ACCOUNT),
    "aws_cloudwatch_dashboard": _names("cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"),
    "aws_cloudwatch_event_rule": _names("events", "list_rules", "Rules", "Name"),
    "aws_cloudwatch_log_group": _names("logs", "describe_log_groups", "logGroups", "logGroupName"),
    "aws_cloudwatch_log_metric_filter": _names("logs", "describe_metric_filters", "metricFilters", "filterName"),
    "aws_cloudwatch_metric_alarm": _names("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    "aws_dynamodb_table": _names("dynamodb", "list_tables", "TableNames"),
    "aws_iam_instance_profile": _names("iam", "list_instance_profiles", "InstanceProfiles", "InstanceProfileName"),
    "aws_iam_role": _names("iam", "list_roles", "Roles", "RoleName"),
    "aws_instance": _living_machines,
    "aws_internet_gateway": _names("ec2", "describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
    "aws_kms_alias": _names("kms", "list_aliases", "Aliases", "AliasName"),
    "aws_kms_grant": _grants,
    "aws_kms_key": _living_keys,
    "aws_lambda_event_source_mapping": _names("lambda", "list_event_source_mappings", "EventSourceMappings", "UUID"),
    "aws_lambda_function": _names("lambda", "list_functions", "Functions", "FunctionName"),
    "aws_launch_template": _names("ec2", "describe_launch_templates", "LaunchTemplates", "LaunchTemplateId"),
    "aws_route_table": _names("ec2", "describe_route_tables", "RouteTables", "RouteTableId"),
    "aws_s3_bucket": _names("s3", "list_buckets", "Buckets", "Name"),
    "aws_security_group": _names("ec2", "describe_security_groups", "SecurityGroups", "GroupId"),
    "aws_sns_topic": _names("sns", "list_topics", "Topics", "TopicArn"),
    "aws_sns_topic_subscription": _names("sns", "list_subscriptions", "Subscriptions", "SubscriptionArn"),
    "aws_sqs_queue": lambda client: set(client("sqs").list_queues().get("QueueUrls", [])),
    "aws_ssm_parameter": _own_parameters,
    "aws_subnet": _names("ec2", "describe_subnets", "Subnets", "SubnetId"),
    "aws_vpc": _names("ec2", "describe_vpcs", "Vpcs", "VpcId"),
    "aws_vpc_endpoint": _living_endpoints,
}
PARTS = {
    "aws_apigatewayv2_integration",
    "aws_apigatewayv2_route",
    "aws_apigatewayv2_stage",
    "aws_cloudwatch_event_target",
    "aws_default_security_group",
    "aws_iam_role_policy",
    "aws_lambda_function_event_invoke_config",
    "aws_lambda_permission",
    "aws_route",
    "aws_route_table_association",
    "aws_s3_bucket_cors_configuration",
    "aws_s3_bucket_lifecycle_configuration",
    "aws_s3_bucket_notification",
    "aws_s3_bucket_ownership_controls",
    "aws_s3_bucket_policy",
    "aws_s3_bucket_public_access_block",
    "aws_s3_bucket_server_side_encryption_configuration",
    "aws_s3_object",
    "aws_sns_topic_policy",
    "aws_sqs_queue_policy",
    "aws_sqs_queue_redrive_allow_policy",
    "aws_vpc_security_group_egress_rule",
}
"""These exist only inside one of the others and go with it."""


def take(client: Client) -> dict[str, set[str]]:
    """Ids of everything that exists, by type."""
    return {kind: listed(client) for kind, listed in LISTERS.items()}
