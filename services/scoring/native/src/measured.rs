//! What the tickets of a flush state, and its wire form (`shared.contracts.measurements`).

use rustc_hash::FxHashMap;

use crate::lifecycle::Row;
use crate::tickets::Tickets;

/// Rows by ticket: `tickets[t]` is the end of the rows of the t-th ticket, whose place it holds.
#[derive(Default)]
pub struct Stated {
    pub tickets: Vec<(u32, usize)>,
    pub rows: Vec<Row>,
}

impl Stated {
    /// Move the rows of one more ticket here.
    pub fn push(&mut self, ticket: u32, rows: &mut Vec<Row>) {
        self.rows.append(rows);
        self.tickets.push((ticket, self.rows.len()));
    }
}

/// A record's columns: ids of tickets, numbers of names, places of versions, each once; and the
/// columns as bytes, in the order of the contract.
pub struct Columns {
    pub tickets: Vec<Box<str>>,
    pub names: Vec<u32>,
    pub versions: Vec<usize>,
    pub columns: [Vec<u8>; 10],
}

/// The wire form, `limit` rows at a time; `numbers` are those of the rows' names, and `version_at` gives the place of the version in force.
pub fn to_wire(
    stated: &Stated,
    numbers: &[u32],
    tickets: &Tickets,
    version_at: impl Fn(i64) -> usize,
    limit: usize,
) -> Vec<Columns> {
    let mut parts = Vec::new();
    let mut ticket = 0;
    let mut first = 0;
    for rows in stated.rows.chunks(limit) {
        let mut part = Part::default();
        for (place, row) in (first..).zip(rows) {
            while stated.tickets[ticket].1 <= place {
                ticket += 1;
            }
            part.push(
                stated.tickets[ticket].0,
                row,
                numbers[place],
                version_at(row.time_ms),
            );
        }
        first += rows.len();
        parts.push(part.finish(tickets));
    }
    parts
}

#[derive(Default)]
struct Part {
    tickets: Vec<u32>,
    names: Places<u32>,
    versions: Places<usize>,
    columns: [Vec<u8>; 10],
}

impl Part {
    fn push(&mut self, ticket: u32, row: &Row, names: u32, version: usize) {
        if self.tickets.last() != Some(&ticket) {
            self.tickets.push(ticket);
        }
        let ticket = u32::try_from(self.tickets.len() - 1).expect("as many as rows");
        let sequence = i32::try_from(row.sequence).expect("a ticket has few measurements");
        let (names, version) = (self.names.place(names), self.versions.place(version));
        let [
            tickets,
            indicators,
            sequences,
            signs,
            times,
            values,
            goods,
            name,
            events,
            versions,
        ] = &mut self.columns;
        tickets.extend(ticket.to_le_bytes());
        indicators.push(row.indicator);
        sequences.extend(sequence.to_le_bytes());
        signs.push(row.sign.to_le_bytes()[0]);
        times.extend(row.time_ms.to_le_bytes());
        values.extend(row.value.to_le_bytes());
        goods.push(row.good.to_le_bytes()[0]);
        name.extend(u32::try_from(names).expect("as many as rows").to_le_bytes());
        events.extend(row.event.to_le_bytes());
        versions.extend(
            u16::try_from(version)
                .expect("versions are few")
                .to_le_bytes(),
        );
    }

    fn finish(self, tickets: &Tickets) -> Columns {
        Columns {
            tickets: self
                .tickets
                .into_iter()
                .map(|place| tickets.id(place).into())
                .collect(),
            names: self.names.values,
            versions: self.versions.values,
            columns: self.columns,
        }
    }
}

/// Distinct values, and where each lies.
#[derive(Default)]
struct Places<T> {
    values: Vec<T>,
    places: FxHashMap<T, usize>,
}

impl<T: Copy + Eq + std::hash::Hash> Places<T> {
    fn place(&mut self, value: T) -> usize {
        *self.places.entry(value).or_insert_with(|| {
            self.values.push(value);
            self.values.len() - 1
        })
    }
}
