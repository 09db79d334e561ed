//! The wire form of cells: columns of integers, as `shared.contracts.panes.Cells` has them. Cells are
//! laid out once and cut into records many times: they ascend by department and, within one, by
//! leaf, so that a record's columns are slices of the whole, made narrow.

use std::ops::Range;

use thiserror::Error;

use crate::buckets::Bucket;
use crate::indicator_set::MOST_INDICATORS;
use crate::leaves::{DepartmentNumber, LeafName, LeafNumber, Leaves};
use crate::msgpack::Write;
use crate::narrow::{Integers, Width, WidthError, write_column, write_each, write_narrow};
use crate::pane::{Pane, Piece, Sums};
use crate::panes::{Level, Minute, PaneKey};
use crate::sketches;

/// Columns of a record, beside its leaves.
pub const COLUMNS: usize = 10;

/// What a cell and a bucket have at most, and count for in a record's size, in bytes.
const CELL_BYTES: usize = 44;
const BUCKET_BYTES: usize = 10;

/// What most of them have.
const USUAL_CELL_BYTES: usize = 16;
const USUAL_BUCKET_BYTES: usize = 4;
const USUAL_LEAF_BYTES: usize = 40;

/// Of a record: cells at most, and bytes at most unless a single cell has more.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub cells: usize,
    pub record_bytes: usize,
}

/// Some cells of a pane.
pub struct Part<'a> {
    pub key: PaneKey,
    pub pane: &'a Pane,
    pub pieces: Vec<Piece>,
}

/// Where cells of a leaf are found: in which part, and which piece of its pane they are.
#[derive(Clone, Copy, Default)]
struct Found {
    part: u32,
    piece: Piece,
}

/// The cells of one leaf, which lie side by side.
struct Run {
    department: DepartmentNumber,
    leaf: LeafNumber,
    first: usize,
    /// What the leaves' names take up to its own.
    names: usize,
}

/// Brings cells into the order of the wire, by counting how many pieces each leaf has.
#[derive(Default)]
pub struct Layout {
    /// By leaf; all 0 between two calls.
    counts: Vec<u32>,
    found: Vec<Found>,
    ordered: Vec<Found>,
}

