//! The fast reader of events v1: from the bytes of a structured `CloudEvent` to what the ledger
//! keeps of it, as `fact_of(decode_event(value))` gives it.
//!
//! It reads plain events only. Anything unusual gives `None`, be it right or wrong; then
//! `shared.contracts.decode` decides, and explains the mistake. So nothing may be accepted here
//! that it refuses, and nothing read differently; it need not accept all that is right.

mod cursor;
mod data;
mod escapes;
mod texts;
mod timestamp;

use pyo3::prelude::*;
use pyo3::types::PyTuple;

use cursor::Cursor;
use data::Data;
use texts::{is_content_type, name};
use timestamp::epoch_ms;

use crate::event_hash::event_hash;

/// What an event says, in the terms of `services.scoring.core.ledger.Fact`. An unknown name is "".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    pub subject: &'a str,
    pub time_ms: i64,
    pub received_ms: Option<i64>,
    pub hash: u64,
    /// One of [`crate::kind`].
    pub kind: u8,
    pub names: [&'a str; 5],
    pub names_len: u8,
    pub numbers: [i64; 5],
    pub numbers_len: u8,
}

impl<'a> Event<'a> {
    #[must_use]
    pub fn names(&self) -> &[&'a str] {
        &self.names[..usize::from(self.names_len)]
    }

    #[must_use]
    pub fn numbers(&self) -> &[i64] {
        &self.numbers[..usize::from(self.numbers_len)]
    }
}

/// Reads a plain event: without escapes, but for texts that the ledger does not keep.
#[must_use]
pub fn parse(value: &[u8]) -> Option<Event<'_>> {
    let mut cursor = Cursor::new(std::str::from_utf8(value).ok()?);
    let mut envelope = Envelope::default();
    cursor.object(|cursor, name| envelope.member(cursor, name))?;
    cursor.end()?;
    envelope.event()
}

/// Reads an event that spells what is not ASCII as `\uXXXX` and is plain otherwise; the event's
/// texts lie in `scratch`. `None` for an event without escapes: that one is for [`parse`].
pub fn parse_escaped<'s>(value: &[u8], scratch: &'s mut Vec<u8>) -> Option<Event<'s>> {
    memchr::memchr(b'\\', value)?;
    parse(escapes::written_out(value, scratch)?)
}

const SPECVERSION: u32 = 1;
const ID: u32 = 1 << 1;
const SOURCE: u32 = 1 << 2;
const TYPE: u32 = 1 << 3;
const SUBJECT: u32 = 1 << 4;
const TIME: u32 = 1 << 5;
const RECEIVED: u32 = 1 << 6;
const CONTENT_TYPE: u32 = 1 << 7;
const SCHEMA: u32 = 1 << 8;
const DATA: u32 = 1 << 9;
const REQUIRED: u32 = SPECVERSION | ID | SOURCE | TYPE | SUBJECT | TIME;

/// The members of the event that were read so far.
#[derive(Default)]
struct Envelope<'a> {
    seen: u32,
    id: &'a str,
    source: &'a str,
    event_type: &'a str,
    subject: &'a str,
    time_ms: i64,
    received_ms: Option<i64>,
    schema: Option<&'a str>,
    data: Data<'a>,
}

impl<'a> Envelope<'a> {
    #[inline]
    fn member(&mut self, cursor: &mut Cursor<'a>, member: &'a str) -> Option<()> {
        let seen = match member {
            "specversion" => (cursor.string()? == "1.0").then_some(SPECVERSION),
            "id" => put(&mut self.id, name(cursor), ID),
            "source" => put(&mut self.source, name(cursor), SOURCE),
            "type" => put(&mut self.event_type, cursor.string(), TYPE),
            "subject" => put(&mut self.subject, name(cursor), SUBJECT),
            "time" => put(&mut self.time_ms, epoch_ms(cursor.string()?), TIME),
            "receivedtime" => self.received(cursor),
            "datacontenttype" => content_type(cursor),
            "dataschema" => self.schema(cursor),
            "data" => self.data.read(cursor).map(|()| DATA),
            _ => return cursor.pass_scalar(),
        };
        once(&mut self.seen, seen?)
    }

    fn received(&mut self, cursor: &mut Cursor<'a>) -> Option<u32> {
        if !cursor.null() {
            self.received_ms = Some(epoch_ms(cursor.string()?)?);
        }
        Some(RECEIVED)
    }

    fn schema(&mut self, cursor: &mut Cursor<'a>) -> Option<u32> {
        if !cursor.null() {
            self.schema = Some(cursor.string()?);
        }
        Some(SCHEMA)
    }

    fn event(&self) -> Option<Event<'a>> {
        if self.seen & REQUIRED != REQUIRED || !self.is_of_schema() || !self.has_its_data() {
            return None;
        }
        let content = data::content(self.event_type, &self.data)?;
        Some(Event {
            subject: self.subject,
            time_ms: self.time_ms,
            received_ms: self.received_ms,
            hash: event_hash(self.source, self.id),
            kind: content.kind,
            names: content.names,
            names_len: content.names_len,
            numbers: content.numbers,
            numbers_len: content.numbers_len,
        })
    }

    fn has_its_data(&self) -> bool {
        self.seen & DATA != 0 || data::may_lack_data(self.event_type)
    }

    fn is_of_schema(&self) -> bool {
        let Some(schema) = self.schema else {
            return true;
        };
        let inner = schema.strip_prefix("urn:bellwether:event:");
        inner.and_then(|rest| rest.strip_suffix(":v1")) == Some(self.event_type)
    }
}

#[inline]
fn put<T>(place: &mut T, value: Option<T>, member: u32) -> Option<u32> {
    *place = value?;
    Some(member)
}

/// A member that comes twice is unusual.
#[inline]
fn once(seen: &mut u32, member: u32) -> Option<()> {
    let first = *seen & member == 0;
    *seen |= member;
    first.then_some(())
}

fn content_type(cursor: &mut Cursor<'_>) -> Option<u32> {
    let right = cursor.null() || is_content_type(cursor.string()?);
    right.then_some(CONTENT_TYPE)
}

type PlainEvent<'py> = (
    String,
    i64,
    Option<i64>,
    u8,
    u64,
    Bound<'py, PyTuple>,
    Bound<'py, PyTuple>,
);

/// For tests: subject, time, time of reception, kind, event hash, names and numbers.
///
/// # Errors
/// Python's, where it has no memory for a tuple.
#[pyfunction]
pub fn parse_event<'py>(py: Python<'py>, value: &[u8]) -> PyResult<Option<PlainEvent<'py>>> {
    let mut scratch = Vec::new();
    let Some(event) = parse(value).or_else(|| parse_escaped(value, &mut scratch)) else {
        return Ok(None);
    };
    let names = PyTuple::new(py, event.names())?;
    let numbers = PyTuple::new(py, event.numbers())?;
    let subject = event.subject.to_owned();
    Ok(Some((
        subject,
        event.time_ms,
        event.received_ms,
        event.kind,
        event.hash,
        names,
        numbers,
    )))
}
