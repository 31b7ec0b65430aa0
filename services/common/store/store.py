"""The store: access to everything that the table holds, by kind of item."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.common.store.callbacks import Callbacks
from services.common.store.clients import Clients
from services.common.store.deliveries import Deliveries
from services.common.store.endings import Endings
from services.common.store.events import Events
from services.common.store.fleet import FleetItems
from services.common.store.idempotency import Commits
from services.common.store.jobs import Jobs
from services.common.store.leases import Leases
from services.common.store.parts import Parts
from services.common.store.slots import Slots
from services.common.store.table import Table
from services.common.store.tombstones import Tombstones
from services.common.store.turns import Turns

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class Store:
    """One table, with one object for each kind of item."""

    def __init__(self, client: DynamoDBClient, table_name: str) -> None:
        table = Table(client, table_name)
        self.jobs = Jobs(table)
        self.parts = Parts(table)
        self.leases = Leases(table, self.parts)
        self.endings = Endings(table, self.parts)
        self.deliveries = Deliveries(table)
        self.callbacks = Callbacks(table)
        self.clients = Clients(table)
        self.slots = Slots(table)
        self.turns = Turns(table)
        self.fleet = FleetItems(table)
        self.events = Events(table)
        self.tombstones = Tombstones(table)
        self.commits = Commits(table)
        self.commit = self.commits.commit
