"""Terraform and Python say the same of names, keys, tags and times that only their agreement holds together."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import hcl2
import pytest
from pydantic_settings import BaseSettings

from services.api.schemas import receipts
from services.api.settings import ApiSettings
from services.common.domain import model_keys, object_keys, walk
from services.common.settings import CommonSettings
from services.common.webhooks.endpoint import ALLOWED_PORTS
from services.gpu_worker.machine import identity
from services.gpu_worker.settings import WorkerSettings
from services.local import functions, resources
from services.orchestrator import launch
from services.orchestrator.settings import OrchestratorSettings
from tests.support import contract
from tools import deployment, package

TERRAFORM = Path(__file__).parents[2] / "terraform"
SERVICES = TERRAFORM.parent / "services"
LABELS = {"locals": 0, "module": 1, "variable": 1, "resource": 2}
TEMPLATE_TAGS = {"Name", "transcribe-deployment", "transcribe-config"}


def blocks(module: str, kind: str) -> dict[str, Any]:
    """Every block of one kind in a module, by its labels joined with dots."""
    found: dict[str, Any] = {}
    for path in sorted((TERRAFORM / "modules" / module).glob("*.tf")):
        with path.open(encoding="utf-8") as file:
            for block in plain(hcl2.load(file)).get(kind, []):
                labels, body = unwrapped([], block, LABELS[kind])
                found[".".join(labels)] = body
    return found


def unwrapped(labels: list[str], block: dict[str, Any], depth: int) -> tuple[list[str], dict[str, Any]]:
    """A block's labels, which the parser makes keys of dictionaries, and its body."""
    if not depth:
        return labels, block
    label, inner = next(iter(block.items()))
    return unwrapped([*labels, label], inner, depth - 1)


def plain(value: Any) -> Any:
    """Without the quotation marks and marks of its own that the parser leaves."""
    if isinstance(value, dict):
        return {plain(key): plain(item) for key, item in value.items() if not str(key).startswith("__")}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, str) and len(value) > 1 and value[0] == value[-1] == '"':
        return value[1:-1]
    return value


def text(module: str) -> str:
    paths = sorted((TERRAFORM / "modules" / module).glob("*.tf"))
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)


def environment(module: str) -> set[str]:
    assert blocks(module, "module")["function"]["environment"] == "${local.environment}"
    return set(blocks(module, "locals")[""]["environment"])


def known(settings: type[BaseSettings]) -> set[str]:
    return {name.upper() for name in settings.model_fields}


def needed(settings: type[BaseSettings]) -> set[str]:
    return {name.upper() for name, field in settings.model_fields.items() if field.is_required()}


@pytest.mark.parametrize(
    ("module", "settings"), [("api", ApiSettings), ("orchestrator", OrchestratorSettings)], ids=["api", "orchestrator"]
)
def test_a_function_is_told_all_that_it_needs_and_nothing_that_it_does_not_know(
    module: str, settings: type[CommonSettings]
) -> None:
    assert needed(settings) <= environment(module) <= known(settings)


def test_a_machine_is_told_all_that_it_needs_and_nothing_that_it_does_not_know() -> None:
    told = set(re.findall(r"^    ([A-Z_]+) +=", text("gpu_worker"), re.MULTILINE))
    assert needed(WorkerSettings) <= told <= known(WorkerSettings)


def test_no_variable_of_terraform_opens_private_networks_to_webhooks() -> None:
    assert all("ALLOW_PRIVATE" not in text(module.name) for module in (TERRAFORM / "modules").iterdir())
    assert "WEBHOOK_ALLOW_PRIVATE" in known(CommonSettings), "or this test looks for the wrong name"


@pytest.mark.parametrize("module", ["api", "orchestrator"])
def test_handlers_exist_and_run_on_the_python_that_packages_are_built_for(module: str) -> None:
    room, _, name = blocks(module, "module")["function"]["handler"].rpartition(".")
    assert callable(getattr(import_module(room), name))
    runtime = blocks("lambda_function", "resource")["aws_lambda_function.this"]["runtime"]
    assert runtime == f"python{package.PYTHON}"


