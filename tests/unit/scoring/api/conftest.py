"""The read API's routes on stores that are filled by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from services.scoring.api.breach_store import BreachStore
from services.scoring.api.routes import Parts
from services.scoring.api.score_store import ScoreStore
from services.scoring.api.streams import Streams
from services.scoring.rule_files import load_rules
from shared.runtime.database import Database
from tests.unit.scoring.api.read_app import build
from tests.unit.scoring.api.records import breach, score_bytes

NOWHERE = "postgresql://nobody@127.0.0.1:1/none"


@pytest.fixture
def parts() -> Parts:
    scores, breaches = ScoreStore(), BreachStore()
    for scope in ("organisation", "department:it", "department:hr", "employee:it/ann"):
        scores.apply(f"{scope}|1h", score_bytes(scope, "1h"))
        scores.apply(f"{scope}|5m", score_bytes(scope, "5m"))
    breaches.apply(breach("b1"))
    database = Database(NOWHERE, schema="scoring", migrations=None)
    now = 1_700_000_000_000
    rules = load_rules(None)
    return Parts(scores, breaches, Streams(100), rules, database, {}, lambda: now, "boot")


@pytest.fixture
async def client(parts: Parts, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=build(parts, tmp_path), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://scoring") as client:
        yield client
