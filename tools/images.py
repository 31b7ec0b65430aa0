"""Builds, publishes and prunes the machine images of a deployment.

`python -m tools.images build` builds one with Packer for the deployment that Terraform has created from here; further
arguments are Packer's. `publish` lets machines be launched from the image that was built last, if it has what the
deployment needs. `prune` prints which old images it would remove; with `--really` it removes them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import boto3

from services.cli.operator.cleanup.machine_images import KEPT, ours, published, remove, superfluous
from tools import deployment, image_build
from tools.deployment import Names, Needs, RefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import ImageTypeDef
    from mypy_boto3_ssm import SSMClient

MANIFEST = Path("dist/image.json")
"""Packer's own record of the images that it built."""
SELF_TEST_TAG = "transcribe-self-test-passed"


def built(manifest: Path) -> tuple[str, str]:
    """The region and the id of the last image in Packer's manifest.

    Raises:
        RefusedError: there is no manifest, or no image of the last run in it.

    """
    if not manifest.exists():
        raise RefusedError(f"{manifest} is missing: build an image first (./nox -s image).")
    record = json.loads(manifest.read_text("utf-8"))
    for build in record["builds"]:
        if build["packer_run_uuid"] == record["last_run_uuid"]:
            region, _, image_id = build["artifact_id"].rpartition(":")
            return region, image_id
    raise RefusedError(f"{manifest} names no image of the last run.")


def require_fit(ec2: EC2Client, image_id: str, needs: Needs) -> None:
    """Check that this deployment's machines can be launched from an image.

    Raises:
        RefusedError: it is not available, has not passed the self-test, or lacks something that they need.

    """
    found = ec2.describe_images(ImageIds=[image_id])["Images"]
    if not found or found[0].get("State") != "available":
        raise RefusedError(f"{image_id} is not available in {needs.region}.")
    tags = _tags(found[0])
    if tags.get(SELF_TEST_TAG) != "true":
        raise RefusedError(f"{image_id} lacks the tag {SELF_TEST_TAG}: it was not made by this project's build.")
    if lacking := needs.lacking(found[0], tags):
        raise RefusedError(
            f"{image_id} does not cover the deployment {needs.names.deployment}: {'; '.join(lacking)}. "
            f"This builds one that does: {needs.command()}"
        )


def publish(ssm: SSMClient, image_id: str, parameter: str) -> None:
    """Write an image's id into the parameter from which the orchestrator reads it.

    Raises:
        RefusedError: there is no such parameter.

    """
    try:
        ssm.get_parameter(Name=parameter)
    except ssm.exceptions.ParameterNotFound:
        raise RefusedError(
            f"There is no parameter {parameter}, so nobody would read it: --parameter takes what "
            "`terraform output -raw image_parameter` prints."
        ) from None
    ssm.put_parameter(Name=parameter, Value=image_id, Type="String", Overwrite=True)


def _tags(image: ImageTypeDef) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in image.get("Tags", [])}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit status is 0 if it succeeded, else 1, with the reason on standard error."""
    chosen, rest = _parse(arguments)
    try:
        names = Names.of(deployment.outputs(chosen.terraform), chosen.deployment, chosen.region)
        if chosen.command == "build":
            needs = deployment.needs(names) if names.known else None
            there = [f"-var=region={names.region}"] if needs is None and names.region else []
            image_build.build(needs, [*there, *rest])
        elif chosen.command == "publish":
            _publish(names, chosen.manifest, chosen.parameter or names.image_parameter)
        else:
            _prune(names, chosen.parameter or names.image_parameter, chosen.keep, really=chosen.really)
    except RefusedError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except subprocess.CalledProcessError as error:
        return error.returncode  # the program has printed why
    return 0


def _parse(arguments: Sequence[str] | None) -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(prog="images", description=__doc__, allow_abbrev=False)
    parser.add_argument("command", choices=["build", "publish", "prune"])
    parser.add_argument("--terraform", type=Path, default=deployment.FOLDER, help="where it was applied (%(default)s)")
    parser.add_argument("--deployment", help="for which one (default: the one that was applied there)")
    parser.add_argument("--region", help="where that is (the same)")
    parser.add_argument("--parameter", help="SSM parameter that names its image (the same)")
    parser.add_argument("--manifest", type=Path, default=MANIFEST)
    parser.add_argument("--keep", type=int, default=KEPT, help="newest images to keep (default: %(default)s)")
    parser.add_argument("--really", action="store_true", help="remove instead of saying what would be removed")
    chosen, rest = parser.parse_known_args(arguments)
    if rest and chosen.command != "build":
        parser.error(f"unknown: {' '.join(rest)}")
    return chosen, rest


def _publish(names: Names, manifest: Path, parameter: str) -> None:
    region, image_id = built(manifest)
    needs = deployment.needs(names)
    if region != needs.region:
        raise RefusedError(
            f"{image_id} was built in {region}, and {names.deployment} is in {needs.region}, where it cannot be used. "
            f"This builds one there: {needs.command()}"
        )
    require_fit(boto3.client("ec2", region_name=region), image_id, needs)
    publish(boto3.client("ssm", region_name=region), image_id, parameter)
    sys.stdout.write(f"{parameter} = {image_id}: the next machine starts from it\n")


def _prune(names: Names, parameter: str, keep: int, *, really: bool) -> None:
    ec2 = boto3.client("ec2", region_name=names.region)
    used = published(boto3.client("ssm", region_name=names.region), parameter)
    for image in superfluous(ours(ec2, names.deployment), used=used, keep=keep):
        if really:
            remove(ec2, image)
        sys.stdout.write(f"{'removed' if really else 'would remove'} {image.image_id} {image.name}\n")


if __name__ == "__main__":
    sys.exit(main())
