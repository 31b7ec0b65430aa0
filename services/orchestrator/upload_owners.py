"""Whose plain uploads are, who hears of them, and which options their jobs get: a batch reads each client once."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from services.common.domain import object_keys
from services.common.domain.client_defaults import LeftOut, honoured
from services.common.domain.vocabularies import KeptWords
from services.common.store.codec import UnknownVersionError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from services.common.domain.records import Callback
    from services.common.domain.vocabularies import Vocabulary
    from services.common.store.callbacks import ClientLookup
    from services.common.store.store import Store


class Owner:
    """A client as a batch of uploads finds it; nothing is read before it is needed, and nothing twice."""

    def __init__(self, client_id: str, store: Store, models: Sequence[str], unfetchable: Sequence[str]) -> None:
        """`models`, `unfetchable`: of the deployment, as of `Options.parse`."""
        self.client_id = client_id
        self._store = store
        self._models = models
        self._unfetchable = unfetchable

    @property
    def known(self) -> bool:
        """Whether the client was made known."""
        return self._found.known

    @property
    def callbacks(self) -> Sequence[Callback]:
        """The client's callbacks."""
        return self._found.callbacks

    @cached_property
    def defaults(self) -> Mapping[str, Any]:
        """What the job of a plain upload has of the client's defaults: fields of `Job`, none if there are none.

        The words of a vocabulary are copied, as they are now. What cannot be honoured is named in `left_out`.
        """
        if not self._found.defaults:
            return {}
        options, left_out = honoured(self._found.defaults, self._models, self._unfetchable)
        vocabulary = None
        if name := options.get("vocabulary"):
            vocabulary = self._vocabulary(name)
            if vocabulary is None:
                del options["vocabulary"]
                left_out.append(LeftOut.vocabulary(name))
        return {
            "options": options,
            "vocabulary": KeptWords.of(vocabulary.words).to_json() if vocabulary else None,
            "left_out": [one.to_json() for one in left_out] or None,
        }

    @cached_property
    def _found(self) -> ClientLookup:
        return self._store.callbacks.look_up_client(self.client_id)

    def _vocabulary(self, name: str) -> Vocabulary | None:
        try:
            return self._store.vocabularies.get(self.client_id, name)
        except UnknownVersionError:
            # A newer release wrote it. Nobody is there to whom that could be told, and the upload must not wait for it.
            return None


class Owners:
    """The clients of one batch of uploads."""

    def __init__(self, store: Store, models: Sequence[str], unfetchable: Sequence[str] = ()) -> None:
        """`models`, `unfetchable`: of the deployment, as of `Options.parse`."""
        self._deployment = (store, models, unfetchable)
        self._read: dict[str, Owner] = {}

    def named(self, client_id: str) -> Owner:
        """The client of this name, whether it is known or not."""
        if client_id not in self._read:
            self._read[client_id] = Owner(client_id, *self._deployment)
        return self._read[client_id]

    def of(self, key: str) -> Owner:
        """The client of a plain upload under this key: the known one whose prefix it has, else the default one."""
        client_id, _ = object_keys.upload_job(key)
        if client_id and self.named(client_id).known:
            return self.named(client_id)
        return self.named(object_keys.DEFAULT_CLIENT)
