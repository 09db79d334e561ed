//! The wire form of cells: columns of little-endian integers, as `shared.contracts.panes.Cells` has
//! them. Cells are laid out once and cut into records many times: they ascend by department and,
//! within one, by scope, so that a record's columns are slices of the whole.

use std::ops::Range;

use thiserror::Error;

use crate::buckets::{Bucket, BucketError};
use crate::pane::{Pane, Sums};
use crate::panes::{Level, PaneKey};
use crate::scopes::{DepartmentNumber, ScopeName, ScopeNumber, Scopes};
use crate::sketches;

/// What a cell and a bucket count for in a record's size, in bytes.
const CELL_BYTES: usize = 44;
const BUCKET_BYTES: usize = 10;

/// Of a record: cells at most, and bytes at most unless a single cell has more.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub cells: usize,
    pub record_bytes: usize,
}

/// Some cells of a pane, by their places.
pub struct Part<'a> {
    pub key: PaneKey,
    pub pane: &'a Pane,
    pub places: Vec<u32>,
}

/// Where a cell is found: in which part, and at which place of its pane.
#[derive(Clone, Copy, Default)]
struct Found {
    scope: ScopeNumber,
    part: u32,
    place: u32,
}

/// The cells of one scope, which lie side by side.
struct Run {
    department: DepartmentNumber,
    scope: ScopeNumber,
    first: usize,
}

/// Brings cells into the order of the wire, by counting how many each scope has.
#[derive(Default)]
pub struct Layout {
    /// By scope; all 0 between two calls.
    counts: Vec<usize>,
}

