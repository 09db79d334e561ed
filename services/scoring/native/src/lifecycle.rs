//! The life of one ticket as a state machine: each fact in order states or takes back measurements.
//!
//! The same machine serves both ways of working. A fact that comes in order advances the resting
//! state. A fact that comes late, or corrects another, has the whole history replayed from nothing,
//! and the difference of both replays is booked (`derive`), so the order of arrival leaves no trace.
//! Definitions are those of `shared.contracts.indicators`; an opening counts as first whatever its
//! clock says.
//!
//! Time is a fact too. What falls due (`promises`) is lived through when time has passed beyond it,
//! before the next fact, so a life is a function of its facts and of how far time has come. Rows
//! that time alone states carry the event of the opening.

use crate::calendar::Layout;
use crate::fact::Fact;
use crate::indicators::Indicators;
use crate::kind;
use crate::life::{Life, NOBODY, Stated, Status};
use crate::names::{Holder, NO_NAME, Names, Symbol, Symbols};
use crate::promises::{
    Allowed, FIRST_RESPONSE, NEVER, PROMISES, Promise, RESOLUTION, Span, united,
};
use crate::rules::Rules;

/// 4 of 5 lies three quarters up the scale; other scales are read at the same height.
const GOOD_ANSWER_PER_MILLE: i64 = 750;
/// A ticket reopened within so long of its first resolution was not resolved at first contact.
const FIRST_CONTACT_MS: i64 = 7 * 86_400_000;
/// Answers on the scale of 0 to 10 at and over which, and at and under which, customers are so
/// called (Reichheld, Harvard Business Review, December 2003).
const PROMOTER: i64 = 9;
const DETRACTOR: i64 = 6;

/// The metrics of a `response.measured`, as facts number them.
const METRIC_FIRST_RESPONSE: i64 = 0;
const METRIC_NEXT_RESPONSE: i64 = 1;
const METRIC_RESOLUTION: i64 = 2;

/// The kinds of surveys and the roles of raters, as facts number them.
const CSAT: i64 = 0;
const NPS: i64 = 1;
const CES: i64 = 2;
const REVIEW: i64 = 3;
const QA: i64 = 4;
const CUSTOMER: i64 = 0;
const PEER: i64 = 1;
const MANAGER: i64 = 2;

/// A measurement of one ticket; `sign` -1 takes it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Row {
    pub indicator: u8,
    pub sequence: i64,
    pub sign: i64,
    pub time_ms: i64,
    pub value: i64,
    pub good: i64,
    pub names: Names,
    pub event: u64,
}

/// A measurement's value, and whether it is good.
type What = (i64, i64);

/// Advances lives under one history of rules, and collects what they state.
///
/// `rows` and `anomalies` grow until they are taken.
pub struct Lifecycle<L> {
    pub rules: Rules<L>,
    pub symbols: Symbols,
    pub rows: Vec<Row>,
    pub anomalies: Vec<&'static str>,
    indicators: Indicators,
}

impl<L: Layout> Lifecycle<L> {
    pub fn new(rules: Rules<L>, indicators: Indicators) -> Self {
        Self {
            rules,
            symbols: Symbols::default(),
            rows: Vec::new(),
            anomalies: Vec::new(),
            indicators,
        }
    }

    /// Begin the symbols anew: nothing that holds any may be left.
    pub fn forget_symbols(&mut self) {
        self.symbols = Symbols::default();
        self.rules.forget_holders();
    }

    /// Live through facts in order.
    pub fn advance(&mut self, life: &mut Life, facts: &[Fact]) {
        for fact in facts {
            life.facts += 1;
            life.last = life.last.max(Some(fact.order()));
            if life.next_due_ms < fact.time_ms {
                self.pass_time(life, fact.time_ms);
            }
            self.live(life, fact);
        }
    }

    /// Live through what falls due before `until_ms`. What is due at that very instant waits: an
    /// answer may still come in time.
    pub fn pass_time(&mut self, life: &mut Life, until_ms: i64) {
        while life.next_due_ms < until_ms {
            let now = life.next_due_ms;
            life.settled_ms = Some(now);
            for kind in 0..PROMISES {
                let Some(place) = life.promise(kind) else {
                    continue;
                };
                if life.promises[place].risk_ms == now {
                    self.enter_risk(life, place, now, life.opened_event);
                } else if life.promises[place].due_ms == now {
                    self.miss(life, place, now);
                }
            }
            life.look_ahead();
        }
    }