def test_the_tables_keys_and_indexes_are_those_of_the_local_stack() -> None:
    table = blocks("jobs_table", "resource")["aws_dynamodb_table.this"]
    shape = resources.TABLE_SHAPE
    attributes = {entry["name"]: entry["type"] for entry in table["attribute"]}
    assert attributes == {entry["AttributeName"]: entry["AttributeType"] for entry in shape["AttributeDefinitions"]}
    assert [table["hash_key"], table["range_key"]] == [key["AttributeName"] for key in shape["KeySchema"]]
    indexes = {
        index["name"]: [index["hash_key"], index["range_key"], index["projection_type"]]
        for index in table["global_secondary_index"]
    }
    assert indexes == {
        index["IndexName"]: [
            *(key["AttributeName"] for key in index["KeySchema"]),
            index["Projection"]["ProjectionType"],
        ]
        for index in shape["GlobalSecondaryIndexes"]
    }
    assert table["billing_mode"] == shape["BillingMode"]


def test_the_bucket_announces_and_expires_the_prefixes_that_the_code_uses() -> None:
    notification = blocks("orchestrator", "resource")["aws_s3_bucket_notification.uploads"]
    assert notification["queue"][0]["filter_prefix"] == object_keys.UPLOADS
    expiring = blocks("storage", "locals")[""]["expiring"]
    assert {name.strip('"') for name in expiring} == {object_keys.UPLOADS, object_keys.RESULTS, object_keys.WORK}
    # What the orchestrator deletes once its job is gone (`leftovers.py`) must not expire before.
    longer = {name.strip('"') for name, days in expiring.items() if days == "${var.longest_retention_days}"}
    assert longer == set(walk.PREFIXES)


def test_machines_carry_the_tags_that_the_code_looks_for() -> None:
    request = {"deployment": "d", "slot": "00", "launch_id": "l", "market": "spot"}
    asked = {tag["Key"] for tag in launch._tags(request)}
    assert {identity.SLOT_TAG, identity.LAUNCH_TAG, identity.MARKET_TAG, "transcribe-deployment"} <= asked
    template = text("gpu_worker")
    assert set(re.findall(r"^        ([\w-]+) += ", template, re.MULTILINE)) == TEMPLATE_TAGS
    assert identity.CONFIG_TAG in TEMPLATE_TAGS - asked, "only the template knows the parameter"
    assert 'variable = "ec2:ResourceTag/transcribe-deployment"' in text("orchestrator")


def test_the_templates_of_the_local_stack_tag_what_terraforms_tag() -> None:
    templates = blocks("gpu_worker", "resource")["aws_launch_template.this"]["for_each"]
    tagged = {market: tuple(plain(template)["tagged"]) for market, template in templates.items()}
    assert tagged == resources.TAGGED


def test_both_functions_are_told_of_models_that_machines_find_in_no_lock() -> None:
    lock = blocks("gpu_worker", "resource")["aws_s3_object.models_lock"]
    assert lock["key"] == object_keys.MODELS_LOCK
    root = (TERRAFORM / "main.tf").read_text(encoding="utf-8")
    assert len(re.findall(r"^  unrecorded_models += local\.unavailable_models$", root, re.MULTILINE)) == 2
    packages = (TERRAFORM / "packages.tf").read_text(encoding="utf-8")
    assert packages.count(f'["{model_keys.SPEAKERS}"]') == 2, "the key by which both refuse to tell speakers apart"


def test_an_image_is_held_against_the_machine_that_the_launch_template_describes() -> None:
    margin = re.search(r"lifetime_minutes = var\.max_lifetime_minutes \+ (\d+)", text("gpu_worker"))
    assert margin
    assert int(margin[1]) == deployment.LIFETIME_MARGIN_MINUTES
    assert blocks("gpu_worker", "variable")["root_device_name"]["default"] == deployment.MACHINE["RootDeviceName"]


def test_machines_reach_aws_and_every_port_that_a_callback_may_listen_on_and_no_other() -> None:
    assert {443, *ALLOWED_PORTS} == set(blocks("network", "variable")["egress_ports"]["default"])


def test_the_local_stack_plays_the_queue_and_the_schedule_as_terraform_sets_them() -> None:
    found = blocks("orchestrator", "resource")
    assert found["aws_lambda_event_source_mapping.uploads"]["batch_size"] == functions.BATCH
    assert f"maxReceiveCount     = {resources.MAX_RECEIVES}" in text("orchestrator")
    assert blocks("orchestrator", "variable")["timeout_seconds"]["default"] == functions.TIMEOUT_SECONDS
    assert 'input = jsonencode({ kind = "sweep" })' in text("orchestrator")


