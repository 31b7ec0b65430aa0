"""What the routes use, put together once per process."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from services.api.settings import ApiSettings
from services.common.aws import Aws
from services.common.domain.events import Places
from services.common.domain.times import now_ms
from services.common.source_object import SourceObjects
from services.common.store.announcements import Announcer
from services.common.store.commands import Commands
from services.common.store.store import Store
from services.common.webhooks.vault import Vault

if TYPE_CHECKING:
    from services.api.early_launch import EarlyLaunch
    from services.common.corrections import Corrections
    from services.common.erasure import Erasure


class Service:
    """The store, bucket and vault of one deployment, and the commands on jobs."""

    def __init__(self, settings: ApiSettings, aws: Aws, *, clock: Callable[[], int] = now_ms) -> None:
        self.settings = settings
        self._aws = aws
        self.clock = clock
        self.s3 = aws.s3()
        self.store = Store(aws.dynamodb(), settings.table_name)
        self.vault = Vault(aws.kms(), settings.secrets_key_id)
        self.places = Places(
            bucket=settings.bucket_name, public_url=settings.public_url, retention_days=settings.retention_days
        )
        announcer = Announcer(self.store.callbacks, self.places)
        self.recordings = SourceObjects(self.s3, settings.bucket_name)
        self.commands = Commands(self.store, announcer, self.recordings.uploaded_at, self.recordings.give_up)

    @cached_property
    def erasure(self) -> Erasure:
        """Erases jobs."""
        from services.common.erasure import Erasure  # noqa: PLC0415 - a cold start does not need it

        return Erasure(self.store, self.s3, self.settings.bucket_name)

    @cached_property
    def corrections(self) -> Corrections:
        """Keeps what people correct."""
        from services.common.corrections import Corrections, Keeping  # noqa: PLC0415 - a cold start does not need it

        keeping = Keeping(self.settings.retention_days, self.settings.longest_retention_days)
        return Corrections(self.store, self.s3, self.settings.bucket_name, keeping)

    @cached_property
    def early_launch(self) -> EarlyLaunch | None:
        """Asks for machines when jobs are registered; None if they come only for what was uploaded."""
        settings = self.settings
        if not settings.early_launch_queue_url:
            return None
        # A deployment that does not use it pays for none of it at a cold start.
        from services.api.early_launch import HASTY, EarlyLaunch  # noqa: PLC0415

        return EarlyLaunch(self._aws.sqs(HASTY), settings.early_launch_queue_url, settings.early_launch_seconds)