impl Layout {
    pub fn lay_out(&mut self, parts: &[Part<'_>], scopes: &Scopes, limits: Limits) -> WireCells {
        let cells = found_in(parts);
        let runs = self.runs(&cells, scopes);
        let ordered = self.ordered(&cells);
        for run in &runs {
            self.counts[run.scope as usize] = 0;
        }
        WireCells::new(parts, &ordered, runs, limits)
    }

    /// The runs of all scopes that have cells; `counts` then says where each begins.
    fn runs(&mut self, cells: &[Found], scopes: &Scopes) -> Vec<Run> {
        self.counts.resize(scopes.len(), 0);
        let mut runs = Vec::new();
        for &Found { scope, .. } in cells {
            if self.counts[scope as usize] == 0 {
                runs.push(Run {
                    department: scopes.department_of(scope),
                    scope,
                    first: 0,
                });
            }
            self.counts[scope as usize] += 1;
        }
        runs.sort_unstable_by_key(|run| (run.department, run.scope));
        let mut end = 0;
        for run in &mut runs {
            let count = &mut self.counts[run.scope as usize];
            run.first = end;
            end += std::mem::replace(count, end);
        }
        runs
    }

    /// The cells by run; within one as they came.
    fn ordered(&mut self, cells: &[Found]) -> Vec<Found> {
        let mut ordered = vec![Found::default(); cells.len()];
        for cell in cells {
            let next = &mut self.counts[cell.scope as usize];
            ordered[*next] = *cell;
            *next += 1;
        }
        ordered
    }
}

fn found_in(parts: &[Part<'_>]) -> Vec<Found> {
    let size = parts.iter().map(|part| part.places.len()).sum();
    let mut cells = Vec::with_capacity(size);
    for (number, Part { pane, places, .. }) in (0..).zip(parts) {
        cells.extend(places.iter().map(|place| Found {
            scope: pane.cell(*place).scope,
            part: number,
            place: *place,
        }));
    }
    cells
}

/// Cells as columns; those that have the form of the wire are bytes.
pub struct WireCells {
    limits: Limits,
    runs: Vec<Run>,
    /// By cell: the place of its run.
    run: Vec<u32>,
    /// By cell, and once more at the end: how many entries of sketches come before.
    entries: Vec<usize>,
    level: Vec<u8>,
    indicator: Vec<u8>,
    start_ms: Vec<[u8; 8]>,
    n: Vec<[u8; 8]>,
    total: Vec<[u8; 8]>,
    good: Vec<[u8; 8]>,
    buckets: Vec<[u8; 2]>,
    bucket: Vec<[u8; 2]>,
    counts: Vec<[u8; 8]>,
}

impl WireCells {
    fn new(parts: &[Part<'_>], cells: &[Found], runs: Vec<Run>, limits: Limits) -> Self {
        let size = cells.len();
        let mut wire = Self {
            limits,
            run: run_of_each(&runs, size),
            runs,
            entries: Vec::with_capacity(size + 1),
            level: Vec::with_capacity(size),
            indicator: Vec::with_capacity(size),
            start_ms: Vec::with_capacity(size),
            n: Vec::with_capacity(size),
            total: Vec::with_capacity(size),
            good: Vec::with_capacity(size),
            buckets: Vec::with_capacity(size),
            bucket: Vec::new(),
            counts: Vec::new(),
        };
        wire.entries.push(0);
        for cell in cells {
            wire.append(&parts[cell.part as usize], cell.place);
        }
        wire
    }

    fn append(&mut self, part: &Part<'_>, place: u32) {
        let cell = part.pane.cell(place);
        self.level.push(part.key.level.wire());
        self.indicator.push(cell.indicator);
        self.start_ms.push(part.key.start_ms().to_le_bytes());
        self.n.push(cell.sums.n.to_le_bytes());
        self.total.push(cell.sums.total.to_le_bytes());
        self.good.push(cell.sums.good.to_le_bytes());
        let before = self.counts.len();
        for (bucket, count) in part.pane.entries(cell) {
            self.bucket.push(bucket.wire().to_le_bytes());
            self.counts.push(count.to_le_bytes());
        }
        let buckets = u16::try_from(self.counts.len() - before).expect("12 bits of buckets");
        self.buckets.push(buckets.to_le_bytes());
        self.entries.push(self.counts.len());
    }

    /// How many cells.
    pub fn len(&self) -> usize {
        self.run.len()
    }

    pub fn is_empty(&self) -> bool {
        self.run.is_empty()
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
        let full = self.bytes_before(first) + self.limits.record_bytes;
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
        CELL_BYTES * cell + BUCKET_BYTES * self.entries[cell]
    }

    fn record(&self, cells: Range<usize>) -> Record<'_> {
        let (first, last) = (self.run[cells.start], self.run[cells.end - 1]);
        let entries = self.entries[cells.start]..self.entries[cells.end];
        let places = self.run[cells.clone()].iter().map(|run| run - first);
        Record {
            runs: &self.runs[first as usize..=last as usize],
            scope: places.flat_map(u32::to_le_bytes).collect(),
            level: &self.level[cells.clone()],
            indicator: &self.indicator[cells.clone()],
            start_ms: self.start_ms[cells.clone()].as_flattened(),
            n: self.n[cells.clone()].as_flattened(),
            total: self.total[cells.clone()].as_flattened(),
            good: self.good[cells.clone()].as_flattened(),
            buckets: self.buckets[cells].as_flattened(),
            bucket: self.bucket[entries.clone()].as_flattened(),
            counts: self.counts[entries].as_flattened(),
        }
    }
}

fn run_of_each(runs: &[Run], cells: usize) -> Vec<u32> {
    let mut run = Vec::with_capacity(cells);
    for (number, next) in (0..).zip(&runs[1.min(runs.len())..]) {
        run.resize(next.first, number);
    }
    run.resize(
        cells,
        u32::try_from(runs.len())
            .expect("fewer than 2^32 scopes")
            .saturating_sub(1),
    );
    run
}

/// The columns of `Cells`.
pub struct Record<'a> {
    runs: &'a [Run],
    pub scope: Vec<u8>,
    pub level: &'a [u8],
    pub indicator: &'a [u8],
    pub start_ms: &'a [u8],
    pub n: &'a [u8],
    pub total: &'a [u8],
    pub good: &'a [u8],
    pub buckets: &'a [u8],
    pub bucket: &'a [u8],
    pub counts: &'a [u8],
}

impl Record<'_> {
    /// The distinct scopes, among which `scope` has places; `scopes` are those of the store that
    /// the cells are of.
    pub fn scopes<'s>(&self, scopes: &'s Scopes) -> impl ExactSizeIterator<Item = ScopeName<'s>> {
        self.runs.iter().map(|run| scopes.name(run.scope))
    }

    /// The ten columns in the order of `Cells`.
    pub fn columns(&self) -> [&[u8]; 10] {
        [
            &self.scope,
            self.level,
            self.indicator,
            self.start_ms,
            self.n,
            self.total,
            self.good,
            self.buckets,
            self.bucket,
            self.counts,
        ]
    }

    /// The bytes of all columns.
    pub fn nbytes(&self) -> usize {
        self.columns().iter().map(|column| column.len()).sum()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum WireError {
    #[error("column {0} has {1} bytes where {2} are due")]
    Length(&'static str, usize, usize),
    #[error("a cell's scope is number {0} of {1}")]
    Scope(usize, usize),
    #[error("there is no level {0}")]
    Level(u8),
    #[error("there is no room for the count {0} of a bucket")]
    Count(i64),
    #[error(transparent)]
    Bucket(#[from] BucketError),
}

/// `Cells` as they came.
pub struct CellsView<'a> {
    pub scopes: Vec<ScopeName<'a>>,
    pub scope: &'a [u8],
    pub level: &'a [u8],
    pub indicator: &'a [u8],
    pub start_ms: &'a [u8],
    pub n: &'a [u8],
    pub total: &'a [u8],
    pub good: &'a [u8],
    pub buckets: &'a [u8],
    pub bucket: &'a [u8],
    pub counts: &'a [u8],
}

/// One cell of `CellsView`; `scope` is a place among its scopes.
pub struct CellRow {
    pub scope: usize,
    pub level: Level,
    pub indicator: u8,
    pub start_ms: i64,
    pub sums: Sums,
    pub counts: Vec<(Bucket, i64)>,
}

impl CellsView<'_> {
    /// Go over the lengths of all columns.
    ///
    /// # Errors
    /// When one has not as many bytes as the others say.
    pub fn check(&self) -> Result<(), WireError> {
        let cells = self.level.len();
        due("scope", self.scope, 4 * cells)?;
        due("indicator", self.indicator, cells)?;
        due("start_ms", self.start_ms, 8 * cells)?;
        due("n", self.n, 8 * cells)?;
        due("total", self.total, 8 * cells)?;
        due("good", self.good, 8 * cells)?;
        due("buckets", self.buckets, 2 * cells)?;
        let entries = (0..cells)
            .map(|cell| buckets(self.buckets, cell))
            .sum::<usize>();
        due("bucket", self.bucket, 2 * entries)?;
        due("counts", self.counts, 8 * entries)
    }

    /// The cells one by one, of columns that `check` has passed; an error where a number in them
    /// cannot be.
    pub fn rows(&self) -> impl Iterator<Item = Result<CellRow, WireError>> {
        let mut entry = 0;
        (0..self.level.len()).map(move |cell| {
            let first = entry;
            entry += buckets(self.buckets, cell);
            self.row(cell, first..entry)
        })
    }

    fn row(&self, cell: usize, entries: Range<usize>) -> Result<CellRow, WireError> {
        let scope = u32::from_le_bytes(bytes(self.scope, cell)) as usize;
        if scope >= self.scopes.len() {
            return Err(WireError::Scope(scope, self.scopes.len()));
        }
        let level = self.level[cell];
        Ok(CellRow {
            scope,
            level: Level::from_wire(level).ok_or(WireError::Level(level))?,
            indicator: self.indicator[cell],
            start_ms: int64(self.start_ms, cell),
            sums: Sums {
                n: int64(self.n, cell),
                total: int64(self.total, cell),
                good: int64(self.good, cell),
            },
            counts: entries
                .map(|entry| self.entry(entry))
                .collect::<Result<_, _>>()?,
        })
    }

    fn entry(&self, entry: usize) -> Result<(Bucket, i64), WireError> {
        let bucket = Bucket::from_wire(i16::from_le_bytes(bytes(self.bucket, entry)))?;
        let count = int64(self.counts, entry);
        if sketches::fits(count) {
            Ok((bucket, count))
        } else {
            Err(WireError::Count(count))
        }
    }
}

fn due(name: &'static str, column: &[u8], length: usize) -> Result<(), WireError> {
    if column.len() == length {
        Ok(())
    } else {
        Err(WireError::Length(name, column.len(), length))
    }
}

fn buckets(column: &[u8], cell: usize) -> usize {
    u16::from_le_bytes(bytes(column, cell)).into()
}

fn int64(column: &[u8], row: usize) -> i64 {
    i64::from_le_bytes(bytes(column, row))
}

fn bytes<const WIDTH: usize>(column: &[u8], row: usize) -> [u8; WIDTH] {
    column[WIDTH * row..WIDTH * (row + 1)]
        .try_into()
        .expect("a slice of this length")
}
