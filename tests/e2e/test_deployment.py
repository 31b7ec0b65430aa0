"""Terraform's resources, the packages that are deployed and a real worker process, from apply to destroy.

The tests share one deployment and run in their order: the last one destroys it.
"""

from __future__ import annotations

import json
import re
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from services.cli.main import app
from services.cli.operator.cleanup import launching
from services.cli.operator.doctor import examination
from services.cli.operator.doctor.findings import Level, ok
from services.cli.operator.doctor.patient import Patient
from services.cli.operator.names import Names
from services.common.domain import metrics
from services.common.domain.ids import upload_job_id
from services.common.domain.states import JobStatus
from services.common.domain.times import MINUTE_MS, now_ms
from services.local.client import Client
from services.local.cloudwatch.alarms import State
from services.local.cloudwatch.watching import CloudWatch
from services.local.receiver import Receiver
from tests.support import guide, inventory
from tests.support.audio import MEETING
from tests.support.deployment import Deployment
from tests.support.emulator import Emulator
from tests.support.examined import make_image
from tests.support.operations_in_code import in_code, in_record
from tests.support.privileges import SERVICES, Privileges
from tests.support.rare_paths import eventually, walk
from tests.support.terraform import CHANGES, NO_CHANGES, Terraform
from tools import package

pytestmark = [pytest.mark.terraform, pytest.mark.lambda_python]

PLAN_SECONDS = 15
"""Of a processor, whatever else runs on it."""
PAGE = "https://app.example.com"
TAGS = {f"own-{number}": "Radio Östersund / desk" for number in range(12)}
"""Twelve of an operator's own, since two of ours and ten would be more than an object of S3 takes."""
VARIABLES: dict[str, Any] = {
    "daily_budget_usd": 5,
    "models": ["whisper-base"],
    "cors_origins": [PAGE],
    "tags": TAGS,
    "role_path": "/applications/transcription/",
    "on_demand_after_minutes": 1,
    # With every right that a variable brings.
    "launch_at_registration": True,
    # An image that the emulator knows, in place of the deep-learning image, which it does not.
    "fallback_image_parameter": "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64",
}


BOUNDARY = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("deployment")


@pytest.fixture(scope="module")
def emulator(folder: Path) -> Iterator[Emulator]:
    with Emulator(folder) as running:
        yield running


@pytest.fixture(scope="module")
def disk_key(emulator: Emulator) -> str:
    """A key of the account's own, which here all machines' disks are under."""
    return str(emulator.client("kms").create_key(Description="disks")["KeyMetadata"]["Arn"])


@pytest.fixture(scope="module")
def copied(folder: Path, emulator: Emulator, disk_key: str) -> Terraform:
    package.build(folder / "dist")
    boundary = emulator.client("iam").create_policy(PolicyName="boundary", PolicyDocument=BOUNDARY)["Policy"]["Arn"]
    demanded = {"ebs_key_arn": disk_key, "permissions_boundary_arn": boundary}
    return Terraform(folder, emulator.endpoint, VARIABLES | demanded)


@pytest.fixture(scope="module")
def shell(folder: Path, copied: Terraform) -> guide.Shell:
    """Of somebody who follows docs/deploy.md."""
    return guide.Shell(folder, copied.environment)


@pytest.fixture(scope="module")
def before(emulator: Emulator, shell: guide.Shell) -> dict[str, set[str]]:
    """What the account holds without a deployment."""
    shell.follow(guide.block(guide.SPOT_ROLE))
    return inventory.take(emulator.client)


@pytest.fixture(scope="module")
def terraform(copied: Terraform, shell: guide.Shell, before: dict[str, set[str]]) -> Terraform:
    assert before["aws_lambda_function"] == set()
    with took("apply"):
        shell.follow(guide.block(guide.APPLY))
    return copied


@pytest.fixture(scope="module")
def deployment(terraform: Terraform, emulator: Emulator, folder: Path, random_model: Path) -> Iterator[Deployment]:
    with Deployment(emulator, folder, terraform.outputs(), random_model) as running:
        yield running


