//! What a ticket's past facts leave behind, and its resting form.

use crate::fact::{Fact, Order};
use crate::msgpack::{Damaged, Read, Reader, Write};
use crate::names::{Holder, NO_NAME, Symbol, Symbols};
use crate::promises::{NEVER, PROMISES, Promise, Span};

/// The place of the unknown holder among a ticket's holders.
pub const NOBODY: usize = 0;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    #[default]
    Absent = 0,
    Open = 1,
    Resolved = 2,
    ClosedUnresolved = 3,
}

/// A measurement that a later fact may take back; `holder` is a place in the holders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stated {
    pub sequence: i64,
    pub time_ms: i64,
    pub value: i64,
    pub good: i64,
    pub holder: usize,
    pub event: u64,
}

/// What the time ahead holds for a ticket: when something of it falls due, and the time of the
/// greatest fact of one that is over, after which it may be forgotten; `NEVER` where there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outlook {
    pub due_ms: i64,
    pub over_ms: i64,
}

impl Outlook {
    fn new(due_ms: i64, status: Status, last: Option<Order>) -> Self {
        let over_ms = match (status, last) {
            (Status::Open, _) => NEVER,
            (_, Some((time_ms, ..))) => time_ms,
            (_, None) => i64::MIN,
        };
        Self { due_ms, over_ms }
    }
}

impl Default for Outlook {
    /// Of a ticket that nothing is known of.
    fn default() -> Self {
        Self {
            due_ms: NEVER,
            over_ms: NEVER,
        }
    }
}

/// Holders are places in `holders`; times are ms. `last` is the order of the greatest fact, be it excluded or a correction;
/// `sequences` counts the measurements of each indicator that can have several. `next_due_ms` is
/// when something becomes of the ticket if nothing happens, and `settled_ms` when that was the case
/// last; `promises` are those that are not settled. `unanswered_ms` is when the customer's wait for
/// the next reply began; while the ticket is resolved, when the customer wrote since. `measured`
/// holds by indicator what a source measured itself, `clocked` the indicators (a bit each) of which
/// the events tell it. `cost` is that of handling, in minor units.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "what happened to a ticket, each apart"
)]
pub struct Life {
    pub next_due_ms: i64,
    pub holders: Vec<Holder>,
    pub last: Option<Order>,
    pub facts: usize,
    pub corrected: bool,
    pub status: Status,
    pub opened_ms: Option<i64>,
    pub opened_event: u64,
    pub channel: Symbol,
    pub category: Symbol,
    pub opener: usize,
    pub holder: usize,
    pub known: usize,
    pub resolver: usize,
    pub first_resolver: usize,
    pub first_resolved_ms: Option<i64>,
    pub first_resolved_event: u64,
    pub last_resolution: Option<Stated>,
    pub responded: bool,
    pub measured_response: Option<Stated>,
    pub transferred: bool,
    pub reopened: bool,
    pub complained: bool,
    pub waiting_since_ms: Option<i64>,
    pub pauses: Vec<Span>,
    pub waits: Vec<Span>,
    pub surveys: Vec<Stated>,
    pub sequences: Vec<(u8, i64)>,
    pub settled_ms: Option<i64>,
    pub promises: Vec<Promise>,
    pub missed_response: Option<Stated>,
    pub unanswered_ms: Option<i64>,
    pub measured: Vec<(u8, Vec<Stated>)>,
    pub clocked: u128,
    pub cost: i64,
}

const FIELDS: usize = 35;

impl Default for Life {
    /// A ticket that nothing is known of.
    fn default() -> Self {
        Self {
            next_due_ms: NEVER,
            holders: vec![Holder::default()],
            last: None,
            facts: 0,
            corrected: false,
            status: Status::Absent,
            opened_ms: None,
            opened_event: 0,
            channel: NO_NAME,
            category: NO_NAME,
            opener: NOBODY,
            holder: NOBODY,
            known: NOBODY,
            resolver: NOBODY,
            first_resolver: NOBODY,
            first_resolved_ms: None,
            first_resolved_event: 0,
            last_resolution: None,
            responded: false,
            measured_response: None,
            transferred: false,
            reopened: false,
            complained: false,
            waiting_since_ms: None,
            pauses: Vec::new(),
            waits: Vec::new(),
            surveys: Vec::new(),
            sequences: Vec::new(),
            settled_ms: None,
            promises: Vec::new(),
            missed_response: None,
            unanswered_ms: None,
            measured: Vec::new(),
            clocked: 0,
            cost: 0,
        }
    }
}