    fn live(&mut self, life: &mut Life, fact: &Fact) {
        match fact.kind {
            kind::OPENED => self.opened(life, fact),
            kind::ASSIGNED => self.assigned(life, fact),
            kind::CUSTOMER_REPLIED => customer_replied(life, fact),
            kind::RESPONSE => self.responded(life, fact),
            kind::RESPONSE_MEASURED => self.response_measured(life, fact),
            kind::HANDLED => self.handled(life, fact),
            kind::WAITING => self.waiting(life, fact),
            kind::RESUMED => self.resumed(life, fact),
            kind::RESOLVED => self.resolved(life, fact),
            kind::REOPENED => self.reopened(life, fact),
            kind::CLOSED => self.closed(life, fact),
            kind::COMPLAINED => self.complained(life, fact),
            kind::SURVEY_SENT => self.survey_sent(life, fact),
            kind::SURVEY_ANSWERED => self.survey_answered(life, fact),
            _ => {}
        }
    }

    // -- opening and holders ---------------------------------------------------------------------

    fn opened(&mut self, life: &mut Life, fact: &Fact) {
        if life.opened_ms.is_some() {
            self.anomalies.push("opened_twice");
            return;
        }
        [_, _, _, life.channel, life.category] = fact.names;
        life.opened_ms = Some(fact.time_ms);
        life.opened_event = fact.event;
        life.status = Status::Open;
        let place = life.place(fact.holder());
        (life.opener, life.holder, life.known) = (place, place, place);
        life.sequence(self.indicators.backlog);
        self.state_opening(life, fact.time_ms, 1);
        for kind in 0..PROMISES {
            if self.rules.promises(kind, fact.time_ms) {
                life.promises.push(Promise::new(kind, place));
            }
        }
        self.retime(life, fact.time_ms, fact);
    }

    /// What is booked at the opening, for whoever opened.
    fn state_opening(&mut self, life: &Life, opened_ms: i64, sign: i64) {
        let resolved = i64::from(life.status == Status::Resolved);
        let stated = [
            (self.indicators.tickets_opened, 1),
            (self.indicators.backlog, 0),
            (self.indicators.resolution_rate, resolved),
            (self.indicators.transfer_rate, i64::from(life.transferred)),
            (self.indicators.complaint_rate, i64::from(life.complained)),
        ];
        for (indicator, good) in stated {
            self.state_at_opening(life, opened_ms, indicator, sign, good);
        }
        self.state_cost(life, opened_ms, sign);
    }

    /// What the ticket has cost so far, where the rules of its opening have a currency.
    fn state_cost(&mut self, life: &Life, opened_ms: i64, sign: i64) {
        let rules = self.rules.at(opened_ms);
        if rules.currency.is_some() {
            let stated = Stated {
                sequence: 0,
                time_ms: opened_ms,
                value: rules.allocated_cost + life.cost,
                good: 0,
                holder: life.opener,
                event: life.opened_event,
            };
            self.restate(life, self.indicators.cost_per_ticket, sign, stated);
        }
    }

    fn state_at_opening(
        &mut self,
        life: &Life,
        opened_ms: i64,
        indicator: u8,
        sign: i64,
        good: i64,
    ) {
        let stated = Stated {
            sequence: 0,
            time_ms: opened_ms,
            value: 1,
            good,
            holder: life.opener,
            event: life.opened_event,
        };
        self.restate(life, indicator, sign, stated);
    }

    /// A share of openings that turned out otherwise.
    fn flip(&mut self, life: &Life, opened_ms: i64, indicator: u8, good: i64) {
        self.state_at_opening(life, opened_ms, indicator, -1, 1 - good);
        self.state_at_opening(life, opened_ms, indicator, 1, good);
    }

    fn assigned(&mut self, life: &mut Life, fact: &Fact) {
        let new = life.place(fact.holder());
        let before = life.holder;
        if let (true, Some(opened_ms)) = (life.awaits_holder() && new != NOBODY, life.opened_ms) {
            self.name_opener(life, opened_ms, new);
        }
        if is_transfer(life, fact, new) {
            self.transfer(life, fact);
        }
        if life.status == Status::Open && new != life.holder {
            self.state(life, self.indicators.backlog, fact, (-1, 0), life.holder);
            self.state(life, self.indicators.backlog, fact, (1, 0), new);
        }
        remember(life, new);
        life.holder = new;
        if let (true, Some(opened_ms)) = (new != before, life.opened_ms) {
            self.hand_over_promises(life, opened_ms, fact);
        }
    }

    /// A ticket opened at nobody's desk belongs to its first holder from the beginning.
    fn name_opener(&mut self, life: &mut Life, opened_ms: i64, new: usize) {
        self.state_opening(life, opened_ms, -1);
        (life.opener, life.holder, life.known) = (new, new, new);
        self.state_opening(life, opened_ms, 1);
    }

    fn transfer(&mut self, life: &mut Life, fact: &Fact) {
        self.state(
            life,
            self.indicators.tickets_reassigned,
            fact,
            (1, 1),
            life.holder,
        );
        if let (false, Some(opened_ms)) = (life.transferred, life.opened_ms) {
            self.flip(life, opened_ms, self.indicators.transfer_rate, 1);
        }
        life.transferred = true;
    }

    // -- responses -------------------------------------------------------------------------------

