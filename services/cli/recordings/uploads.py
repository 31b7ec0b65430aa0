"""Brings a recording from where it lies to the service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from services.cli.api.client import Api
    from services.cli.recordings.sources import Source


class Uploads:
    """Uploads to one service. Several recordings may be sent at once, each by a thread."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def send(
        self,
        source: Source,
        wanted: Mapping[str, Any],
        *,
        registered: Callable[[str], None],
        progress: Callable[[str, int, int | None], None],
    ) -> str:
        """Register a recording and upload it; returns the job's id.

        Args:
            source: of the recording.
            wanted: the body of `POST /api/jobs` without the file's name, size and checksums.
            registered: called with the job's id as soon as it is known.
            progress: called with the stage (`fetching`, `checking` or `uploading`), the bytes that are done of it, and
                the bytes of all if they are known.

        """
        raise NotImplementedError
