"""Reads jobs with everything that lies beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.common.domain.dossier import Dossier, delivery_name
from services.common.domain.records import Callback, Delivery, Event, Job, Part
from services.common.store import keys
from services.common.store.codec import from_item, known

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.common.store.codec import Item
    from services.common.store.table import Table


class Dossiers:
    """The jobs of one table, each with its parts, events, deliveries and own callbacks."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def jobs_of(self, client_id: str, *, after: str, limit: int) -> Iterator[tuple[str, Job | None]]:
        """A client's jobs, oldest first, each with its place in that order. The index may lag by some seconds.

        None stands for a job that a newer release wrote: it has a place, too.

        Args:
            client_id: of the client.
            after: the place of the last job that the caller has seen; empty: there is none.
            limit: how many, at most.

        """
        for item in self._table.of_client(client_id, keys.JOBS, after=after or None, limit=limit):
            yield item["sort"], next(known(Job, [item]), None)

    def of(self, job_id: str) -> Dossier | None:
        """All that is stored of a job now (consistent read); None if it is gone or erased.

        Raises:
            UnknownVersionError: a newer release wrote the job.

        """
        items = list(self._table.items(keys.of_job(job_id)))
        own = next((item for item in items if item["sk"] == keys.JOB and "status" in item), None)
        if own is None:
            return None

        def beside(kind: Any, prefix: str) -> list[Any]:  # noqa: ANN401 - a record's class, and such records
            return list(known(kind, [item for item in items if item["sk"].startswith(prefix)]))

        deliveries: list[Delivery] = beside(Delivery, keys.DELIVERIES)
        in_index = {item["sk"] for item in items if _is_due(item)}
        parts: list[Part] = beside(Part, keys.PARTS)
        return Dossier(
            job=from_item(Job, own),
            due=frozenset(
                {part.part_id for part in parts if part.part_id in in_index}
                | {delivery_name(one) for one in deliveries if keys.of(one)[1] in in_index}
                | ({job_id} if keys.JOB in in_index else set())
            ),
            parts=parts,
            events=beside(Event, keys.EVENTS),
            deliveries=deliveries,
            callbacks=beside(Callback, keys.CALLBACKS),
        )


def _is_due(item: Item) -> bool:
    """Whether the index `due` shows the item."""
    return "due_kind" in item and "due_at" in item
