//! What the tickets of a flush state, and its wire form (`shared.contracts.measurements`).

use rustc_hash::FxHashMap;

use crate::lifecycle::Row;
use crate::msgpack::{Damaged, Read};
use crate::panes::Booked;
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

/// Those that panes are booked from, as `Columns::booked` gives them.
pub const BOOKED_COLUMNS: usize = 6;

impl Columns {
    /// Indicator, sign, instant, value, good, and the place of the names.
    pub fn booked(&self) -> [&[u8]; BOOKED_COLUMNS] {
        let [_, indicator, _, sign, time_ms, value, good, names, _, _] = &self.columns;
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
    let wide = [(time_ms, 8), (value, 8), (names, 4), (sign, 1), (good, 1)];
    if wide
        .iter()
        .any(|(column, width)| column.len() != size * width)
    {
        return Err(Damaged::Ends);
    }
    let signed = |byte: u8| i64::from(i8::from_ne_bytes([byte]));
    (0..size)
        .map(|row| {
            let place = u32::from_le_bytes(entry(names, row)) as usize;
            Ok(Booked {
                indicator: indicator[row],
                sign: signed(sign[row]),
                time_ms: i64::from_le_bytes(entry(time_ms, row)),
                value: i64::from_le_bytes(entry(value, row)),
                good: signed(good[row]),
                names: *numbers.get(place).ok_or(Damaged::Range)?,
            })
        })
        .collect()
}

fn entry<const WIDTH: usize>(column: &[u8], row: usize) -> [u8; WIDTH] {
    let bytes = &column[WIDTH * row..WIDTH * (row + 1)];
    bytes.try_into().expect("a slice of this length")
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
        let (a, b, c) = (tickets.place("a"), tickets.place("b"), tickets.place("c"));
        let mut stated = Stated::default();
        stated.push(a, &mut vec![row(10, 1), row(20, 2)]);
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
        ] = &parts[0].columns;
        assert_eq!(ticket, &[0; 8]);
        assert_eq!(
            (&**indicator, &**sequence),
            ([3, 3].as_slice(), [0; 8].as_slice())
        );
        assert_eq!(
            (&**sign, &**good),
            ([255, 255].as_slice(), [1, 1].as_slice())
        );
        assert_eq!(time, &[10_i64.to_le_bytes(), 20_i64.to_le_bytes()].concat());
        assert_eq!(value, &[1_i64.to_le_bytes(), 2_i64.to_le_bytes()].concat());
        assert_eq!(name, &[0_u32.to_le_bytes(), 1_u32.to_le_bytes()].concat());
        assert_eq!(
            (&**event, &**version),
            ([255; 16].as_slice(), [0, 0, 1, 0].as_slice())
        );
    }

    #[test]
    fn nothing_stated_is_no_record() {
        let mut stated = Stated::default();
        stated.push(0, &mut Vec::new());
        assert!(to_wire(&stated, &[], &Tickets::default(), |_| 0, 9).is_empty());
    }
}
