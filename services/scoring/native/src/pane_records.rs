//! The records of `panes` that a flush gives: `shared.contracts.panes.PaneUpdate`, as they lie there.

use std::collections::BTreeMap;

use crate::cells::{Record, WireCells, write_no_cells};
use crate::leaves::{DepartmentNumber, Leaves};
use crate::msgpack::Write;

/// What all updates of a flush say.
pub struct Header<'a> {
    pub source: u32,
    pub revision: i64,
    pub watermark_ms: i64,
    pub sealed_ms: i64,
    pub caught_up: bool,
    pub received_ms: i64,
    pub rule_version: &'a str,
    pub cycle: i64,
}

/// The cells of an update: of those that the flush changed, and of a slice of all.
pub struct Update<'a> {
    pub department: DepartmentNumber,
    fresh: Option<Record<'a>>,
    sliced: Option<Record<'a>>,
}

/// By department, in the order of their names, each in records of bounded size.
pub fn updates<'a>(
    touched: &'a WireCells,
    sliced: &'a WireCells,
    leaves: &Leaves,
) -> Vec<Update<'a>> {
    let mut parts: BTreeMap<&str, (DepartmentNumber, [Vec<Record<'a>>; 2])> = BTreeMap::new();
    for (place, cells) in [touched, sliced].into_iter().enumerate() {
        for (department, records) in cells.by_group() {
            let name = leaves.department(department);
            let part = parts
                .entry(name)
                .or_insert_with(|| (department, <_>::default()));
            part.1[place] = records;
        }
    }
    let mut updates = Vec::with_capacity(parts.len());
    for (department, [fresh, sliced]) in parts.into_values() {
        let count = fresh.len().max(sliced.len());
        let (mut fresh, mut sliced) = (fresh.into_iter(), sliced.into_iter());
        updates.extend((0..count).map(|_| Update {
            department,
            fresh: fresh.next(),
            sliced: sliced.next(),
        }));
    }
    updates
}

impl Update<'_> {
    /// Append the record; `group` is the department's.
    pub fn write(&self, header: &Header<'_>, group: &str, leaves: &Leaves, buffer: &mut Vec<u8>) {
        buffer.array(12);
        buffer.text("panes");
        buffer.uint(u64::from(header.source));
        buffer.text(group);
        buffer.int(header.revision);
        buffer.int(header.watermark_ms);
        buffer.int(header.sealed_ms);
        buffer.bool(header.caught_up);
        buffer.int(header.received_ms);
        buffer.text(header.rule_version);
        write_cells(self.fresh.as_ref(), leaves, buffer);
        buffer.int(header.cycle);
        write_cells(self.sliced.as_ref(), leaves, buffer);
    }
}

fn write_cells(record: Option<&Record<'_>>, leaves: &Leaves, buffer: &mut Vec<u8>) {
    match record {
        Some(record) => record.write(leaves, buffer),
        None => write_no_cells(buffer),
    }
}
