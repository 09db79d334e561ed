"""The life of one ticket as a state machine: each fact in order states or takes back measurements.

The same machine serves both ways of working. A fact that comes in order advances the resting
state. A fact that comes late, or corrects another, has the whole history replayed from nothing,
and the difference of both replays is booked (`services.scoring.core.derive`), so the order of
arrival leaves no trace. Definitions are those of `shared.contracts.indicators`; an opening counts
as first whatever its clock says.

Time is a fact too. What falls due (`services.scoring.core.promises`) is lived through when time has
passed beyond it, before the next fact, so a life is a function of its facts and of how far time has
come. Rows that time alone states carry the event of the opening.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

import msgspec

from services.scoring.core import ledger
from services.scoring.core.ledger import Fact
from services.scoring.core.promises import (
    FIRST_RESPONSE,
    NEVER,
    PROMISES,
    RESOLUTION,
    Allowed,
    Promise,
    PromiseRules,
    Span,
    united,
)
from services.scoring.core.rules import RuleHistory
from shared.contracts.indicators import INDICATOR_IDS, INDICATORS

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
FIRST_RESPONSE_TIME_BUSINESS: Final = INDICATOR_IDS.index("first_response_time_business")
RESOLUTION_TIME_BUSINESS: Final = INDICATOR_IDS.index("resolution_time_business")
SLA_ATTAINMENT: Final = INDICATOR_IDS.index("sla_attainment")
SLA_AT_RISK: Final = INDICATOR_IDS.index("sla_at_risk")
NEXT_RESPONSE_TIME: Final = INDICATOR_IDS.index("next_response_time")
NEXT_RESPONSE_TIME_BUSINESS: Final = INDICATOR_IDS.index("next_response_time_business")
HANDLING_TIME: Final = INDICATOR_IDS.index("handling_time")
FIRST_CONTACT_RESOLUTION: Final = INDICATOR_IDS.index("first_contact_resolution")
NPS: Final = INDICATOR_IDS.index("nps")
CES: Final = INDICATOR_IDS.index("ces")
COST_PER_TICKET: Final = INDICATOR_IDS.index("cost_per_ticket")
QA_SCORE: Final = INDICATOR_IDS.index("qa_score")
PEER_REVIEW: Final = INDICATOR_IDS.index("peer_review")
MANAGER_REVIEW: Final = INDICATOR_IDS.index("manager_review")

_NOT_INDIVIDUAL: Final = frozenset(
    place for place, name in enumerate(INDICATOR_IDS) if not INDICATORS[name].individual
)

GOOD_ANSWER_PER_MILLE: Final = 750
"""4 of 5 lies three quarters up the scale; other scales are read at the same height."""
FIRST_CONTACT_MS: Final = 7 * 86_400_000
"""A ticket reopened within so long of its first resolution was not resolved at first contact."""
PROMOTER: Final = 9
DETRACTOR: Final = 6
"""Answers on the scale of 0 to 10 at and over which, and at and under which, customers are so
called (Reichheld, Harvard Business Review, December 2003)."""

ABSENT: Final = 0
OPEN: Final = 1
RESOLVED: Final = 2
CLOSED_UNRESOLVED: Final = 3

NOBODY: Final = 0
"""The place of the unknown holder among a ticket's holders."""


class Holder(NamedTuple):
    """Who holds a ticket; an unknown part is ""."""

    department: str = ""
    team: str = ""
    employee: str = ""


class Row(NamedTuple):
    """A measurement of one ticket; ``sign`` -1 takes it back."""

    indicator: int
    sequence: int
    sign: int
    time_ms: int
    value: int
    good: int
    holder: Holder
    channel: str
    category: str
    event: int


_ROW: Final = tuple.__new__
"""A row of a tuple, at half the time: rows are made several to an event."""


class Stated(msgspec.Struct, array_like=True, gc=False):
    """A measurement that a later fact may take back; ``holder`` is a place in the holders."""

    sequence: int
    time_ms: int
    value: int
    good: int
    holder: int
    event: int


