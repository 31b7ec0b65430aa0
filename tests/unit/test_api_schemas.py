"""What the schema promises to take is taken."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.api.schemas.callbacks import NewCallback
from services.common.webhooks import endpoint

PATTERN = NewCallback.model_json_schema()["properties"]["url"]["pattern"]


@given(url=st.from_regex(PATTERN, fullmatch=True).filter(lambda url: len(url) <= endpoint.MAX_URL_CHARACTERS))
def test_every_url_that_the_schema_describes_is_one_that_messages_are_sent_to(url: str) -> None:
    assert endpoint.parse(url).scheme == "https"
