"""The real stack with a simulated organisation, and a wall that watches from before its first
event."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser

from deploy.local.stack import LocalStack
from tests.browser.browser import chromium
from tests.browser.wall import Wall

_RATE = "20"
_BACKFILL = "20m"


@pytest.fixture(scope="session", autouse=True)
def built_console(checkout: Path) -> Path:
    """The console that the scoring api serves; `make test` has built it."""
    directory = checkout / "console" / "dist"
    assert (directory / "index.html").is_file(), "build the console first: make tools"
    return directory


@pytest.fixture(scope="module")
def browser(stack: LocalStack) -> Iterator[Browser]:
    """Started after the stack: Playwright's event loop must not be there when others run theirs."""
    assert stack.url("api")
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def watching(browser: Browser, stack: LocalStack) -> Iterator[Wall]:
    """A Chinese wall that was there before the first event."""
    wall = _wall(browser, stack, "zh-CN")
    wall.open()
    wall.expect_state("live", "quiet")
    yield wall
    wall.close()


@pytest.fixture(scope="module")
def organisation(stack: LocalStack, watching: Wall) -> Iterator[tuple[str, ...]]:
    """Its departments. The first of them answers its customers far too slowly."""
    assert watching.page.url
    command = (
        *(sys.executable, "-m", "deploy.cli.main", "simulate"),
        *("--rate", _RATE, "--backfill", _BACKFILL),
        *("--url", stack.url("ingest"), "--key-file", str(stack.data.dev_api_key)),
    )
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as simulator:
        yield ("customer-service", "after-sales", "technical-support", "stores")
        simulator.terminate()


@pytest.fixture
def wall(browser: Browser, stack: LocalStack, organisation: tuple[str, ...]) -> Iterator[Wall]:
    """A screen of one's own, opened on the running organisation, in English."""
    assert organisation
    screen = _wall(browser, stack, "en-GB")
    screen.open()
    screen.expect_live()
    yield screen
    screen.close()


def _wall(browser: Browser, stack: LocalStack, locale: str) -> Wall:
    allowed = {urlsplit(stack.url(service)).netloc for service in ("api", "notify")}
    return Wall(browser, stack.url("api"), allowed, locale=locale)
