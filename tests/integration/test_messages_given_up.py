"""Messages that were given up are found by `transcribe doctor`, whoever's they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from services.cli.operator.doctor.deliveries import exhausted
from services.cli.operator.doctor.findings import Level
from services.common.domain.object_keys import DEFAULT_CLIENT
from services.common.domain.records import Delivery
from services.common.domain.states import DeliveryStatus, JobStatus
from services.common.domain.times import DAY_MS, now_ms
from services.common.store.items import item_of
from services.common.store.operations import Put
from services.common.store.store import Store
from tests.support.world import World
from tests.support.written import put_job, table


@dataclass
class OfAStore:
    """A patient of which only the table is looked at."""

    of: Store

    def store(self) -> Store:
        return self.of


@pytest.mark.parametrize("client", ["acme", DEFAULT_CLIENT])
def test_a_message_that_was_given_up_is_found_also_if_no_client_was_made_known(world: World, client: str) -> None:
    if client != DEFAULT_CLIENT:
        world.store.clients.register(client)
    made = now_ms() - 4 * DAY_MS
    put_job(world, "job_1", client_id=client, status=JobStatus.COMPLETED, created_at=made, named_callback="cb_1")
    given_up = Delivery(
        job_id="job_1",
        event_id="evt_1",
        event_type="transcription.completed",
        client_id=client,
        callback_id="cb_1",
        status=DeliveryStatus.EXHAUSTED,
    )
    table(world).transact([Put(item=item_of(given_up))])
    patient: Any = OfAStore(world.store)
    found = exhausted(patient)
    assert found.level is Level.WARNING
    assert f"1 of {client} to cb_1" in found.sentence