class took:  # noqa: N801 - reads as a word in `with took("apply")`
    """Prints how long a step took."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        self._began = time.monotonic()

    def __exit__(self, *_: object) -> None:
        sys.stdout.write(f"{self._what}: {time.monotonic() - self._began:.0f} s\n")


def processor_seconds() -> float:
    """Spent by programs that this process has started and that have ended."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def test_a_second_plan_changes_nothing(terraform: Terraform) -> None:
    with took("second plan"):
        planned = terraform.plan()
    assert planned.returncode == NO_CHANGES, planned.stdout + planned.stderr
    assert "Warning" not in planned.stdout


def test_the_complete_example_is_planned_in_seconds_and_warns_of_a_disk_key_that_it_does_not_name(
    terraform: Terraform, emulator: Emulator, disk_key: str
) -> None:
    emulator.client("ec2").modify_ebs_default_kms_key_id(KmsKeyId=disk_key)
    example = terraform.example("complete")
    before = processor_seconds()
    with took("plan of examples/complete"):
        planned = terraform.run("plan", "-input=false", folder=example)
    assert "to add" in planned.stdout
    assert "Name it in ebs_key_arn" in " ".join(planned.stdout.split())
    assert processor_seconds() - before < PLAN_SECONDS


def test_an_upload_through_the_presigned_link_becomes_a_verified_webhook(deployment: Deployment) -> None:
    client = Client(deployment, "acme")
    with Receiver() as receiver:
        made = client.register(receiver.url)
        receiver.trust(made["secret"])
        job_id = client.send(MEETING.read_bytes()[:60_000], "möte.mp3")
        message = receiver.messages.get(timeout=90)
        client.http.delete(f"/api/callbacks/{made['callback_id']}").raise_for_status()
    assert message.type == "transcription.completed", message.data
    assert message.data["job_id"] == job_id
    assert receiver.refused == 0


def test_pages_of_the_listed_origin_are_let_in_and_no_others_as_terraform_made_it(
    deployment: Deployment, emulator: Emulator
) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    for address, refused in (
        (f"{deployment.api_url}/api/jobs", 204),
        (f"{emulator.endpoint}/{deployment.bucket}", 403),
    ):
        listed, other = (
            httpx.options(address, headers={"Origin": origin, **asked}) for origin in (PAGE, "https://evil.example.com")
        )
        assert listed.headers["access-control-allow-origin"] == PAGE
        assert (other.status_code, "access-control-allow-origin" in other.headers) == (refused, False)
    answer = httpx.get(f"{deployment.api_url}/api/jobs", headers={"Origin": PAGE})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (401, PAGE)


def test_the_guides_last_steps_make_a_key_a_transcript_and_a_plain_upload(
    deployment: Deployment, terraform: Terraform, shell: guide.Shell, folder: Path
) -> None:
    (folder / "interview.mp3").write_bytes(MEETING.read_bytes()[:60_000])
    shell.follow(guide.block(guide.TRANSCRIBE), GATEWAY=terraform.outputs()["api_url"], API=deployment.api_url)
    assert (folder / "interview.txt").read_text("utf-8").strip()
    shell.follow(guide.block(guide.UPLOAD))
    plain = deployment.s3.list_objects_v2(Bucket=deployment.bucket, Prefix="uploads/newsroom/interview")
    (uploaded,) = plain["Contents"]
    job_id = upload_job_id(deployment.bucket, uploaded["Key"], uploaded["ETag"].strip('"'))
    eventually(lambda: (job := deployment.store.jobs.get(job_id)) is not None and job.status is JobStatus.COMPLETED)


def test_what_functions_and_machines_log_is_what_the_alarms_read_and_none_rings(
    deployment: Deployment, terraform: Terraform, emulator: Emulator
) -> None:
    watch = CloudWatch(terraform.resources(), emulator.client("cloudwatch"), emulator.client("sns"))
    for group, line in deployment.log_lines():
        watch.take_line(group, line, now_ms())
    of_a_job = {metrics.JOBS_ENDED, metrics.SPEED, metrics.STAGE_TIMES["completed"], metrics.DELIVERIES}
    of_a_sweep = {metric for metric in metrics.METRICS if metric.always}
    assert {metric.name for metric in of_a_job | of_a_sweep} <= {point.series.name for point in watch.points}
    # A minute later, so that the minute of the last sweep is over.
    watch.judge(now_ms() + MINUTE_MS)
    assert {name for name, state in watch.states.items() if state is State.ALARM} == set()


