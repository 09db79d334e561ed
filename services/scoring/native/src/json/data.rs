//! The data of events: which members each type has, and what the ledger keeps of them.

use super::cursor::Cursor;
use super::texts::{is_optional_text, optional_currency, optional_name};
use super::{once, put};
use crate::kind;

const DEPARTMENT: u32 = 1;
const TEAM: u32 = 1 << 1;
const EMPLOYEE: u32 = 1 << 2;
const CHANNEL: u32 = 1 << 3;
const CATEGORY: u32 = 1 << 4;
const CUSTOMER: u32 = 1 << 5;
const PRIORITY: u32 = 1 << 6;
const TRANSFER: u32 = 1 << 7;
const ON: u32 = 1 << 8;
const DURATION: u32 = 1 << 9;
const COST: u32 = 1 << 10;
const CURRENCY: u32 = 1 << 11;
const SENDER: u32 = 1 << 12;
const METRIC: u32 = 1 << 13;
const KIND: u32 = 1 << 14;
const WORDING: u32 = 1 << 15;
const SCALE: u32 = 1 << 16;
const VALUE: u32 = 1 << 17;
const RATER_ROLE: u32 = 1 << 18;
const RATER: u32 = 1 << 19;
const COMMENT: u32 = 1 << 20;
const MIN: u32 = 1 << 21;
const MAX: u32 = 1 << 22;
const HOLDER: u32 = DEPARTMENT | TEAM | EMPLOYEE;
const CONTEXT: u32 = CHANNEL | CATEGORY | CUSTOMER | PRIORITY;
const ANSWER: u32 = KIND | SCALE | VALUE;

const PARTIES: [&str; 2] = ["customer", "third_party"];
const SENDERS: [&str; 2] = ["employee", "bot"];
const METRICS: [&str; 4] = [
    "first_response_time",
    "next_response_time",
    "resolution_time",
    "handling_time",
];
const SURVEY_KINDS: [&str; 5] = ["csat", "nps", "ces", "review", "qa"];
const RATER_ROLES: [&str; 3] = ["customer", "peer", "manager"];

const MAX_DURATION_MS: i64 = 10 * 366 * 86_400_000;
const MAX_COST_MINOR: i64 = 1_000_000_000_000;
const MAX_BOUND: i64 = 1000;

/// The members of `data`, whatever type of event they belong to; of a choice, its number.
#[derive(Default)]
pub struct Data<'a> {
    seen: u32,
    department: &'a str,
    team: &'a str,
    employee: &'a str,
    channel: &'a str,
    category: &'a str,
    wording: &'a str,
    currency: &'a str,
    transfer: Option<bool>,
    on: i64,
    sender: i64,
    metric: i64,
    survey: i64,
    rater_role: i64,
    duration_ms: i64,
    cost_minor: i64,
    min: i64,
    max: i64,
    value: i64,
}

impl<'a> Data<'a> {
    #[inline]
    pub fn read(&mut self, cursor: &mut Cursor<'a>) -> Option<()> {
        cursor.object(|cursor, name| self.member(cursor, name))
    }

