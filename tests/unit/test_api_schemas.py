"""What the schemas promise to take is taken, and what they leave out means the same everywhere."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.api.schemas.callbacks import NewCallback
from services.api.schemas.options import JobOptions
from services.common.domain.options import DEFAULTS
from services.common.webhooks import endpoint

PATTERN = NewCallback.model_json_schema()["properties"]["url"]["pattern"]


@given(url=st.from_regex(PATTERN, fullmatch=True).filter(lambda url: len(url) <= endpoint.MAX_URL_CHARACTERS))
def test_every_url_that_the_schema_describes_is_one_that_messages_are_sent_to(url: str) -> None:
    assert endpoint.parse(url).scheme == "https"


def test_every_option_is_offered_with_its_own_default() -> None:
    offered = JobOptions().model_dump()

    assert offered.pop("model") is None, "which one it is depends on the deployment"
    assert offered == {option: default for option, default in DEFAULTS.to_json().items() if option != "model"}
