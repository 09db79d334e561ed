"""What became of each event of a request, and what the answer as a whole is."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from services.ingest.core.admission import Admitted, Refused
from services.ingest.core.faults import Fault

MAX_SUMMARY_FAULTS = 100
UNDELIVERED = Fault(pointer="", detail="the broker did not confirm it in time: send it again")


class Verdict(StrEnum):
    """ACCEPTED: at least one event is stored, or there was none to store. INVALID: no event is
    valid. RETRY: nothing is stored, and some of it can be, later."""

    ACCEPTED = "accepted"
    INVALID = "invalid"
    RETRY = "retry"


@dataclass(frozen=True, slots=True)
class Outcome:
    """`items` are in the order of the request; `faults` point into the request's body."""

    accepted: int
    rejected: int
    retry: int
    items: list[dict[str, Any]]
    faults: list[Fault]

    @property
    def verdict(self) -> Verdict:
        if self.accepted or not self.items:
            return Verdict.ACCEPTED
        return Verdict.RETRY if self.retry else Verdict.INVALID

    @property
    def counts(self) -> dict[str, Any]:
        counts: dict[str, Any] = {"accepted": self.accepted, "rejected": self.rejected}
        if self.retry:
            counts["retry"] = self.retry
        return {**counts, "items": self.items}


def outcome(
    decisions: Sequence[Admitted | Refused], delivered: Sequence[bool], *, is_batch: bool
) -> Outcome:
    """`delivered` has one entry for each admitted event, in their order."""
    stored = iter(delivered)
    items = [
        _item(index, decision, isinstance(decision, Admitted) and next(stored))
        for index, decision in enumerate(decisions)
    ]
    statuses = [item["status"] for item in items]
    return Outcome(
        accepted=statuses.count("accepted"),
        rejected=statuses.count("rejected"),
        retry=statuses.count("retry"),
        items=items,
        faults=_summary(decisions, is_batch=is_batch),
    )


def _item(index: int, decision: Admitted | Refused, stored: bool) -> dict[str, Any]:
    if isinstance(decision, Refused):
        status, errors = "rejected", decision.faults
    else:
        status, errors = ("accepted", []) if stored else ("retry", [UNDELIVERED])
    return {"index": index, "id": decision.id, "status": status, "errors": errors}


def _summary(decisions: Sequence[Admitted | Refused], *, is_batch: bool) -> list[Fault]:
    found = [
        Fault(pointer=_within_body(index, one, is_batch=is_batch), detail=one["detail"])
        for index, decision in enumerate(decisions)
        if isinstance(decision, Refused)
        for one in decision.faults
    ]
    return found[:MAX_SUMMARY_FAULTS]


def _within_body(index: int, one: Fault, *, is_batch: bool) -> str:
    return f"/{index}{one['pointer']}" if is_batch else one["pointer"]
