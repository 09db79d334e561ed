//! The records of the state changelog (`services.scoring.core.changelog`).

use crate::cells::{COLUMNS, CellsView, Record};
use crate::leaves::Leaves;
use crate::measured::{BOOKED_COLUMNS, Columns};
use crate::msgpack::{Read, Reader, Write};

/// Bytes of tickets or cells that a record holds, unless a single one has more.
pub const RECORD_BYTES: usize = 512 * 1024;

/// Room for what the tickets, rows or cells of a flush of some fifty events take.
const USUAL_BYTES: usize = 32 * 1024;

/// What every record of a flush says. `rules` are the versions that were applied and their digests;
/// `marks` those of `Lateness`; `settled_ms` the stream time before which all that fell due is
/// booked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    pub revision: i64,
    pub cycle: i64,
    pub positions: Vec<i64>,
    pub watermark_ms: i64,
    pub marks: Vec<i64>,
    pub settled_ms: i64,
    pub sealed_ms: i64,
}

/// Lays out the records of one flush: at least one, for the positions.
pub struct Writer<'a> {
    header: &'a Header,
    rules: &'a [(String, String)],
    records: Vec<Vec<u8>>,
    tickets: Vec<u8>,
    ticket_count: usize,
    rows: Vec<u8>,
    rows_count: usize,
    cells: Vec<u8>,
    cells_count: usize,
}

impl<'a> Writer<'a> {
    pub fn new(header: &'a Header, rules: &'a [(String, String)]) -> Self {
        Self {
            header,
            rules,
            records: Vec::new(),
            tickets: Vec::with_capacity(USUAL_BYTES),
            ticket_count: 0,
            rows: Vec::with_capacity(USUAL_BYTES),
            rows_count: 0,
            cells: Vec::with_capacity(USUAL_BYTES),
            cells_count: 0,
        }
    }

    /// A ticket at rest; no bytes mean that it was forgotten. Tickets come before rows, and rows
    /// before cells.
    pub fn ticket(&mut self, id: &str, packed: &[u8]) {
        self.tickets.array(2);
        self.tickets.text(id);
        self.tickets.bin(packed);
        self.ticket_count += 1;
        if self.tickets.len() >= RECORD_BYTES {
            self.finish_record();
        }
    }

    /// Measurements that were booked, with the texts of the names that they refer to.
    pub fn rows<'n>(&mut self, columns: &Columns, names: impl Fn(u32) -> [&'n str; 5]) {
        let size = columns.booked().iter().map(|column| column.len()).sum();
        self.make_room(size);
        self.rows.array(1 + BOOKED_COLUMNS);
        self.rows.array(columns.names.len());
        for &number in &columns.names {
            self.rows.array(5);
            for text in names(number) {
                self.rows.text(text);
            }
        }
        for column in columns.booked() {
            self.rows.bin(column);
        }
        self.rows_count += 1;
    }

    pub fn cells(&mut self, record: &Record<'_>, leaves: &Leaves) {
        let used = self.used();
        let before = self.cells.len();
        record.write(leaves, &mut self.cells);
        if used > 0 && self.used() > RECORD_BYTES {
            let cells = self.cells.split_off(before);
            self.finish_record();
            self.cells = cells;
        }
        self.cells_count += 1;
    }

    fn make_room(&mut self, size: usize) {
        let used = self.used();
        if used > 0 && used + size > RECORD_BYTES {
            self.finish_record();
        }
    }

    fn used(&self) -> usize {
        self.tickets.len() + self.rows.len() + self.cells.len()
    }

    pub fn finish(mut self) -> Vec<Vec<u8>> {
        if self.records.is_empty() || self.ticket_count + self.rows_count + self.cells_count > 0 {
            self.finish_record();
        }
        self.records
    }

    fn finish_record(&mut self) {
        let Header {
            revision,
            cycle,
            positions,
            watermark_ms,
            marks,
            settled_ms,
            sealed_ms,
        } = self.header;
        let size = self.used();
        let mut record = Vec::with_capacity(size + 512);
        record.array(11);
        record.int(*revision);
        record.int(*cycle);
        write_times(positions, &mut record);
        record.int(*watermark_ms);
        record.map(self.rules.len());
        for (version, digest) in self.rules {
            record.text(version);
            record.text(digest);
        }
        record.array(std::mem::take(&mut self.ticket_count));
        record.append(&mut self.tickets);
        record.array(std::mem::take(&mut self.rows_count));
        record.append(&mut self.rows);
        record.array(std::mem::take(&mut self.cells_count));
        record.append(&mut self.cells);
        write_times(marks, &mut record);
        record.int(*settled_ms);
        record.int(*sealed_ms);
        self.records.push(record);
    }
}

fn write_times(times: &[i64], buffer: &mut Vec<u8>) {
    buffer.array(times.len());
    for &time_ms in times {
        buffer.int(time_ms);
    }
}

/// Measurements that were booked: the texts of names, and the columns that panes need of them.
pub struct Rows<'a> {
    pub names: Vec<[&'a str; 5]>,
    pub columns: [&'a [u8]; BOOKED_COLUMNS],
}

/// A record as it is read. Tickets come as ids and resting forms.
pub struct Reading<'a> {
    pub header: Header,
    pub rules: Vec<(&'a str, &'a str)>,
    pub tickets: Vec<(&'a str, &'a [u8])>,
    pub rows: Vec<Rows<'a>>,
    pub cells: Vec<CellsView<'a>>,
}