    fn responded(&mut self, life: &mut Life, fact: &Fact) {
        let is_bot = fact.numbers[0] == 1;
        let Some(opened_ms) = life.opened_ms.filter(|_| !is_bot) else {
            return;
        };
        if life.responded {
            self.responded_again(life, fact);
            return;
        }
        if fact.time_ms < opened_ms {
            self.anomalies.push("response_before_opening");
            return;
        }
        life.responded = true;
        life.missed_response = None;
        let indicator = self.indicators.first_response_time;
        if let Some(measured) = life.measured_response.take() {
            self.restate(life, indicator, -1, measured);
        }
        let holder = acting(life, fact);
        let value = elapsed(opened_ms, fact.time_ms, &life.pauses);
        self.state_duration(life, indicator, fact, value, holder, 0);
        if let Some(worked) = self.working_time(opened_ms, fact.time_ms, &life.pauses) {
            let business = self.indicators.first_response_time_business;
            self.state_duration(life, business, fact, worked, holder, 0);
        }
        self.fulfil(life, FIRST_RESPONSE, fact, holder);
    }

    /// The wait of the customer's oldest unanswered message is over.
    fn responded_again(&mut self, life: &mut Life, fact: &Fact) {
        let Some(since) = life.unanswered_ms.take() else {
            return;
        };
        if life.status != Status::Open {
            return;
        }
        let indicator = self.indicators.next_response_time;
        self.clock(life, indicator);
        let holder = acting(life, fact);
        let value = elapsed(since, fact.time_ms, &life.pauses);
        let sequence = life.sequence(indicator);
        self.state_duration(life, indicator, fact, value, holder, sequence);
        if let Some(worked) = self.working_time(since, fact.time_ms, &life.pauses) {
            let business = self.indicators.next_response_time_business;
            self.state_duration(life, business, fact, worked, holder, sequence);
        }
    }

    fn response_measured(&mut self, life: &mut Life, fact: &Fact) {
        match fact.numbers[0] {
            METRIC_FIRST_RESPONSE => self.first_response_measured(life, fact),
            METRIC_NEXT_RESPONSE => self.measured(life, fact, self.indicators.next_response_time),
            METRIC_RESOLUTION => self.measured(life, fact, self.indicators.resolution_time),
            _ => self.measured(life, fact, self.indicators.handling_time),
        }
    }

    fn first_response_measured(&mut self, life: &mut Life, fact: &Fact) {
        let is_known = life.responded || life.measured_response.is_some();
        let Some(opened_ms) = life.opened_ms.filter(|_| !is_known) else {
            return;
        };
        let holder = acting(life, fact);
        let indicator = self.indicators.first_response_time;
        let stated = self.state_duration(life, indicator, fact, fact.numbers[1], holder, 0);
        life.measured_response = Some(stated);
        self.fulfil_as_measured(life, opened_ms, fact, holder);
    }

    /// A duration of which the source knows no instants counts as long as the events do not tell
    /// it; a ticket has one time to its first resolution.
    fn measured(&mut self, life: &mut Life, fact: &Fact, indicator: u8) {
        let is_one = indicator == self.indicators.resolution_time;
        let known = life
            .measured
            .iter()
            .position(|(measured, _)| *measured == indicator);
        if life.is_clocked(indicator) || (is_one && known.is_some()) {
            return;
        }
        let holder = acting(life, fact);
        let sequence = if is_one { 0 } else { life.sequence(indicator) };
        let stated = self.state_duration(life, indicator, fact, fact.numbers[1], holder, sequence);
        match known {
            Some(place) => life.measured[place].1.push(stated),
            None => life.measured.push((indicator, vec![stated])),
        }
    }

    /// From now on the events tell a duration: what a source measured itself gives way.
    fn clock(&mut self, life: &mut Life, indicator: u8) {
        life.clocked |= 1 << indicator;
        if let Some(place) = life
            .measured
            .iter()
            .position(|(known, _)| *known == indicator)
        {
            let (_, measured) = life.measured.remove(place);
            for stated in measured {
                self.restate(life, indicator, -1, stated);
            }
        }
    }

    fn handled(&mut self, life: &mut Life, fact: &Fact) {
        let indicator = self.indicators.handling_time;
        self.clock(life, indicator);
        let [duration_ms, cost, ..] = fact.numbers;
        let sequence = life.sequence(indicator);
        let holder = acting(life, fact);
        self.state_duration(life, indicator, fact, duration_ms, holder, sequence);
        if let (true, Some(opened_ms)) = (cost != 0, life.opened_ms) {
            self.add_cost(life, opened_ms, cost, fact.names[1]);
        }
    }

    /// A cost without a currency is in the organisation's.
    fn add_cost(&mut self, life: &mut Life, opened_ms: i64, cost: i64, currency: Symbol) {
        let Some(expected) = &self.rules.at(opened_ms).currency else {
            return;
        };
        if currency != NO_NAME && self.symbols.text(currency) != expected {
            self.anomalies.push("other_currency");
            return;
        }
        self.state_cost(life, opened_ms, -1);
        life.cost += cost;
        self.state_cost(life, opened_ms, 1);
    }