class Life(msgspec.Struct, array_like=True, gc=False):
    """What a ticket's past facts leave behind. Holders are places in ``holders``; times are ms,
    -1 when there is none. ``last`` is the order of the greatest fact; ``sequences`` counts the
    measurements of each indicator that can have several. ``next_due_ms`` is when something becomes
    of the ticket if nothing happens, and ``settled_ms`` when that was the case last; ``promises``
    are those that are not settled. ``unanswered_ms`` is when the customer's wait for the next reply
    began; while the ticket is resolved, when the customer wrote since. ``measured`` holds by
    indicator what a source measured itself, ``clocked`` the indicators of which the events tell it.
    ``cost`` is that of handling, in minor units."""

    next_due_ms: int
    holders: list[Holder]
    last: tuple[int, int, int] = (-1, -1, -1)
    facts: int = 0
    corrected: bool = False
    status: int = ABSENT
    opened_ms: int = -1
    opened_event: int = 0
    channel: str = ""
    category: str = ""
    opener: int = NOBODY
    holder: int = NOBODY
    known: int = NOBODY
    resolver: int = NOBODY
    first_resolver: int = NOBODY
    first_resolved_ms: int = -1
    first_resolved_event: int = 0
    last_resolution: Stated | None = None
    responded: bool = False
    measured_response: Stated | None = None
    transferred: bool = False
    reopened: bool = False
    complained: bool = False
    waiting_since_ms: int = -1
    pauses: list[Span] = []
    waits: list[Span] = []
    surveys: list[Stated] = []
    sequences: dict[int, int] = {}
    settled_ms: int = -1
    promises: list[Promise] = []
    missed_response: Stated | None = None
    unanswered_ms: int = -1
    measured: dict[int, list[Stated]] = {}
    clocked: set[int] = set()
    cost: int = 0

    @property
    def is_unresolved(self) -> bool:
        """Whether the ticket is in the backlog."""
        return self.status == OPEN

    @property
    def awaits_holder(self) -> bool:
        """Whether the next assignment names whose the ticket was from the beginning."""
        return self.opened_ms >= 0 and self.opener == self.holder == NOBODY

    def place(self, holder: Holder) -> int:
        """The holder's place, given out when it is first asked for."""
        try:
            return self.holders.index(holder)
        except ValueError:
            self.holders.append(holder)
            return len(self.holders) - 1

    def sequence(self, indicator: int) -> int:
        """The next sequence number of an indicator."""
        sequence = self.sequences.get(indicator, 0)
        self.sequences[indicator] = sequence + 1
        return sequence

    def look_ahead(self) -> None:
        """The promises have changed."""
        self.next_due_ms = min((promise.next_ms for promise in self.promises), default=NEVER)

    def promise(self, kind: int) -> Promise | None:
        """The promise of this kind, while it is not settled."""
        return next((promise for promise in self.promises if promise.kind == kind), None)


def new_life() -> Life:
    """A ticket that nothing is known of."""
    return Life(NEVER, [Holder()])


