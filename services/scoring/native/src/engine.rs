//! The measuring engine of one input partition: facts in, measurements and panes out.
//!
//! It knows no broker and no clock. `take` takes facts, `advance` tells how far time has come,
//! `flush` books what both change and gives everything that has to be stored together, `restore`
//! rebuilds the state from the changelog records that flushes gave. After a flush that could not be
//! stored, or that failed, the engine is discarded and restored.

use std::io;

use pyo3::PyResult;
use rustc_hash::{FxBuildHasher, FxHashMap};

use crate::booking::{Arrival, Booked, Booking, Refused};
use crate::calendar::Layout;
use crate::cells::WireCells;
use crate::changelog::{self, Header};
use crate::cold::Ahead;
use crate::deadlines::Deadlines;
use crate::derive::{self, Anomalies};
use crate::fact::Fact;
use crate::lateness::Lateness;
use crate::leaves::Leaves;
use crate::life::{self, Life};
use crate::lifecycle::Lifecycle;
use crate::measured::{self, Columns, Stated};
use crate::msgpack::Damaged;
use crate::names::{NameTable, Names};
use crate::panes::{self, Cursor, DAY_MS, HOUR_MS, MINUTE_MS, Midnights, PaneStore};
use crate::promises::Span;
use crate::tickets::{Had, Tickets};
use crate::timeline::{self, Stretch};

const ROWS_PER_RECORD: usize = 4000;
const MIN_SLICE_TICKETS: usize = 20;
const MIN_SLICE_CELLS: usize = 50;
/// Of the cells that a flush touches, one in so many is stated again in turn: a round of tickets
/// takes longer anyway.
const CELLS_A_SLICE: usize = 4;
/// However large the state and however small the flushes, the log's tail is bounded by it.
const MOST_FLUSHES_A_ROUND: usize = 2000;
/// When there are more texts, they are learnt anew, so that those of long ago do not stay for ever.
const MOST_SYMBOLS: usize = 200_000;

/// Everything that has to be stored in one transaction, or not at all.
pub struct Flush<R> {
    pub revision: i64,
    pub cycle: i64,
    pub cycle_started: bool,
    pub changelog: Vec<Vec<u8>>,
    /// The cells that the flush changed, and a slice of all.
    pub touched: WireCells,
    pub sliced: WireCells,
    pub measurements: Vec<Columns>,
    pub refused: Vec<Refused<R>>,
    pub received_ms: i64,
    pub counts: Counts,
}

/// What became of the records of a flush.
pub struct Counts {
    pub events: u64,
    pub fresh: u64,
    pub settled: u64,
    pub anomalies: Anomalies,
}

/// What was read since the last flush.
struct Pending<R> {
    arrivals: Vec<Arrival<R>>,
    refused: Vec<Refused<R>>,
    events: u64,
    received_ms: i64,
}

impl<R> Default for Pending<R> {
    fn default() -> Self {
        Self {
            arrivals: Vec::new(),
            refused: Vec::new(),
            events: 0,
            received_ms: 0,
        }
    }
}

/// How far a round of slices has come.
enum Round<T> {
    At(T),
    Done,
}

/// How much is done or remembered at once: tickets that fall due in a flush, after a long
/// standstill; combinations of names, whose leaves are learnt anew when there are more.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub deadlines: usize,
    pub names: usize,
}

/// State and arithmetic of one input partition. `R` is what a record is given back by when it is
/// refused.
pub struct Engine<L, M, R> {
    pub positions: Vec<i64>,
    pub watermark_ms: i64,
    pub lifecycle: Lifecycle<L>,
    midnights: M,
    bounds: Bounds,
    tickets: Tickets,
    names: NameTable,
    panes: PaneStore,
    revision: i64,
    cycle: i64,
    ticket_round: Round<(u32, u32)>,
    cell_round: Round<Option<Cursor>>,
    panes_rested_ms: i64,
    panes_expired_ms: i64,
    tickets_expired_ms: i64,
    lateness: Lateness,
    deadlines: Deadlines,
    stream_ms: i64,
    settled_ms: i64,
    pending: Pending<R>,
}

