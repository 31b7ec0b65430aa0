"""`transcribe cleanup` ends what a deployment has left over, once it is agreed to, and nothing else."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from typer.testing import CliRunner, Result

from services.cli.errors import Exit
from services.cli.main import app
from services.cli.operator import deployment
from services.cli.operator.cleanup import launching
from services.common.aws import Aws
from services.common.domain.machines import Slot
from services.common.domain.states import SlotStatus
from services.common.domain.times import DAY_MS, MINUTE_MS, now_ms
from tests.support.items import awaited
from tests.support.shared_aws import REGION
from tests.support.world import BUCKET, TABLE, World
from tests.support.written import put_job

FUNCTION, RULE, PARAMETER = "NewsProcessUpload", f"news-{REGION}-sweep", "/images/of-news"
ZONE: Any = f"{REGION}a"


class CachedAws(Aws):
    """Clients take longer to make than a test, and the emulator answers them whenever it is on."""

    ec2, s3, ssm = cache(Aws.ec2), cache(Aws.s3), cache(Aws.ssm)
    dynamodb, events, functions = cache(Aws.dynamodb), cache(Aws.events), cache(Aws.functions)


@cache
def cached_aws() -> CachedAws:
    session = boto3.session.Session(aws_access_key_id="x", aws_secret_access_key="x", region_name=REGION)
    return CachedAws(session)


@cache
def other(service: str) -> Any:
    return boto3.client(service, REGION, aws_access_key_id="x", aws_secret_access_key="x")  # type: ignore[call-overload]


class Account:
    """An account with the deployment `news`, which has nothing left over."""

    def __init__(self, world: World) -> None:
        self.world, self.aws = world, cached_aws()
        self.ec2, self.ssm = self.aws.ec2(), self.aws.ssm()
        self.later = 2 * DAY_MS
        """How much later than its things were made the command is run, milliseconds."""
        self.denied: dict[str, str] = {}
        """Operations that may not be called → what AWS says."""
        self.calls: list[str] = []
        self.before: dict[str, Callable[[], object]] = {}
        """What happens just before the first call of an operation."""
        self._machine = self.machine("someone-elses")
        self.put_function()
        self.publish("none")
        self.current, self.previous = "", ""

    def put_function(self) -> None:
        trust = json.dumps({"Statement": []})
        role = other("iam").create_role(RoleName="r", AssumeRolePolicyDocument=trust, Path="/")["Role"]["Arn"]
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("handler.py", "")
        settings = {"TABLE_NAME": TABLE, "BUCKET_NAME": BUCKET, "IMAGE_PARAMETER": PARAMETER}
        self.aws.functions().create_function(
            FunctionName=FUNCTION,
            Role=role,
            Runtime="python3.13",
            Handler="handler.handler",
            Code={"ZipFile": packed.getvalue()},
            Environment={"Variables": settings},
        )

    def put_launching(self) -> None:
        """What calls the function."""
        self.aws.events().put_rule(Name=RULE, ScheduleExpression="rate(1 minute)", State="ENABLED")
        sqs = other("sqs")
        queue = sqs.create_queue(QueueName="uploads")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        self.aws.functions().create_event_source_mapping(EventSourceArn=arn, FunctionName=FUNCTION)

    def machine(self, deployment_name: str = "news", launch_id: str = "l-0") -> str:
        tags: Any = [{"Key": "transcribe-deployment", "Value": deployment_name}]
        tags.append({"Key": "transcribe-launch-id", "Value": launch_id})
        made = self.ec2.run_instances(
            ImageId="ami-0123456789abcdef0",
            MinCount=1,
            MaxCount=1,
            TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
        )
        return made["Instances"][0]["InstanceId"]

    def slot(self, instance_id: str | None, name: str = "00", launch_id: str = "l-1", due_at: int = 0) -> Slot:
        slot = Slot(
            slot=name,
            status=SlotStatus.RUNNING,
            launch_id=launch_id,
            request={},
            taken_at=self.world.now,
            instance_id=instance_id,
            due_at=due_at,
        )
        assert self.world.store.slots.take(slot)
        return slot

    def volume(self, deployment_name: str = "news") -> str:
        tags: Any = [{"Key": "transcribe-deployment", "Value": deployment_name}]
        made = self.ec2.create_volume(
            AvailabilityZone=ZONE, Size=8, TagSpecifications=[{"ResourceType": "volume", "Tags": tags}]
        )
        return made["VolumeId"]

    def upload(self, key: str = "uploads/news/film.wav") -> str:
        return self.world.s3.create_multipart_upload(Bucket=BUCKET, Key=key)["UploadId"]

    def image(self, name: str, deployment_name: str = "news") -> str:
        """An image with its snapshots, tagged as Packer tags them."""
        made = self.ec2.create_image(InstanceId=self._machine, Name=name)["ImageId"]
        tags: Any = [{"Key": "transcribe-image", "Value": deployment_name}]
        self.ec2.create_tags(Resources=[made, *self.snapshots_of(made)], Tags=tags)
        return made

    def snapshots_of(self, image_id: str) -> list[str]:
        (image,) = self.ec2.describe_images(ImageIds=[image_id])["Images"]
        return [one["Ebs"]["SnapshotId"] for one in image["BlockDeviceMappings"] if "Ebs" in one]

    def publish(self, image_id: str) -> None:
        self.ssm.put_parameter(Name=PARAMETER, Value=image_id, Type="String", Overwrite=True)

    def state(self, instance_id: str) -> str:
        (found,) = self.ec2.describe_instances(InstanceIds=[instance_id])["Reservations"]
        return found["Instances"][0]["State"]["Name"]

    def there(self) -> set[str]:
        """Everything that a cleanup could end and that is still there, of whatever deployment."""
        reservations = self.ec2.describe_instances()["Reservations"]
        instances = [instance for reservation in reservations for instance in reservation["Instances"]]
        uploads = self.world.s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])
        return {
            *(one["InstanceId"] for one in instances if one["State"]["Name"] != "terminated"),
            *(slot.slot for slot in self.world.store.slots.all()),
            *(volume["VolumeId"] for volume in self.ec2.describe_volumes()["Volumes"]),
            *(upload["UploadId"] for upload in uploads),
            *(image["ImageId"] for image in self.ec2.describe_images(Owners=["self"])["Images"]),
            *(snapshot["SnapshotId"] for snapshot in self.ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]),
        }

    def leftovers(self) -> list[str]:
        """One of each kind is left over; returns the lines that show it, in their order, without the reasons."""
        stray = self.machine()
        gone = self.machine(launch_id="l-1")
        self.slot(gone)
        self.ec2.terminate_instances(InstanceIds=[gone])
        volume, upload = self.volume(), self.upload()
        old, self.previous, self.current = (self.image(f"image-{number}") for number in range(3))
        for published in (self.previous, self.current):
            self.publish(published)
        return [
            f"end machine {stray}",
            "free slot 00",
            f"delete volume {volume}",
            f"abort upload uploads/news/film.wav {upload}",
            f"remove image {old}",
        ]


@pytest.fixture
def account(world: World, monkeypatch: pytest.MonkeyPatch) -> Account:
    monkeypatch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")  # hundreds, which take longer to load than the tests
    monkeypatch.setenv("CONFIG_PARAMETER", "/news/worker")
    world.now = now_ms()
    account = Account(world)
    monkeypatch.setattr(deployment, "aws", cached_aws)
    deployment.settings.cache_clear()
    monkeypatch.setattr("services.cli.operator.cleanup.looking.now_ms", lambda: now_ms() + account.later)
    call: Any = BaseClient._make_api_call  # type: ignore[attr-defined]

    def watched(client: BaseClient, operation: str, given: Any) -> Any:
        account.calls.append(operation)
        account.before.pop(operation, lambda: None)()
        if operation in account.denied:
            error: Any = {"Error": {"Code": "UnauthorizedOperation", "Message": account.denied[operation]}}
            raise ClientError(error, operation)
        return call(client, operation, given)

    monkeypatch.setattr(BaseClient, "_make_api_call", watched)
    return account


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody can be asked."""
    asked = SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr("services.cli.operator.cleanup.command.sys", asked)


