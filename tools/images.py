"""Machine images in an account.

`python -m tools.images publish --parameter /transcription/image` makes the image that Packer built last the one that is
launched. `python -m tools.images prune` says which old ones it would remove; `--really` removes them.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import boto3

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import ImageTypeDef
    from mypy_boto3_ssm import SSMClient

MANIFEST = Path("dist/image.json")
"""Packer's own record of what it built."""
DEPLOYMENT, PARAMETER = "transcription", "/transcription/image"
"""As in terraform/variables.tf."""
DEPLOYMENT_TAG = "transcribe-image"
GATE_TAG = "transcribe-gate-passed"


class RefusedError(Exception):
    """The image is not one that machines may start from; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Image:
    """An image of ours."""

    image_id: str
    name: str
    made: str
    snapshots: tuple[str, ...]


def built(manifest: Path) -> str:
    """The id of the last image in Packer's manifest.

    Raises:
        RefusedError: there is none.

    """
    if not manifest.exists():
        raise RefusedError(f"{manifest} is missing: build an image first (./nox -s image).")
    record = json.loads(manifest.read_text("utf-8"))
    for build in record["builds"]:
        if build["packer_run_uuid"] == record["last_run_uuid"]:
            return str(build["artifact_id"].rpartition(":")[2])
    raise RefusedError(f"{manifest} names no image of the last run.")


def publish(ec2: EC2Client, ssm: SSMClient, image_id: str, parameter: str) -> None:
    """Make an image the one that is launched from now on.

    Raises:
        RefusedError: it is not there yet, no gate was passed when it was made, or nothing reads the parameter.

    """
    found = ec2.describe_images(ImageIds=[image_id])["Images"]
    if not found or found[0].get("State") != "available":
        raise RefusedError(f"{image_id} is not available in this region.")
    tags = _tags(found[0])
    if tags.get(GATE_TAG) != "true":
        raise RefusedError(f"{image_id} lacks the tag {GATE_TAG}: it was not made by this project's build.")
    try:
        ssm.get_parameter(Name=parameter)
    except ssm.exceptions.ParameterNotFound:
        raise RefusedError(
            f"There is no parameter {parameter}, so nobody would read it: --parameter takes what "
            "`terraform output -raw image_parameter` prints."
        ) from None
    ssm.put_parameter(Name=parameter, Value=image_id, Type="String", Overwrite=True)


def ours(ec2: EC2Client, deployment: str) -> list[Image]:
    """A deployment's images, newest first."""
    pages = ec2.get_paginator("describe_images").paginate(
        Owners=["self"], Filters=[{"Name": f"tag:{DEPLOYMENT_TAG}", "Values": [deployment]}]
    )
    found = [_image(image) for page in pages for image in page["Images"]]
    return sorted(found, key=lambda image: (image.made, image.name), reverse=True)


def superfluous(images: Sequence[Image], *, current: str, keep: int) -> list[Image]:
    """Those that may go: neither the one in use nor among the newest `keep`. `images`: newest first."""
    return [image for image in images[keep:] if image.image_id != current]


def remove(ec2: EC2Client, image: Image) -> None:
    """The image and its snapshots, which would be paid for without it."""
    ec2.deregister_image(ImageId=image.image_id)
    for snapshot in image.snapshots:
        ec2.delete_snapshot(SnapshotId=snapshot)


def _image(image: ImageTypeDef) -> Image:
    disks = [mapping.get("Ebs", {}).get("SnapshotId", "") for mapping in image.get("BlockDeviceMappings", [])]
    return Image(
        image_id=image["ImageId"],
        name=image.get("Name", ""),
        made=image.get("CreationDate", ""),
        snapshots=tuple(filter(None, disks)),
    )


def _tags(image: ImageTypeDef) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in image.get("Tags", [])}


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0 if it was done, 1 with the reason on standard error if not."""
    parser = argparse.ArgumentParser(prog="images", description=__doc__)
    parser.add_argument("command", choices=["publish", "prune"])
    parser.add_argument("--parameter", default=PARAMETER, help="SSM parameter (default: %(default)s)")
    parser.add_argument("--deployment", default=DEPLOYMENT, help="whose images (default: %(default)s)")
    parser.add_argument("--manifest", type=Path, default=MANIFEST)
    parser.add_argument("--keep", type=int, default=2, help="newest images to keep (default: %(default)s)")
    parser.add_argument("--really", action="store_true", help="remove instead of saying what would be removed")
    chosen = parser.parse_args(arguments)
    ec2, ssm = boto3.client("ec2"), boto3.client("ssm")
    try:
        if chosen.command == "publish":
            image_id = built(chosen.manifest)
            publish(ec2, ssm, image_id, chosen.parameter)
            sys.stdout.write(f"{chosen.parameter} = {image_id}: the next machine starts from it\n")
            return 0
    except RefusedError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    current = ssm.get_parameter(Name=chosen.parameter)["Parameter"]["Value"]
    for image in superfluous(ours(ec2, chosen.deployment), current=current, keep=chosen.keep):
        if chosen.really:
            remove(ec2, image)
        sys.stdout.write(f"{'removed' if chosen.really else 'would remove'} {image.image_id} {image.name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