    #[inline]
    fn member(&mut self, cursor: &mut Cursor<'a>, member: &str) -> Option<()> {
        let seen = match member {
            "department" => put(&mut self.department, optional_name(cursor), DEPARTMENT),
            "team" => put(&mut self.team, optional_name(cursor), TEAM),
            "employee" => put(&mut self.employee, optional_name(cursor), EMPLOYEE),
            "channel" => put(&mut self.channel, optional_name(cursor), CHANNEL),
            "category" => put(&mut self.category, optional_name(cursor), CATEGORY),
            "customer" => optional_name(cursor).map(|_| CUSTOMER),
            "priority" => optional_name(cursor).map(|_| PRIORITY),
            "sender" => put(&mut self.sender, choice(cursor, &SENDERS), SENDER),
            "kind" => put(&mut self.survey, choice(cursor, &SURVEY_KINDS), KIND),
            "value" => put(&mut self.value, bound(cursor), VALUE),
            "scale" => self.scale(cursor).map(|()| SCALE),
            "wording" => put(&mut self.wording, optional_name(cursor), WORDING),
            "duration_ms" => put(&mut self.duration_ms, duration(cursor), DURATION),
            "transfer" => self.transfer(cursor),
            "on" => put(&mut self.on, choice(cursor, &PARTIES), ON),
            "cost_minor" => put(&mut self.cost_minor, cost(cursor), COST),
            "currency" => put(&mut self.currency, optional_currency(cursor), CURRENCY),
            "metric" => put(&mut self.metric, choice(cursor, &METRICS), METRIC),
            "rater_role" => put(
                &mut self.rater_role,
                choice(cursor, &RATER_ROLES),
                RATER_ROLE,
            ),
            "rater" => optional_name(cursor).map(|_| RATER),
            "comment" => is_optional_text(cursor).map(|()| COMMENT),
            _ => None,
        };
        once(&mut self.seen, seen?)
    }

    fn transfer(&mut self, cursor: &mut Cursor<'a>) -> Option<u32> {
        if !cursor.null() {
            self.transfer = Some(cursor.boolean()?);
        }
        Some(TRANSFER)
    }

    fn scale(&mut self, cursor: &mut Cursor<'a>) -> Option<()> {
        let mut seen = 0;
        cursor.object(|cursor, member| match member {
            "min" => once(&mut seen, put(&mut self.min, bound(cursor), MIN)?),
            "max" => once(&mut seen, put(&mut self.max, bound(cursor), MAX)?),
            _ => None,
        })?;
        (seen == MIN | MAX && self.min < self.max).then_some(())
    }

    /// Whether it has all members of `required`, and no others than these and `optional` ones.
    fn has(&self, required: u32, optional: u32) -> bool {
        self.seen & required == required && self.seen & !(required | optional) == 0
    }
}

/// What the ledger keeps of the data of an event, as `ledger.fact_of` does.
pub struct Content<'a> {
    pub kind: u8,
    pub names: [&'a str; 5],
    pub names_len: u8,
    pub numbers: [i64; 5],
    pub numbers_len: u8,
}

impl<'a> Content<'a> {
    #[inline]
    fn new<const N: usize, const M: usize>(
        kind: u8,
        names: [&'a str; N],
        numbers: [i64; M],
    ) -> Self {
        let (names, names_len) = filled_up(names);
        let (numbers, numbers_len) = filled_up(numbers);
        Self {
            kind,
            names,
            names_len,
            numbers,
            numbers_len,
        }
    }
}

#[inline]
fn filled_up<T: Copy + Default, const N: usize>(given: [T; N]) -> ([T; 5], u8) {
    let mut all = [T::default(); 5];
    all[..N].copy_from_slice(&given);
    (all, u8::try_from(N).expect("not more than five"))
}

/// Whether an event of this type need not have data; it then has what `Data::default` says.
pub fn may_lack_data(event_type: &str) -> bool {
    matches!(
        event_type,
        "ticket.customer_replied"
            | "ticket.resumed"
            | "ticket.resolved"
            | "ticket.reopened"
            | "ticket.closed"
            | "ticket.complained"
    )
}

/// `None` for data that an event of this type may not have, and for a type that is unknown or
/// seldom comes.
pub fn content<'a>(event_type: &str, data: &Data<'a>) -> Option<Content<'a>> {
    let (content, required, optional) = match event_type {
        "ticket.opened" => (opened(data), 0, HOLDER | CONTEXT),
        "ticket.assigned" => (assigned(data), 0, HOLDER | TRANSFER),
        "ticket.customer_replied" => (bare(kind::CUSTOMER_REPLIED), 0, 0),
        "ticket.waiting" => (Content::new(kind::WAITING, [], [data.on]), ON, 0),
        "ticket.resumed" => (bare(kind::RESUMED), 0, 0),
        "ticket.resolved" => (by_employee(kind::RESOLVED, data), 0, EMPLOYEE),
        "ticket.reopened" => (bare(kind::REOPENED), 0, 0),
        "ticket.closed" => (bare(kind::CLOSED), 0, 0),
        "ticket.complained" => (by_employee(kind::COMPLAINED, data), 0, EMPLOYEE),
        "ticket.handled" => (handled(data), DURATION, EMPLOYEE | COST | CURRENCY),
        "response.sent" => (response(data), SENDER, EMPLOYEE),
        "response.measured" => (measured(data), METRIC | DURATION, EMPLOYEE),
        "survey.sent" => (survey_sent(data), KIND, WORDING | EMPLOYEE),
        "survey.answered" => (
            answered(data)?,
            ANSWER,
            WORDING | EMPLOYEE | RATER_ROLE | RATER | COMMENT,
        ),
        _ => return None,
    };
    data.has(required, optional).then_some(content)
}

