"""What may be given to `./nox -s local -- --cors-origin`."""

from __future__ import annotations

from argparse import ArgumentTypeError

import pytest

from services.local.serve import origin


@pytest.mark.parametrize(
    "text", ["http://localhost:5173", "http://127.0.0.1:8080", "https://app.example.com", "https://xn--mte-sna.se"]
)
def test_an_origin_is_taken_as_browsers_send_it(text: str) -> None:
    assert origin(text) == text


@pytest.mark.parametrize(
    "text",
    [
        *("http://localhost:5173/", "https://app.example.com/page", "https://App.example.com", "app.example.com"),
        *("*", "https://*.example.com", "null", "", "http://localhost:", "http://localhost:5173\n"),
    ],
)
def test_what_no_browser_sends_is_refused_with_what_to_give_instead(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="such as http://localhost:5173"):
        origin(text)
