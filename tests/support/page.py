"""The project's own page in a real browser: what it asks for is recorded, and what must not happen fails its test."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from pathlib import Path
from time import monotonic
from typing import Any, Self
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, expect, sync_playwright

from tests.support import node, programs

AXE = Path(__file__).parent / "axe"
AXE_SHA256 = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
WIDE, NARROW = 1440, 360
HEIGHT = 900
PATIENCE_MS = 30_000
"""How long a page may take for one thing."""
expect.set_options(timeout=PATIENCE_MS)
_TELL_OF_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
    console.error(`securitypolicyviolation: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
"""
_LANGUAGES = {"sv": "sv-SE", "en": "en-GB"}
_TOUCHES_POLICY = ("securitypolicyviolation", "Content Security Policy", "Trusted Type")

_OF_EVALUATED = ("require-trusted-types-for", "eval")
"""What a browser says of a script that is made of text, which Playwright's scripts are."""


class Watched:
    """One tab, of a profile of its own. `page` is Playwright's."""

    def __init__(self, context: BrowserContext, *, evaluates: bool = False) -> None:
        """`evaluates`: whether what Playwright runs in the page counts as the page's own, as it does in Firefox."""
        self.context = context
        self._evaluates = evaluates
        self.asked: list[str] = []
        """Every address that the page asked for."""
        self.troubles: list[str] = []
        """What its policy forbade, and what its scripts threw and did not catch."""
        self.page = self.tab()

    def tab(self) -> Page:
        """Another tab of the same profile, watched as well."""
        page = self.context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("pageerror", lambda error: self._trouble(f"{error.message}\n{error.stack}"))
        page.on("console", self._heard)
        # Playwright takes files over from the first listener on: one that comes with a pressed key may be too late.
        page.on("filechooser", lambda _: None)
        return page

    @property
    def origins(self) -> set[str]:
        """Whom the page asked; what it holds itself (`data:`, `blob:`) is nobody's."""
        return {
            "://".join(urlsplit(address)[:2])
            for address in self.asked
            if urlsplit(address).scheme not in {"data", "blob"}
        }

    def _heard(self, message: ConsoleMessage) -> None:
        if any(words in message.text for words in _TOUCHES_POLICY):
            self._trouble(message.text)

    def _trouble(self, told: str) -> None:
        if not (self._evaluates and any(words in told for words in _OF_EVALUATED)):
            self.troubles.append(told)


Open = Callable[..., AbstractContextManager[Watched]]
"""Opens a tab, given what `Pages.open` takes."""


class Pages:
    """A browser until the context ends; no name leads anywhere from it."""

    def __init__(self, *, firefox: Mapping[str, str] | None = None) -> None:
        """`firefox`: the environment of Firefox, if it is to be that; None: it is Chromium."""
        self._starting = sync_playwright()
        self._firefox = firefox

    def __enter__(self) -> Self:
        self._playwright: Playwright = self._starting.start()
        known = self._firefox
        self._browser: Browser = _chromium(self._playwright) if known is None else _firefox(self._playwright, known)
        return self

    def __exit__(self, *_: object) -> None:
        self._browser.close()
        self._playwright.stop()

    @contextmanager
    def open(
        self,
        allowed: Sequence[str],
        *,
        width: int = WIDE,
        dark: bool = False,
        language: str = "en",
        more: Mapping[str, Any] | None = None,
    ) -> Iterator[Watched]:
        """A tab; afterwards it has asked nobody but these origins, and there was no trouble.

        Args:
            allowed: origins, such as those of the API and the bucket.
            width: of the window, in pixels.
            dark: whether the reader prefers dark pages.
            language: the reader's, `sv` or `en`.
            more: further settings of Playwright's context.

        """
        context = self._browser.new_context(
            viewport={"width": width, "height": HEIGHT},
            color_scheme="dark" if dark else "light",
            locale=_LANGUAGES[language],
            reduced_motion="reduce",
            **(more or {}),
        )
        context.add_init_script(_TELL_OF_VIOLATIONS)
        watched = Watched(context, evaluates=self._firefox is not None)
        try:
            yield watched
            assert watched.troubles == [], "\n".join(watched.troubles)
            assert watched.origins <= set(allowed), watched.origins - set(allowed)
        finally:
            context.close()


def _chromium(playwright: Playwright) -> Browser:
    return playwright.chromium.launch(
        executable_path=programs.browser(),
        args=[
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        ],
    )


def _firefox(playwright: Playwright, known: Mapping[str, str]) -> Browser:
    """Any Firefox, by WebDriver BiDi; Playwright's own builds of Firefox cannot be had everywhere."""
    proxied: dict[str, str | float | bool] = {
        "network.proxy.type": 1,
        "network.proxy.socks": "0.0.0.0",
        "network.proxy.socks_port": 1,
    }
    return playwright.firefox.launch(
        channel="moz-firefox",
        executable_path=programs.firefox(),
        env=dict(known),
        firefox_user_prefs={"media.autoplay.default": 0, **proxied, "network.proxy.no_proxies_on": "127.0.0.1"},
    )


def until(page: Page, condition: str) -> None:
    """Wait for what a script says. (Playwright's own way needs `eval` where the page's clock is a test's.)"""
    last = monotonic() + PATIENCE_MS / 1_000
    while not page.evaluate(condition):
        assert monotonic() < last, condition
        page.wait_for_timeout(20)


def assert_accessible(page: Page) -> None:
    """What axe finds in the page as it is now: nothing.

    Raises:
        AssertionError: naming each rule that is broken, and where.

    """
    if not page.evaluate("'axe' in window"):
        page.evaluate(_axe())
    found = page.evaluate("async () => (await axe.run(document, {resultTypes: ['violations']})).violations")
    told = [
        f"{one['id']}: {one['help']}\n    "
        + "\n    ".join(f"{spot['target']} {spot['html'][:200]} {spot['failureSummary']}" for spot in one["nodes"])
        for one in found
    ]
    assert told == [], "\n".join(told)


@cache
def _axe() -> str:
    script = (node.packages(AXE) / "axe-core" / "axe.min.js").read_bytes()
    assert hashlib.sha256(script).hexdigest() == AXE_SHA256, "this is not the axe that was chosen"
    return script.decode()