    // -- waiting ---------------------------------------------------------------------------------

    fn waiting(&mut self, life: &mut Life, fact: &Fact) {
        if life.waiting_since_ms.is_none() {
            life.waiting_since_ms = Some(fact.time_ms);
            self.retime_for_waiting(life, fact);
        }
    }

    fn resumed(&mut self, life: &mut Life, fact: &Fact) {
        let Some(since) = life.waiting_since_ms.take() else {
            self.anomalies.push("resumed_without_waiting");
            return;
        };
        life.waits.push((since, fact.time_ms));
        self.retime_for_waiting(life, fact);
    }

    // -- resolution ------------------------------------------------------------------------------

    fn resolved(&mut self, life: &mut Life, fact: &Fact) {
        if life.status == Status::Resolved {
            self.anomalies.push("resolved_twice");
            return;
        }
        life.resolver = acting(life, fact);
        let Some(opened_ms) = life.opened_ms else {
            self.anomalies.push("resolved_without_opening");
            return;
        };
        if life.status == Status::Open {
            self.state(life, self.indicators.backlog, fact, (-1, 0), life.holder);
        }
        if !life.promises.is_empty() {
            self.settle_at_resolution(life, opened_ms, fact);
        }
        life.status = Status::Resolved;
        life.unanswered_ms = None;
        self.state(
            life,
            self.indicators.tickets_resolved,
            fact,
            (1, 1),
            life.resolver,
        );
        self.flip(life, opened_ms, self.indicators.resolution_rate, 1);
        self.state_resolution_times(life, opened_ms, fact);
    }

    fn state_resolution_times(&mut self, life: &mut Life, opened_ms: i64, fact: &Fact) {
        let is_first = life.first_resolved_ms.is_none();
        if is_first {
            life.first_resolved_ms = Some(fact.time_ms);
            life.first_resolved_event = fact.event;
            life.first_resolver = life.resolver;
            let at = fact.time_ms;
            self.state_at_resolution(life, at, self.indicators.reopen_rate, 1, 0);
            self.state_at_resolution(life, at, self.indicators.first_contact_resolution, 1, 1);
        }
        if fact.time_ms < opened_ms {
            self.anomalies.push("resolved_before_opening");
            return;
        }
        let pauses = self.pauses_of_resolution(life, fact.time_ms);
        let value = elapsed(opened_ms, fact.time_ms, &pauses);
        if is_first {
            self.state_first_resolution(life, opened_ms, fact, value, &pauses);
        }
        let indicator = self.indicators.resolution_time_last;
        if let Some(last) = life.last_resolution {
            self.restate(life, indicator, -1, last);
        }
        let stated = self.state_duration(life, indicator, fact, value, life.resolver, 0);
        life.last_resolution = Some(stated);
    }

    fn state_first_resolution(
        &mut self,
        life: &mut Life,
        opened_ms: i64,
        fact: &Fact,
        value: i64,
        pauses: &[Span],
    ) {
        let indicator = self.indicators.resolution_time;
        self.clock(life, indicator);
        self.state_duration(life, indicator, fact, value, life.resolver, 0);
        if let Some(worked) = self.working_time(opened_ms, fact.time_ms, pauses) {
            let business = self.indicators.resolution_time_business;
            self.state_duration(life, business, fact, worked, life.resolver, 0);
        }
    }

    fn state_at_resolution(
        &mut self,
        life: &Life,
        resolved_ms: i64,
        indicator: u8,
        sign: i64,
        good: i64,
    ) {
        let stated = Stated {
            sequence: 0,
            time_ms: resolved_ms,
            value: 1,
            good,
            holder: life.first_resolver,
            event: life.first_resolved_event,
        };
        self.restate(life, indicator, sign, stated);
    }

    fn reopened(&mut self, life: &mut Life, fact: &Fact) {
        if !matches!(life.status, Status::Resolved | Status::ClosedUnresolved) {
            self.anomalies.push("reopened_while_open");
            return;
        }
        if life.status == Status::Resolved {
            self.state(
                life,
                self.indicators.tickets_reopened,
                fact,
                (1, 1),
                life.resolver,
            );
            if let Some(opened_ms) = life.opened_ms {
                self.flip(life, opened_ms, self.indicators.resolution_rate, 0);
            }
            if let (false, Some(resolved_ms)) = (life.reopened, life.first_resolved_ms) {
                self.reopened_first(life, resolved_ms, fact);
            }
            life.reopened = true;
        }
        life.status = Status::Open;
        if life.unanswered_ms.is_some() {
            life.unanswered_ms = Some(fact.time_ms);
        }
        self.state(life, self.indicators.backlog, fact, (1, 0), life.holder);
        if let Some(opened_ms) = life.opened_ms {
            self.retime(life, opened_ms, fact);
        }
    }