fn bare<'a>(kind: u8) -> Content<'a> {
    Content::new(kind, [], [])
}

fn by_employee<'a>(kind: u8, data: &Data<'a>) -> Content<'a> {
    Content::new(kind, [data.employee], [])
}

fn opened<'a>(data: &Data<'a>) -> Content<'a> {
    let names = [
        data.department,
        data.team,
        data.employee,
        data.channel,
        data.category,
    ];
    Content::new(kind::OPENED, names, [])
}

fn assigned<'a>(data: &Data<'a>) -> Content<'a> {
    let names = [data.department, data.team, data.employee];
    match data.transfer {
        None => Content::new(kind::ASSIGNED, names, []),
        Some(stated) => Content::new(kind::ASSIGNED, names, [i64::from(stated)]),
    }
}

fn handled<'a>(data: &Data<'a>) -> Content<'a> {
    let names = [data.employee, data.currency];
    Content::new(kind::HANDLED, names, [data.duration_ms, data.cost_minor])
}

fn response<'a>(data: &Data<'a>) -> Content<'a> {
    Content::new(kind::RESPONSE, [data.employee], [data.sender])
}

fn measured<'a>(data: &Data<'a>) -> Content<'a> {
    Content::new(
        kind::RESPONSE_MEASURED,
        [data.employee],
        [data.metric, data.duration_ms],
    )
}

fn survey_sent<'a>(data: &Data<'a>) -> Content<'a> {
    Content::new(
        kind::SURVEY_SENT,
        [data.employee, data.wording],
        [data.survey],
    )
}

fn answered<'a>(data: &Data<'a>) -> Option<Content<'a>> {
    let names = [data.employee, data.wording];
    let numbers = [data.survey, data.rater_role, data.min, data.max, data.value];
    let is_on_scale = (data.min..=data.max).contains(&data.value);
    is_on_scale.then(|| Content::new(kind::SURVEY_ANSWERED, names, numbers))
}

#[inline]
fn choice(cursor: &mut Cursor<'_>, choices: &[&str]) -> Option<i64> {
    let text = cursor.string()?;
    (0..)
        .zip(choices)
        .find_map(|(number, choice)| (*choice == text).then_some(number))
}

fn duration(cursor: &mut Cursor<'_>) -> Option<i64> {
    cursor
        .integer()
        .filter(|value| (0..=MAX_DURATION_MS).contains(value))
}

/// Zero for null.
fn cost(cursor: &mut Cursor<'_>) -> Option<i64> {
    if cursor.null() {
        return Some(0);
    }
    cursor
        .integer()
        .filter(|value| (0..=MAX_COST_MINOR).contains(value))
}

fn bound(cursor: &mut Cursor<'_>) -> Option<i64> {
    cursor
        .integer()
        .filter(|value| (-MAX_BOUND..=MAX_BOUND).contains(value))
}
