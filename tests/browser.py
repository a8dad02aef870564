"""A headless Chromium for tests of pages: opened from disk, without network, no complaints."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import absent
from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
"""What the program is called, on the search path."""

SCREENSHOTS = Path(__file__).parents[1] / "build" / "screenshots"
"""Where test runs leave pictures for people to look at; git ignores it."""

WIDE, PHONE = (1280, 900), (390, 844)
"""Width and height of windows, in CSS pixels."""


@dataclass
class Opened:
    """A page in the browser.

    Attributes:
        page: Playwright's page.
        complaints: Console errors and warnings, uncaught exceptions.
        requests: Addresses that the page asked for, but for itself and data in it.
    """

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def shoot(self, name: str, *, whole: bool = False) -> Path:
        """Leave a picture of the window, or of the whole page, in `SCREENSHOTS`."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        self.page.screenshot(path=path, full_page=whole)
        return path


@contextmanager
def launched() -> Iterator[Browser]:
    """Start the browser; skip the test where there is none."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        absent.skip(f"no browser: expected one of {', '.join(NAMES)} (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found)
        yield browser
        browser.close()


@contextmanager
def opened(
    browser: Browser, path: Path, *, window: tuple[int, int] = WIDE, dark: bool = False
) -> Iterator[Opened]:
    """Open a file; at the end it must have complained of nothing and asked for nothing.

    Where a test expects complaints, it takes them out of the list.
    """
    width, height = window
    context = browser.new_context(
        offline=True, viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light"
    )
    found = Opened(context.new_page())
    address = path.resolve().as_uri()
    found.page.on("pageerror", lambda error: found.complaints.append(str(error)))
    found.page.on(
        "console",
        lambda said: found.complaints.append(said.text) if said.type in {"error", "warning"} else None,
    )
    found.page.on(
        "request",
        lambda asked: (
            None
            if asked.url.partition("#")[0] == address or asked.url.startswith(("data:", "blob:"))
            else found.requests.append(asked.url)
        ),
    )
    found.page.goto(address)
    yield found
    context.close()
    assert found.complaints == []
    assert found.requests == []