def test_what_a_receipt_says_of_backups_and_queues_is_how_long_they_keep() -> None:
    backups = blocks("jobs_table", "resource")["aws_dynamodb_table.this"]["point_in_time_recovery"]
    assert backups == [{"enabled": True}], f"or it is another span than AWS's own {receipts.BACKUP_DAYS} days"
    kept = re.findall(r"message_retention_seconds += (\d+) \* 24 \* 3600", text("orchestrator"))
    assert kept == [str(receipts.QUEUE_DAYS)] * 2


def test_the_gateway_routes_every_method_of_the_api_and_pages_of_other_origins_may_use_each_with_its_headers() -> None:
    cors = resources.gateway_cors(["https://app.example.com"])
    operations = [operation for path in contract.document()["paths"].values() for operation in path.items()]
    sent = {
        one["name"] for _, operation in operations for one in operation.get("parameters", ()) if one["in"] == "header"
    }
    told = {
        header
        for _, operation in operations
        for answer in operation["responses"].values()
        for header in answer.get("headers", ())
    }
    assert cors
    assert {method.upper() for method, _ in operations} == set(resources.METHODS) == set(cors["AllowMethods"])
    assert {name.lower() for name in sent | {"Authorization", "Content-Type"}} <= set(cors["AllowHeaders"])
    assert {name.lower() for name in told} <= set(cors["ExposeHeaders"])


def test_the_local_stack_lets_in_pages_of_other_origins_as_terraform_does() -> None:
    api, methods = blocks("api", "resource"), blocks("api", "locals")[""]["methods"]
    (gateway,) = api["aws_apigatewayv2_api.this"]["dynamic"][0]["cors_configuration"]["content"]
    origins = gateway.pop("allow_origins")
    assert origins == "${var.cors_origins}"
    assert gateway.pop("allow_methods") == "${local.methods}"
    wanted = {**gateway, "allow_origins": [origins], "allow_methods": methods}
    assert {name.title().replace("_", ""): value for name, value in wanted.items()} == resources.gateway_cors([origins])

    route = api["aws_apigatewayv2_route.this"]
    assert route["for_each"] == "${toset(local.methods)}"
    routed = [route["route_key"].replace("${each.key}", method) for method in methods]
    assert [*routed, *blocks("api", "locals")[""]["page_routes"]] == list(resources.ROUTES)
    page = api["aws_apigatewayv2_route.page"]
    assert (page["for_each"], page["route_key"]) == (
        "${toset(var.page_enabled ? local.page_routes : [])}",
        "${each.key}",
    )

    (rule,) = blocks("storage", "resource")["aws_s3_bucket_cors_configuration.this"]["cors_rule"]
    assert rule.pop("allowed_origins") == origins
    wanted = {**rule, "allowed_origins": [origins]}
    assert {"CORSRules": [{name.title().replace("_", ""): value for name, value in wanted.items()}]} == (
        resources.bucket_cors([origins])
    )


def test_the_local_stack_knows_an_origin_as_terraform_does() -> None:
    conditions = [one["condition"] for one in blocks("storage", "variable")["cors_origins"]["validation"]]
    assert any(f'regex("{resources.ORIGIN}", origin)' in condition for condition in conditions)


def test_the_same_machine_types_are_launched_everywhere() -> None:
    assert set(blocks("gpu_worker", "variable")["instance_types"]["default"]) == set(resources.INSTANCE_TYPES)


@pytest.mark.parametrize("name", ["max_lifetime_minutes", "retention_days", "on_demand_after_minutes"])
def test_defaults_agree_where_both_sides_have_one(name: str) -> None:
    defaults = {
        block[name]["default"]
        for block in (
            blocks("gpu_worker", "variable"),
            blocks("orchestrator", "variable"),
            blocks("storage", "variable"),
        )
        if "default" in block.get(name, {})
    }
    assert defaults == {OrchestratorSettings.model_fields[name].default}


def test_what_is_told_to_machines_and_of_warm_hours_has_the_defaults_of_the_code() -> None:
    idle = blocks("gpu_worker", "variable")["idle_seconds"]["default"]
    zone = blocks("orchestrator", "variable")["warm_zone"]["default"]
    assert idle == WorkerSettings.model_fields["idle_seconds"].default
    assert zone == OrchestratorSettings.model_fields["warm_zone"].default


def test_what_is_counted_in_the_orchestrators_log_is_what_it_logs() -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in (SERVICES / "orchestrator").glob("*.py"))
    logged = set(re.findall(r'log\.\w+\(\s*"([\w.]+)"', source))
    counted = blocks("observability", "locals")[""]["log_metrics"]
    assert set(counted.values()) <= logged