def cleanup(*arguments: str, answer: str = "", code: Exit = Exit.DONE) -> Result:
    done = CliRunner().invoke(app, ["cleanup", *arguments], input=answer, catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done


def shown(done: Result) -> list[str]:
    """What was found, without the reasons."""
    return [line.partition(": ")[0] for line in done.stdout.splitlines()]


def test_one_thing_of_each_kind_is_found_shown_and_ended(account: Account) -> None:
    kept = account.there()
    expected = account.leftovers()
    kept |= {account.previous, account.current}
    kept |= {*account.snapshots_of(account.previous), *account.snapshots_of(account.current)}
    assert shown(cleanup("--yes")) == expected
    assert account.there() == kept
    again = cleanup("--yes")
    assert (again.stdout, again.stderr) == (
        "",
        "news has nothing left over in eu-north-1, as far as it could be seen.\n",
    )


def test_a_dry_run_shows_the_same_changes_nothing_and_needs_only_rights_to_read(account: Account) -> None:
    expected, kept = account.leftovers(), account.there()
    account.calls.clear()
    assert shown(cleanup("--dry-run", "--yes")) == expected
    assert {call for call in account.calls if not call.startswith(("Describe", "Get", "List", "Query"))} == set()
    assert account.there() == kept


@pytest.mark.usefixtures("terminal")
def test_it_asks_and_takes_no_for_no(account: Account) -> None:
    expected, kept = account.leftovers(), account.there()
    for answer, ended in (("n\n", False), ("\n", False), ("y\n", True)):
        done = cleanup(answer=answer, code=Exit.DONE if ended else Exit.FAILED)
        assert shown(done)[: len(expected)] == expected
        assert "End this of news in eu-north-1? [y/N]" in done.stderr
        assert ("Nothing was ended." in done.stderr) is not ended
        assert (account.there() == kept) is not ended


def test_where_nobody_can_be_asked_nothing_is_ended_without_yes(account: Account) -> None:
    account.leftovers()
    kept = account.there()
    assert "add --yes" in cleanup(code=Exit.USAGE).stderr
    assert account.there() == kept


def test_programs_are_told_what_was_found_and_what_came_of_it(account: Account) -> None:
    account.leftovers()
    account.denied["DeleteVolume"] = "no"
    told = json.loads(cleanup("--json", "--dry-run").stdout)
    assert (told["deployment"], told["region"], told["unseen"]) == ("news", REGION, [])
    assert [one["done"] for one in told["found"]] == [None] * 5
    told = json.loads(cleanup("--json", "--yes", code=Exit.REFUSED).stdout)
    assert {one["action"]: one["done"] for one in told["found"]} == {
        "end machine": True,
        "free slot": True,
        "delete volume": False,
        "abort upload": True,
        "remove image": True,
    }


@pytest.mark.parametrize("at", ["TerminateInstances", "DeleteVolume", "AbortMultipartUpload", "DeleteSnapshot"])
def test_a_run_that_was_interrupted_half_way_is_finished_by_the_next_one(account: Account, at: str) -> None:
    kept = account.there()
    account.leftovers()
    kept |= {account.previous, account.current}
    kept |= {*account.snapshots_of(account.previous), *account.snapshots_of(account.current)}

    def interrupt() -> None:
        raise KeyboardInterrupt

    account.before[at] = interrupt
    cleanup("--yes", code=Exit.INTERRUPTED)
    assert account.there() > kept
    cleanup("--yes")
    assert account.there() == kept


def test_what_belongs_to_another_deployment_is_not_touched(account: Account) -> None:
    account.machine("news-2"), account.volume("news-2")
    for number in range(4):
        account.image(f"other-{number}", "news-2")
    orphan = account.image("orphan", "news-2")
    account.ec2.deregister_image(ImageId=orphan)
    kept = account.there()
    assert cleanup("--yes").stdout == ""
    assert account.there() == kept


def test_machines_that_hold_a_slot_and_slots_whose_machine_may_live_are_not_touched(account: Account) -> None:
    account.slot(account.machine(launch_id="l-1"))
    account.slot(None, name="01", launch_id="l-2")
    faded = account.machine(launch_id="l-3")
    account.slot(faded, name="02", launch_id="l-3")
    account.ec2.delete_tags(Resources=[faded], Tags=[{"Key": "transcribe-deployment"}])
    kept = account.there()
    assert cleanup("--yes").stdout == ""
    assert account.there() == kept


def test_the_slot_of_a_machine_that_ec2_does_not_show_yet_is_not_freed(account: Account) -> None:
    account.slot("i-0123456789abcdef0", due_at=now_ms() + account.later + MINUTE_MS)
    assert cleanup("--yes").stdout == ""
    account.later += MINUTE_MS
    assert shown(cleanup("--yes")) == ["free slot 00"]


def test_what_was_made_a_moment_ago_is_not_touched(account: Account) -> None:
    account.later = 0
    account.machine(), account.volume(), account.upload()
    account.ec2.deregister_image(ImageId=account.image("under way"))
    kept = account.there()
    assert cleanup("--yes").stdout == ""
    assert account.there() == kept


def test_an_upload_that_a_job_waits_for_is_not_touched_and_one_that_it_has_given_up_is(
    account: Account, world: World
) -> None:
    key = "uploads/alice/job_1/film.wav"
    upload, given_up = account.upload(key), account.upload(key)
    put_job(
        world,
        status=replace(awaited(world, "job_2")).status,
        source_key=key,
        multipart={"upload_id": upload, "part_size": 1},
    )
    world.of_another_version("JOB#job_2", "JOB")
    newer = account.upload("uploads/alice/job_2/film.wav")
    assert shown(cleanup("--yes")) == [f"abort upload {key} {given_up}"]
    assert {upload, newer} <= account.there()


def test_neither_the_published_image_nor_one_before_it_nor_a_newer_one_is_removed(account: Account) -> None:
    ids = [account.image(f"image-{number}") for number in range(7)]
    for published in (ids[0], ids[3]):
        account.publish(published)
    cleanup("--yes")
    left = {image["ImageId"] for image in account.ec2.describe_images(Owners=["self"])["Images"]}
    assert left == {ids[0], ids[2], ids[3], ids[5], ids[6]}, "published before, made before, published, the newest two"


def test_without_a_parameter_that_tells_which_is_published_no_image_is_removed(account: Account) -> None:
    account.leftovers()
    account.ssm.delete_parameter(Name=PARAMETER)
    done = cleanup("--yes", code=Exit.REFUSED)
    assert "cannot see superseded images: " in done.stderr
    assert "remove image" not in done.stdout


def test_a_right_that_is_missing_is_named_and_the_rest_is_done(account: Account) -> None:
    expected = account.leftovers()
    because = "User: x is not authorized to perform: ec2:DescribeVolumes because no policy allows it"
    account.denied = {"DescribeVolumes": because, "TerminateInstances": "You are not authorized."}
    done = cleanup("--yes", code=Exit.REFUSED)
    assert shown(done) == [line for line in expected if "volume" not in line]
    assert "cannot see disks that no machine has: the right ec2:DescribeVolumes is missing." in done.stderr
    assert f"{expected[0]}: the right for TerminateInstances is missing." in done.stderr
    account.denied.clear()
    assert shown(cleanup("--dry-run")) == [expected[0], expected[2]]


def test_without_the_right_to_see_the_settings_only_what_needs_none_is_ended(account: Account) -> None:
    expected = account.leftovers()
    account.denied["GetFunctionConfiguration"] = "perform: lambda:GetFunctionConfiguration on resource"
    done = cleanup("--yes", code=Exit.REFUSED)
    assert shown(done) == [line for line in expected if "volume" in line]
    (line,) = (line for line in done.stderr.splitlines() if "cannot see" in line)
    assert "machines without a slot" in line
    assert "lambda:GetFunctionConfiguration" in line


def test_what_is_no_more_as_it_was_found_is_left_alone(account: Account) -> None:
    machine = account.machine(launch_id="l-1")
    account.before["TerminateInstances"] = pytest.fail
    account.before["DescribeVolumes"] = lambda: account.slot(machine) and None
    assert shown(cleanup("--yes")) == [f"end machine {machine}"]
    assert account.state(machine) == "running"


def test_a_function_that_was_changed_by_hand_is_told_and_so_is_the_remedy(account: Account) -> None:
    account.aws.functions().update_function_configuration(FunctionName=FUNCTION, Environment={"Variables": {}})
    assert f"the environment of {FUNCTION} lacks TABLE_NAME: `terraform apply`" in cleanup(code=Exit.REFUSED).stderr


def test_settings_that_lambda_does_not_show_are_no_reason_to_apply(
    account: Account, request: pytest.FixtureRequest
) -> None:
    def hide(parsed: dict[str, Any], **_: object) -> None:
        parsed["Environment"] = {"Error": {"ErrorCode": "AccessDeniedException", "Message": "no kms:Decrypt"}}

    events, event = account.aws.functions().meta.events, "after-call.lambda.GetFunctionConfiguration"
    events.register(event, hide)
    request.addfinalizer(lambda: events.unregister(event, hide))
    said = cleanup(code=Exit.REFUSED).stderr
    assert f"Lambda does not show the environment of {FUNCTION}: no kms:Decrypt." in said
    assert "terraform apply" not in said


@pytest.mark.parametrize("name", ["*", "news*", "News", "ne", "?ews", "news/2"])
def test_a_name_that_could_stand_for_several_deployments_is_refused(account: Account, name: str) -> None:
    account.leftovers()
    kept = account.there()
    cleanup("--deployment", name, "--yes", code=Exit.USAGE)
    assert account.there() == kept


def test_the_deployment_has_to_be_named(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONFIG_PARAMETER", "")
    deployment.settings.cache_clear()
    assert "give --deployment NAME" in cleanup(code=Exit.USAGE).stderr


def test_of_a_deployment_that_is_not_here_the_machines_are_left_alone(account: Account) -> None:
    account.machine("radio")
    kept = account.there()
    done = cleanup("--deployment", "radio", "--yes", code=Exit.REFUSED)
    assert "eu-north-1 has no function RadioProcessUpload" in done.stderr
    assert account.there() == kept


class TestBeforeADestroy:
    @pytest.fixture(autouse=True)
    def _launching(self, account: Account, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        account.put_launching()
        self.slept: list[float] = []
        self.meanwhile: list[Callable[[], object]] = []
        """What happens while the command waits, one after another."""

        def sleep(seconds: float) -> None:
            self.slept.append(seconds)
            if self.meanwhile:
                self.meanwhile.pop(0)()

        monkeypatch.setattr(launching, "time", SimpleNamespace(sleep=sleep, monotonic=lambda: sum(self.slept)))
        yield
        account.before.clear()

    def test_nothing_launches_any_more_and_no_machine_is_left_not_even_one_that_was_just_asked_for(
        self, account: Account
    ) -> None:
        busy, other_ones = account.machine(launch_id="l-1"), account.machine("news-2")
        account.slot(busy)
        late: list[str] = []
        account.before["TerminateInstances"] = lambda: late.append(account.machine())
        done = cleanup("--before-destroy", "--yes")
        (mapping,) = account.aws.functions().list_event_source_mappings(FunctionName=FUNCTION)["EventSourceMappings"]
        assert shown(done) == [
            f"disable schedule {RULE}",
            f"disable mapping {mapping['UUID']}",
            f"end machine {busy}",
        ]
        assert account.aws.events().describe_rule(Name=RULE)["State"] == "DISABLED"
        assert mapping["State"] == "Disabled"
        assert {account.state(one) for one in (busy, *late)} == {"terminated"}
        assert account.state(other_ones) == "running"
        assert "`terraform destroy` can go on" in done.stderr

    def test_what_is_launched_while_it_waits_for_the_last_machine_is_ended_too(self, account: Account) -> None:
        late: list[str] = []
        self.meanwhile += [lambda: late.append(account.machine())] * 3
        done = cleanup("--before-destroy", "--yes")
        assert [account.state(one) for one in late] == ["terminated"] * 3
        assert "`terraform destroy` can go on" in done.stderr

    def test_the_queue_calls_no_more_before_machines_are_looked_for(
        self, account: Account, request: pytest.FixtureRequest
    ) -> None:
        (queue,) = account.aws.functions().list_event_source_mappings(FunctionName=FUNCTION)["EventSourceMappings"]
        account.aws.functions().update_event_source_mapping(UUID=queue["UUID"], Enabled=False)
        disabling = iter([True] * 4)  # the first look is for what to stop

        def answer(parsed: dict[str, Any], **_: object) -> None:
            for mapping in parsed["EventSourceMappings"] if next(disabling, False) else ():
                mapping["State"] = "Disabling"

        events, event = account.aws.functions().meta.events, "after-call.lambda.ListEventSourceMappings"
        events.register(event, answer)
        request.addfinalizer(lambda: events.unregister(event, answer))
        cleanup("--before-destroy", "--yes")
        assert self.slept == [launching.LOOK_AGAIN_SECONDS] * 3 + [launching.FUNCTION_SECONDS]

    def test_a_machine_that_does_not_go_is_told_after_ten_minutes(
        self, account: Account, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(launching, "MOST_SECONDS", 2 * launching.LOOK_AGAIN_SECONDS)
        self.meanwhile += [account.machine] * 9
        done = cleanup("--before-destroy", "--yes", code=Exit.REFUSED)
        assert "a machine is still there after ten minutes, so run the same command again" in done.stderr
        assert "can go on" not in done.stderr

    def test_after_a_destroy_that_came_half_way_the_machines_are_ended_all_the_same(self, account: Account) -> None:
        account.aws.events().delete_rule(Name=RULE)
        (mapping,) = account.aws.functions().list_event_source_mappings(FunctionName=FUNCTION)["EventSourceMappings"]
        account.aws.functions().delete_event_source_mapping(UUID=mapping["UUID"])
        account.aws.functions().delete_function(FunctionName=FUNCTION)
        machine = account.machine()
        done = cleanup("--before-destroy", "--yes", code=Exit.REFUSED)
        assert account.state(machine) == "terminated"
        assert "cannot see the schedule" not in done.stderr
        assert "cannot see slots" not in done.stderr.partition("has no function")[2]

    def test_a_run_that_was_interrupted_while_it_waited_goes_on_waiting(self, account: Account) -> None:
        machine = account.machine(launch_id="l-1")

        def interrupt() -> None:
            raise KeyboardInterrupt

        account.before["TerminateInstances"] = interrupt
        cleanup("--before-destroy", "--yes", code=Exit.INTERRUPTED)
        assert shown(cleanup("--before-destroy", "--yes")) == [f"end machine {machine}"]
        assert account.state(machine) == "terminated"

    def test_a_schedule_that_may_not_be_stopped_is_told_and_the_network_is_not_said_to_be_free(
        self, account: Account
    ) -> None:
        account.denied["DisableRule"] = "perform: events:DisableRule on resource"
        account.denied["UpdateEventSourceMapping"] = "perform: lambda:UpdateEventSourceMapping on resource"
        done = cleanup("--before-destroy", "--yes", code=Exit.REFUSED)
        assert f"disable schedule {RULE}: the right events:DisableRule is missing." in done.stderr
        assert self.slept == [launching.FUNCTION_SECONDS], "to wait for the queue would not help"
        assert "can go on" not in done.stderr

    def test_machines_that_may_not_be_ended_are_told_and_the_network_is_not_said_to_be_free(
        self, account: Account
    ) -> None:
        machine = account.machine()
        account.denied["TerminateInstances"] = "perform: ec2:TerminateInstances on resource"
        done = cleanup("--before-destroy", "--yes", code=Exit.REFUSED)
        assert f"end machine {machine}: the right ec2:TerminateInstances is missing." in done.stderr
        assert "can go on" not in done.stderr

    def test_without_it_the_schedule_the_queue_and_machines_with_a_slot_are_not_touched(self, account: Account) -> None:
        account.slot(account.machine(launch_id="l-1"))
        kept = account.there()
        assert cleanup("--yes").stdout == ""
        assert account.aws.events().describe_rule(Name=RULE)["State"] == "ENABLED"
        assert account.there() == kept