def test_the_doctor_finds_everything_in_what_terraform_made_and_nothing_wrong(
    terraform: Terraform, emulator: Emulator, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs, ssm, logs = terraform.outputs(), emulator.client("ssm"), emulator.client("logs")
    # A machine's image, the last line of a sweep and an answer of the gateway's are not Terraform's.
    ssm.put_parameter(Name=outputs["image_parameter"], Value=make_image(emulator.client), Overwrite=True)
    log = {"logGroupName": f"/aws/lambda/{outputs['function_names'][0]}", "logStreamName": "1"}
    logs.create_log_stream(**log)
    logs.put_log_events(**log, logEvents=[{"timestamp": now_ms(), "message": '{"Sweeps": 1}'}])
    monkeypatch.setitem(examination.THEN, "API", lambda _: ok(""))
    monkeypatch.setattr(Patient, "client", lambda _, service: emulator.client(service))
    monkeypatch.chdir(folder)
    names = Names(deployment=outputs["deployment"], region=outputs["region"])
    found = examination.examine(Patient(emulator.session, names, outputs["table_name"]))
    ssm.put_parameter(Name=outputs["image_parameter"], Value="none", Overwrite=True)
    assert {name: one.sentence for name, one in found.items() if one.level is not Level.OK} == {}


def test_all_that_was_made_has_the_operators_tags_and_all_roles_their_path_and_boundary(
    terraform: Terraform, emulator: Emulator
) -> None:
    made = [entry for entry in terraform.resources() if "tags_all" in entry["values"]]
    for entry in made:
        if entry["type"] != "aws_s3_object":
            assert entry["values"]["tags_all"].items() >= TAGS.items(), entry["address"]
    roles = [entry["values"] for entry in made if entry["type"] in {"aws_iam_role", "aws_iam_instance_profile"}]
    assert len(roles) == 4
    assert {role["path"] for role in roles} == {"/applications/transcription/"}
    iam = emulator.client("iam")
    for name in terraform.outputs()["role_names"].values():
        boundary = iam.get_role(RoleName=name)["Role"]["PermissionsBoundary"]
        assert boundary["PermissionsBoundaryArn"].endswith(":policy/boundary")
    bucket = terraform.outputs()["bucket_name"]
    assert emulator.client("s3").get_object_tagging(Bucket=bucket, Key="artifacts/worker.tar.gz")["TagSet"] == []


def test_every_role_may_do_exactly_what_its_code_does(deployment: Deployment, terraform: Terraform) -> None:
    """Calls are those of this deployment, rare paths included; what AWS checks by itself comes from a table."""
    with took("rare paths"):
        walk(deployment, MEETING.read_bytes())
    recorded = {service: in_record(deployment.calls / f"{service}.jsonl") for service in SERVICES}
    assert {service for service in SERVICES if in_code(service) - recorded[service]} == set()
    assert in_code("common") <= set().union(*recorded.values())
    resources, outputs = terraform.resources(), terraform.outputs()
    roles = [Privileges(service, resources, outputs, deployment.calls) for service in SERVICES]
    sys.stdout.write("\n".join(line for role in roles for line in role.table()) + "\n")
    assert {role.service: role.denied() for role in roles if role.denied()} == {}
    assert {role.service: role.unused() for role in roles if role.unused()} == {}
    starred = {(role.service, action) for role in roles for one in role.starred() for action in one.actions}
    assert starred == {("orchestrator", "ec2:DescribeInstances")}, "AWS takes no ARN for this one, but for all others"


def test_what_is_launched_on_either_market_has_the_operators_tags_and_so_have_its_disk_and_its_spot_request(
    deployment: Deployment, terraform: Terraform, emulator: Emulator
) -> None:
    deployment.close()  # which would play the machines
    ec2, outputs = emulator.client("ec2"), terraform.outputs()
    launched = [launch(emulator, outputs, market) for market in ("spot", "on-demand")]
    ours = [{"Name": "attachment.instance-id", "Values": launched}]
    volumes = ec2.describe_volumes(Filters=ours)["Volumes"]
    requests = ec2.describe_spot_instance_requests()["SpotInstanceRequests"]
    machines = [
        one for each in ec2.describe_instances(InstanceIds=launched)["Reservations"] for one in each["Instances"]
    ]
    assert (len(machines), len(volumes)) == (2, 2)
    assert requests
    expected = TAGS | {"project": "gpu-transcriber", "deployment": "transcription"}
    for made in (*machines, *volumes, *requests):
        assert {tag["Key"]: tag["Value"] for tag in made["Tags"]}.items() >= expected.items()


def test_destroying_is_refused_with_the_remedy_while_protection_is_on(
    deployment: Deployment, terraform: Terraform, emulator: Emulator
) -> None:
    deployment.close()
    existing = inventory.take(emulator.client)
    refused = terraform.destroy()
    assert refused.returncode != 0
    assert "terraform apply -var deletion_protection=false" in " ".join((refused.stdout + refused.stderr).split())
    assert inventory.take(emulator.client) == existing


def test_a_destroy_leaves_nothing_not_even_objects_and_a_running_machine(
    terraform: Terraform, emulator: Emulator, before: dict[str, set[str]]
) -> None:
    terraform.apply(deletion_protection=False)
    outputs = terraform.outputs()
    assert {entry["type"] for entry in terraform.resources()} <= {
        *inventory.LISTERS,
        *inventory.PARTS,
        "terraform_data",
    }
    launched = launch(emulator, outputs)
    existing = inventory.take(emulator.client)
    assert {kind for kind in existing if existing[kind] == before[kind]} == set(), "listed, but not made by Terraform"
    assert emulator.client("s3").list_objects_v2(Bucket=outputs["bucket_name"])["KeyCount"] > 0

    first, second = (clean_up(terraform, outputs["deployment"]) for _ in range(2))
    assert f"end machine {launched}" in first
    launching_it = {"disable schedule", "disable mapping", "end machine"}
    of_each = [set(re.findall(r"^\w+ \w+", found, re.MULTILINE)) & launching_it for found in (first, second)]
    assert of_each == [launching_it, set()]
    assert terraform.plan(deletion_protection=False).returncode == CHANGES, "an apply would start everything again"
    with took("destroy"):
        destroyed = terraform.destroy(deletion_protection=False)
    assert destroyed.returncode == 0, destroyed.stdout + destroyed.stderr
    assert inventory.take(emulator.client) == before


def clean_up(terraform: Terraform, name: str) -> str:
    """What `transcribe cleanup` finds and ends before a destroy, knowing nothing but the deployment's name."""
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in terraform.environment.items():
            patch.setenv(variable, value)
        patch.setenv("AWS_REGION", terraform.environment["AWS_DEFAULT_REGION"])
        patch.setattr(launching, "FUNCTION_SECONDS", 0)
        patch.setattr(launching, "LOOK_AGAIN_SECONDS", 0.1)
        done = CliRunner().invoke(app, ["cleanup", "--before-destroy", "--yes", "--deployment", name])
    assert done.exit_code == 0, done.output
    return done.stdout


def launch(emulator: Emulator, outputs: dict[str, Any], market: str = "spot") -> str:
    """A machine from a market's template, as the orchestrator would: outside Terraform's state. Returns its id."""
    ec2 = emulator.client("ec2")
    subnet = ec2.describe_subnets(Filters=[{"Name": "tag:Name", "Values": ["transcription-*"]}])["Subnets"][0]
    fleet = ec2.create_fleet(
        Type="instant",
        LaunchTemplateConfigs=[
            {
                "LaunchTemplateSpecification": {
                    "LaunchTemplateId": outputs[
                        "spot_launch_template_id" if market == "spot" else "launch_template_id"
                    ],
                    "Version": "$Default",
                },
                "Overrides": [
                    {"InstanceType": "g4dn.xlarge", "SubnetId": subnet["SubnetId"], "ImageId": "ami-0123456789abcdef0"}
                ],
            }
        ],
        TargetCapacitySpecification={"TotalTargetCapacity": 1, "DefaultTargetCapacityType": market},
        TagSpecifications=[
            {"ResourceType": "instance", "Tags": [{"Key": "transcribe-deployment", "Value": outputs["deployment"]}]}
        ],
    )
    return str(fleet["Instances"][0]["InstanceIds"][0])
