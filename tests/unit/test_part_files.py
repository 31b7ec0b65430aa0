"""What the worker writes to the bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import ANY, Stubber

from services.gpu_worker.machine.retrying import is_transient
from services.gpu_worker.part.files import Files

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("code", "status", "transient"), [("SlowDown", 503, True), ("AccessDenied", 403, False)])
def test_a_file_that_is_refused_says_what_s3_answered(
    tmp_path: Path, code: str, status: int, *, transient: bool
) -> None:
    s3 = boto3.client("s3", region_name="eu-north-1", aws_access_key_id="a", aws_secret_access_key="b")
    sound = tmp_path / "0001.flac"
    sound.write_bytes(b"fLaC")

    with Stubber(s3) as answers:
        answers.add_client_error(
            "put_object",
            code,
            http_status_code=status,
            expected_params={"Bucket": "b", "Key": "k", "Body": ANY, "ContentType": ANY},
        )
        with pytest.raises(ClientError) as refused:
            Files(s3, "b").store("k", sound)

    assert refused.value.response["Error"]["Code"] == code
    assert is_transient(refused.value) is transient