class Lifecycle:
    """Advances lives under one history of rules, and collects what they state.

    `rows` and `anomalies` grow until `take` empties them.
    """

    def __init__(self, rules: RuleHistory) -> None:
        self._rules = rules
        self._limits: dict[tuple[str, int, Holder], int | None] = {}
        self._promises = PromiseRules(rules)
        self.rows: list[Row] = []
        self.anomalies: list[str] = []

    def take(self) -> tuple[list[Row], list[str]]:
        """What was stated since the last call, and what did not fit together."""
        taken = self.rows, self.anomalies
        self.rows, self.anomalies = [], []
        return taken

    def advance(self, life: Life, facts: Iterable[Fact]) -> None:
        """Live through facts in order."""
        for fact in facts:
            life.facts += 1
            life.last = max(life.last, ledger.order_of(fact))
            if life.next_due_ms < fact.time_ms:
                self.pass_time(life, fact.time_ms)
            handler = _HANDLERS.get(fact.kind)
            if handler is not None:
                handler(self, life, fact)

    def pass_time(self, life: Life, until_ms: int) -> None:
        """Live through what falls due before ``until_ms``. What is due at that very instant waits:
        an answer may still come in time."""
        while life.next_due_ms < until_ms:
            now = life.settled_ms = life.next_due_ms
            for promise in list(life.promises):
                if promise.risk_ms == now:
                    self._enter_risk(life, promise, now, life.opened_event)
                elif promise.due_ms == now:
                    self._miss(life, promise, now)
            life.look_ahead()

    # -- facts ----------------------------------------------------------------------------------

    def _opened(self, life: Life, fact: Fact) -> None:
        if life.opened_ms >= 0:
            self.anomalies.append("opened_twice")
            return
        department, team, employee, life.channel, life.category = fact.names
        life.opened_ms, life.opened_event = fact.time_ms, fact.event
        life.status = OPEN
        life.opener = life.holder = life.known = life.place(Holder(department, team, employee))
        life.sequence(BACKLOG)
        self._state_opening(life, 1)
        life.promises += [
            Promise(kind, life.opener) for kind in self._promises.kinds(life.opened_ms)
        ]
        self._retime(life, fact)

    def _state_opening(self, life: Life, sign: int) -> None:
        """What is booked at the opening, for whoever opened."""
        place = life.opener
        resolved = int(life.status == RESOLVED)
        self._state_at_opening(life, TICKETS_OPENED, sign, 1, place)
        self._state_at_opening(life, BACKLOG, sign, 0, place)
        self._state_at_opening(life, RESOLUTION_RATE, sign, resolved, place)
        self._state_at_opening(life, TRANSFER_RATE, sign, int(life.transferred), place)
        self._state_at_opening(life, COMPLAINT_RATE, sign, int(life.complained), place)
        self._state_cost(life, sign)

    def _state_cost(self, life: Life, sign: int) -> None:
        """What the ticket has cost so far, where the rules of its opening have a currency."""
        rules = self._rules.at(life.opened_ms)
        if rules.currency is not None:
            cost = rules.allocated_cost + life.cost
            stated = Stated(0, life.opened_ms, cost, 0, life.opener, life.opened_event)
            self._restate(life, COST_PER_TICKET, sign, stated)

    def _state_at_opening(
        self, life: Life, indicator: int, sign: int, good: int, place: int
    ) -> None:
        stated = Stated(0, life.opened_ms, 1, good, place, life.opened_event)
        self._restate(life, indicator, sign, stated)

    def _flip(self, life: Life, indicator: int, good: int) -> None:
        """A share of openings that turned out otherwise."""
        self._state_at_opening(life, indicator, -1, 1 - good, life.opener)
        self._state_at_opening(life, indicator, 1, good, life.opener)

    def _assigned(self, life: Life, fact: Fact) -> None:
        new, before = life.place(Holder(*fact.names)), life.holder
        if life.awaits_holder and new != NOBODY:
            self._name_opener(life, new)
        if self._is_transfer(life, fact, new):
            self._transfer(life, fact)
        if life.status == OPEN and new != life.holder:
            self._state(life, BACKLOG, fact, (-1, 0), life.holder)
            self._state(life, BACKLOG, fact, (1, 0), new)
        self._remember(life, new)
        life.holder = new
        if life.promises and new != before:
            self._hand_over_promises(life, fact)

    def _name_opener(self, life: Life, new: int) -> None:
        """A ticket opened at nobody's desk belongs to its first holder from the beginning."""
        self._state_opening(life, -1)
        life.opener = life.holder = life.known = new
        self._state_opening(life, 1)

    @staticmethod
    def _is_transfer(life: Life, fact: Fact, new: int) -> bool:
        """As the source says; else from one known part of a holder to another known one."""
        if fact.numbers:
            return fact.numbers[0] == 1
        if new == life.known:
            return False
        pairs = zip(life.holders[life.known], life.holders[new], strict=True)
        return any(before and after and before != after for before, after in pairs)

    def _transfer(self, life: Life, fact: Fact) -> None:
        self._state(life, TICKETS_REASSIGNED, fact, (1, 1), life.holder)
        if not life.transferred and life.opened_ms >= 0:
            self._flip(life, TRANSFER_RATE, 1)
        life.transferred = True

    @staticmethod
    def _remember(life: Life, new: int) -> None:
        """The last known name of each part: a ticket that returns to its queue and comes back to
        the same employee was not transferred."""
        if new == life.known:
            return
        before, after = life.holders[life.known], life.holders[new]
        if after.department and after.department != before.department:
            before = Holder()
        parts = zip(after, before, strict=True)
        life.known = life.place(Holder(*(name or known for name, known in parts)))

    def _responded(self, life: Life, fact: Fact) -> None:
        is_bot = fact.numbers[0] == 1
        if is_bot or life.opened_ms < 0:
            return
        if life.responded:
            self._responded_again(life, fact)
            return
        if fact.time_ms < life.opened_ms:
            self.anomalies.append("response_before_opening")
            return
        life.responded = True
        life.missed_response = None
        if life.measured_response is not None:
            self._take_back(life, FIRST_RESPONSE_TIME, life.measured_response)
            life.measured_response = None
        holder = self._acting(life, fact)
        value = self._elapsed(life.opened_ms, fact.time_ms, life.pauses)
        self._state_duration(life, FIRST_RESPONSE_TIME, fact, value, holder)
        self._state_business(life, FIRST_RESPONSE_TIME_BUSINESS, fact, life.pauses, holder)
        self._fulfil(life, FIRST_RESPONSE, fact, holder)

    def _responded_again(self, life: Life, fact: Fact) -> None:
        """The wait of the customer's oldest unanswered message is over."""
        since, life.unanswered_ms = life.unanswered_ms, -1
        if since < 0 or life.status != OPEN:
            return
        self._clock(life, NEXT_RESPONSE_TIME)
        holder = self._acting(life, fact)
        value = self._elapsed(since, fact.time_ms, life.pauses)
        sequence = life.sequence(NEXT_RESPONSE_TIME)
        self._state_duration(life, NEXT_RESPONSE_TIME, fact, value, holder, sequence=sequence)
        if (worked := self._worked(since, fact.time_ms, life.pauses)) is not None:
            indicator = NEXT_RESPONSE_TIME_BUSINESS
            self._state_duration(life, indicator, fact, worked, holder, sequence=sequence)

    def _customer_replied(self, life: Life, fact: Fact) -> None:
        """Before the first response the opening's clock runs; what the customer writes after a
        resolution waits for nothing unless the ticket is reopened."""
        if life.responded and life.unanswered_ms < 0:
            life.unanswered_ms = fact.time_ms

    def _response_measured(self, life: Life, fact: Fact) -> None:
        metric = ledger.METRICS[fact.numbers[0]]
        if metric == "first_response_time":
            self._first_response_measured(life, fact)
        else:
            self._measured(life, fact, INDICATOR_IDS.index(metric))

    def _first_response_measured(self, life: Life, fact: Fact) -> None:
        known = life.responded or life.measured_response is not None
        if not known and life.opened_ms >= 0:
            holder = self._acting(life, fact)
            value = fact.numbers[1]
            stated = self._state_duration(life, FIRST_RESPONSE_TIME, fact, value, holder)
            life.measured_response = stated
            self._fulfil_as_measured(life, fact, holder)

    def _measured(self, life: Life, fact: Fact, indicator: int) -> None:
        """A duration of which the source knows no instants counts as long as the events do not
        tell it; a ticket has one time to its first resolution."""
        is_one = indicator == RESOLUTION_TIME
        if indicator in life.clocked or (is_one and indicator in life.measured):
            return
        holder = self._acting(life, fact)
        sequence = 0 if is_one else life.sequence(indicator)
        stated = self._state_duration(
            life, indicator, fact, fact.numbers[1], holder, sequence=sequence
        )
        life.measured.setdefault(indicator, []).append(stated)

    def _clock(self, life: Life, indicator: int) -> None:
        """From now on the events tell a duration: what a source measured itself gives way."""
        life.clocked.add(indicator)
        for stated in life.measured.pop(indicator, ()):
            self._take_back(life, indicator, stated)

    def _handled(self, life: Life, fact: Fact) -> None:
        self._clock(life, HANDLING_TIME)
        duration_ms, cost = fact.numbers
        sequence = life.sequence(HANDLING_TIME)
        holder = self._acting(life, fact)
        self._state_duration(life, HANDLING_TIME, fact, duration_ms, holder, sequence=sequence)
        if cost and life.opened_ms >= 0:
            self._add_cost(life, cost, currency=fact.names[1])

    def _add_cost(self, life: Life, cost: int, currency: str) -> None:
        """A cost without a currency is in the organisation's."""
        expected = self._rules.at(life.opened_ms).currency
        if expected is None:
            return
        if currency not in ("", expected):
            self.anomalies.append("other_currency")
            return
        self._state_cost(life, -1)
        life.cost += cost
        self._state_cost(life, 1)

    def _waiting(self, life: Life, fact: Fact) -> None:
        if life.waiting_since_ms < 0:
            life.waiting_since_ms = fact.time_ms
            self._retime_for_waiting(life, fact)

    def _resumed(self, life: Life, fact: Fact) -> None:
        if life.waiting_since_ms < 0:
            self.anomalies.append("resumed_without_waiting")
            return
        life.waits.append((life.waiting_since_ms, fact.time_ms))
        life.waiting_since_ms = -1
        self._retime_for_waiting(life, fact)

    def _resolved(self, life: Life, fact: Fact) -> None:
        if life.status == RESOLVED:
            self.anomalies.append("resolved_twice")
            return
        life.resolver = self._acting(life, fact)
        if life.opened_ms < 0:
            self.anomalies.append("resolved_without_opening")
            return
        if life.status == OPEN:
            self._state(life, BACKLOG, fact, (-1, 0), life.holder)
        if life.promises:
            self._settle_at_resolution(life, fact)
        life.status = RESOLVED
        life.unanswered_ms = -1
        self._state(life, TICKETS_RESOLVED, fact, (1, 1), life.resolver)
        self._flip(life, RESOLUTION_RATE, 1)
        self._state_resolution_times(life, fact)

    def _state_resolution_times(self, life: Life, fact: Fact) -> None:
        is_first = life.first_resolved_ms < 0
        if is_first:
            life.first_resolved_ms, life.first_resolved_event = fact.time_ms, fact.event
            life.first_resolver = life.resolver
            self._state_at_resolution(life, REOPEN_RATE, 1, 0)
            self._state_at_resolution(life, FIRST_CONTACT_RESOLUTION, 1, 1)
        if fact.time_ms < life.opened_ms:
            self.anomalies.append("resolved_before_opening")
            return
        pauses = self._pauses_of_resolution(life, fact.time_ms)
        value = self._elapsed(life.opened_ms, fact.time_ms, pauses)
        if is_first:
            self._clock(life, RESOLUTION_TIME)
            self._state_duration(life, RESOLUTION_TIME, fact, value, life.resolver)
            self._state_business(life, RESOLUTION_TIME_BUSINESS, fact, pauses, life.resolver)
        if life.last_resolution is not None:
            self._take_back(life, RESOLUTION_TIME_LAST, life.last_resolution)
        life.last_resolution = self._state_duration(
            life, RESOLUTION_TIME_LAST, fact, value, life.resolver
        )

    def _state_at_resolution(self, life: Life, indicator: int, sign: int, good: int) -> None:
        at, event = life.first_resolved_ms, life.first_resolved_event
        stated = Stated(0, at, 1, good, life.first_resolver, event)
        self._restate(life, indicator, sign, stated)

    def _reopened(self, life: Life, fact: Fact) -> None:
        if life.status not in (RESOLVED, CLOSED_UNRESOLVED):
            self.anomalies.append("reopened_while_open")
            return
        if life.status == RESOLVED:
            self._state(life, TICKETS_REOPENED, fact, (1, 1), life.resolver)
            self._flip(life, RESOLUTION_RATE, 0)
            if not life.reopened:
                self._reopened_first(life, fact)
            life.reopened = True
        life.status = OPEN
        if life.unanswered_ms >= 0:
            life.unanswered_ms = fact.time_ms
        self._state(life, BACKLOG, fact, (1, 0), life.holder)
        self._retime(life, fact)

    def _reopened_first(self, life: Life, fact: Fact) -> None:
        self._state_at_resolution(life, REOPEN_RATE, -1, 0)
        self._state_at_resolution(life, REOPEN_RATE, 1, 1)
        if fact.time_ms - life.first_resolved_ms < FIRST_CONTACT_MS:
            self._state_at_resolution(life, FIRST_CONTACT_RESOLUTION, -1, 1)
            self._state_at_resolution(life, FIRST_CONTACT_RESOLUTION, 1, 0)

    def _closed(self, life: Life, fact: Fact) -> None:
        if life.status == OPEN:
            life.status = CLOSED_UNRESOLVED
            life.unanswered_ms = -1
            self.anomalies.append("closed_unresolved")
            self._state(life, BACKLOG, fact, (-1, 0), life.holder)
            self._retime(life, fact)

    def _complained(self, life: Life, fact: Fact) -> None:
        self._state(life, TICKETS_COMPLAINED, fact, (1, 1), self._acting(life, fact))
        if not life.complained and life.opened_ms >= 0:
            self._flip(life, COMPLAINT_RATE, 1)
        life.complained = True

    def _survey_sent(self, life: Life, fact: Fact) -> None:
        if fact.numbers[0] == ledger.CSAT:
            place = self._surveyed(life, fact)
            stated = self._state(life, SURVEY_RESPONSE_RATE, fact, (1, 0), place)
            life.surveys.append(stated)

    def _survey_answered(self, life: Life, fact: Fact) -> None:
        kind, role = fact.numbers[:2]
        if kind == ledger.CSAT and role == ledger.CUSTOMER:
            self._mark_answered(life)
        booked = _ANSWERS.get((ledger.SURVEY_KINDS[kind], ledger.RATER_ROLES[role]))
        if booked is not None and self._is_asked_for(fact):
            indicator, what_of = booked
            what = what_of(*fact.numbers[2:])
            self._state(life, indicator, fact, what, self._surveyed(life, fact))

    def _is_asked_for(self, fact: Fact) -> bool:
        """Answers on another scale, or to another question, than the rules declare are never
        mixed in."""
        kind, _, low, high, _ = fact.numbers
        survey = self._rules.at(fact.time_ms).survey(ledger.SURVEY_KINDS[kind])
        if survey.scale not in (None, (low, high)):
            self.anomalies.append("other_scale")
            return False
        if survey.wording not in (None, fact.names[1]):
            self.anomalies.append("other_wording")
            return False
        return True

    def _mark_answered(self, life: Life) -> None:
        if life.surveys:
            sent = life.surveys.pop(0)
            self._take_back(life, SURVEY_RESPONSE_RATE, sent)
            sent.good = 1
            self._restate(life, SURVEY_RESPONSE_RATE, 1, sent)

    # -- promises -------------------------------------------------------------------------------

    def _retime(self, life: Life, fact: Fact) -> None:
        """Tell anew what is to come of the promises: their clocks stop, go on, or are others'."""
        if not life.promises:
            return
        for promise in life.promises:
            self._retime_one(life, promise, fact)
        life.look_ahead()

    def _retime_for_waiting(self, life: Life, fact: Fact) -> None:
        if life.promises and self._promises.excludes_waiting(life.opened_ms):
            self._retime(life, fact)

    def _retime_one(self, life: Life, promise: Promise, fact: Fact) -> None:
        """A ticket that is closed unresolved has no deadline; when it is reopened, a promise whose
        time has run out meanwhile is missed at that instant."""
        due, risk = self._ahead(life, promise)
        promise.due_ms, promise.risk_ms = max(due, fact.time_ms), risk
        if risk >= fact.time_ms:
            self._leave_risk(life, promise, fact)
        elif promise.at_risk != life.holder:
            self._leave_risk(life, promise, fact)
            self._enter_risk(life, promise, fact.time_ms, fact.event)
        else:
            promise.risk_ms = NEVER

    def _ahead(self, life: Life, promise: Promise) -> tuple[int, int]:
        """When a promise is late, and when it is at risk."""
        limits, warned = self._allowed(life, promise, promise.limited_by)
        if life.status == CLOSED_UNRESOLVED or not limits.is_promise:
            return NEVER, NEVER
        pauses = self._pauses_of_promise(life, promise.kind)
        runs_out = self._promises.runs_out
        return runs_out(limits, life.opened_ms, pauses), runs_out(warned, life.opened_ms, pauses)

    def _allowed(self, life: Life, promise: Promise, place: int) -> Allowed:
        return self._promises.allowed(promise.kind, life.opened_ms, life.holders[place])

    def _runs_out(self, life: Life, promise: Promise, place: int) -> int:
        """When the promise is late by the limits of a holder, be the ticket closed or not."""
        limits, _ = self._allowed(life, promise, place)
        pauses = self._pauses_of_promise(life, promise.kind)
        return self._promises.runs_out(limits, life.opened_ms, pauses)

    def _pauses_of_promise(self, life: Life, kind: int) -> list[Span]:
        if kind != RESOLUTION or not self._promises.excludes_waiting(life.opened_ms):
            return life.pauses
        return _with_waits(life, NEVER)

    def _hand_over_promises(self, life: Life, fact: Fact) -> None:
        """The limits of the new holder apply, unless they would be exceeded by now: a handover
        makes no promise late."""
        for promise in life.promises:
            if self._runs_out(life, promise, life.holder) >= fact.time_ms:
                promise.limited_by = life.holder
        self._retime(life, fact)

    def would_be_due(self, life: Life, fact: Fact) -> bool:
        """Whether something would have fallen due by now, had the ticket been from its opening
        with the holder whom an assignment names."""
        holder = Holder(*fact.names)
        for promise in life.promises:
            _, warned = self._promises.allowed(promise.kind, life.opened_ms, holder)
            if self._promises.runs_out(warned, life.opened_ms, []) < fact.time_ms:
                return True
        return life.settled_ms >= 0 or life.next_due_ms < fact.time_ms

    def _enter_risk(self, life: Life, promise: Promise, time_ms: int, event: int) -> None:
        promise.risk_ms = NEVER
        promise.at_risk = life.holder
        self._state_at_risk(life, promise, time_ms, event, 1)

    def _leave_risk(self, life: Life, promise: Promise, fact: Fact) -> None:
        if promise.is_at_risk:
            self._state_at_risk(life, promise, fact.time_ms, fact.event, -1)
            promise.calm()

    def _state_at_risk(
        self, life: Life, promise: Promise, time_ms: int, event: int, change: int
    ) -> None:
        """The parity of the sequence tells which promise it is."""
        sequence = life.sequence(SLA_AT_RISK) * len(PROMISES) + promise.kind
        stated = Stated(sequence, time_ms, change, 0, promise.at_risk, event)
        self._restate(life, SLA_AT_RISK, 1, stated)

    def _miss(self, life: Life, promise: Promise, due_ms: int) -> None:
        """The deadline has passed: it stays missed, however soon the ticket is resolved."""
        if promise.is_at_risk:
            self._state_at_risk(life, promise, due_ms, life.opened_event, -1)
        life.promises.remove(promise)
        stated = Stated(promise.kind, due_ms, 1, 0, life.holder, life.opened_event)
        self._restate(life, SLA_ATTAINMENT, 1, stated)
        if promise.kind == FIRST_RESPONSE:
            life.missed_response = stated

    def _fulfil(self, life: Life, kind: int, fact: Fact, place: int) -> None:
        promise = life.promise(kind)
        if promise is not None:
            # Were it late it would be settled, except while the ticket is closed.
            in_time = life.status != CLOSED_UNRESOLVED or fact.time_ms <= self._runs_out(
                life, promise, promise.limited_by
            )
            self._settle(life, promise, fact, (int(in_time), place))

    def _fulfil_as_measured(self, life: Life, fact: Fact, place: int) -> None:
        """A source that knows a duration only says so afterwards, maybe after the deadline."""
        replied_ms = life.opened_ms + fact.numbers[1]
        promise, missed = life.promise(FIRST_RESPONSE), life.missed_response
        if promise is not None:
            in_time = replied_ms <= self._runs_out(life, promise, promise.limited_by)
            self._settle(life, promise, fact, (int(in_time), place))
        elif missed is not None and replied_ms <= missed.time_ms:
            self._take_back(life, SLA_ATTAINMENT, missed)
            life.missed_response = None
            kept = Stated(FIRST_RESPONSE, fact.time_ms, 1, 1, place, fact.event)
            self._restate(life, SLA_ATTAINMENT, 1, kept)

    def _settle(self, life: Life, promise: Promise, fact: Fact, what: tuple[int, int]) -> None:
        """``what`` is whether it was kept, and by whom. Where nobody promised anything, it counts
        nowhere."""
        good, place = what
        if self._allowed(life, promise, promise.limited_by).limits.is_promise:
            stated = Stated(promise.kind, fact.time_ms, 1, good, place, fact.event)
            self._restate(life, SLA_ATTAINMENT, 1, stated)
        self._withdraw(life, promise, fact)

    def _withdraw(self, life: Life, promise: Promise, fact: Fact) -> None:
        self._leave_risk(life, promise, fact)
        life.promises.remove(promise)
        life.look_ahead()

    def _settle_at_resolution(self, life: Life, fact: Fact) -> None:
        """Who has a solution waits for no first response any more; it counts nowhere."""
        if fact.time_ms >= life.opened_ms:
            self._fulfil(life, RESOLUTION, fact, life.resolver)
        for promise in list(life.promises):
            self._withdraw(life, promise, fact)

    # -- rows -----------------------------------------------------------------------------------

    def _state(
        self, life: Life, indicator: int, fact: Fact, what: tuple[int, int], place: int
    ) -> Stated:
        """One more measurement, ``what`` its value and good, of an indicator with several."""
        value, good = what
        sequence = life.sequence(indicator)
        stated = Stated(sequence, fact.time_ms, value, good, place, fact.event)
        self._restate(life, indicator, 1, stated)
        return stated

    def _state_duration(
        self, life: Life, indicator: int, fact: Fact, value: int, place: int, *, sequence: int = 0
    ) -> Stated:
        """Of most such indicators only one measurement stands at a time: sequence 0."""
        limit = self._limit(indicator, fact.time_ms, life.holders[place])
        good = int(limit is not None and value <= limit)
        stated = Stated(sequence, fact.time_ms, value, good, place, fact.event)
        self._restate(life, indicator, 1, stated)
        return stated

    def _state_business(
        self, life: Life, indicator: int, fact: Fact, pauses: list[Span], place: int
    ) -> None:
        """The same duration in working time, where the rules have a calendar."""
        if (worked := self._worked(life.opened_ms, fact.time_ms, pauses)) is not None:
            self._state_duration(life, indicator, fact, worked, place)

    def _worked(self, since_ms: int, until_ms: int, pauses: list[Span]) -> int | None:
        """Working time in the span, less the pauses; None without a calendar at its end."""
        if self._rules.at(until_ms).calendar is None:
            return None
        worked = self._rules.worked_ms
        paused = united(pauses, since_ms, until_ms)
        return worked(since_ms, until_ms) - sum(worked(start, end) for start, end in paused)

    def _take_back(self, life: Life, indicator: int, stated: Stated) -> None:
        self._restate(life, indicator, -1, stated)

    def _restate(self, life: Life, indicator: int, sign: int, s: Stated) -> None:
        holder = life.holders[s.holder]
        if indicator in _NOT_INDIVIDUAL and holder.employee:
            holder = Holder(holder.department, holder.team)
        row = (
            indicator,
            s.sequence,
            sign,
            s.time_ms,
            s.value,
            s.good,
            holder,
            life.channel,
            life.category,
            s.event,
        )
        self.rows.append(_ROW(Row, row))

    # -- arithmetic -----------------------------------------------------------------------------

    def _limit(self, indicator: int, time_ms: int, holder: Holder) -> int | None:
        rules = self._rules.at(time_ms)
        key = (rules.version, indicator, holder)
        if key not in self._limits:
            if len(self._limits) > 100_000:
                self._limits.clear()
            self._limits[key] = rules.limit_ms(INDICATOR_IDS[indicator], *holder)
        return self._limits[key]

    @staticmethod
    def _acting(life: Life, fact: Fact) -> int:
        """The employee the fact names, in the place of whoever holds the ticket."""
        named = fact.names[0] if fact.names else ""
        if not named:
            return life.holder
        return life.place(life.holders[life.holder]._replace(employee=named))

    @staticmethod
    def _surveyed(life: Life, fact: Fact) -> int:
        """A survey speaks of whoever resolved the ticket last, or else of its holder."""
        place = life.holder if life.resolver == NOBODY else life.resolver
        if not fact.names[0]:
            return place
        return life.place(life.holders[place]._replace(employee=fact.names[0]))

    def _pauses_of_resolution(self, life: Life, until_ms: int) -> list[Span]:
        """Exempt time and, where the rules say so, waiting."""
        if not self._rules.at(until_ms).exclude_waiting:
            return life.pauses
        return _with_waits(life, until_ms)

    @staticmethod
    def _elapsed(since_ms: int, until_ms: int, pauses: list[Span]) -> int:
        """Milliseconds in the span, less the pauses."""
        elapsed = until_ms - since_ms
        if not pauses:
            return elapsed
        paused = united(pauses, since_ms, until_ms)
        return elapsed - sum(end - start for start, end in paused)


