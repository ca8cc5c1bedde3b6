"""A real Chromium, cut off from every network, in which a test looks at pages as a reader would."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ON_A_MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
# A page is drawn in a second; on two cores with ten programs at once one took more than playwright's 30.
PATIENCE_MS = 120_000
# A browser without a profile asks its maker for nothing, and resolves no name.
ARGUMENTS = ["--no-sandbox", "--disable-background-networking", "--host-resolver-rules=MAP * ~NOTFOUND"]


@contextmanager
def browser() -> Iterator[Browser]:
    """Give the machine's Chromium; skips the test where there is none."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if sys.platform == "darwin" and ON_A_MAC.exists():
        found = found or str(ON_A_MAC)
    if not found:
        pytest.skip("there is no Chromium: on Debian `make debian-packages` installs it")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield started
        started.close()


class Visit:
    """A page that is open, what it said, and what it asked for."""

    def __init__(self, browser: Browser, path: Path, width: int = 1600, theme: str = "light"):
        """Open the page of a file in a window of its own."""
        self.said: list[str] = []
        self.asked: list[str] = []
        self._context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=theme, offline=True, reduced_motion="reduce"
        )
        self._context.set_default_timeout(PATIENCE_MS)
        self.page: Page = self._context.new_page()
        self.page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(path.as_uri())

    def close(self) -> None:
        """Close the window."""
        self._context.close()
