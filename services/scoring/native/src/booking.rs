//! Lets the tickets of a flush live through what was read, and collects what they state.

use crate::calendar::Layout;
use crate::cold::Ahead;
use crate::deadlines::Deadlines;
use crate::derive::{self, Anomalies};
use crate::fact::Fact;
use crate::kind;
use crate::life::{self, Life};
use crate::lifecycle::Lifecycle;
use crate::measured::Stated;
use crate::msgpack::Read;
use crate::tickets::{Had, Tickets};

/// A ticket with more events than this is a loop in a source; what follows is dead-lettered.
const MOST_FACTS: usize = 2000;
/// So much of facts at most, for a ticket rests in one record of the changelog.
const MOST_FACT_BYTES: usize = 512 * 1024;
/// So few never fill it, however long their names are.
const FEW_FACTS: usize = 50;

/// A fact, and the record that it came in, should it have to be refused: because it is late, unless
/// the ticket knows it already.
pub struct Arrival<R> {
    pub ticket: u32,
    pub fact: Fact,
    pub is_late: bool,
    pub record: R,
}

/// A record that can never be processed, and why (a word of the declared list).
pub struct Refused<R> {
    pub record: R,
    pub reason: String,
    pub detail: String,
}

/// What a flush has booked: what its tickets state, how many facts were new, how many tickets
/// changed by the passing of time alone, and what did not fit together.
#[derive(Default)]
pub struct Booked {
    pub stated: Stated,
    pub fresh: u64,
    pub settled: u64,
    pub anomalies: Anomalies,
}

/// Tickets, their timers, and the machine that they live by.
pub struct Booking<'a, L> {
    pub lifecycle: &'a mut Lifecycle<L>,
    pub tickets: &'a mut Tickets,
    pub deadlines: &'a mut Deadlines,
    /// Time before which all that fell due is booked.
    pub settled_ms: i64,
    /// Time before which what falls due is booked now.
    pub until_ms: i64,
    pub booked: Booked,
    life: Life,
    packed: Vec<u8>,
    facts: Vec<u8>,
}

impl<'a, L: Layout> Booking<'a, L> {
    pub fn new(
        lifecycle: &'a mut Lifecycle<L>,
        tickets: &'a mut Tickets,
        deadlines: &'a mut Deadlines,
        settled_ms: i64,
        until_ms: i64,
    ) -> Self {
        Self {
            lifecycle,
            tickets,
            deadlines,
            settled_ms,
            until_ms,
            booked: Booked::default(),
            life: Life::default(),
            packed: Vec::new(),
            facts: Vec::new(),
        }
    }

    /// Let a ticket live through its arrivals, which come in the order of their records.
    ///
    /// # Errors
    /// When the ticket's resting form is damaged or not to be had.
    pub fn live_through<R>(
        &mut self,
        place: u32,
        arrivals: impl ExactSizeIterator<Item = Arrival<R>>,
        refused: &mut Vec<Refused<R>>,
    ) -> Had<()> {
        let resting = self.tickets.form(place);
        let known = if resting.is_empty() {
            self.life = Life::default();
            &[]
        } else {
            life::unpack(resting, &mut self.life, &mut self.lifecycle.symbols)?
        };
        let fresh = fresh_of(known, &self.life, self.lifecycle, arrivals, refused)?;
        if fresh.is_empty() {
            if known.is_empty() {
                self.tickets.forget(place, &mut Ahead::default())?;
            }
            return Ok(());
        }
        let due_before = self.life.next_due_ms;
        self.facts.clear();
        for fact in &fresh {
            fact.write(&self.lifecycle.symbols, &mut self.facts);
        }
        if comes_next(self.lifecycle, &self.life, &fresh) {
            self.lifecycle.advance(&mut self.life, &fresh);
            self.lifecycle.pass_time(&mut self.life, self.until_ms);
            derive::net(&mut self.lifecycle.rows);
            for anomaly in self.lifecycle.anomalies.drain(..) {
                *self.booked.anomalies.entry(anomaly).or_default() += 1;
            }
        } else {
            let facts = life::list_facts(known, &mut self.lifecycle.symbols)?;
            self.life = relive(
                self.lifecycle,
                facts,
                &fresh,
                (self.settled_ms, self.until_ms),
                &mut self.booked.anomalies,
            );
        }
        self.packed.clear();
        life::pack(
            &self.life,
            &[known, &self.facts],
            &self.lifecycle.symbols,
            &mut self.packed,
        );
        self.booked.fresh += fresh.len() as u64;
        self.rest(place, due_before);
        Ok(())
    }

