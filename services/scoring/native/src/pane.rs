//! The cells of one pane: dense rows, and an index from (scope, indicator) to a place in them.

use std::hash::BuildHasher;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use rustc_hash::FxBuildHasher;

use crate::buckets::Bucket;
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
/// `round` is that of slices in which the pane came to be.
pub struct Pane {
    pub round: u32,
    cells: Vec<Cell>,
    index: HashTable<u32>,
    sketches: SketchArena,
    touched: Vec<u32>,
    is_warm: bool,
}

impl Pane {
    pub fn new(round: u32) -> Self {
        Self {
            round,
            cells: Vec::new(),
            index: HashTable::new(),
            sketches: SketchArena::default(),
            touched: Vec::new(),
            is_warm: false,
        }
    }

    /// How many cells; their places count from 0.
    pub fn len(&self) -> u32 {
        number(self.cells.len())
    }

    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    pub fn cell(&self, place: u32) -> &Cell {
        &self.cells[place as usize]
    }

    pub fn entries(&self, cell: &Cell) -> impl Iterator<Item = (Bucket, i64)> {
        self.sketches.entries(cell.sketch)
    }

    /// Change a cell, and its sketch by the counts given; whether its total overflowed.
    pub fn add(
        &mut self,
        key: CellKey,
        sums: Sums,
        counts: impl Iterator<Item = (Bucket, i64)>,
    ) -> bool {
        let place = self.place(key);
        let cell = &mut self.cells[place as usize];
        if !cell.is_touched {
            cell.is_touched = true;
            self.touched.push(place);
        }
        let overflowed = cell.sums.add(sums);
        for (bucket, count) in counts {
            self.sketches.add(&mut cell.sketch, bucket, count);
        }
        overflowed
    }

    /// Set a cell to what a changelog says.
    pub fn replace(&mut self, key: CellKey, sums: Sums, counts: &[(Bucket, i64)]) {
        let place = self.place(key);
        let cell = &mut self.cells[place as usize];
        cell.sums = sums;
        self.sketches.clear(&mut cell.sketch);
        for (bucket, count) in counts {
            self.sketches.add(&mut cell.sketch, *bucket, *count);
        }
    }

    /// The places of the cells added to since the last call, each once.
    pub fn take_touched(&mut self) -> Vec<u32> {
        let touched = std::mem::take(&mut self.touched);
        for place in &touched {
            self.cells[*place as usize].is_touched = false;
        }
        touched
    }

    /// Give back the memory that growing has left over, unless the pane has changed since the last
    /// call.
    pub fn settle(&mut self) {
        if !std::mem::take(&mut self.is_warm) {
            let Self { cells, index, .. } = self;
            cells.shrink_to_fit();
            index.shrink_to_fit(|place| cells[*place as usize].key().hash());
            self.sketches.shrink();
        }
    }

    fn place(&mut self, key: CellKey) -> u32 {
        self.is_warm = true;
        let cells = &mut self.cells;
        let entry = self.index.entry(
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
                place
            }
        }
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
    fn a_cell_has_forty_bytes() {
        assert_eq!(size_of::<Cell>(), 40);
    }
}