impl<L: Layout, M: Midnights, R> Engine<L, M, R> {
    /// Of so many input topics.
    pub fn new(
        lifecycle: Lifecycle<L>,
        midnights: M,
        panes: PaneStore,
        tickets: Tickets,
        inputs: usize,
        bounds: Bounds,
    ) -> Self {
        Self {
            positions: vec![0; inputs],
            watermark_ms: 0,
            lifecycle,
            midnights,
            bounds,
            tickets,
            names: NameTable::default(),
            panes,
            revision: 0,
            cycle: 0,
            ticket_round: Round::Done,
            cell_round: Round::Done,
            panes_rested_ms: 0,
            panes_expired_ms: 0,
            tickets_expired_ms: 0,
            lateness: Lateness::new(inputs),
            deadlines: Deadlines::default(),
            stream_ms: 0,
            settled_ms: 0,
            pending: Pending::default(),
        }
    }

    /// Records read since the last flush, refused ones included.
    pub fn pending_events(&self) -> u64 {
        self.pending.events
    }

    /// How far time has come: what was due before is booked by the next flush. It never goes back.
    pub fn stream_ms(&self) -> i64 {
        self.stream_ms.max(self.watermark_ms)
    }

    /// Stream time before which all that fell due is booked.
    pub fn settled_ms(&self) -> i64 {
        self.settled_ms
    }

    /// Whether something has fallen due that is not booked.
    pub fn has_due(&mut self) -> bool {
        let (until_ms, tickets) = (self.stream_ms(), &self.tickets);
        self.deadlines
            .is_due(until_ms, |place| tickets.due_from_ms(place))
    }

    /// Time has come so far, though no event says so.
    pub fn advance(&mut self, stream_ms: i64) {
        self.stream_ms = self.stream_ms.max(stream_ms);
    }

    /// Tickets remembered.
    pub fn tickets(&self) -> usize {
        self.tickets.count()
    }

    /// What the file of what rests may take, in bytes; 0 without one.
    pub fn file_bytes(&self) -> u64 {
        self.tickets.file_bytes() + self.panes.file_bytes()
    }

    /// The time of a ticket that is remembered, by whose it was and what for, up to `until_ms`; and
    /// the spans that corrections exempt. Facts that wait for a flush are not in it.
    ///
    /// # Errors
    /// When the ticket's resting form is damaged or not to be had.
    pub fn stretches(&mut self, id: &str, until_ms: i64) -> Had<(Vec<Stretch>, Vec<Span>)> {
        let Some(place) = self.tickets.find(id)? else {
            return Ok((Vec::new(), Vec::new()));
        };
        let mut life = Life::default();
        let resting = self.tickets.form(place);
        if resting.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        let facts = life::unpack(resting, &mut life, &mut self.lifecycle.symbols)?;
        let facts = life::list_facts(facts, &mut self.lifecycle.symbols)?;
        Ok((
            timeline::stretches(&facts, &mut self.lifecycle, until_ms),
            derive::exemptions(&facts),
        ))
    }

    // -- reading ---------------------------------------------------------------------------------

    /// Panes that end by then are sealed.
    pub fn sealed_ms(&self) -> i64 {
        self.panes.sealed_ms()
    }

    /// The leaves of the cells that flushes give.
    pub fn leaves(&self) -> &Leaves {
        self.panes.leaves()
    }

    /// The names that a flush's measurements refer to, until the next fact is taken.
    pub fn names_of(&self, number: u32) -> [&str; 5] {
        let parts = self.names.rows()[number as usize].parts();
        parts.map(|name| self.lifecycle.symbols.text(name))
    }

    /// Combinations of names remembered.
    pub fn names(&self) -> usize {
        self.names.count()
    }

    /// Whether the record at an offset was not read before; then it counts as read.
    pub fn is_next(&mut self, topic: usize, offset: i64) -> bool {
        if offset < self.positions[topic] {
            return false;
        }
        self.positions[topic] = offset + 1;
        self.pending.events += 1;
        true
    }

    /// Take the next fact of a topic, which was received at an instant.
    ///
    /// # Errors
    /// When the ticket's resting form is not to be had.
    pub fn take(
        &mut self,
        topic: usize,
        ticket: &str,
        fact: Fact,
        received_ms: i64,
        record: R,
    ) -> Had<()> {
        let is_late = self.lateness.read(topic, fact.time_ms);
        self.watermark_ms = self.watermark_ms.max(fact.time_ms);
        self.pending.received_ms = self.pending.received_ms.max(received_ms);
        let ticket = self.tickets.place(ticket)?;
        self.pending.arrivals.push(Arrival {
            ticket,
            fact,
            is_late,
            record,
        });
        Ok(())
    }