    fn reopened_first(&mut self, life: &Life, resolved_ms: i64, fact: &Fact) {
        let rate = self.indicators.reopen_rate;
        self.state_at_resolution(life, resolved_ms, rate, -1, 0);
        self.state_at_resolution(life, resolved_ms, rate, 1, 1);
        if fact.time_ms - resolved_ms < FIRST_CONTACT_MS {
            let contact = self.indicators.first_contact_resolution;
            self.state_at_resolution(life, resolved_ms, contact, -1, 1);
            self.state_at_resolution(life, resolved_ms, contact, 1, 0);
        }
    }

    fn closed(&mut self, life: &mut Life, fact: &Fact) {
        if life.status != Status::Open {
            return;
        }
        life.status = Status::ClosedUnresolved;
        life.unanswered_ms = None;
        self.anomalies.push("closed_unresolved");
        self.state(life, self.indicators.backlog, fact, (-1, 0), life.holder);
        if let Some(opened_ms) = life.opened_ms {
            self.retime(life, opened_ms, fact);
        }
    }

    // -- what customers and others say -----------------------------------------------------------

    fn complained(&mut self, life: &mut Life, fact: &Fact) {
        let place = acting(life, fact);
        self.state(
            life,
            self.indicators.tickets_complained,
            fact,
            (1, 1),
            place,
        );
        if let (false, Some(opened_ms)) = (life.complained, life.opened_ms) {
            self.flip(life, opened_ms, self.indicators.complaint_rate, 1);
        }
        life.complained = true;
    }

    fn survey_sent(&mut self, life: &mut Life, fact: &Fact) {
        if fact.numbers[0] == CSAT {
            let place = surveyed(life, fact);
            let indicator = self.indicators.survey_response_rate;
            let stated = self.state(life, indicator, fact, (1, 0), place);
            life.surveys.push(stated);
        }
    }

    fn survey_answered(&mut self, life: &mut Life, fact: &Fact) {
        let [kind, role, low, high, value] = fact.numbers;
        if (kind, role) == (CSAT, CUSTOMER) {
            self.mark_answered(life);
        }
        let Some((indicator, what)) = self.answer(kind, role, (low, high), value) else {
            return;
        };
        if self.is_asked_for(fact) {
            let place = surveyed(life, fact);
            self.state(life, indicator, fact, what, place);
        }
    }

    /// What an answer is booked as. What others say, such as peers of a customer's satisfaction, is
    /// kept as a fact and enters no figure.
    fn answer(&self, kind: i64, role: i64, scale: (i64, i64), value: i64) -> Option<(u8, What)> {
        let indicators = &self.indicators;
        match (kind, role) {
            (CSAT, CUSTOMER) => Some((indicators.csat, satisfaction(scale, value))),
            (NPS, CUSTOMER) => Some((indicators.nps, promotion(value))),
            (CES, CUSTOMER) => Some((indicators.ces, rating(scale, value))),
            (REVIEW, PEER) => Some((indicators.peer_review, rating(scale, value))),
            (REVIEW, MANAGER) => Some((indicators.manager_review, rating(scale, value))),
            (QA, _) => Some((indicators.qa_score, rating(scale, value))),
            _ => None,
        }
    }

    /// Answers on another scale, or to another question, than the rules declare are never mixed
    /// in.
    fn is_asked_for(&mut self, fact: &Fact) -> bool {
        let [kind, _, low, high, _] = fact.numbers;
        let Some(survey) = self.rules.at(fact.time_ms).survey(kind) else {
            return true;
        };
        if survey.scale.is_some_and(|scale| scale != (low, high)) {
            self.anomalies.push("other_scale");
            return false;
        }
        let wording = self.symbols.text(fact.names[1]);
        if survey
            .wording
            .as_deref()
            .is_some_and(|asked| asked != wording)
        {
            self.anomalies.push("other_wording");
            return false;
        }
        true
    }

    fn mark_answered(&mut self, life: &mut Life) {
        if life.surveys.is_empty() {
            return;
        }
        let sent = life.surveys.remove(0);
        let indicator = self.indicators.survey_response_rate;
        self.restate(life, indicator, -1, sent);
        self.restate(life, indicator, 1, Stated { good: 1, ..sent });
    }

    // -- promises --------------------------------------------------------------------------------

    /// Tell anew what is to come of the promises: their clocks stop, go on, or are others'.
    fn retime(&mut self, life: &mut Life, opened_ms: i64, fact: &Fact) {
        if life.promises.is_empty() {
            return;
        }
        for place in 0..life.promises.len() {
            self.retime_one(life, opened_ms, place, fact);
        }
        life.look_ahead();
    }

