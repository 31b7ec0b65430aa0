"""The store: access to everything that the table holds, by kind of item."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from services.common.store.callbacks import Callbacks
from services.common.store.clients import Clients
from services.common.store.deliveries import Deliveries
from services.common.store.events import Events
from services.common.store.idempotency import Commits
from services.common.store.jobs import Jobs
from services.common.store.parts import Parts
from services.common.store.table import Table
from services.common.store.tombstones import Tombstones

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from services.common.store.dossiers import Dossiers
    from services.common.store.endings import Endings
    from services.common.store.fleet import FleetItems
    from services.common.store.leases import Leases
    from services.common.store.shares import Shares
    from services.common.store.slots import Slots
    from services.common.store.turns import Turns
    from services.common.store.vocabularies import Vocabularies


class Store:
    """One table, with one object for each kind of item."""

    def __init__(self, client: DynamoDBClient, table_name: str) -> None:
        self._table = table = Table(client, table_name)
        self.jobs = Jobs(table)
        self.parts = Parts(table)
        self.deliveries = Deliveries(table)
        self.callbacks = Callbacks(table)
        self.clients = Clients(table)
        self.events = Events(table)
        self.tombstones = Tombstones(table)
        self.commits = Commits(table)
        self.commit = self.commits.commit

    # What the API does not use, or seldom, is imported by whoever does, so that the API starts without it.

    @cached_property
    def turns(self) -> Turns:
        """The clients' places in the fair queue."""
        from services.common.store.turns import Turns  # noqa: PLC0415

        return Turns(self._table)

    @cached_property
    def vocabularies(self) -> Vocabularies:
        """The clients' lists of words to expect."""
        from services.common.store.vocabularies import Vocabularies  # noqa: PLC0415

        return Vocabularies(self._table)

    @cached_property
    def shares(self) -> Shares:
        """The links that open single transcripts."""
        from services.common.store.shares import Shares  # noqa: PLC0415

        return Shares(self._table)

    @cached_property
    def leases(self) -> Leases:
        """Claims of parts, heartbeats, and parts that go back to the queue."""
        from services.common.store.leases import Leases  # noqa: PLC0415

        return Leases(self._table, self.parts)

    @cached_property
    def endings(self) -> Endings:
        """The ends of parts and jobs."""
        from services.common.store.endings import Endings  # noqa: PLC0415

        return Endings(self._table, self.parts)

    @cached_property
    def slots(self) -> Slots:
        """The rights to run a machine."""
        from services.common.store.slots import Slots  # noqa: PLC0415

        return Slots(self._table)

    @cached_property
    def dossiers(self) -> Dossiers:
        """Jobs with everything that lies beside them."""
        from services.common.store.dossiers import Dossiers  # noqa: PLC0415

        return Dossiers(self._table)

    @cached_property
    def fleet(self) -> FleetItems:
        """The breaker of launches, stray machines, and people's own boxes."""
        from services.common.store.fleet import FleetItems  # noqa: PLC0415

        return FleetItems(self._table)