impl Life {
    /// Whether the next assignment names whose the ticket was from the beginning.
    pub fn awaits_holder(&self) -> bool {
        self.opened_ms.is_some() && self.opener == NOBODY && self.holder == NOBODY
    }

    /// The holder's place, given out when it is first asked for.
    pub fn place(&mut self, holder: Holder) -> usize {
        if let Some(place) = self.holders.iter().position(|&known| known == holder) {
            return place;
        }
        self.holders.push(holder);
        self.holders.len() - 1
    }

    /// The next sequence number of an indicator.
    pub fn sequence(&mut self, indicator: u8) -> i64 {
        if let Some((_, next)) = self
            .sequences
            .iter_mut()
            .find(|(known, _)| *known == indicator)
        {
            *next += 1;
            return *next - 1;
        }
        self.sequences.push((indicator, 1));
        0
    }

    /// The promises have changed.
    pub fn look_ahead(&mut self) {
        self.next_due_ms = self
            .promises
            .iter()
            .map(Promise::next_ms)
            .min()
            .unwrap_or(NEVER);
    }

    /// The place of the promise of this kind, while it is not settled.
    pub fn promise(&self, kind: usize) -> Option<usize> {
        self.promises
            .iter()
            .position(|promise| promise.kind == kind)
    }

    pub fn outlook(&self) -> Outlook {
        Outlook::new(self.next_due_ms, self.status, self.last)
    }

    pub fn is_clocked(&self, indicator: u8) -> bool {
        self.clocked >> indicator & 1 == 1
    }

    /// Exempt time and waiting; a wait that goes on ends at `until_ms`.
    pub fn pauses_with_waits(&self, until_ms: i64) -> Vec<Span> {
        let mut pauses = [self.pauses.as_slice(), &self.waits].concat();
        pauses.extend(self.waiting_since_ms.map(|since| (since, until_ms)));
        pauses
    }

    // -- at rest ---------------------------------------------------------------------------------

    /// The resting form: an array of all fields in their order, -1 where there is no time.
    pub fn write(&self, symbols: &Symbols, buffer: &mut Vec<u8>) {
        buffer.array(FIELDS);
        buffer.int(self.next_due_ms);
        buffer.uint(self.status as u64);
        write_order(self.last, buffer);
        buffer.array(self.holders.len());
        for holder in &self.holders {
            buffer.array(3);
            for name in [holder.department, holder.team, holder.employee] {
                buffer.text(symbols.text(name));
            }
        }
        count(self.facts, buffer);
        buffer.bool(self.corrected);
        time(self.opened_ms, buffer);
        buffer.uint(self.opened_event);
        buffer.text(symbols.text(self.channel));
        buffer.text(symbols.text(self.category));
        for place in [
            self.opener,
            self.holder,
            self.known,
            self.resolver,
            self.first_resolver,
        ] {
            count(place, buffer);
        }
        time(self.first_resolved_ms, buffer);
        buffer.uint(self.first_resolved_event);
        write_optional(self.last_resolution, buffer);
        buffer.bool(self.responded);
        write_optional(self.measured_response, buffer);
        for flag in [self.transferred, self.reopened, self.complained] {
            buffer.bool(flag);
        }
        time(self.waiting_since_ms, buffer);
        write_spans(&self.pauses, buffer);
        write_spans(&self.waits, buffer);
        write_all(&self.surveys, buffer);
        buffer.map(self.sequences.len());
        for &(indicator, next) in &self.sequences {
            buffer.uint(u64::from(indicator));
            buffer.int(next);
        }
        time(self.settled_ms, buffer);
        self.write_promises(buffer);
        write_optional(self.missed_response, buffer);
        time(self.unanswered_ms, buffer);
        buffer.map(self.measured.len());
        for (indicator, stated) in &self.measured {
            buffer.uint(u64::from(*indicator));
            write_all(stated, buffer);
        }
        self.write_clocked(buffer);
        buffer.int(self.cost);
    }

    fn write_promises(&self, buffer: &mut Vec<u8>) {
        buffer.array(self.promises.len());
        for promise in &self.promises {
            buffer.array(5);
            count(promise.kind, buffer);
            count(promise.limited_by, buffer);
            match promise.at_risk {
                Some(place) => count(place, buffer),
                None => buffer.int(-1),
            }
            buffer.int(promise.due_ms);
            buffer.int(promise.risk_ms);
        }
    }

    fn write_clocked(&self, buffer: &mut Vec<u8>) {
        buffer.array(self.clocked.count_ones() as usize);
        for indicator in (0..128).filter(|&indicator| self.is_clocked(indicator)) {
            buffer.uint(u64::from(indicator));
        }
    }