    fn retime_for_waiting(&mut self, life: &mut Life, fact: &Fact) {
        let excludes = |opened_ms: &i64| self.rules.at(*opened_ms).exclude_waiting;
        if let Some(opened_ms) = life.opened_ms.filter(excludes) {
            self.retime(life, opened_ms, fact);
        }
    }

    /// A ticket that is closed unresolved has no deadline; when it is reopened, a promise whose time
    /// has run out meanwhile is missed at that instant.
    fn retime_one(&mut self, life: &mut Life, opened_ms: i64, place: usize, fact: &Fact) {
        let (due, risk) = self.ahead(life, opened_ms, life.promises[place]);
        life.promises[place].due_ms = due.max(fact.time_ms);
        life.promises[place].risk_ms = risk;
        if risk >= fact.time_ms {
            self.leave_risk(life, place, fact);
        } else if life.promises[place].at_risk == Some(life.holder) {
            life.promises[place].risk_ms = NEVER;
        } else {
            self.leave_risk(life, place, fact);
            self.enter_risk(life, place, fact.time_ms, fact.event);
        }
    }

    /// When a promise is late, and when it is at risk.
    fn ahead(&mut self, life: &Life, opened_ms: i64, promise: Promise) -> (i64, i64) {
        let Allowed { limits, warned } =
            self.allowed(life, opened_ms, promise.kind, promise.limited_by);
        if life.status == Status::ClosedUnresolved || !limits.is_promise() {
            return (NEVER, NEVER);
        }
        self.with_pauses(life, opened_ms, promise.kind, |rules, pauses| {
            (
                rules.runs_out(limits, opened_ms, pauses),
                rules.runs_out(warned, opened_ms, pauses),
            )
        })
    }

    fn allowed(&mut self, life: &Life, opened_ms: i64, kind: usize, place: usize) -> Allowed {
        self.rules
            .allowed(kind, opened_ms, life.holders[place], &self.symbols)
    }

    /// When the promise is late by the limits of a holder, be the ticket closed or not.
    fn runs_out(&mut self, life: &Life, opened_ms: i64, kind: usize, place: usize) -> i64 {
        let limits = self.allowed(life, opened_ms, kind, place).limits;
        self.with_pauses(life, opened_ms, kind, |rules, pauses| {
            rules.runs_out(limits, opened_ms, pauses)
        })
    }

    /// Ask the rules with the pauses of a promise.
    fn with_pauses<T>(
        &mut self,
        life: &Life,
        opened_ms: i64,
        kind: usize,
        ask: impl FnOnce(&mut Rules<L>, &[Span]) -> T,
    ) -> T {
        if kind == RESOLUTION && self.rules.at(opened_ms).exclude_waiting {
            ask(&mut self.rules, &life.pauses_with_waits(NEVER))
        } else {
            ask(&mut self.rules, &life.pauses)
        }
    }

    /// The limits of the new holder apply, unless they would be exceeded by now: a handover makes no
    /// promise late.
    fn hand_over_promises(&mut self, life: &mut Life, opened_ms: i64, fact: &Fact) {
        for place in 0..life.promises.len() {
            let kind = life.promises[place].kind;
            if self.runs_out(life, opened_ms, kind, life.holder) >= fact.time_ms {
                life.promises[place].limited_by = life.holder;
            }
        }
        self.retime(life, opened_ms, fact);
    }

    /// Whether something would have fallen due by now, had the ticket been from its opening with the
    /// holder whom an assignment names.
    pub fn would_be_due(&mut self, life: &Life, fact: &Fact) -> bool {
        let Some(opened_ms) = life.opened_ms else {
            return false;
        };
        for promise in &life.promises {
            let allowed = self
                .rules
                .allowed(promise.kind, opened_ms, fact.holder(), &self.symbols);
            if self.rules.runs_out(allowed.warned, opened_ms, &[]) < fact.time_ms {
                return true;
            }
        }
        life.settled_ms.is_some() || life.next_due_ms < fact.time_ms
    }

    fn enter_risk(&mut self, life: &mut Life, place: usize, time_ms: i64, event: u64) {
        let holder = life.holder;
        let promise = &mut life.promises[place];
        promise.risk_ms = NEVER;
        promise.at_risk = Some(holder);
        let kind = promise.kind;
        self.state_at_risk(life, kind, holder, (time_ms, event), 1);
    }

    fn leave_risk(&mut self, life: &mut Life, place: usize, fact: &Fact) {
        let promise = &mut life.promises[place];
        let kind = promise.kind;
        if let Some(holder) = promise.at_risk.take() {
            self.state_at_risk(life, kind, holder, (fact.time_ms, fact.event), -1);
        }
    }

    /// The parity of the sequence tells which promise it is.
    fn state_at_risk(
        &mut self,
        life: &mut Life,
        kind: usize,
        holder: usize,
        (time_ms, event): (i64, u64),
        change: i64,
    ) {
        let indicator = self.indicators.sla_at_risk;
        let sequence = life.sequence(indicator) * whole(PROMISES) + whole(kind);
        let stated = Stated {
            sequence,
            time_ms,
            value: change,
            good: 0,
            holder,
            event,
        };
        self.restate(life, indicator, 1, stated);
    }

