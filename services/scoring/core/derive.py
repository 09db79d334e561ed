"""From the facts of one ticket to its measurements: a pure function.

The engine derives before and after new facts and books the difference, so early, late, repeated
and shuffled events end in the same figures. Definitions are those of
`shared.contracts.indicators`; an opening counts as first whatever its clock says.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from services.scoring.core import ledger
from services.scoring.core.ledger import Fact
from services.scoring.core.rules import RuleHistory
from shared.contracts.indicators import INDICATOR_IDS
from shared.contracts.measurements import Measurement

FIRST_RESPONSE_TIME: Final = INDICATOR_IDS.index("first_response_time")
RESOLUTION_TIME: Final = INDICATOR_IDS.index("resolution_time")
RESOLUTION_TIME_LAST: Final = INDICATOR_IDS.index("resolution_time_last")
RESOLUTION_RATE: Final = INDICATOR_IDS.index("resolution_rate")
REOPEN_RATE: Final = INDICATOR_IDS.index("reopen_rate")
TRANSFER_RATE: Final = INDICATOR_IDS.index("transfer_rate")
BACKLOG: Final = INDICATOR_IDS.index("backlog")
CSAT: Final = INDICATOR_IDS.index("csat")
SURVEY_RESPONSE_RATE: Final = INDICATOR_IDS.index("survey_response_rate")
COMPLAINT_RATE: Final = INDICATOR_IDS.index("complaint_rate")
TICKETS_OPENED: Final = INDICATOR_IDS.index("tickets_opened")
TICKETS_RESOLVED: Final = INDICATOR_IDS.index("tickets_resolved")
TICKETS_REASSIGNED: Final = INDICATOR_IDS.index("tickets_reassigned")
TICKETS_REOPENED: Final = INDICATOR_IDS.index("tickets_reopened")
TICKETS_COMPLAINED: Final = INDICATOR_IDS.index("tickets_complained")

GOOD_ANSWER_PER_MILLE: Final = 750
"""4 of 5 lies three quarters up the scale; other scales are read at the same height."""

EXCLUDE: Final = ledger.ACTIONS.index("exclude")
REATTRIBUTE: Final = ledger.ACTIONS.index("reattribute")
EXEMPT: Final = ledger.ACTIONS.index("exempt")

ABSENT: Final = 0
OPEN: Final = 1
RESOLVED: Final = 2
CLOSED_UNRESOLVED: Final = 3


class Holder(NamedTuple):
    """Who holds a ticket; an unknown part is ""."""

    department: str = ""
    team: str = ""
    employee: str = ""


NOBODY: Final = Holder()


class Derived(NamedTuple):
    """The measurements of a ticket by (indicator, sequence), what in its history does not fit
    together, and whether it is unresolved."""

    measurements: dict[tuple[int, int], Measurement]
    anomalies: list[str]
    unresolved: bool


def derive(ticket: str, facts: Sequence[Fact], rules: RuleHistory) -> Derived:
    """All measurements that the facts (ascending) of one ticket support under the rules."""
    return _Walk(ticket, _corrected(facts), rules, _exemptions(facts)).run()


def _corrected(facts: Sequence[Fact]) -> Sequence[Fact]:
    """The facts as if the corrections among them had always been so."""
    corrections = [fact for fact in facts if fact.kind == ledger.CORRECTED]
    if not corrections:
        return facts
    excluded = {c.numbers[1] for c in corrections if c.numbers[0] == EXCLUDE}
    holders = {c.numbers[1]: c.names for c in corrections if c.numbers[0] == REATTRIBUTE}
    kept = (f for f in facts if f.event not in excluded and f.kind != ledger.CORRECTED)
    return [_reattributed(fact, holders.get(fact.event)) for fact in kept]


def _reattributed(fact: Fact, names: tuple[str, ...] | None) -> Fact:
    if names is None:
        return fact
    if fact.kind in (ledger.OPENED, ledger.ASSIGNED):
        return msgspec.structs.replace(fact, names=(*names, *fact.names[3:]))
    if fact.names:
        return msgspec.structs.replace(fact, names=(names[2], *fact.names[1:]))
    return fact


def _exemptions(facts: Sequence[Fact]) -> list[tuple[int, int]]:
    return [
        (fact.numbers[2], fact.numbers[3])
        for fact in facts
        if fact.kind == ledger.CORRECTED and fact.numbers[0] == EXEMPT
    ]


class _Walk:
    """One pass over a ticket's facts in order."""

    def __init__(
        self,
        ticket: str,
        facts: Sequence[Fact],
        rules: RuleHistory,
        exemptions: list[tuple[int, int]],
    ) -> None:
        self.ticket = ticket
        self.facts = facts
        self.rules = rules
        self.pauses = exemptions
        self.measurements: dict[tuple[int, int], Measurement] = {}
        self.anomalies: list[str] = []
        self.counts: dict[int, int] = {}
        self.opening = next((f for f in facts if f.kind == ledger.OPENED), None)
        self.opening_holder = self._opening_holder()
        self.holder = self.opening_holder
        self.known = self.opening_holder
        self.resolver = NOBODY
        self.state = ABSENT
        self.first_resolution: Fact | None = None
        self.first_resolver = NOBODY
        self.responded = False
        self.measured_response: tuple[Fact, Holder] | None = None
        self.transferred = False
        self.reopened = False
        self.complained = False
        self.waiting_since: int | None = None
        self.waits: list[tuple[int, int]] = []
        self.surveys_sent: dict[int, list[tuple[Fact, Holder, bool]]] = {}

    def _opening_holder(self) -> Holder:
        if self.opening is not None and any(self.opening.names[:3]):
            return Holder(*self.opening.names[:3])
        assigned = next((f for f in self.facts if f.kind == ledger.ASSIGNED), None)
        return Holder(*assigned.names) if assigned else NOBODY

    def run(self) -> Derived:
        if self.opening is not None:
            self._open(self.opening)
        for fact in self.facts:
            handler = _HANDLERS.get(fact.kind)
            if handler is not None:
                handler(self, fact)
        self._finish()
        return Derived(self.measurements, self.anomalies, self.state == OPEN)

    # -- facts ----------------------------------------------------------------------------------

    def _open(self, fact: Fact) -> None:
        self.state = OPEN
        self._book(TICKETS_OPENED, fact, 1, 1, self.opening_holder)
        self._book(BACKLOG, fact, 1, 0, self.opening_holder)

    def _opened(self, fact: Fact) -> None:
        if fact is not self.opening:
            self.anomalies.append("opened_twice")

    def _assigned(self, fact: Fact) -> None:
        new = Holder(*fact.names)
        if self._is_transfer(new):
            self.transferred = True
            self._book(TICKETS_REASSIGNED, fact, 1, 1, self.holder)
        if self.state == OPEN and new != self.holder:
            self._book(BACKLOG, fact, -1, 0, self.holder)
            self._book(BACKLOG, fact, 1, 0, new)
        self._remember(new)
        self.holder = new

    def _is_transfer(self, new: Holder) -> bool:
        return any(
            before and after and before != after
            for before, after in zip(self.known, new, strict=True)
        )

    def _remember(self, new: Holder) -> None:
        """The last known name of each part: a ticket that returns to its queue and comes back to
        the same employee was not transferred."""
        known = self.known
        if new.department and new.department != known.department:
            known = NOBODY
        self.known = Holder(*(n or k for n, k in zip(new, known, strict=True)))

    def _responded(self, fact: Fact) -> None:
        is_bot = fact.numbers[0] == 1
        if is_bot or self.responded or self.opening is None:
            return
        if fact.time_ms < self.opening.time_ms:
            self.anomalies.append("response_before_opening")
            return
        self.responded = True
        value = self._elapsed(fact.time_ms)
        self._book_duration(FIRST_RESPONSE_TIME, fact, value, self._acting(fact))

    def _response_measured(self, fact: Fact) -> None:
        is_first_response = ledger.METRICS[fact.numbers[0]] == "first_response_time"
        if is_first_response and self.measured_response is None:
            self.measured_response = (fact, self._acting(fact))

    def _waiting(self, fact: Fact) -> None:
        if self.waiting_since is None:
            self.waiting_since = fact.time_ms

    def _resumed(self, fact: Fact) -> None:
        if self.waiting_since is None:
            self.anomalies.append("resumed_without_waiting")
            return
        self.waits.append((self.waiting_since, fact.time_ms))
        self.waiting_since = None

    def _resolved(self, fact: Fact) -> None:
        if self.state == RESOLVED:
            self.anomalies.append("resolved_twice")
            return
        self.resolver = self._acting(fact)
        if self.opening is None:
            self.anomalies.append("resolved_without_opening")
            return
        if self.state == OPEN:
            self._book(BACKLOG, fact, -1, 0, self.holder)
        self.state = RESOLVED
        self._book(TICKETS_RESOLVED, fact, 1, 1, self.resolver)
        self._book_resolution_times(fact)

    def _book_resolution_times(self, fact: Fact) -> None:
        if self.first_resolution is None:
            self.first_resolution = fact
            self.first_resolver = self.resolver
        assert self.opening is not None
        if fact.time_ms < self.opening.time_ms:
            self.anomalies.append("resolved_before_opening")
            return
        value = self._elapsed(fact.time_ms, resolution=True)
        if fact is self.first_resolution:
            self._book_duration(RESOLUTION_TIME, fact, value, self.resolver)
        self.counts[RESOLUTION_TIME_LAST] = 0
        self._book_duration(RESOLUTION_TIME_LAST, fact, value, self.resolver)

    def _reopened(self, fact: Fact) -> None:
        if self.state not in (RESOLVED, CLOSED_UNRESOLVED):
            self.anomalies.append("reopened_while_open")
            return
        if self.state == RESOLVED:
            self.reopened = True
            self._book(TICKETS_REOPENED, fact, 1, 1, self.resolver)
        self.state = OPEN
        self._book(BACKLOG, fact, 1, 0, self.holder)

    def _closed(self, fact: Fact) -> None:
        if self.state == OPEN:
            self.state = CLOSED_UNRESOLVED
            self.anomalies.append("closed_unresolved")
            self._book(BACKLOG, fact, -1, 0, self.holder)

    def _complained(self, fact: Fact) -> None:
        self.complained = True
        self._book(TICKETS_COMPLAINED, fact, 1, 1, self._acting(fact))

    def _survey_sent(self, fact: Fact) -> None:
        holder = self._surveyed(fact)
        self.surveys_sent.setdefault(fact.numbers[0], []).append((fact, holder, False))

    def _survey_answered(self, fact: Fact) -> None:
        kind, role, low, high, value = fact.numbers
        self._mark_answered(kind)
        if ledger.SURVEY_KINDS[kind] != "csat" or ledger.RATER_ROLES[role] != "customer":
            return
        per_mille = (value - low) * 1000 // (high - low)
        good = int(per_mille >= GOOD_ANSWER_PER_MILLE)
        self._book(CSAT, fact, per_mille, good, self._surveyed(fact))

    def _mark_answered(self, kind: int) -> None:
        sent = self.surveys_sent.get(kind, [])
        for place, (fact, holder, answered) in enumerate(sent):
            if not answered:
                sent[place] = (fact, holder, True)
                return

    # -- the whole ticket -----------------------------------------------------------------------

    def _finish(self) -> None:
        self._finish_surveys()
        if self.opening is None:
            self.anomalies.append("no_opening")
            return
        if self.measured_response is not None and not self.responded:
            fact, holder = self.measured_response
            self._book_duration(FIRST_RESPONSE_TIME, fact, fact.numbers[1], holder)
        resolved = int(self.state == RESOLVED)
        self._book(RESOLUTION_RATE, self.opening, 1, resolved, self.opening_holder)
        moved = int(self.transferred)
        self._book(TRANSFER_RATE, self.opening, 1, moved, self.opening_holder)
        complained = int(self.complained)
        self._book(COMPLAINT_RATE, self.opening, 1, complained, self.opening_holder)
        if self.first_resolution is not None:
            first = self.first_resolution
            again = int(self.reopened)
            self._book(REOPEN_RATE, first, 1, again, self.first_resolver)

    def _finish_surveys(self) -> None:
        csat = self.surveys_sent.get(ledger.CSAT, [])
        for fact, holder, answered in csat:
            self._book(SURVEY_RESPONSE_RATE, fact, 1, int(answered), holder)

    # -- arithmetic -----------------------------------------------------------------------------

    def _acting(self, fact: Fact) -> Holder:
        """The employee the fact names, in the place of whoever holds the ticket."""
        named = fact.names[0] if fact.names else ""
        return self.holder._replace(employee=named) if named else self.holder

    def _surveyed(self, fact: Fact) -> Holder:
        """A survey speaks of whoever resolved the ticket last, or else of its holder."""
        holder = self.holder if self.resolver == NOBODY else self.resolver
        return holder._replace(employee=fact.names[0]) if fact.names[0] else holder

    def _elapsed(self, until_ms: int, *, resolution: bool = False) -> int:
        """Milliseconds since opening, less exempt time and, for a resolution where the rules say
        so, less waiting."""
        assert self.opening is not None
        start = self.opening.time_ms
        pauses = list(self.pauses)
        if resolution and self.rules.at(until_ms).exclude_waiting:
            pauses += self.waits
            if self.waiting_since is not None:
                pauses.append((self.waiting_since, until_ms))
        return until_ms - start - _covered(pauses, start, until_ms)

    def _book_duration(self, indicator: int, fact: Fact, value: int, holder: Holder) -> None:
        rules = self.rules.at(fact.time_ms)
        limit = rules.limit_ms(INDICATOR_IDS[indicator], *holder)
        good = int(limit is not None and value <= limit)
        self._book(indicator, fact, value, good, holder)

    def _book(self, indicator: int, fact: Fact, value: int, good: int, holder: Holder) -> None:
        sequence = self.counts.get(indicator, 0)
        self.counts[indicator] = sequence + 1
        channel, category = self.opening.names[3:5] if self.opening else ("", "")
        self.measurements[indicator, sequence] = Measurement(
            self.ticket,
            indicator,
            sequence,
            1,
            fact.time_ms,
            value,
            good,
            *holder,
            channel,
            category,
            fact.event,
            self.rules.at(fact.time_ms).version,
        )


def _covered(spans: list[tuple[int, int]], start: int, end: int) -> int:
    """Length of the union of the spans within [start, end)."""
    covered = 0
    reached = start
    for span_start, span_end in sorted(spans):
        low, high = max(span_start, reached), min(span_end, end)
        if high > low:
            covered += high - low
            reached = high
    return covered


_HANDLERS: Final = {
    ledger.OPENED: _Walk._opened,
    ledger.ASSIGNED: _Walk._assigned,
    ledger.RESPONSE: _Walk._responded,
    ledger.RESPONSE_MEASURED: _Walk._response_measured,
    ledger.WAITING: _Walk._waiting,
    ledger.RESUMED: _Walk._resumed,
    ledger.RESOLVED: _Walk._resolved,
    ledger.REOPENED: _Walk._reopened,
    ledger.CLOSED: _Walk._closed,
    ledger.COMPLAINED: _Walk._complained,
    ledger.SURVEY_SENT: _Walk._survey_sent,
    ledger.SURVEY_ANSWERED: _Walk._survey_answered,
}