def _with_waits(life: Life, until_ms: int) -> list[Span]:
    """Exempt time and waiting; a wait that goes on ends at ``until_ms``."""
    waits = life.pauses + life.waits
    return [*waits, (life.waiting_since_ms, until_ms)] if life.waiting_since_ms >= 0 else waits


_What = tuple[int, int]
"""The value and the good of a measurement."""


def _satisfaction(low: int, high: int, value: int) -> _What:
    per_mille = (value - low) * 1000 // (high - low)
    return per_mille, int(per_mille >= GOOD_ANSWER_PER_MILLE)


def _promotion(_low: int, _high: int, value: int) -> _What:
    """1 for a promoter, -1 for a detractor."""
    is_promoter = value >= PROMOTER
    return int(is_promoter) - int(value <= DETRACTOR), int(is_promoter)


def _rating(low: int, high: int, value: int) -> _What:
    """Per mille of the scale, to the nearest."""
    return (2000 * (value - low) + high - low) // (2 * (high - low)), 0


_ANSWERS: Final[dict[tuple[str, str], tuple[int, Callable[[int, int, int], _What]]]] = {
    ("csat", "customer"): (CSAT, _satisfaction),
    ("nps", "customer"): (NPS, _promotion),
    ("ces", "customer"): (CES, _rating),
    ("review", "peer"): (PEER_REVIEW, _rating),
    ("review", "manager"): (MANAGER_REVIEW, _rating),
    **{("qa", role): (QA_SCORE, _rating) for role in ledger.RATER_ROLES},
}
"""What answers are booked as, by kind and the rater's role. What others say, such as peers of a
customer's satisfaction, is kept as a fact and enters no figure."""

_Handler = Callable[[Lifecycle, Life, Fact], None]
_HANDLERS: Final[dict[int, _Handler]] = {
    ledger.OPENED: Lifecycle._opened,
    ledger.ASSIGNED: Lifecycle._assigned,
    ledger.CUSTOMER_REPLIED: Lifecycle._customer_replied,
    ledger.RESPONSE: Lifecycle._responded,
    ledger.RESPONSE_MEASURED: Lifecycle._response_measured,
    ledger.HANDLED: Lifecycle._handled,
    ledger.WAITING: Lifecycle._waiting,
    ledger.RESUMED: Lifecycle._resumed,
    ledger.RESOLVED: Lifecycle._resolved,
    ledger.REOPENED: Lifecycle._reopened,
    ledger.CLOSED: Lifecycle._closed,
    ledger.COMPLAINED: Lifecycle._complained,
    ledger.SURVEY_SENT: Lifecycle._survey_sent,
    ledger.SURVEY_ANSWERED: Lifecycle._survey_answered,
}
