"""Records every AWS call of a process, and every link it signs: one JSON object a line, in the file `AWS_CALLS` names.

Python imports a module of this name when it starts, if its folder is on `PYTHONPATH`: so the real packages can be
listened to without a line of theirs being changed.
"""

import json
import os
from typing import Any

import botocore.client
import botocore.signers

_BODIES = {"Body", "Plaintext", "CiphertextBlob", "logEvents"}
_TARGET = os.environ["AWS_CALLS"]
_client: Any = botocore.client.BaseClient
_signers: Any = botocore.signers


def _record(service: str, operation: str, params: dict[str, Any]) -> None:
    kept = {name: value for name, value in params.items() if name not in _BODIES}
    line = json.dumps({"service": service, "operation": operation, "params": kept}, default=str)
    target = os.open(_TARGET, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(target, f"{line}\n".encode())
    finally:
        os.close(target)


_call = _client._make_api_call
_link = _signers.generate_presigned_url
_post = _signers.generate_presigned_post


def _recorded_call(self: Any, operation_name: str, api_params: dict[str, Any]) -> Any:
    _record(self.meta.service_model.service_name, operation_name, api_params)
    return _call(self, operation_name, api_params)


def _recorded_link(self: Any, ClientMethod: str, Params: Any = None, **more: Any) -> Any:  # noqa: N803 - botocore's names
    operation = self.meta.method_to_api_mapping[ClientMethod]
    _record(self.meta.service_model.service_name, operation, Params or {})
    return _link(self, ClientMethod, Params=Params, **more)


def _recorded_post(self: Any, Bucket: str, Key: str, **more: Any) -> Any:  # noqa: N803 - botocore's names
    _record("s3", "PutObject", {"Bucket": Bucket, "Key": Key})
    return _post(self, Bucket, Key, **more)


_client._make_api_call = _recorded_call
_signers.generate_presigned_url = _recorded_link
_signers.generate_presigned_post = _recorded_post