impl Layout {
    pub fn lay_out(&mut self, parts: &[Part<'_>], leaves: &Leaves, limits: Limits) -> WireCells {
        self.find(parts);
        let runs = self.runs(leaves);
        self.order();
        for run in &runs {
            self.counts[run.leaf as usize] = 0;
        }
        WireCells::new(parts, &self.ordered, runs, limits)
    }

    fn find(&mut self, parts: &[Part<'_>]) {
        self.found.clear();
        for (part, Part { pieces, .. }) in (0..).zip(parts) {
            let found = pieces.iter().map(|&piece| Found { part, piece });
            self.found.extend(found);
        }
    }

    /// The runs of all leaves that have cells; `counts` then says where the pieces of each begin.
    fn runs(&mut self, leaves: &Leaves) -> Vec<Run> {
        self.counts.resize(leaves.len(), 0);
        let mut runs = Vec::with_capacity(self.found.len());
        for found in &self.found {
            let leaf = found.piece.leaf;
            if self.counts[leaf as usize] == 0 {
                runs.push(Run {
                    department: leaves.department_of(leaf),
                    leaf,
                    first: 0,
                    names: 0,
                });
            }
            self.counts[leaf as usize] += 1;
        }
        runs.sort_unstable_by_key(|run| (run.department, run.leaf));
        let (mut end, mut names) = (0, 0);
        for run in &mut runs {
            let count = &mut self.counts[run.leaf as usize];
            end += std::mem::replace(count, end);
            names += leaves.name(run.leaf).len();
            run.names = names;
        }
        runs
    }

    /// The pieces by run; within one as they came.
    fn order(&mut self) {
        self.ordered.resize(self.found.len(), Found::default());
        for found in &self.found {
            let next = &mut self.counts[found.piece.leaf as usize];
            self.ordered[*next as usize] = *found;
            *next += 1;
        }
    }
}

/// A cell that is still as wide as it is in its pane.
struct WireCell {
    sums: Sums,
    start: Minute,
    /// The place of its run.
    run: u32,
    /// How many entries the sketches of the cells have up to its own.
    entries: u32,
    buckets: u16,
    level: u8,
    indicator: u8,
}

/// Cells in the order of the wire.
pub struct WireCells {
    limits: Limits,
    runs: Vec<Run>,
    cells: Vec<WireCell>,
    bucket: Vec<i16>,
    counts: Vec<i64>,
}

impl WireCells {
    fn new(parts: &[Part<'_>], found: &[Found], runs: Vec<Run>, limits: Limits) -> Self {
        let size = found.iter().map(|found| found.piece.indicators.len()).sum();
        let mut wire = Self {
            limits,
            runs,
            cells: Vec::with_capacity(size),
            bucket: Vec::with_capacity(size),
            counts: Vec::with_capacity(size),
        };
        let mut run = 0;
        for found in found {
            while wire.runs[run].leaf != found.piece.leaf {
                run += 1;
                wire.runs[run].first = wire.len();
            }
            wire.append(&parts[found.part as usize], found.piece, run);
        }
        wire
    }

    fn append(&mut self, part: &Part<'_>, piece: Piece, run: usize) {
        let run = u32::try_from(run).expect("fewer than 2^32 leaves");
        let sketches = part.pane.sketches();
        for (indicator, cell) in part.pane.cells(piece) {
            let before = self.counts.len();
            for (bucket, count) in sketches.entries(cell.sketch) {
                self.bucket.push(bucket.wire());
                self.counts.push(count);
            }
            let buckets = u16::try_from(self.counts.len() - before).expect("12 bits of buckets");
            self.cells.push(WireCell {
                sums: cell.sums,
                start: part.key.start,
                run,
                entries: u32::try_from(self.counts.len()).expect("fewer than 2^32 entries"),
                buckets,
                level: part.key.level.wire(),
                indicator,
            });
        }
    }

    /// How many cells.
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// All cells in records of bounded size.
    pub fn records(&self) -> impl Iterator<Item = Record<'_>> {
        self.cut(0..self.len())
    }

    /// The records of each department, ascending by its number.
    pub fn by_group(&self) -> Vec<(DepartmentNumber, Vec<Record<'_>>)> {
        let groups = self.runs.chunk_by(|a, b| a.department == b.department);
        let mut firsts: Vec<_> = groups
            .map(|runs| (runs[0].department, runs[0].first))
            .collect();
        firsts.push((0, self.len()));
        let bounds = firsts.windows(2);
        bounds
            .map(|pair| (pair[0].0, self.cut(pair[0].1..pair[1].1).collect()))
            .collect()
    }

    fn cut(&self, cells: Range<usize>) -> impl Iterator<Item = Record<'_>> {
        let mut first = cells.start;
        std::iter::from_fn(move || {
            (first < cells.end).then(|| {
                let part = first..self.end_of_record(first, cells.end);
                first = part.end;
                self.record(part)
            })
        })
    }

    fn end_of_record(&self, first: usize, last: usize) -> usize {
        // The first leaf's name is in this record, whether or not the record before has it too.
        let names = self.names_before(self.cells[first].run);
        let full = names + self.cell_bytes_before(first) + self.limits.record_bytes;
        let last = last.min(first + self.limits.cells);
        let (mut fits, mut beyond) = (first + 1, last + 1);
        while fits + 1 < beyond {
            let middle = usize::midpoint(fits, beyond);
            if self.bytes_before(middle) <= full {
                fits = middle;
            } else {
                beyond = middle;
            }
        }
        fits
    }

    fn bytes_before(&self, cell: usize) -> usize {
        let names = cell
            .checked_sub(1)
            .map_or(0, |before| self.names_before(self.cells[before].run + 1));
        names + self.cell_bytes_before(cell)
    }

    fn names_before(&self, run: u32) -> usize {
        let before = run.checked_sub(1);
        before.map_or(0, |before| self.runs[before as usize].names)
    }

    fn cell_bytes_before(&self, cell: usize) -> usize {
        CELL_BYTES * cell + BUCKET_BYTES * self.entries_before(cell)
    }

    fn entries_before(&self, cell: usize) -> usize {
        cell.checked_sub(1)
            .map_or(0, |before| self.cells[before].entries as usize)
    }

    fn record(&self, cells: Range<usize>) -> Record<'_> {
        let entries = self.entries_before(cells.start)..self.entries_before(cells.end);
        let (first, last) = (self.cells[cells.start].run, self.cells[cells.end - 1].run);
        Record {
            runs: &self.runs[first as usize..=last as usize],
            first_run: first,
            cells: &self.cells[cells],
            bucket: &self.bucket[entries.clone()],
            counts: &self.counts[entries],
        }
    }
}

fn wide<T: Copy + Into<i64>>(column: &[T]) -> impl ExactSizeIterator<Item = i64> + Clone {
    column.iter().map(|value| (*value).into())
}

/// Some cells, to be written as `Cells` has them.
pub struct Record<'a> {
    runs: &'a [Run],
    first_run: u32,
    cells: &'a [WireCell],
    bucket: &'a [i16],
    counts: &'a [i64],
}