/// # Errors
/// When the bytes are no record.
pub fn read(value: &[u8]) -> Read<Reading<'_>> {
    let reader = &mut Reader::new(value);
    reader.array_of(11)?;
    let (revision, cycle) = (reader.int()?, reader.int()?);
    let positions = read_times(reader)?;
    let watermark_ms = reader.int()?;
    let rules = (0..reader.map()?)
        .map(|_| Ok((reader.text()?, reader.text()?)))
        .collect::<Read<_>>()?;
    let tickets = (0..reader.array()?)
        .map(|_| read_ticket(reader))
        .collect::<Read<_>>()?;
    let rows = (0..reader.array()?)
        .map(|_| read_rows(reader))
        .collect::<Read<_>>()?;
    let cells = (0..reader.array()?)
        .map(|_| read_cells(reader))
        .collect::<Read<_>>()?;
    let header = Header {
        revision,
        cycle,
        positions,
        watermark_ms,
        marks: read_times(reader)?,
        settled_ms: reader.int()?,
        sealed_ms: reader.int()?,
    };
    Ok(Reading {
        header,
        rules,
        tickets,
        rows,
        cells,
    })
}

fn read_ticket<'a>(reader: &mut Reader<'a>) -> Read<(&'a str, &'a [u8])> {
    reader.array_of(2)?;
    Ok((reader.text()?, reader.bin()?))
}

fn read_rows<'a>(reader: &mut Reader<'a>) -> Read<Rows<'a>> {
    reader.array_of(1 + BOOKED_COLUMNS)?;
    let names = (0..reader.array()?).map(|_| read_names(reader));
    let names = names.collect::<Read<_>>()?;
    let mut columns = [[].as_slice(); BOOKED_COLUMNS];
    for column in &mut columns {
        *column = reader.bin()?;
    }
    Ok(Rows { names, columns })
}

fn read_names<'a>(reader: &mut Reader<'a>) -> Read<[&'a str; 5]> {
    reader.array_of(5)?;
    let mut names = [""; 5];
    for name in &mut names {
        *name = reader.text()?;
    }
    Ok(names)
}

fn read_cells<'a>(reader: &mut Reader<'a>) -> Read<CellsView<'a>> {
    reader.array_of(1 + COLUMNS)?;
    let leaves = (0..reader.array()?).map(|_| {
        reader.array_of(3)?;
        Ok((reader.text()?, reader.text()?, reader.text()?))
    });
    let leaves = leaves.collect::<Read<_>>()?;
    let mut columns = [[].as_slice(); COLUMNS];
    for column in &mut columns {
        *column = reader.bin()?;
    }
    Ok(CellsView { leaves, columns })
}

fn read_times(reader: &mut Reader<'_>) -> Read<Vec<i64>> {
    (0..reader.array()?).map(|_| reader.int()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cells::{CellColumns, Limits};
    use crate::names::{NameTable, Names, Symbols};
    use crate::panes::tests::{Utc, of_one_indicator};
    use crate::panes::{Booked, DAY_MS, PaneStore};

    /// Panes with three cells for each of so many channels.
    fn panes(channels: u32) -> PaneStore {
        let mut store = of_one_indicator(Limits {
            cells: 4_000,
            record_bytes: RECORD_BYTES,
        });
        let (mut names, mut symbols) = (NameTable::default(), Symbols::default());
        let rows: Vec<_> = (0..channels)
            .map(|channel| Booked {
                indicator: 0,
                sign: 1,
                time_ms: 0,
                value: i64::MAX / 3,
                good: 0,
                names: names.number(Names {
                    channel: symbols.number(&format!("{channel:099}")),
                    ..Names::default()
                }),
            })
            .collect();
        store.seal(DAY_MS, &mut Utc).expect("a time that can be");
        let booked = store.book(rows, &names, &symbols, &mut Utc, 0);
        booked.expect("rows that can be");
        store
    }

    fn header() -> Header {
        Header {
            revision: 1,
            cycle: 2,
            positions: vec![3],
            watermark_ms: 4,
            marks: vec![5],
            settled_ms: 6,
            sealed_ms: 7,
        }
    }

    #[test]
    fn a_record_that_is_full_is_followed_by_another() {
        let header = header();
        let mut store = panes(9_999);
        let cells = store.take_touched();
        let mut writer = Writer::new(&header, &[]);
        writer.ticket("t", &vec![7; 300_000]);
        for record in cells.records() {
            writer.cells(&record, store.leaves());
        }
        let records = writer.finish();
        let mut found = 0;
        for (place, record) in records.iter().enumerate() {
            assert!(record.len() < RECORD_BYTES + 100);
            let reading = read(record).expect("a record");
            assert_eq!(reading.header, header);
            assert_eq!(reading.tickets.len(), usize::from(place == 0));
            assert!(!reading.cells.is_empty());
            for view in reading.cells {
                let columns = CellColumns::new(view.columns, view.leaves.len());
                found += columns.expect("cells").rows().count();
            }
        }
        assert_eq!(found, 3 * 9_999);
        assert!(records.len() > 2);
    }

    #[test]
    fn a_record_of_another_form_is_refused() {
        let header = header();
        let records = Writer::new(&header, &[]).finish();
        let [mut record] = <[Vec<u8>; 1]>::try_from(records).expect("a single record");
        assert!(read(&record).is_ok());
        record[0] -= 1;
        record.pop();
        assert!(read(&record).is_err());
    }
}