    pub fn refuse(&mut self, refused: Refused<R>) {
        self.pending.refused.push(refused);
    }

    // -- booking ---------------------------------------------------------------------------------

    /// Book everything read since the last flush; the result must be stored as a whole.
    ///
    /// # Errors
    /// When a ticket's resting form is damaged or not to be had, and what the zone raises.
    pub fn flush(&mut self, caught_up: bool, rules: &[(String, String)]) -> PyResult<Flush<R>> {
        let mut pending = std::mem::take(&mut self.pending);
        self.revision += 1;
        if caught_up {
            self.lateness.caught_up(self.watermark_ms);
        }
        let (due, until_ms) = self.deadlines.take(self.stream_ms(), self.bounds.deadlines);
        let arrivals = std::mem::take(&mut pending.arrivals);
        let mut booked = self.book_all(arrivals, &due, until_ms, &mut pending.refused)?;
        self.settled_ms = self.settled_ms.max(until_ms);
        let time_ms = self.watermark_ms.max(self.settled_ms);
        self.panes
            .seal(panes::sealed_by(time_ms), &mut self.midnights)?;
        let measurements = self.book_rows(&booked.stated)?;
        let overflows = self.panes.take_overflows();
        if overflows > 0 {
            let count = i64::try_from(overflows).expect("fewer than 2^63 bookings");
            booked.anomalies.insert("total_overflow", count);
        }
        let touched = self.panes.take_touched();
        let forgotten = self.expire()?;
        let cycle_started = self.start_cycle_if_done();
        let ticket_slice = self.next_ticket_slice(booked.stated.tickets.len());
        let sliced = self.next_cell_slice(touched.len())?;
        let changelog = self.changelog(
            &booked.stated,
            &measurements,
            &forgotten,
            &ticket_slice,
            &sliced,
            rules,
        )?;
        self.tickets.cool()?;
        Ok(Flush {
            revision: self.revision,
            cycle: self.cycle,
            cycle_started,
            changelog,
            touched,
            sliced,
            measurements,
            refused: pending.refused,
            received_ms: pending.received_ms,
            counts: Counts {
                events: pending.events,
                fresh: booked.fresh,
                settled: booked.settled,
                anomalies: booked.anomalies,
            },
        })
    }

    /// Let every ticket live through what was read, and time pass for those to which something falls
    /// due; what they state is booked together.
    fn book_all(
        &mut self,
        mut arrivals: Vec<Arrival<R>>,
        due: &[u32],
        until_ms: i64,
        refused: &mut Vec<Refused<R>>,
    ) -> PyResult<Booked> {
        let tickets = group(&mut arrivals);
        let mut arrivals = arrivals.into_iter();
        let mut booking = Booking::new(
            &mut self.lifecycle,
            &mut self.tickets,
            &mut self.deadlines,
            self.settled_ms,
            until_ms,
        );
        for (place, count) in tickets {
            booking.live_through(place, arrivals.by_ref().take(count), refused)?;
        }
        for &place in due {
            booking.settle(place)?;
        }
        let booked = booking.booked;
        self.tidy_deadlines();
        Ok(booked)
    }

    /// Book rows in the panes; their wire form.
    fn book_rows(&mut self, stated: &Stated) -> PyResult<Vec<Columns>> {
        if self.names.count() > self.bounds.names {
            self.begin_names_anew();
        }
        let numbers: Vec<u32> = stated
            .rows
            .iter()
            .map(|row| self.names.number(row.names))
            .collect();
        let booked = stated
            .rows
            .iter()
            .zip(&numbers)
            .map(|(row, &names)| panes::Booked {
                indicator: row.indicator,
                sign: row.sign,
                time_ms: row.time_ms,
                value: row.value,
                good: row.good,
                names,
            });
        self.panes.book(
            booked,
            &self.names,
            &self.lifecycle.symbols,
            &mut self.midnights,
            self.watermark_ms,
        )?;
        let rules = &self.lifecycle.rules;
        let version_at = |time_ms| rules.place(time_ms);
        Ok(measured::to_wire(
            stated,
            &numbers,
            &self.tickets,
            version_at,
            ROWS_PER_RECORD,
        ))
    }

