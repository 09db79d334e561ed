"""Events and keys that tests of ingest send."""

from datetime import UTC, datetime
from typing import Any

from services.ingest.core.admission import Reception, reception
from services.ingest.core.keys import SourceKey, digest

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
KEY = SourceKey(1, digest("k"), frozenset({"crm-a"}))
ANY_KEY = SourceKey(2, digest("any"), frozenset({"*"}))


def opened(**changes: Any) -> dict[str, Any]:
    """A valid `ticket.opened`; `changes` replace attributes, None takes one away."""
    event = {
        "specversion": "1.0",
        "id": "e-1",
        "source": "crm-a",
        "type": "ticket.opened",
        "subject": "T-1",
        "time": "2026-03-01T11:59:00.000Z",
        "datacontenttype": "application/json",
        "data": {"department": "after-sales", "channel": "phone"},
        **changes,
    }
    return {name: value for name, value in event.items() if value is not None}


def answered(**changes: Any) -> dict[str, Any]:
    data = {"kind": "csat", "scale": {"min": 1, "max": 5}, "value": 4}
    return opened(**{"type": "survey.answered", "data": data, **changes})


def received(key: SourceKey = KEY, at: datetime = NOW) -> Reception:
    return reception(key, at)
