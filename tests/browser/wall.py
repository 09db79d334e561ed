"""The wall as one who stands before it sees it."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

PATIENCE_MS = 90_000
_LIVE = "[data-connection=live]"


class Wall:
    """One screen. ``foreign`` collects addresses that the page should never have asked for,
    ``errors`` what went wrong in its scripts."""

    def __init__(self, browser: Browser, url: str, allowed: set[str], *, locale: str) -> None:
        self.context: BrowserContext = browser.new_context(
            viewport={"width": 1920, "height": 1080}, locale=locale
        )
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.foreign: list[str] = []
        self.errors: list[str] = []
        self._url = url
        self._allowed = allowed
        self.page.on("request", lambda request: self._note(request.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda message: self._note_refusal(message.text))

    def open(self, route: str = "") -> None:
        """Go there anew, as a screen that has just been switched on."""
        self.page.goto("about:blank")
        self.page.goto(f"{self._url}/{route}")

    def close(self) -> None:
        self.context.close()

    @property
    def tiles(self) -> Locator:
        return self.page.locator("article[data-scope^='department:']")

    def tile(self, department: str) -> Locator:
        return self.page.locator(f"article[data-scope='department:{department}']")

    @property
    def alerts(self) -> Locator:
        return self.page.locator("[data-alert]")

    def alert(self, alert_id: str) -> Locator:
        return self.page.locator(f"[data-alert='{alert_id}']")

    def choose(self, window: str) -> None:
        self.page.locator(f"button[data-window='{window}']").click()

    def speak(self, language: str) -> None:
        self.page.locator(f"button[data-lang='{language}']").click()

    def expect_live(self) -> None:
        expect(self.page.locator(f".header {_LIVE}")).to_be_visible(timeout=PATIENCE_MS)

    def expect_state(self, *states: str) -> None:
        kinds = re.compile("|".join(f"^{state}$" for state in states))
        expect(self.page.locator(".header [data-connection]")).to_have_attribute(
            "data-connection", kinds, timeout=PATIENCE_MS
        )

    def wait_until(self, condition: Callable[[], bool], what: str) -> None:
        """Look every quarter of a second; the browser goes on meanwhile."""
        for _ in range(PATIENCE_MS // 250):
            if condition():
                return
            self.page.wait_for_timeout(250)
        raise AssertionError(f"waited {PATIENCE_MS // 1000} s in vain: {what}")

    def stream_ms(self, scope: Locator) -> int:
        """Stream time of the newest figure of a tile."""
        return int(scope.get_attribute("data-stream-ms") or 0)

    def _note(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.netloc not in self._allowed:
            self.foreign.append(url)

    def _note_refusal(self, message: str) -> None:
        if "Content Security Policy" in message:
            self.errors.append(message)