    fn begin_names_anew(&mut self) {
        self.names = NameTable::default();
        self.panes.use_names();
    }

    /// Begin to read: between a flush and the next fact nothing holds a symbol but the names.
    pub fn begin_reading(&mut self) {
        if self.lifecycle.symbols.count() > MOST_SYMBOLS && self.pending.arrivals.is_empty() {
            self.lifecycle.forget_symbols();
            self.begin_names_anew();
        }
    }

    /// Forget what is older than it is kept for: panes by the hour, tickets by the day of event
    /// time. The ids of the tickets. And by the minute, let idle panes rest.
    fn expire(&mut self) -> Had<Vec<Box<str>>> {
        if self.watermark_ms - self.panes_rested_ms >= MINUTE_MS {
            self.panes_rested_ms = self.watermark_ms;
            self.panes.rest_idle()?;
        }
        if self.watermark_ms - self.panes_expired_ms >= HOUR_MS {
            self.panes_expired_ms = self.watermark_ms;
            self.panes.drop_expired(self.watermark_ms);
        }
        let limit_ms = self.lateness.forgettable_ms();
        if limit_ms - self.tickets_expired_ms < DAY_MS {
            return Ok(Vec::new());
        }
        self.tickets_expired_ms = limit_ms;
        let over = self.tickets.over_before(limit_ms).into_iter();
        let mut ahead = Ahead::default();
        over.map(|place| self.tickets.forget(place, &mut ahead))
            .collect()
    }

    fn tidy_deadlines(&mut self) {
        if self.deadlines.is_stale(self.tickets.due()) {
            let tickets = &self.tickets;
            self.deadlines
                .keep(|due_ms, place| tickets.may_be_due_at(place, due_ms));
        }
    }

    // -- what is stored --------------------------------------------------------------------------

    fn start_cycle_if_done(&mut self) -> bool {
        let (Round::Done, Round::Done) = (&self.ticket_round, &self.cell_round) else {
            return false;
        };
        self.cycle += 1;
        self.ticket_round = Round::At((0, self.tickets.end()));
        self.cell_round = Round::At(None);
        true
    }

    /// The places of the next tickets of the round.
    fn next_ticket_slice(&mut self, touched: usize) -> Vec<u32> {
        let Round::At((next, end)) = self.ticket_round else {
            return Vec::new();
        };
        let least = self.tickets.count() / MOST_FLUSHES_A_ROUND;
        let budget = MIN_SLICE_TICKETS.max(least).max(touched);
        let mut places = Vec::new();
        let mut place = next;
        while place < end && places.len() < budget {
            if self.tickets.is_known(place) {
                places.push(place);
            }
            place += 1;
        }
        self.ticket_round = if place < end {
            Round::At((place, end))
        } else {
            Round::Done
        };
        places
    }

    fn next_cell_slice(&mut self, touched: usize) -> io::Result<WireCells> {
        let Round::At(cursor) = self.cell_round else {
            return Ok(self.panes.no_cells());
        };
        let least = self.panes.cells() / MOST_FLUSHES_A_ROUND;
        let budget = MIN_SLICE_CELLS.max(least).max(touched / CELLS_A_SLICE);
        let (cells, next) = self.panes.slice_after(cursor, budget, self.watermark_ms)?;
        self.cell_round = next.map_or(Round::Done, |cursor| Round::At(Some(cursor)));
        Ok(cells)
    }

    /// Tickets that the flush changed and the measurements that it booked, of which a restore makes
    /// the cells again; and the slices of all tickets and cells.
    fn changelog(
        &self,
        stated: &Stated,
        rows: &[Columns],
        forgotten: &[Box<str>],
        slice: &[u32],
        cells: &WireCells,
        rules: &[(String, String)],
    ) -> Had<Vec<Vec<u8>>> {
        let header = Header {
            revision: self.revision,
            cycle: self.cycle,
            positions: self.positions.clone(),
            watermark_ms: self.watermark_ms,
            marks: self.lateness.marks.clone(),
            settled_ms: self.settled_ms,
            sealed_ms: self.panes.sealed_ms(),
        };
        let mut writer = changelog::Writer::new(&header, rules);
        let touched = stated.tickets.iter().map(|(place, _)| place);
        let mut ahead = Ahead::default();
        for &place in touched.chain(slice) {
            let (id, packed) = self.tickets.ticket(place, &mut ahead)?;
            if !packed.is_empty() {
                writer.ticket(id, packed);
            }
        }
        for id in forgotten {
            writer.ticket(id, &[]);
        }
        for columns in rows {
            writer.rows(columns, |number| self.names_of(number));
        }
        for record in cells.records() {
            writer.cells(&record, self.panes.leaves());
        }
        Ok(writer.finish())
    }

