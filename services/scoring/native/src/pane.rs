//! The cells of one pane: dense rows, and an index from (scope, indicator) to a place in them.

use std::hash::BuildHasher;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use rustc_hash::FxBuildHasher;

use crate::buckets::Bucket;
use crate::msgpack::{Read, Reader, Write};
use crate::scopes::ScopeNumber;
use crate::sketches::{Sketch, SketchArena};

/// What a cell sums, or by how much it changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    pub n: i64,
    pub total: i64,
    pub good: i64,
}

impl Sums {
    /// A total of absurd amounts may leave 64 bits. It must stop nothing, and is exact again when
    /// they are taken back. Whether it has left them, or come back.
    pub fn add(&mut self, other: Self) -> bool {
        let (total, overflowed) = self.total.overflowing_add(other.total);
        self.n += other.n;
        self.total = total;
        self.good += other.good;
        overflowed
    }
}

/// Which cell of a pane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CellKey {
    pub scope: ScopeNumber,
    pub indicator: u8,
}

impl CellKey {
    fn hash(self) -> u64 {
        FxBuildHasher.hash_one(u64::from(self.scope) << 8 | u64::from(self.indicator))
    }
}

/// 40 bytes, for there are millions of them.
pub struct Cell {
    pub sums: Sums,
    pub scope: ScopeNumber,
    pub sketch: Sketch,
    pub indicator: u8,
    is_touched: bool,
}

impl Cell {
    fn new(key: CellKey) -> Self {
        Self {
            sums: Sums::default(),
            scope: key.scope,
            sketch: Sketch::default(),
            indicator: key.indicator,
            is_touched: false,
        }
    }

    fn key(&self) -> CellKey {
        CellKey {
            scope: self.scope,
            indicator: self.indicator,
        }
    }
}

/// The cells of a level that start together; a place is given to each when it is first booked in.
/// `round` is that of slices in which the pane came to be. A pane that was not booked in lately is at
/// rest: its cells lie one behind the other in as few bytes as they need. To be read they are shown,
/// to be changed the pane is woken.
pub struct Pane {
    pub round: u32,
    len: u32,
    form: Form,
    touched: Vec<u32>,
    was_changed: bool,
}

enum Form {
    Awake(Rows, HashTable<u32>),
    Resting(Box<[u8]>),
    Shown(Rows, Box<[u8]>),
}

#[derive(Default)]
struct Rows {
    cells: Vec<Cell>,
    sketches: SketchArena,
}

impl Pane {
    pub fn new(round: u32) -> Self {
        Self {
            round,
            len: 0,
            form: Form::Awake(Rows::default(), HashTable::new()),
            touched: Vec::new(),
            was_changed: false,
        }
    }

    /// How many cells; their places count from 0.
    pub fn len(&self) -> u32 {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Of a pane that is not at rest.
    pub fn cell(&self, place: u32) -> &Cell {
        &self.rows().cells[place as usize]
    }

    /// Of a pane that is not at rest.
    pub fn entries(&self, cell: &Cell) -> impl Iterator<Item = (Bucket, i64)> {
        self.rows().sketches.entries(cell.sketch)
    }

    /// Change a cell, and its sketch by the counts given; whether its total overflowed.
    pub fn add(
        &mut self,
        key: CellKey,
        sums: Sums,
        counts: impl Iterator<Item = (Bucket, i64)>,
    ) -> bool {
        let place = self.place(key);
        let rows = self.rows_mut();
        let cell = &mut rows.cells[place as usize];
        let overflowed = cell.sums.add(sums);
        for (bucket, count) in counts {
            rows.sketches.add(&mut cell.sketch, bucket, count);
        }
        if !std::mem::replace(&mut cell.is_touched, true) {
            self.touched.push(place);
        }
        overflowed
    }

    /// Set a cell to what a changelog says.
    pub fn replace(&mut self, key: CellKey, sums: Sums, counts: &[(Bucket, i64)]) {
        let place = self.place(key);
        let rows = self.rows_mut();
        let cell = &mut rows.cells[place as usize];
        cell.sums = sums;
        rows.sketches.clear(&mut cell.sketch);
        for (bucket, count) in counts {
            rows.sketches.add(&mut cell.sketch, *bucket, *count);
        }
    }

    /// The places of the cells added to since the last call, each once.
    pub fn take_touched(&mut self) -> Vec<u32> {
        let touched = std::mem::take(&mut self.touched);
        for place in &touched {
            self.rows_mut().cells[*place as usize].is_touched = false;
        }
        touched
    }

    /// Let a pane that rests be read.
    pub fn show(&mut self) {
        if let Form::Resting(packed) = &mut self.form {
            let packed = std::mem::take(packed);
            self.form = Form::Shown(Rows::unpacked(&packed), packed);
        }
    }

    /// Be at rest again, if the pane was only shown.
    pub fn hide(&mut self) {
        if let Form::Shown(_, packed) = &mut self.form {
            self.form = Form::Resting(std::mem::take(packed));
        }
    }

    /// Come to rest, unless it was changed since the last call: then take no more room than needed.
    pub fn rest_if_idle(&mut self) {
        if !std::mem::take(&mut self.was_changed) {
            self.rest();
        } else if let Form::Awake(Rows { cells, sketches }, _) = &mut self.form {
            sketches.tidy(cells.iter_mut().map(|cell| &mut cell.sketch));
        }
    }

    /// Come to rest, unless somebody has yet to take what was touched.
    pub fn rest(&mut self) {
        if let (Form::Awake(rows, _), true) = (&self.form, self.touched.is_empty()) {
            self.form = Form::Resting(rows.packed());
        }
    }

    fn rows(&self) -> &Rows {
        match &self.form {
            Form::Awake(rows, _) | Form::Shown(rows, _) => rows,
            Form::Resting(_) => unreachable!("who reads a pane that rests has it shown"),
        }
    }

    fn rows_mut(&mut self) -> &mut Rows {
        match &mut self.form {
            Form::Awake(rows, _) => rows,
            Form::Resting(_) | Form::Shown(..) => unreachable!("who changes a pane has woken it"),
        }
    }

    /// The place of a cell, in a pane that is awake from now on.
    fn place(&mut self, key: CellKey) -> u32 {
        self.was_changed = true;
        self.show();
        if let Form::Shown(rows, _) = &mut self.form {
            let rows = std::mem::take(rows);
            let index = rows.index();
            self.form = Form::Awake(rows, index);
        }
        let Form::Awake(rows, index) = &mut self.form else {
            unreachable!("it was woken");
        };
        let cells = &mut rows.cells;
        let entry = index.entry(
            key.hash(),
            |place| cells[*place as usize].key() == key,
            |place| cells[*place as usize].key().hash(),
        );
        match entry {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(vacant) => {
                let place = number(cells.len());
                vacant.insert(place);
                cells.push(Cell::new(key));
                self.len = place + 1;
                place
            }
        }
    }
}

impl Rows {
    fn index(&self) -> HashTable<u32> {
        let cells = &self.cells;
        let hash = |place: &u32| cells[*place as usize].key().hash();
        let mut index = HashTable::with_capacity(cells.len());
        for place in 0..number(cells.len()) {
            index.insert_unique(hash(&place), place, hash);
        }
        index
    }

