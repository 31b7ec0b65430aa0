"""The keys of machines' disks: which key is the default, and what EC2 does if the spot service may not use a key.

moto starts a machine with any disk. On AWS the request succeeds, but a spot machine whose disk is encrypted with a
customer's key ends as soon as it starts, unless a grant lets the role of the spot service use that key.
"""

from __future__ import annotations

from typing import Any

from moto.backends import get_backend
from moto.core.responses import ActionResult
from moto.ec2.models.elastic_block_store import EBSBackend
from moto.ec2.models.fleets import FleetsBackend
from moto.ec2.models.instances import StateReason
from moto.ec2.responses.elastic_block_store import ElasticBlockStore
from moto.iam.models import SERVICE_NAME_CONVERSION

from services.local.emulator import calls

SPOT_ROLE = "role/aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot"
NEEDED = {"CreateGrant", "Decrypt", "GenerateDataKeyWithoutPlaintext"}
CODE = "Client.InternalError"
_CUSTOMER = "CUSTOMER"


def apply() -> None:
    """Patch moto in this process; once is enough, twice does no harm."""
    if getattr(FleetsBackend, "_weighs_keys", False):
        return
    FleetsBackend._weighs_keys = True
    SERVICE_NAME_CONVERSION["spot"] = "EC2Spot"  # as the spot market's role is called
    _default_key()
    _launches()
    calls.forget()


def _default_key() -> None:
    """EC2 has a call for the default key, which is AWS's own until another is chosen; moto lacks the call, and marks
    the key as a customer's.
    """
    original = EBSBackend._create_default_encryption_key

    def create_default_encryption_key(backend: Any) -> str:
        arn: str = original(backend)
        _keys(backend).describe_key(arn).key_manager = "AWS"
        return arn

    EBSBackend._create_default_encryption_key = create_default_encryption_key
    ElasticBlockStore.get_ebs_default_kms_key_id = lambda response: ActionResult(
        {"KmsKeyId": _default(response.ec2_backend)}
    )


def _launches() -> None:
    original = FleetsBackend.create_fleet

    def create_fleet(backend: Any, *given: Any, **more: Any) -> Any:
        fleet = original(backend, *given, **more)
        started = list(fleet.spot_requests)
        for request in started:
            if not _may_start(backend, request.launch_spec.launch_template_spec):
                _end(request.instance)
        fleet.spot_requests = started  # moto has removed those whose machines have ended
        return fleet

    FleetsBackend.create_fleet = create_fleet


def _may_start(backend: Any, template: Any) -> bool:
    data = backend.get_launch_template(template["LaunchTemplateId"]).get_version(template["Version"]).data
    disks = [mapping["Ebs"] for mapping in data.get("BlockDeviceMappings", []) if "Ebs" in mapping]
    # The values are as they were sent, as text.
    encrypted = [disk for disk in disks if str(disk.get("Encrypted", "")).lower() == "true"]
    return all(_is_usable(backend, disk.get("KmsKeyId") or _default(backend)) for disk in encrypted)


def _is_usable(backend: Any, arn: str) -> bool:
    key = _keys(backend).describe_key(arn)
    return key.key_manager != _CUSTOMER or any(
        grant.grantee_principal.endswith(SPOT_ROLE) and set(grant.operations) >= NEEDED for grant in key.grants.values()
    )


def _end(instance: Any) -> None:
    instance.terminate()
    instance._reason = CODE
    instance.state_reason = StateReason(f"{CODE}: Client error on launch", CODE)


def _default(backend: Any) -> str:
    return str(backend.default_kms_key_id or backend._create_default_encryption_key())


def _keys(backend: Any) -> Any:
    return get_backend("kms")[backend.account_id][backend.region_name]