impl Record<'_> {
    /// Append the `MessagePack` of `Cells`; `leaves` are those of the store that the cells are of.
    pub fn write(&self, leaves: &Leaves, buffer: &mut Vec<u8>) {
        let usual = USUAL_CELL_BYTES * self.cells.len() + USUAL_BUCKET_BYTES * self.counts.len();
        buffer.reserve(usual + USUAL_LEAF_BYTES * self.runs.len());
        buffer.array(1 + COLUMNS);
        buffer.array(self.runs.len());
        for run in self.runs {
            buffer.extend_from_slice(leaves.name(run.leaf));
        }
        let first_run = self.first_run;
        let cells = self.cells.iter();
        let widths = self.widths();
        let run = |cell: &WireCell| i64::from(cell.run - first_run);
        write_column(cells.clone().map(run), widths.run, buffer);
        write_each(cells.clone().map(|cell| [cell.level]), buffer);
        write_each(cells.clone().map(|cell| [cell.indicator]), buffer);
        let start = |cell: &WireCell| i64::from(cell.start);
        write_column(cells.clone().map(start), widths.start, buffer);
        write_column(cells.clone().map(|cell| cell.sums.n), widths.n, buffer);
        write_column(
            cells.clone().map(|cell| cell.sums.total),
            widths.total,
            buffer,
        );
        write_column(
            cells.clone().map(|cell| cell.sums.good),
            widths.good,
            buffer,
        );
        let buckets = |cell: &WireCell| i64::from(cell.buckets);
        write_column(cells.map(buckets), widths.buckets, buffer);
        write_narrow(wide(self.bucket), buffer);
        write_narrow(wide(self.counts), buffer);
    }

    /// Those of all columns are found in one go.
    fn widths(&self) -> Widths {
        let mut widths = Widths::default();
        for cell in self.cells {
            widths.start.hold(i64::from(cell.start));
            widths.n.hold(cell.sums.n);
            widths.total.hold(cell.sums.total);
            widths.good.hold(cell.sums.good);
            widths.buckets.hold(i64::from(cell.buckets));
        }
        let last = self
            .cells
            .last()
            .map_or(0, |cell| cell.run - self.first_run);
        widths.run.hold(i64::from(last));
        widths
    }
}

#[derive(Default)]
struct Widths {
    run: Width,
    start: Width,
    n: Width,
    total: Width,
    good: Width,
    buckets: Width,
}

