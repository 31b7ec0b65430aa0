"""Images that newer ones have superseded, and snapshots that an interrupted removal has left."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from services.cli.operator.cleanup.deployed import Deployed
from services.cli.operator.cleanup.finding import Finding, Kind
from services.cli.operator.cleanup.machine_images import TAG, ours, published, remove, superfluous
from services.common.domain.times import DAY_MS, SECOND_MS


def _superseded(deployed: Deployed, _: int) -> Iterator[Finding]:
    used = published(deployed.ssm, deployed.settings.image_parameter)
    for image in superfluous(ours(deployed.ec2, deployed.name), used=used):
        why = f"{image.name} of {image.made}, and newer ones are in use"
        yield Finding(name=image.image_id, why=why, end=partial(remove, deployed.ec2, image))


def _orphans(deployed: Deployed, now: int) -> Iterator[Finding]:
    """Snapshots whose image is gone, as if its removal was interrupted; those of a build that runs are younger."""
    held = {one for image in ours(deployed.ec2, deployed.name) for one in image.snapshots}
    pages = deployed.ec2.get_paginator("describe_snapshots").paginate(
        OwnerIds=["self"], Filters=[{"Name": f"tag:{TAG}", "Values": [deployed.name]}]
    )
    for page in pages:
        for snapshot in page["Snapshots"]:
            snapshot_id, made = snapshot["SnapshotId"], round(snapshot["StartTime"].timestamp() * SECOND_MS)
            if snapshot_id not in held and made < now - DAY_MS:
                end = partial(deployed.ec2.delete_snapshot, SnapshotId=snapshot_id)
                yield Finding(name=snapshot_id, why="its image is gone", end=end)


SUPERSEDED = Kind(action="remove image", many="superseded images", find=_superseded)
ORPHANS = Kind(action="delete snapshot", many="snapshots whose image is gone", find=_orphans)
