"""Vocabularies: the lists of words that clients keep for their jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.common.domain.vocabularies import MAX_VOCABULARIES, Vocabulary
from services.common.store import keys
from services.common.store.clients import Counted, count
from services.common.store.codec import from_item, known, to_item
from services.common.store.operations import ABSENT, PRESENT, ConditionFailedError, Delete, Operation, Put, Update

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.common.store.keys import Key
    from services.common.store.table import Table


class Vocabularies:
    """The vocabulary items of one table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def addition(self, vocabulary: Vocabulary) -> list[Operation]:
        """The operations that store a new vocabulary.

        The first fails if the client has one of this name, the second if it has as many as it may.
        """
        pk, sk = _key(vocabulary)
        new = Put(item=to_item(vocabulary, pk=pk, sk=sk), when=ABSENT)
        return [new, count(vocabulary.client_id, Counted.VOCABULARIES, 1, at_most=MAX_VOCABULARIES)]

    def get(self, client_id: str, name: str) -> Vocabulary | None:
        item = self._table.get(keys.vocabulary(client_id, name))
        return from_item(Vocabulary, item) if item else None

    def of_client(self, client_id: str) -> list[Vocabulary]:
        """All vocabularies of a client, by name."""
        return list(known(Vocabulary, self._table.items(keys.of_client(client_id), keys.VOCABULARIES)))

    def replace(self, vocabulary: Vocabulary, words: Sequence[str], now: int) -> Vocabulary | None:
        """Replace the words of a vocabulary.

        Args:
            vocabulary: as it was read.
            words: those that it gets instead.
            now: epoch milliseconds.

        Returns:
            The vocabulary after the change; None if it is gone.

        """
        updating = Update(key=_key(vocabulary), when=PRESENT, set={"words": list(words), "updated_at": now})
        try:
            return from_item(Vocabulary, self._table.write(updating))
        except ConditionFailedError:
            return None

    def remove(self, vocabulary: Vocabulary) -> bool:
        """Remove a vocabulary; False if it is gone."""
        removing = Delete(key=_key(vocabulary), when=PRESENT)
        return self._table.attempt_all([removing, count(vocabulary.client_id, Counted.VOCABULARIES, -1)])


def _key(vocabulary: Vocabulary) -> Key:
    return keys.vocabulary(vocabulary.client_id, vocabulary.name)