    /// The deadline has passed: it stays missed, however soon the ticket is resolved.
    fn miss(&mut self, life: &mut Life, place: usize, due_ms: i64) {
        let promise = life.promises.remove(place);
        if let Some(holder) = promise.at_risk {
            self.state_at_risk(life, promise.kind, holder, (due_ms, life.opened_event), -1);
        }
        let stated = Stated {
            sequence: whole(promise.kind),
            time_ms: due_ms,
            value: 1,
            good: 0,
            holder: life.holder,
            event: life.opened_event,
        };
        self.restate(life, self.indicators.sla_attainment, 1, stated);
        if promise.kind == FIRST_RESPONSE {
            life.missed_response = Some(stated);
        }
    }

    fn fulfil(&mut self, life: &mut Life, kind: usize, fact: &Fact, by: usize) {
        let (Some(place), Some(opened_ms)) = (life.promise(kind), life.opened_ms) else {
            return;
        };
        let limited_by = life.promises[place].limited_by;
        // Were it late it would be settled, except while the ticket is closed.
        let in_time = life.status != Status::ClosedUnresolved
            || fact.time_ms <= self.runs_out(life, opened_ms, kind, limited_by);
        self.settle(life, opened_ms, place, fact, in_time, by);
    }

    /// A source that knows a duration only says so afterwards, maybe after the deadline.
    fn fulfil_as_measured(&mut self, life: &mut Life, opened_ms: i64, fact: &Fact, by: usize) {
        let replied_ms = opened_ms + fact.numbers[1];
        if let Some(place) = life.promise(FIRST_RESPONSE) {
            let limited_by = life.promises[place].limited_by;
            let runs_out = self.runs_out(life, opened_ms, FIRST_RESPONSE, limited_by);
            self.settle(life, opened_ms, place, fact, replied_ms <= runs_out, by);
        } else if let Some(missed) = life.missed_response.filter(|m| replied_ms <= m.time_ms) {
            let indicator = self.indicators.sla_attainment;
            self.restate(life, indicator, -1, missed);
            life.missed_response = None;
            let kept = Stated {
                time_ms: fact.time_ms,
                good: 1,
                holder: by,
                event: fact.event,
                ..missed
            };
            self.restate(life, indicator, 1, kept);
        }
    }

    /// A promise was kept or not, and by whom. Where nobody promised anything, it counts nowhere.
    fn settle(
        &mut self,
        life: &mut Life,
        opened_ms: i64,
        place: usize,
        fact: &Fact,
        in_time: bool,
        by: usize,
    ) {
        let promise = life.promises[place];
        if self
            .allowed(life, opened_ms, promise.kind, promise.limited_by)
            .limits
            .is_promise()
        {
            let stated = Stated {
                sequence: whole(promise.kind),
                time_ms: fact.time_ms,
                value: 1,
                good: i64::from(in_time),
                holder: by,
                event: fact.event,
            };
            self.restate(life, self.indicators.sla_attainment, 1, stated);
        }
        self.withdraw(life, place, fact);
    }

    fn withdraw(&mut self, life: &mut Life, place: usize, fact: &Fact) {
        self.leave_risk(life, place, fact);
        life.promises.remove(place);
        life.look_ahead();
    }

    /// Who has a solution waits for no first response any more; it counts nowhere.
    fn settle_at_resolution(&mut self, life: &mut Life, opened_ms: i64, fact: &Fact) {
        if fact.time_ms >= opened_ms {
            self.fulfil(life, RESOLUTION, fact, life.resolver);
        }
        while !life.promises.is_empty() {
            self.withdraw(life, 0, fact);
        }
    }

    // -- rows ------------------------------------------------------------------------------------

    /// One more measurement of an indicator with several.
    fn state(
        &mut self,
        life: &mut Life,
        indicator: u8,
        fact: &Fact,
        what: What,
        holder: usize,
    ) -> Stated {
        let sequence = life.sequence(indicator);
        self.state_as(life, indicator, fact, what, holder, sequence)
    }

    /// Of most such indicators only one measurement stands at a time: sequence 0.
    fn state_duration(
        &mut self,
        life: &Life,
        indicator: u8,
        fact: &Fact,
        value: i64,
        holder: usize,
        sequence: i64,
    ) -> Stated {
        let limit =
            self.rules
                .limit_ms(indicator, fact.time_ms, life.holders[holder], &self.symbols);
        let good = i64::from(limit.is_some_and(|limit| value <= limit));
        self.state_as(life, indicator, fact, (value, good), holder, sequence)
    }