    /// The inverse of `write`, into this life, whose room is used again.
    pub fn read(&mut self, reader: &mut Reader<'_>, symbols: &mut Symbols) -> Read<()> {
        reader.array_of(FIELDS)?;
        self.next_due_ms = reader.int()?;
        self.status = read_status(reader)?;
        self.last = read_order(reader)?;
        self.holders.clear();
        for _ in 0..reader.array()? {
            reader.array_of(3)?;
            let mut name = || Ok(symbols.number(reader.text()?));
            let holder = Holder {
                department: name()?,
                team: name()?,
                employee: name()?,
            };
            self.holders.push(holder);
        }
        self.facts = reader.small()?;
        self.corrected = reader.bool()?;
        self.opened_ms = read_time(reader)?;
        self.opened_event = reader.uint()?;
        self.channel = symbols.number(reader.text()?);
        self.category = symbols.number(reader.text()?);
        self.opener = self.read_place(reader)?;
        self.holder = self.read_place(reader)?;
        self.known = self.read_place(reader)?;
        self.resolver = self.read_place(reader)?;
        self.first_resolver = self.read_place(reader)?;
        self.first_resolved_ms = read_time(reader)?;
        self.first_resolved_event = reader.uint()?;
        self.last_resolution = self.read_optional(reader)?;
        self.responded = reader.bool()?;
        self.measured_response = self.read_optional(reader)?;
        self.transferred = reader.bool()?;
        self.reopened = reader.bool()?;
        self.complained = reader.bool()?;
        self.waiting_since_ms = read_time(reader)?;
        read_spans(reader, &mut self.pauses)?;
        read_spans(reader, &mut self.waits)?;
        self.surveys = self.read_all(reader)?;
        self.sequences.clear();
        for _ in 0..reader.map()? {
            self.sequences.push((reader.small()?, reader.int()?));
        }
        self.settled_ms = read_time(reader)?;
        self.read_promises(reader)?;
        self.missed_response = self.read_optional(reader)?;
        self.unanswered_ms = read_time(reader)?;
        self.measured.clear();
        for _ in 0..reader.map()? {
            let indicator = reader.small()?;
            let stated = self.read_all(reader)?;
            self.measured.push((indicator, stated));
        }
        self.read_clocked(reader)?;
        self.cost = reader.int()?;
        Ok(())
    }

    fn read_place(&self, reader: &mut Reader<'_>) -> Read<usize> {
        let place = reader.small()?;
        if place < self.holders.len() {
            Ok(place)
        } else {
            Err(Damaged::Range)
        }
    }

    fn read_stated(&self, reader: &mut Reader<'_>) -> Read<Stated> {
        reader.array_of(6)?;
        Ok(Stated {
            sequence: reader.int()?,
            time_ms: reader.int()?,
            value: reader.int()?,
            good: reader.int()?,
            holder: self.read_place(reader)?,
            event: reader.uint()?,
        })
    }

    fn read_optional(&self, reader: &mut Reader<'_>) -> Read<Option<Stated>> {
        if reader.nil()? {
            Ok(None)
        } else {
            self.read_stated(reader).map(Some)
        }
    }

    fn read_all(&self, reader: &mut Reader<'_>) -> Read<Vec<Stated>> {
        (0..reader.array()?)
            .map(|_| self.read_stated(reader))
            .collect()
    }

    fn read_promises(&mut self, reader: &mut Reader<'_>) -> Read<()> {
        self.promises.clear();
        for _ in 0..reader.array()? {
            reader.array_of(5)?;
            let promise = Promise {
                kind: reader.small()?,
                limited_by: self.read_place(reader)?,
                at_risk: usize::try_from(reader.int()?).ok(),
                due_ms: reader.int()?,
                risk_ms: reader.int()?,
            };
            let is_placed = promise
                .at_risk
                .is_none_or(|place| place < self.holders.len());
            if promise.kind >= PROMISES || !is_placed {
                return Err(Damaged::Range);
            }
            self.promises.push(promise);
        }
        Ok(())
    }

    fn read_clocked(&mut self, reader: &mut Reader<'_>) -> Read<()> {
        self.clocked = 0;
        for _ in 0..reader.array()? {
            let indicator: u8 = reader.small()?;
            self.clocked |= 1_u128
                .checked_shl(u32::from(indicator))
                .ok_or(Damaged::Range)?;
        }
        Ok(())
    }
}

fn count(number: usize, buffer: &mut Vec<u8>) {
    buffer.uint(number as u64);
}

fn time(time_ms: Option<i64>, buffer: &mut Vec<u8>) {
    buffer.int(time_ms.unwrap_or(-1));
}

