from __future__ import annotations

from services.common.domain.clock import MINUTE
from services.gpu_worker.identity import Identity
from services.gpu_worker.presence import Presence
from services.gpu_worker.settings import WorkerSettings
from tests.support.world import BUCKET, TABLE, World


def test_a_persons_own_box_is_seen_while_it_works_and_takes_no_slot(world: World) -> None:
    settings = WorkerSettings(
        table_name=TABLE, bucket_name=BUCKET, deployment="test", secrets_key_id="key", models=("whisper-base",)
    )
    identity = Identity(owner="worker_1", machine=None, slot=None, launch_id=None, market="own")
    presence = Presence(world.store, identity, settings, world.clock)
    fleet = world.store.fleet

    presence.beat()
    (box,) = fleet.own_boxes(world.clock())
    assert (box["sk"], box["beat"]) == ("OWN#worker_1", 1)
    assert world.store.slots.all() == []
    assert fleet.own_boxes(world.clock() + 5 * MINUTE) == [], "one that fell silent is there no more"

    presence.leave("nothing to do")
    assert fleet.own_boxes(world.clock()) == []
    presence.stay()
    assert len(fleet.own_boxes(world.clock())) == 1