    fn state_as(
        &mut self,
        life: &Life,
        indicator: u8,
        fact: &Fact,
        (value, good): What,
        holder: usize,
        sequence: i64,
    ) -> Stated {
        let stated = Stated {
            sequence,
            time_ms: fact.time_ms,
            value,
            good,
            holder,
            event: fact.event,
        };
        self.restate(life, indicator, 1, stated);
        stated
    }

    fn restate(&mut self, life: &Life, indicator: u8, sign: i64, stated: Stated) {
        let mut holder = life.holders[stated.holder];
        if !self.indicators.is_individual(indicator) {
            holder.employee = NO_NAME;
        }
        self.rows.push(Row {
            indicator,
            sequence: stated.sequence,
            sign,
            time_ms: stated.time_ms,
            value: stated.value,
            good: stated.good,
            names: Names {
                holder,
                channel: life.channel,
                category: life.category,
            },
            event: stated.event,
        });
    }

    // -- arithmetic ------------------------------------------------------------------------------

    /// Working time in the span, less the pauses; none without a calendar at its end.
    fn working_time(&mut self, since_ms: i64, until_ms: i64, pauses: &[Span]) -> Option<i64> {
        self.rules.at(until_ms).calendar.as_ref()?;
        let mut worked = self.rules.worked_ms(since_ms, until_ms);
        for (start, end) in united(pauses, since_ms, until_ms) {
            worked -= self.rules.worked_ms(start, end);
        }
        Some(worked)
    }

    /// Exempt time and, where the rules say so, waiting.
    fn pauses_of_resolution(&self, life: &Life, until_ms: i64) -> Vec<Span> {
        if self.rules.at(until_ms).exclude_waiting {
            life.pauses_with_waits(until_ms)
        } else {
            life.pauses.clone()
        }
    }
}

/// Before the first response the opening's clock runs; what the customer writes after a resolution
/// waits for nothing unless the ticket is reopened.
fn customer_replied(life: &mut Life, fact: &Fact) {
    if life.responded && life.unanswered_ms.is_none() {
        life.unanswered_ms = Some(fact.time_ms);
    }
}

/// As the source says; else from one known part of a holder to another known one.
fn is_transfer(life: &Life, fact: &Fact, new: usize) -> bool {
    if fact.numbers_len > 0 {
        return fact.numbers[0] == 1;
    }
    let changes =
        |before: Symbol, after: Symbol| before != NO_NAME && after != NO_NAME && before != after;
    let (before, after) = (life.holders[life.known], life.holders[new]);
    changes(before.department, after.department)
        || changes(before.team, after.team)
        || changes(before.employee, after.employee)
}

/// The last known name of each part: a ticket that returns to its queue and comes back to the same
/// employee was not transferred.
fn remember(life: &mut Life, new: usize) {
    if new == life.known {
        return;
    }
    let (mut before, after) = (life.holders[life.known], life.holders[new]);
    if after.department != NO_NAME && after.department != before.department {
        before = Holder::default();
    }
    let either = |name: Symbol, known: Symbol| if name == NO_NAME { known } else { name };
    life.known = life.place(Holder {
        department: either(after.department, before.department),
        team: either(after.team, before.team),
        employee: either(after.employee, before.employee),
    });
}

/// The employee the fact names, in the place of whoever holds the ticket.
fn acting(life: &mut Life, fact: &Fact) -> usize {
    in_place_of(life, life.holder, fact.names[0])
}

/// A survey speaks of whoever resolved the ticket last, or else of its holder.
fn surveyed(life: &mut Life, fact: &Fact) -> usize {
    let place = if life.resolver == NOBODY {
        life.holder
    } else {
        life.resolver
    };
    in_place_of(life, place, fact.names[0])
}

fn in_place_of(life: &mut Life, place: usize, employee: Symbol) -> usize {
    if employee == NO_NAME {
        return place;
    }
    life.place(Holder {
        employee,
        ..life.holders[place]
    })
}

/// Milliseconds in the span, less the pauses.
fn elapsed(since_ms: i64, until_ms: i64, pauses: &[Span]) -> i64 {
    let inside = united(pauses, since_ms, until_ms);
    until_ms - since_ms - inside.iter().map(|(start, end)| end - start).sum::<i64>()
}

fn satisfaction((low, high): (i64, i64), value: i64) -> What {
    let per_mille = ((value - low) * 1000).div_euclid(high - low);
    (per_mille, i64::from(per_mille >= GOOD_ANSWER_PER_MILLE))
}

/// 1 for a promoter, -1 for a detractor.
fn promotion(value: i64) -> What {
    let is_promoter = i64::from(value >= PROMOTER);
    (is_promoter - i64::from(value <= DETRACTOR), is_promoter)
}

/// Per mille of the scale, to the nearest.
fn rating((low, high): (i64, i64), value: i64) -> What {
    (
        (2000 * (value - low) + high - low).div_euclid(2 * (high - low)),
        0,
    )
}

fn whole(number: usize) -> i64 {
    i64::try_from(number).expect("promises are few")
}