fn read_time(reader: &mut Reader<'_>) -> Read<Option<i64>> {
    Ok(Some(reader.int()?).filter(|&time_ms| time_ms >= 0))
}

fn write_order(order: Option<Order>, buffer: &mut Vec<u8>) {
    buffer.array(3);
    match order {
        Some((time_ms, kind, event)) => {
            buffer.int(time_ms);
            buffer.uint(u64::from(kind));
            buffer.uint(event);
        }
        None => (0..3).for_each(|_| buffer.int(-1)),
    }
}

fn read_order(reader: &mut Reader<'_>) -> Read<Option<Order>> {
    reader.array_of(3)?;
    let Some(time_ms) = read_time(reader)? else {
        reader.int()?;
        reader.int()?;
        return Ok(None);
    };
    Ok(Some((time_ms, reader.small()?, reader.uint()?)))
}

fn read_status(reader: &mut Reader<'_>) -> Read<Status> {
    match reader.uint()? {
        0 => Ok(Status::Absent),
        1 => Ok(Status::Open),
        2 => Ok(Status::Resolved),
        3 => Ok(Status::ClosedUnresolved),
        _ => Err(Damaged::Range),
    }
}

fn write_stated(stated: Stated, buffer: &mut Vec<u8>) {
    buffer.array(6);
    for number in [stated.sequence, stated.time_ms, stated.value, stated.good] {
        buffer.int(number);
    }
    count(stated.holder, buffer);
    buffer.uint(stated.event);
}

fn write_optional(stated: Option<Stated>, buffer: &mut Vec<u8>) {
    match stated {
        Some(stated) => write_stated(stated, buffer),
        None => buffer.nil(),
    }
}

fn write_all(all: &[Stated], buffer: &mut Vec<u8>) {
    buffer.array(all.len());
    for &stated in all {
        write_stated(stated, buffer);
    }
}

fn write_spans(spans: &[Span], buffer: &mut Vec<u8>) {
    buffer.array(spans.len());
    for &(start, end) in spans {
        buffer.array(2);
        buffer.int(start);
        buffer.int(end);
    }
}

fn read_spans(reader: &mut Reader<'_>, spans: &mut Vec<Span>) -> Read<()> {
    spans.clear();
    for _ in 0..reader.array()? {
        reader.array_of(2)?;
        spans.push((reader.int()?, reader.int()?));
    }
    Ok(())
}

// -- tickets ---------------------------------------------------------------------------------------

/// A ticket at rest is its life and its facts, which rest as one string of `MessagePack` arrays, in
/// the order they came. A fact that comes in order is appended without reading the others: that an
/// event is new is seen by looking for its hash in the string.
pub fn pack(life: &Life, facts: &[&[u8]], symbols: &Symbols, buffer: &mut Vec<u8>) {
    buffer.array(2);
    life.write(symbols, buffer);
    buffer.bin_header(facts.iter().map(|part| part.len()).sum());
    for part in facts {
        buffer.extend_from_slice(part);
    }
}

/// The inverse: fills the life, and gives the facts.
pub fn unpack<'a>(packed: &'a [u8], life: &mut Life, symbols: &mut Symbols) -> Read<&'a [u8]> {
    let mut reader = Reader::new(packed);
    reader.array_of(2)?;
    life.read(&mut reader, symbols)?;
    reader.bin()
}

/// The outlook of a ticket at rest, without reading the rest.
pub fn outlook(packed: &[u8]) -> Read<Outlook> {
    let reader = &mut Reader::new(packed);
    reader.array_of(2)?;
    reader.array_of(FIELDS)?;
    let due_ms = reader.int()?;
    let status = read_status(reader)?;
    Ok(Outlook::new(due_ms, status, read_order(reader)?))
}

/// All facts, in the order they came.
pub fn list_facts(facts: &[u8], symbols: &mut Symbols) -> Read<Vec<Fact>> {
    let mut reader = Reader::new(facts);
    let mut found = Vec::new();
    while !reader.at_end() {
        found.push(Fact::read(&mut reader, symbols)?);
    }
    Ok(found)
}

/// Whether an event is among the facts.
pub fn knows(facts: &[u8], event: u64, symbols: &mut Symbols) -> Read<bool> {
    // A small hash has a shorter form, which other numbers may contain.
    let is_long = u32::try_from(event).is_err();
    if is_long {
        let mut form = [0xcf; 9];
        form[1..].copy_from_slice(&event.to_be_bytes());
        if memchr::memmem::find(facts, &form).is_none() {
            return Ok(false);
        }
    }
    // It may be what a correction corrects.
    Ok(list_facts(facts, symbols)?
        .iter()
        .any(|fact| fact.event == event))
}