    /// Let time pass for a ticket that had no event since something of it fell due; nothing happens
    /// to one whose deadline was another.
    ///
    /// # Errors
    /// When the ticket's resting form is damaged or not to be had.
    pub fn settle(&mut self, place: u32) -> Had<()> {
        if self.tickets.due_from_ms(place) >= self.until_ms {
            return Ok(());
        }
        self.tickets.warm(place)?;
        let resting = self.tickets.form(place);
        let facts = life::unpack(resting, &mut self.life, &mut self.lifecycle.symbols)?;
        let due_before = self.life.next_due_ms;
        if due_before >= self.until_ms {
            self.deadlines.schedule(place, due_before);
            return Ok(());
        }
        self.lifecycle.pass_time(&mut self.life, self.until_ms);
        self.packed.clear();
        life::pack(
            &self.life,
            &[facts],
            &self.lifecycle.symbols,
            &mut self.packed,
        );
        self.booked.settled += 1;
        self.rest(place, due_before);
        Ok(())
    }

    fn rest(&mut self, place: u32, due_before: i64) {
        self.booked.stated.push(place, &mut self.lifecycle.rows);
        self.tickets.set(place, &self.packed, self.life.outlook());
        if self.life.next_due_ms != due_before {
            self.deadlines.schedule(place, self.life.next_due_ms);
        }
    }
}

/// Live the whole history anew, as it is known now: what changes is stated, and what does not fit
/// together any more or any less is counted. `settled` is the time until which was booked, and is.
fn relive<L: Layout>(
    lifecycle: &mut Lifecycle<L>,
    mut facts: Vec<Fact>,
    fresh: &[Fact],
    (settled_ms, until_ms): (i64, i64),
    anomalies: &mut Anomalies,
) -> Life {
    let before = derive::replay(&facts, lifecycle, settled_ms);
    facts.extend_from_slice(fresh);
    let after = derive::replay(&facts, lifecycle, until_ms);
    for (anomaly, count) in after.anomalies {
        let more = count - before.anomalies.get(anomaly).copied().unwrap_or(0);
        if more > 0 {
            *anomalies.entry(anomaly).or_default() += more;
        }
    }
    lifecycle.rows = derive::difference(&before.rows, &after.rows, &lifecycle.symbols);
    after.life
}

/// Whether living through the new facts (ascending) gives what a replay of all would.
fn comes_next<L: Layout>(lifecycle: &mut Lifecycle<L>, life: &Life, fresh: &[Fact]) -> bool {
    let first = &fresh[0];
    if fresh.iter().any(|fact| fact.kind == kind::CORRECTED) {
        return false;
    }
    if life.facts == 0 {
        // An opening that names nobody belongs to whom the ticket is assigned to first.
        return first.kind == kind::OPENED && (fresh.len() == 1 || first.names_holder());
    }
    if life.corrected || life.opened_ms.is_none() {
        return false;
    }
    let is_settled = life
        .settled_ms
        .is_some_and(|settled| first.time_ms <= settled);
    if Some(first.order()) < life.last || is_settled {
        return false;
    }
    if !life.awaits_holder() {
        return true;
    }
    // The first holder has a say in everything before: only a bare opening can wait for it.
    let names_holder = first.kind == kind::ASSIGNED && first.names_holder();
    life.facts == 1 && names_holder && !lifecycle.would_be_due(life, first)
}

/// What a ticket of many facts has room for.
struct Room {
    facts: usize,
    bytes: usize,
}

impl Room {
    /// Whether one more finds room; it is counted then.
    fn takes(&mut self, size: usize) -> bool {
        if self.facts >= MOST_FACTS || self.bytes + size > MOST_FACT_BYTES {
            return false;
        }
        self.facts += 1;
        self.bytes += size;
        true
    }
}

/// The facts that are new to the ticket, ascending, less those that come too late or too many.
fn fresh_of<L, R>(
    known: &[u8],
    life: &Life,
    lifecycle: &mut Lifecycle<L>,
    arrivals: impl ExactSizeIterator<Item = Arrival<R>>,
    refused: &mut Vec<Refused<R>>,
) -> Read<Vec<Fact>> {
    let mut fresh: Vec<Fact> = Vec::with_capacity(arrivals.len());
    let is_large = life.facts + arrivals.len() > FEW_FACTS;
    let mut room = Room {
        facts: life.facts,
        bytes: known.len(),
    };
    for Arrival {
        fact,
        is_late,
        record,
        ..
    } in arrivals
    {
        let is_there = fresh.iter().any(|other| other.event == fact.event)
            || (!known.is_empty() && life::knows(known, fact.event, &mut lifecycle.symbols)?);
        if is_there {
            continue;
        }
        let (reason, detail) = if is_late {
            (
                "too_late",
                "its topic had come further than the horizon".to_owned(),
            )
        } else if is_large && !room.takes(fact.size(&lifecycle.symbols)) {
            (
                "too_many_events",
                format!("the ticket has {} events", room.facts),
            )
        } else {
            fresh.push(fact);
            continue;
        };
        refused.push(Refused {
            record,
            reason: reason.to_owned(),
            detail,
        });
    }
    fresh.sort_unstable_by_key(Fact::order);
    Ok(fresh)
}
