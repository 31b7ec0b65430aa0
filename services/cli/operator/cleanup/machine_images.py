"""A deployment's machine images: which there are, which are needed, and the end of one.

`python -m tools.images prune` removes by this, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import ImageTypeDef
    from mypy_boto3_ssm import SSMClient

TAG = "transcribe-image"
"""Its value is the deployment. Packer gives it to an image and to its snapshots."""
KEPT = 2
"""The newest images that are kept, published or not."""


@dataclass(frozen=True, kw_only=True)
class Image:
    """A machine image of a deployment; `made`: when it was created, as EC2 says."""

    image_id: str
    name: str
    made: str
    snapshots: tuple[str, ...]


def ours(ec2: EC2Client, deployment: str) -> list[Image]:
    """A deployment's images, newest first."""
    pages = ec2.get_paginator("describe_images").paginate(
        Owners=["self"], Filters=[{"Name": f"tag:{TAG}", "Values": [deployment]}]
    )
    found = [_image(image) for page in pages for image in page["Images"]]
    return sorted(found, key=lambda image: (image.made, image.name), reverse=True)


def published(ssm: SSMClient, parameter: str) -> list[str]:
    """The ids of the image that is published and of the one that was before it, as far as the parameter knows them."""
    pages = ssm.get_paginator("get_parameter_history").paginate(Name=parameter)
    versions = {version["Version"]: version["Value"] for page in pages for version in page["Parameters"]}
    return list(dict.fromkeys(versions[number] for number in sorted(versions, reverse=True)))[:2]


def superfluous(images: Sequence[Image], *, used: Sequence[str], keep: int = KEPT) -> list[Image]:
    """The images that may be removed.

    Never those of `used`, never the one that was made before the published one, and never one of the newest `keep`.

    Args:
        images: newest first.
        used: ids of the published image and of the one published before it.
        keep: how many.

    """
    ids = [image.image_id for image in images]
    before = ids[ids.index(used[0]) + 1 :][:1] if used[0] in ids else []
    return [image for image in images[keep:] if image.image_id not in {*used, *before}]


def remove(ec2: EC2Client, image: Image) -> None:
    """Remove an image and its snapshots, which would else still cost money."""
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