    /// Scope, indicator, sums and sketch of each cell, in the order of their places; their number
    /// comes first.
    fn packed(&self) -> Box<[u8]> {
        let mut buffer = Vec::with_capacity(16 * self.cells.len());
        buffer.array(self.cells.len());
        for cell in &self.cells {
            buffer.uint(u64::from(cell.scope));
            buffer.uint(u64::from(cell.indicator));
            for sum in [cell.sums.n, cell.sums.total, cell.sums.good] {
                buffer.int(sum);
            }
            self.sketches.write(cell.sketch, &mut buffer);
        }
        buffer.into_boxed_slice()
    }

    fn unpacked(packed: &[u8]) -> Self {
        Self::read(packed).expect("what was packed here can be read")
    }

    fn read(packed: &[u8]) -> Read<Self> {
        let reader = &mut Reader::new(packed);
        let count = reader.array()?;
        let mut rows = Self {
            cells: Vec::with_capacity(count),
            sketches: SketchArena::default(),
        };
        for _ in 0..count {
            let mut cell = Cell::new(CellKey {
                scope: reader.small()?,
                indicator: reader.small()?,
            });
            cell.sums = Sums {
                n: reader.int()?,
                total: reader.int()?,
                good: reader.int()?,
            };
            cell.sketch = rows.sketches.read(reader)?;
            rows.cells.push(cell);
        }
        Ok(rows)
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).expect("fewer than 2^32 cells in a pane")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_total_that_has_left_64_bits_comes_back() {
        let absurd = |sign: i64| Sums {
            n: sign,
            total: sign * i64::MAX,
            good: 0,
        };
        let mut sums = Sums::default();
        for sign in [1, 1, -1, -1] {
            sums.add(absurd(sign));
        }
        assert_eq!(sums, Sums::default());
    }

    #[test]
    fn a_pane_that_rested_says_what_it_said() {
        let mut pane = Pane::new(0);
        let key = |scope, indicator| CellKey { scope, indicator };
        let buckets = |wires: &[i16]| {
            let bucket = |&wire| Bucket::from_wire(wire).expect("a bucket");
            wires.iter().map(bucket).map(|b| (b, 3)).collect::<Vec<_>>()
        };
        let sums = |total| Sums {
            n: 2,
            total,
            good: -1,
        };
        let said = [
            (key(0, 0), sums(0), buckets(&[])),
            (key(70_000, 255), sums(i64::MIN), buckets(&[-1])),
            (
                key(3, 9),
                sums(i64::MAX),
                buckets(&[5, 300, 301, 2_000, 900]),
            ),
        ];
        for turn in 1..4 {
            for (key, sums, counts) in &said {
                pane.add(*key, Sums::default(), counts.iter().copied());
                let place = pane.place(*key);
                pane.rows_mut().cells[place as usize].sums = *sums;
            }
            pane.rest();
            assert!(
                matches!(pane.form, Form::Awake(..)),
                "what was touched waits"
            );
            assert_eq!(pane.take_touched(), [0, 1, 2]);
            pane.rest_if_idle();
            assert!(matches!(pane.form, Form::Awake(..)), "it was changed");
            pane.rest_if_idle();
            assert!(matches!(pane.form, Form::Resting(_)));
            assert_eq!(pane.len(), 3);
            pane.show();
            for (place, (key, sums, counts)) in (0..).zip(&said) {
                let cell = pane.cell(place);
                assert_eq!((cell.key(), cell.sums), (*key, *sums));
                let mut expected: Vec<_> = counts.iter().map(|(b, n)| (*b, n * turn)).collect();
                expected.sort_unstable();
                assert_eq!(pane.entries(cell).collect::<Vec<_>>(), expected);
            }
            if turn == 2 {
                pane.hide();
                assert!(matches!(pane.form, Form::Resting(_)));
            }
        }
    }

    #[test]
    fn a_cell_has_forty_bytes() {
        assert_eq!(size_of::<Cell>(), 40);
    }
}
