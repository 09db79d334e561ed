"""A feedback of its own for each test, beside a scoring of its own."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.integration.feedback.running_feedback import (
    Scoring,
    running,
    scoring_beside,
    settings_for,
)


@pytest.fixture
async def scoring() -> AsyncIterator[Scoring]:
    async with scoring_beside() as beside:
        yield beside


@pytest.fixture
async def feedback(database: str, scoring: Scoring) -> AsyncIterator[httpx.AsyncClient]:
    async with running(settings_for(database, scoring.url)) as client:
        yield client