    // -- restoring -------------------------------------------------------------------------------

    /// Take a changelog record; they come oldest first. The versions of the rules that were applied,
    /// with their digests.
    ///
    /// # Errors
    /// When the bytes are no record, or a cell in it is none, or a ticket finds no room.
    pub fn restore(&mut self, value: &[u8]) -> PyResult<Vec<(String, String)>> {
        let reading = changelog::read(value)?;
        let Header {
            revision,
            cycle,
            positions,
            watermark_ms,
            marks,
            settled_ms,
            sealed_ms,
        } = reading.header;
        let inputs = self.positions.len();
        if positions.len() != inputs || marks.len() != inputs {
            return Err(Damaged::Range.into());
        }
        (self.revision, self.cycle, self.watermark_ms) = (revision, cycle, watermark_ms);
        (self.positions, self.lateness.marks) = (positions, marks);
        (self.stream_ms, self.settled_ms) = (settled_ms, settled_ms);
        for (id, packed) in reading.tickets {
            let place = self.tickets.place(id)?;
            if packed.is_empty() {
                self.tickets.forget(place, &mut Ahead::default())?;
            } else {
                let outlook = life::outlook(packed)?;
                self.tickets.set(place, packed, outlook);
                self.deadlines.schedule(place, outlook.due_ms);
            }
        }
        self.tidy_deadlines();
        self.panes.seal(sealed_ms, &mut self.midnights)?;
        for rows in reading.rows {
            self.book_again(&rows)?;
        }
        for cells in &reading.cells {
            self.panes.restore(cells)?;
        }
        self.tickets.cool()?;
        let owned = |(version, digest): (&str, &str)| (version.to_owned(), digest.to_owned());
        Ok(reading.rules.into_iter().map(owned).collect())
    }

    /// What a flush booked. A cell that the log has not stated yet counts from nothing until its
    /// slice replaces it: all that were there when a round began come in that round, and all that are
    /// made of these.
    fn book_again(&mut self, rows: &changelog::Rows<'_>) -> PyResult<()> {
        let symbols = &mut self.lifecycle.symbols;
        let numbers = rows.names.iter().map(|texts| {
            let parts = texts.map(|text| symbols.number(text));
            self.names.number(Names::from_parts(parts))
        });
        let numbers: Vec<u32> = numbers.collect();
        let booked = measured::from_booked(rows.columns, &numbers)?;
        self.panes.book(
            booked,
            &self.names,
            &self.lifecycle.symbols,
            &mut self.midnights,
            self.watermark_ms,
        )
    }

    /// Drop what only old records still held.
    ///
    /// The cycle that was under way is not taken up again: its number is left without a successor,
    /// which tells readers that it was never completed.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn finish_restore(&mut self) -> io::Result<()> {
        self.panes.forget_touched();
        self.panes.take_overflows();
        self.panes.drop_expired(self.watermark_ms);
        self.panes_expired_ms = self.watermark_ms;
        self.panes.rest_left(self.watermark_ms)?;
        self.cycle += 1;
        Ok(())
    }
}

/// Bring arrivals into the order in which each ticket came first; the tickets, each with how many
/// it has.
fn group<R>(arrivals: &mut [Arrival<R>]) -> Vec<(u32, usize)> {
    let mut groups: Vec<(u32, usize)> = Vec::with_capacity(arrivals.len());
    let mut places = FxHashMap::with_capacity_and_hasher(arrivals.len(), FxBuildHasher);
    for arrival in &*arrivals {
        let place = *places.entry(arrival.ticket).or_insert(groups.len());
        match groups.get_mut(place) {
            Some((_, count)) => *count += 1,
            None => groups.push((arrival.ticket, 1)),
        }
    }
    if groups.len() < arrivals.len() {
        arrivals.sort_by_cached_key(|arrival| places[&arrival.ticket]);
    }
    groups
}
