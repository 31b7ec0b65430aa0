"""A deployment in an emulator that lacks nothing, made call by call, for `transcribe doctor` to examine."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

from services.cli.operator.doctor.account import SPOT_ROLE
from services.cli.operator.doctor.watching import ALARMS
from services.cli.operator.names import Names
from services.cli.version import version
from services.common.domain.times import now_ms
from services.common.store.store import Store
from services.local.resources import REGION, TABLE_SHAPE
from tests.support.emulator import Emulator

NAMES = Names(deployment="news-desk", region=REGION)
BUCKET, IMAGE_PARAMETER = "news-desk-recordings", "/news-desk/image"
FALLBACK_PARAMETER = "/fallback"
TYPES = ("g4dn.xlarge", "g4dn.2xlarge")
LOG_GROUP, API_LOG_GROUP = (f"/aws/lambda/{name}" for name in (NAMES.orchestrator, NAMES.api))
STREAM = "2026/11/27/[$LATEST]1"
ALARM = f"{NAMES.alarms}work-stalled"
PUBLIC_ACCESS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})
TAGS = {
    "transcribe-self-test-passed": "true",
    "transcribe-models": "whisper-base",
    "transcribe-lifetime-minutes": "735",
}


class Examined:
    """A deployment that lacks nothing. A test breaks one thing, and puts it back with the method that made it."""

    def __init__(self, emulator: Emulator, public_url: str) -> None:
        """`public_url`: where somebody answers for the API."""
        self.public_url = public_url
        self.client = emulator.client
        self.table = NAMES.table
        self.make_table()
        self.key_id: str = self.client("kms").create_key()["KeyMetadata"]["KeyId"]
        vpc = self.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        asked = {"VpcId": vpc, "CidrBlock": "10.0.0.0/24", "AvailabilityZone": f"{REGION}a"}
        self.subnet: str = self.client("ec2").create_subnet(**asked)["Subnet"]["SubnetId"]
        self.make_queues()
        self.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.guard_bucket()
        self.announce_uploads()
        self.make_image()
        self.put_settings()
        self.role: str = self.client("iam").create_role(RoleName="role", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
        self.make_spot_role()
        for name in (NAMES.orchestrator, NAMES.api):
            self.make_function(name)
        self.make_mapping()
        self.make_schedule()
        self.write_sweep()
        self.make_log(API_LOG_GROUP)
        self.make_alarm()
        self.store = Store(self.client("dynamodb"), self.table)
        self.store.clients.register("acme")

    @property
    def common(self) -> dict[str, str]:
        """What all services' settings have."""
        return {
            "TABLE_NAME": self.table,
            "BUCKET_NAME": BUCKET,
            "DEPLOYMENT": NAMES.deployment,
            "SECRETS_KEY_ID": self.key_id,
            "PUBLIC_URL": self.public_url,
            "MODELS": "whisper-base",
        }

    @property
    def orchestrators(self) -> dict[str, str]:
        """The orchestrator's environment."""
        return {
            **self.common,
            "LAUNCH_TEMPLATE_ID": "lt-1",
            "SPOT_LAUNCH_TEMPLATE_ID": "lt-2",
            "SUBNET_IDS": self.subnet,
            "INSTANCE_TYPES": ",".join(TYPES),
            "IMAGE_PARAMETER": IMAGE_PARAMETER,
            "FALLBACK_IMAGE_PARAMETER": FALLBACK_PARAMETER,
            "MAX_WORKERS": "2",
            "MAX_LIFETIME_MINUTES": "720",
            "ON_DEMAND_AFTER_MINUTES": "10",
        }

    def put_parameter(self, name: str, value: str) -> None:
        self.client("ssm").put_parameter(Name=name, Value=value, Type="String", Overwrite=True)

    def put_settings(self, **other: str) -> None:
        """The machines' settings."""
        settings = self.common | {"MAX_LIFETIME_MINUTES": "720"} | other
        self.put_parameter(NAMES.config_parameter, json.dumps(settings))

    def make_table(self, **other: Any) -> None:
        dynamodb = self.client("dynamodb")
        dynamodb.create_table(TableName=self.table, **TABLE_SHAPE | other)
        self.let_expire(enabled=True)
        self.back_up(enabled=True)

    def let_expire(self, *, enabled: bool) -> None:
        wanted = {"Enabled": enabled, "AttributeName": "expires_at"}
        self.client("dynamodb").update_time_to_live(TableName=self.table, TimeToLiveSpecification=wanted)

    def back_up(self, *, enabled: bool) -> None:
        wanted = {"PointInTimeRecoveryEnabled": enabled}
        self.client("dynamodb").update_continuous_backups(TableName=self.table, PointInTimeRecoverySpecification=wanted)

    def make_queues(self) -> None:
        sqs = self.client("sqs")
        for name in (NAMES.queue, NAMES.dead_letters):
            sqs.create_queue(QueueName=name)
        self.let_bucket_tell()

    def let_bucket_tell(self, bucket: str = BUCKET, service: str = "s3.amazonaws.com") -> None:
        """Let a bucket send to the queue; the policy has one statement, and no list of them."""
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": "sqs:SendMessage",
            "Resource": self.queue_arn(NAMES.queue),
            "Condition": {"ArnEquals": {"aws:SourceArn": f"arn:aws:s3:::{bucket}"}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": statement})
        self.client("sqs").set_queue_attributes(QueueUrl=self.queue_url(NAMES.queue), Attributes={"Policy": policy})

    def queue_url(self, name: str) -> str:
        return str(self.client("sqs").get_queue_url(QueueName=name)["QueueUrl"])

    def queue_arn(self, name: str) -> str:
        asked = {"QueueUrl": self.queue_url(name), "AttributeNames": ["QueueArn"]}
        return str(self.client("sqs").get_queue_attributes(**asked)["Attributes"]["QueueArn"])

    def announce_uploads(self, prefix: str = "uploads/") -> None:
        key = {"Key": {"FilterRules": [{"Name": "prefix", "Value": prefix}]}}
        told = {"QueueArn": self.queue_arn(NAMES.queue), "Events": ["s3:ObjectCreated:*"], "Filter": key}
        self.client("s3").put_bucket_notification_configuration(
            Bucket=BUCKET, NotificationConfiguration={"QueueConfigurations": [told]}
        )

    def guard_bucket(self) -> None:
        s3 = self.client("s3")
        s3.put_public_access_block(Bucket=BUCKET, PublicAccessBlockConfiguration=dict.fromkeys(PUBLIC_ACCESS, True))
        condition = {"Bool": {"aws:SecureTransport": "false"}}
        deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*", "Condition": condition}
        s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps({"Version": "2012-10-17", "Statement": [deny]}))
        self.expire("uploads/", "results/", "work/")

    def expire(self, *prefixes: str) -> None:
        """The lifecycle of these, and that of uploads in parts."""
        rules: list[dict[str, Any]] = [
            {"ID": prefix, "Status": "Enabled", "Filter": {"Prefix": prefix}, "Expiration": {"Days": 30}}
            for prefix in prefixes
        ]
        parts = {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 2}}
        rules.append({"ID": "parts", "Status": "Enabled", "Filter": {"Prefix": ""}, **parts})
        self.client("s3").put_bucket_lifecycle_configuration(Bucket=BUCKET, LifecycleConfiguration={"Rules": rules})

    def make_image(self, **other: str) -> None:
        """An image with these tags beside the usual ones, as the one that machines start from."""
        self.image = make_image(self.client, **other)
        self.put_parameter(IMAGE_PARAMETER, self.image)

    def make_spot_role(self) -> None:
        self.client("iam").create_role(RoleName=SPOT_ROLE, AssumeRolePolicyDocument=TRUST)

    def make_function(self, name: str, **other: Any) -> None:
        """A function with its environment, unless `other` says something else of it."""
        variables = self.orchestrators if name == NAMES.orchestrator else self.common
        usual: dict[str, Any] = {
            "FunctionName": name,
            "Role": self.role,
            "Runtime": "python3.13",
            "Handler": "services.handler",
            "Description": f"An example ({version()})",
            "Code": {"ZipFile": PACKAGE},
            "Environment": {"Variables": variables},
        }
        self.client("lambda").create_function(**usual | other)
        if name == NAMES.orchestrator:
            self.let_schedule_call()

    def let_schedule_call(self, rule: str = NAMES.sweep_rule) -> None:
        asked = {
            "StatementId": "sweep",
            "Action": "lambda:InvokeFunction",
            "Principal": "events.amazonaws.com",
            "SourceArn": f"arn:aws:events:{REGION}:123456789012:rule/{rule}",
        }
        self.client("lambda").add_permission(FunctionName=NAMES.orchestrator, **asked)

    def set_variables(self, name: str, variables: dict[str, str]) -> None:
        asked = {"FunctionName": name, "Environment": {"Variables": variables}}
        self.client("lambda").update_function_configuration(**asked)

    def make_mapping(self) -> None:
        arn = arn_of(NAMES.orchestrator)
        asked = {"EventSourceArn": self.queue_arn(NAMES.queue), "FunctionName": arn, "Enabled": True}
        self.mapping: str = self.client("lambda").create_event_source_mapping(**asked)["UUID"]

    def make_schedule(self) -> None:
        events = self.client("events")
        events.put_rule(Name=NAMES.sweep_rule, ScheduleExpression="rate(1 minute)", State="ENABLED")
        targets = [{"Id": "sweep", "Arn": arn_of(NAMES.orchestrator)}]
        events.put_targets(Rule=NAMES.sweep_rule, Targets=targets)

    def write_sweep(self) -> None:
        """The line with which a sweep ends."""
        self.write_log(json.dumps({"event": "measured", "Sweeps": 1}))

    def make_log(self, group: str) -> None:
        """An empty log, if it is not there."""
        logs = self.client("logs")
        if not logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
            logs.create_log_group(logGroupName=group)
            logs.create_log_stream(logGroupName=group, logStreamName=STREAM)

    def write_log(self, line: str, group: str = LOG_GROUP) -> None:
        """One line, in a log that is made if it is not there."""
        self.make_log(group)
        event = {"timestamp": now_ms(), "message": line}
        self.client("logs").put_log_events(logGroupName=group, logStreamName=STREAM, logEvents=[event])

    def forget_log(self, group: str = LOG_GROUP) -> None:
        self.client("logs").delete_log_group(logGroupName=group)

    def make_alarm(self) -> None:
        sns = self.client("sns")
        self.topic: str = sns.create_topic(Name=f"{NAMES.alarms}alarms")["TopicArn"]
        self.subscription: str = sns.subscribe(
            TopicArn=self.topic, Protocol="sqs", Endpoint=self.queue_arn(NAMES.dead_letters), ReturnSubscriptionArn=True
        )["SubscriptionArn"]
        for name in ALARMS:
            self.put_alarm(f"{NAMES.alarms}{name}")

    def put_alarm(self, name: str, **other: Any) -> None:
        usual = {
            "AlarmName": name,
            "Namespace": NAMES.deployment,
            "MetricName": "OldestWait",
            "Statistic": "Maximum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 3600,
            "ComparisonOperator": "GreaterThanThreshold",
            "AlarmActions": [self.topic],
        }
        self.client("cloudwatch").put_metric_alarm(**usual | other)

    def set_alarm(self, state: str) -> None:
        self.client("cloudwatch").set_alarm_state(AlarmName=ALARM, StateValue=state, StateReason="a test")


def arn_of(function: str) -> str:
    return f"arn:aws:lambda:{REGION}:123456789012:function:{function}"


def make_image(client: Callable[[str], Any], **other: str) -> str:
    """An image of an own build, with these tags beside the usual ones; returns its id."""
    ec2 = client("ec2")
    volume = ec2.create_volume(AvailabilityZone=f"{REGION}a", Size=8)["VolumeId"]
    snapshot = ec2.create_snapshot(VolumeId=volume)["SnapshotId"]
    block = {"DeviceName": "/dev/sda1", "Ebs": {"SnapshotId": snapshot, "VolumeType": "gp3"}}
    name = f"worker-{snapshot}"
    made = ec2.register_image(Name=name, RootDeviceName="/dev/sda1", BlockDeviceMappings=[block])["ImageId"]
    ec2.create_tags(Resources=[made], Tags=[{"Key": key, "Value": value} for key, value in (TAGS | other).items()])
    return str(made)


def _zip() -> bytes:
    """The smallest package that Lambda takes."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as file:
        file.writestr("services.py", "def handler(event, context): ...")
    return held.getvalue()


PACKAGE = _zip()