/// Append the `MessagePack` of `Cells` that are none.
pub fn write_no_cells(buffer: &mut Vec<u8>) {
    buffer.array(1 + COLUMNS);
    buffer.array(0);
    for _ in 0..COLUMNS {
        buffer.bin(&[]);
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum WireError {
    #[error("column {0}: {1}")]
    Width(&'static str, WidthError),
    #[error("there are {0} indicators for {1} cells")]
    Indicators(usize, usize),
    #[error("a cell's leaf is number {0} of {1}")]
    Leaf(i64, usize),
    #[error("a cell cannot be of indicator {0}")]
    Indicator(u8),
    #[error("there is no level {0}")]
    Level(u8),
    #[error("minute {0} lies outside of the time that panes have")]
    Minute(i64),
    #[error("a cell cannot have {0} buckets")]
    Buckets(i64),
    #[error("there is no bucket {0}")]
    Bucket(i64),
    #[error("there is no room for the count {0} of a bucket")]
    Count(i64),
    #[error("the buckets of a cell do not ascend: {0} comes before {1}")]
    Order(i64, i64),
}

/// `Cells` as they came.
pub struct CellsView<'a> {
    pub leaves: Vec<LeafName<'a>>,
    pub columns: [&'a [u8]; COLUMNS],
}

/// Before the year 9576: Python's dates end in 9999.
const MOST_SUMMABLE_MINUTE: i64 = 4_000_000_000;
/// Of a bucket of a cell: a day has less than 2^11 minutes and 2^7 quarter-hours, and a sum has 49 bits.
const MOST_SUMMABLE_COUNT: u64 = 1 << 37;

/// The columns of `Cells`, checked.
pub struct CellColumns<'a> {
    leaf: Integers<'a>,
    level: &'a [u8],
    indicator: &'a [u8],
    start: Integers<'a>,
    n: Integers<'a>,
    total: Integers<'a>,
    good: Integers<'a>,
    buckets: Integers<'a>,
    bucket: Integers<'a>,
    counts: Integers<'a>,
}

/// One cell; `leaf` is a place among those of its record.
pub struct CellRow {
    pub leaf: usize,
    pub level: Level,
    pub indicator: u8,
    pub start: Minute,
    pub sums: Sums,
    pub counts: Vec<(Bucket, i64)>,
}

impl<'a> CellColumns<'a> {
    /// The columns of cells of so many leaves, in the order of `Cells`.
    ///
    /// # Errors
    /// When they do not fit together, or hold a number that cannot be.
    pub fn new(columns: [&'a [u8]; COLUMNS], leaves: usize) -> Result<Self, WireError> {
        let [
            leaf,
            level,
            indicator,
            start,
            n,
            total,
            good,
            buckets,
            bucket,
            counts,
        ] = columns;
        let cells = level.len();
        if indicator.len() != cells {
            return Err(WireError::Indicators(indicator.len(), cells));
        }
        let buckets = integers("buckets", buckets, cells)?;
        let entries = entries_of(buckets)?;
        let columns = Self {
            leaf: integers("leaf", leaf, cells)?,
            level,
            indicator,
            start: integers("start_min", start, cells)?,
            n: integers("n", n, cells)?,
            total: integers("total", total, cells)?,
            good: integers("good", good, cells)?,
            buckets,
            bucket: integers("bucket", bucket, entries)?,
            counts: integers("counts", counts, entries)?,
        };
        columns.check(leaves)?;
        Ok(columns)
    }

    fn check(&self, leaves: usize) -> Result<(), WireError> {
        let is_leaf = |number| usize::try_from(number).is_ok_and(|place| place < leaves);
        all(self.leaf, is_leaf, |number| WireError::Leaf(number, leaves))?;
        let unknown = self
            .level
            .iter()
            .find(|level| Level::from_wire(**level).is_none());
        unknown.map_or(Ok(()), |level| Err(WireError::Level(*level)))?;
        let impossible = self.indicator.iter().find(|own| **own >= MOST_INDICATORS);
        impossible.map_or(Ok(()), |own| Err(WireError::Indicator(*own)))?;
        all(
            self.start,
            |minute| Minute::try_from(minute).is_ok(),
            WireError::Minute,
        )?;
        all(
            self.bucket,
            |number| bucket_of(number).is_some(),
            WireError::Bucket,
        )?;
        all(self.counts, sketches::fits, WireError::Count)
    }

    /// The same, when cells can be summed up: their buckets ascend, and neither time nor counts are
    /// so far out that a day or its sum could not be.
    ///
    /// # Errors
    /// When they do not.
    pub fn summable(self) -> Result<Self, WireError> {
        all(
            self.start,
            |minute| minute < MOST_SUMMABLE_MINUTE,
            WireError::Minute,
        )?;
        all(
            self.counts,
            |count| count.unsigned_abs() < MOST_SUMMABLE_COUNT,
            WireError::Count,
        )?;
        let mut entry = 0;
        for cell in 0..self.level.len() {
            let first = entry;
            entry += place(self.buckets.get(cell));
            for next in first + 1..entry {
                let pair = [next - 1, next].map(|at| self.bucket.get(at));
                if pair[0] >= pair[1] {
                    return Err(WireError::Order(pair[0], pair[1]));
                }
            }
        }
        Ok(self)
    }

    /// The cells one by one.
    pub fn rows(&self) -> impl Iterator<Item = CellRow> {
        let mut entry = 0;
        (0..self.level.len()).map(move |cell| {
            let first = entry;
            entry += place(self.buckets.get(cell));
            self.row(cell, first..entry)
        })
    }

    fn row(&self, cell: usize, entries: Range<usize>) -> CellRow {
        CellRow {
            leaf: place(self.leaf.get(cell)),
            level: Level::from_wire(self.level[cell]).expect("checked"),
            indicator: self.indicator[cell],
            start: Minute::try_from(self.start.get(cell)).expect("checked"),
            sums: Sums {
                n: self.n.get(cell),
                total: self.total.get(cell),
                good: self.good.get(cell),
            },
            counts: entries.map(|entry| self.entry(entry)).collect(),
        }
    }

    fn entry(&self, entry: usize) -> (Bucket, i64) {
        let bucket = bucket_of(self.bucket.get(entry)).expect("checked");
        (bucket, self.counts.get(entry))
    }
}

fn integers<'a>(
    name: &'static str,
    column: &'a [u8],
    entries: usize,
) -> Result<Integers<'a>, WireError> {
    Integers::new(column, entries).map_err(|error| WireError::Width(name, error))
}

/// How many entries the sketches of all cells have.
fn entries_of(buckets: Integers<'_>) -> Result<usize, WireError> {
    let mut entries = 0;
    for number in buckets.iter() {
        let own = u16::try_from(number).map_err(|_| WireError::Buckets(number))?;
        entries += usize::from(own);
    }
    Ok(entries)
}

fn all(
    column: Integers<'_>,
    is_possible: impl Fn(i64) -> bool,
    error: impl Fn(i64) -> WireError,
) -> Result<(), WireError> {
    match column.iter().find(|number| !is_possible(*number)) {
        Some(number) => Err(error(number)),
        None => Ok(()),
    }
}

fn bucket_of(number: i64) -> Option<Bucket> {
    Bucket::from_wire(i16::try_from(number).ok()?).ok()
}

fn place(number: i64) -> usize {
    usize::try_from(number).expect("checked")
}
