"""Corrections of a transcript, as clients save and see them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field

from services.api.schemas.fields import Body, DateTime, Rule, shown_as

IF_MATCH = "If-Match"
TAG = Rule('^"(0|[1-9][0-9]{0,8})"$', 'Give the `ETag` of the correction that was read, such as `"6"`.')

_Changes = Annotated[
    list[Annotated[Any, shown_as("CorrectionChange")]],
    Field(description="All changes against the machine's words, in order; none: the text is the machine's again."),
]
_Number = Annotated[int, Field(ge=0, description="Numbers only grow, by one or more; 0: the machine's words.")]
_By = Annotated[str, Field(description="`client`: who has an API key; otherwise the id of a share.")]


class CorrectionUpdate(Body):
    """All that the text is to have in place of the machine's words."""

    changes: _Changes


class CorrectionView(BaseModel):
    """A correction of a transcript."""

    number: _Number
    changed_at: DateTime | None
    """Null of the machine's words, as `by` is."""
    by: _By | None
    changes: _Changes
    latest: int = Field(ge=0, description="The number of the newest correction; 0: there is none.")


class SavedCorrection(BaseModel):
    """A correction that was saved as the newest one."""

    number: _Number
    changed_at: DateTime
    by: _By
    expires_at: DateTime | None = Field(description="Until when the job, its results and its recording are kept now.")
