"""The header that tells a browser what to do with a file, and under which name."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import quote

from services.common.domain import object_keys

if TYPE_CHECKING:
    from services.common.domain.records import Job


def disposition(job: Job, *, ending: str | None = None, inline: bool = False) -> str:
    """A `Content-Disposition` with the name of a job's recording.

    Args:
        job: whose file it is.
        ending: takes the place of the name's own, without the dot; None keeps that.
        inline: whether the browser shows or plays the file, in place of saving it.

    """
    name = object_keys.file_name(re.split(r"[/\\]", job.file_name)[-1])
    if ending is not None:
        name = f"{PurePosixPath(name).stem}.{ending}"
    quoted = quote(name, safe="")
    named = f'filename="{name}"' if quoted == name else f"filename*=UTF-8''{quoted}"
    return f"{'inline' if inline else 'attachment'}; {named}"
