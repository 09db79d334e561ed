//! What the tickets of a flush state, and its wire form (`shared.contracts.measurements`).

use rustc_hash::FxHashMap;

use crate::lifecycle::Row;
use crate::msgpack::{Damaged, Read};
use crate::narrow::{Integers, Packed};
use crate::panes::Booked;
use crate::tickets::Tickets;

/// What most rows have on the wire.
const USUAL_ROW_BYTES: usize = 30;

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
    pub columns: Packed<10>,
}

/// Those that panes are booked from, as `Columns::booked` gives them.
pub const BOOKED_COLUMNS: usize = 6;

impl Columns {
    /// Indicator, sign, instant, value, good, and the place of the names.
    pub fn booked(&self) -> [&[u8]; BOOKED_COLUMNS] {
        let [_, indicator, _, sign, time_ms, value, good, names, _, _] = self.columns.columns();
        [indicator, sign, time_ms, value, good, names]
    }
}

/// Measurements of booked columns, whose names are numbered by `numbers`.
///
/// # Errors
/// When the columns differ in length, or refer to names that are not there.
pub fn from_booked(columns: [&[u8]; BOOKED_COLUMNS], numbers: &[u32]) -> Read<Vec<Booked>> {
    let [indicator, sign, time_ms, value, good, names] = columns;
    let size = indicator.len();
    if sign.len() != size || good.len() != size {
        return Err(Damaged::Ends);
    }
    let [time_ms, value, names] = [
        integers(time_ms, size)?,
        integers(value, size)?,
        integers(names, size)?,
    ];
    let signed = |byte: u8| i64::from(i8::from_ne_bytes([byte]));
    let number = |place: i64| numbers.get(usize::try_from(place).ok()?).copied();
    (0..size)
        .map(|row| {
            Ok(Booked {
                indicator: indicator[row],
                sign: signed(sign[row]),
                time_ms: time_ms.get(row),
                value: value.get(row),
                good: signed(good[row]),
                names: number(names.get(row)).ok_or(Damaged::Range)?,
            })
        })
        .collect()
}

fn integers(column: &[u8], entries: usize) -> Read<Integers<'_>> {
    Integers::new(column, entries).map_err(|_| Damaged::Ends)
}

/// The wire form, `limit` rows at a time; `numbers` are those of the rows' names, and `version_at`
/// gives the place of the version in force.
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
        let mut part = Part::new(rows);
        for (place, row) in (first..).zip(rows) {
            while stated.tickets[ticket].1 <= place {
                ticket += 1;
            }
            part.push(
                stated.tickets[ticket].0,
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
struct Part<'r> {
    tickets: Vec<u32>,
    names: Places<u32>,
    versions: Places<usize>,
    rows: &'r [Row],
    /// By row, places among the distinct tickets, names and versions.
    ticket: Vec<usize>,
    name: Vec<usize>,
    version: Vec<usize>,
}

impl<'r> Part<'r> {
    fn new(rows: &'r [Row]) -> Self {
        Self {
            rows,
            ticket: Vec::with_capacity(rows.len()),
            name: Vec::with_capacity(rows.len()),
            version: Vec::with_capacity(rows.len()),
            ..Self::default()
        }
    }

    /// What the next row is of.
    fn push(&mut self, ticket: u32, names: u32, version: usize) {
        if self.tickets.last() != Some(&ticket) {
            self.tickets.push(ticket);
        }
        self.ticket.push(self.tickets.len() - 1);
        self.name.push(self.names.place(names));
        self.version.push(self.versions.place(version));
    }

    fn finish(self, tickets: &Tickets) -> Columns {
        let rows = self.rows.iter();
        let mut columns = Packed::with_capacity(USUAL_ROW_BYTES * rows.len());
        columns.push_narrow(places(&self.ticket));
        columns.push_each(rows.clone().map(|row| [row.indicator]));
        columns.push_narrow(rows.clone().map(|row| row.sequence));
        columns.push_each(rows.clone().map(|row| [row.sign.to_le_bytes()[0]]));
        columns.push_narrow(rows.clone().map(|row| row.time_ms));
        columns.push_narrow(rows.clone().map(|row| row.value));
        columns.push_each(rows.clone().map(|row| [row.good.to_le_bytes()[0]]));
        columns.push_narrow(places(&self.name));
        columns.push_each(rows.map(|row| row.event.to_le_bytes()));
        columns.push_narrow(places(&self.version));
        Columns {
            tickets: self
                .tickets
                .into_iter()
                .map(|place| tickets.id(place).into())
                .collect(),
            names: self.names.values,
            versions: self.versions.values,
            columns,
        }
    }
}

fn places(column: &[usize]) -> impl ExactSizeIterator<Item = i64> + Clone {
    column
        .iter()
        .map(|place| i64::try_from(*place).expect("as many as rows"))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::Names;

    fn row(time_ms: i64, value: i64) -> Row {
        Row {
            indicator: 3,
            sequence: 0,
            sign: -1,
            time_ms,
            value,
            good: 1,
            names: Names::default(),
            event: u64::MAX,
        }
    }

    #[test]
    fn records_are_bounded_and_refer_to_what_they_hold() {
        let mut tickets = Tickets::default();
        let [a, b, c] = ["a", "b", "c"].map(|id| tickets.place(id).expect("no file"));
        let mut stated = Stated::default();
        stated.push(a, &mut vec![row(10, 1), row(20, -300)]);
        stated.push(b, &mut Vec::new());
        stated.push(c, &mut vec![row(30, 3)]);
        let version_at = |time_ms| usize::from(time_ms >= 20);
        let parts = to_wire(&stated, &[7, 5, 7], &tickets, version_at, 2);
        let ids = |part: &Columns| {
            part.tickets
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            parts.iter().map(ids).collect::<Vec<_>>(),
            [vec!["a"], vec!["c"]]
        );
        assert_eq!(
            (&*parts[0].names, &*parts[0].versions),
            ([7, 5].as_slice(), [0, 1].as_slice())
        );
        assert_eq!(
            (&*parts[1].names, &*parts[1].versions),
            ([7].as_slice(), [1].as_slice())
        );
        let [
            ticket,
            indicator,
            sequence,
            sign,
            time,
            value,
            good,
            name,
            event,
            version,
        ] = parts[0].columns.columns();
        let columns: [(&[u8], &[u8]); 10] = [
            (ticket, &[0, 0]),
            (indicator, &[3, 3]),
            (sequence, &[0, 0]),
            (sign, &[255, 255]),
            (time, &[10, 20]),
            (value, &[1, 0, 0xd4, 0xfe]),
            (good, &[1, 1]),
            (name, &[0, 1]),
            (event, &[255; 16]),
            (version, &[0, 1]),
        ];
        for (column, expected) in columns {
            assert_eq!(column, expected);
        }
    }

    #[test]
    fn nothing_stated_is_no_record() {
        let mut stated = Stated::default();
        stated.push(0, &mut Vec::new());
        assert!(to_wire(&stated, &[], &Tickets::default(), |_| 0, 9).is_empty());
    }
}
