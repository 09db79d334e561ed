//! One pane as a reader holds it: what every source last said of each of its cells.
//!
//! A pane that is written to finds its cells by a table. One at rest is a row of bytes: its cells one
//! behind the other, each number as long as it needs.

use rustc_hash::FxHashMap;

use crate::buckets::Bucket;
use crate::cells::CellRow;
use crate::indicator_set::MOST_INDICATORS;
use crate::leaves::LeafNumber;
use crate::msgpack::{Read, Reader, Write};
use crate::pane::{Cell, Sums};
use crate::sketches::{SketchArena, read_counts};

pub type SourceNumber = u16;

/// Sources are less than this.
pub const MOST_SOURCES: SourceNumber = 1 << SOURCE_BITS;

const SOURCE_BITS: u32 = 12;
const INDICATOR_BITS: u32 = (MOST_INDICATORS as u32).ilog2();

/// Which cell of a pane, in one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CellKey(u64);

impl CellKey {
    /// Of a source less than `MOST_SOURCES` and an indicator less than `MOST_INDICATORS`.
    pub fn new(leaf: LeafNumber, source: SourceNumber, indicator: u8) -> Self {
        let cell = u64::from(leaf) << SOURCE_BITS | u64::from(source);
        Self(cell << INDICATOR_BITS | u64::from(indicator))
    }

    pub fn leaf(self) -> LeafNumber {
        let leaf = self.0 >> (SOURCE_BITS + INDICATOR_BITS);
        LeafNumber::try_from(leaf).expect("it was one")
    }

    pub fn source(self) -> SourceNumber {
        let source = self.0 >> INDICATOR_BITS & u64::from(MOST_SOURCES - 1);
        SourceNumber::try_from(source).expect("12 bits")
    }

    pub fn indicator(self) -> u8 {
        let indicator = self.0 & u64::from(MOST_INDICATORS - 1);
        u8::try_from(indicator).expect("6 bits")
    }
}

/// What is added to the sums of a cell, and to the counts of its buckets, ascending.
#[derive(Clone, Copy)]
pub struct Change<'a> {
    pub sums: Sums,
    pub counts: &'a [(Bucket, i64)],
}

impl<'a> Change<'a> {
    /// All that a cell says.
    pub fn of(row: &'a CellRow) -> Self {
        Self {
            sums: row.sums,
            counts: &row.counts,
        }
    }

    /// The same taken away; its counts become those in `counts`.
    pub fn taken_away(self, counts: &mut Vec<(Bucket, i64)>) -> Change<'_> {
        counts.clear();
        counts.extend(self.counts.iter().map(|(bucket, count)| (*bucket, -count)));
        Change {
            sums: Sums::default().less(self.sums),
            counts,
        }
    }

    pub fn is_none(self) -> bool {
        self.sums == Sums::default() && self.counts.is_empty()
    }
}

pub struct HeldPane(Form);

enum Form {
    Awake(Awake),
    Resting { cells: usize, packed: Box<[u8]> },
}

#[derive(Default)]
struct Awake {
    places: FxHashMap<CellKey, u32>,
    keys: Vec<CellKey>,
    cells: Vec<Cell>,
    sketches: SketchArena,
}

impl Default for HeldPane {
    fn default() -> Self {
        Self(Form::Awake(Awake::default()))
    }
}

impl HeldPane {
    /// How many cells.
    pub fn cells(&self) -> usize {
        match &self.0 {
            Form::Awake(awake) => awake.cells.len(),
            Form::Resting { cells, .. } => *cells,
        }
    }

    /// Let a cell say what is new of it. By how much its sums change, and the counts of its buckets,
    /// which become those in `changes`.
    pub fn swap(
        &mut self,
        key: CellKey,
        new: Change<'_>,
        changes: &mut Vec<(Bucket, i64)>,
    ) -> Sums {
        let (cell, sketches) = self.awake().cell(key);
        changes.clear();
        put_difference(sketches.entries(cell.sketch), new.counts, changes);
        if !changes.is_empty() {
            sketches.set(&mut cell.sketch, new.counts);
        }
        let before = std::mem::replace(&mut cell.sums, new.sums);
        new.sums.less(before)
    }

    /// Add to a cell.
    pub fn add(&mut self, key: CellKey, change: Change<'_>) {
        let (cell, sketches) = self.awake().cell(key);
        cell.sums = cell.sums.plus(change.sums);
        for (bucket, count) in change.counts {
            sketches.add(&mut cell.sketch, *bucket, *count);
        }
    }

    /// Show all cells, each with what it says.
    pub fn each(&self, mut show: impl FnMut(CellKey, Change<'_>)) {
        match &self.0 {
            Form::Awake(awake) => awake.each(show),
            Form::Resting { packed, .. } => {
                each_packed(packed, &mut show).expect("what was packed here can be read");
            }
        }
    }

    /// Give up what only helps to write.
    pub fn rest(&mut self) {
        if let Form::Awake(awake) = &self.0 {
            self.0 = Form::Resting {
                cells: awake.cells.len(),
                packed: awake.packed().into_boxed_slice(),
            };
        }
    }

    /// Give up what the sketches have left, when it is much.
    pub fn tidy(&mut self) {
        if matches!(&self.0, Form::Awake(awake) if awake.sketches.is_loose()) {
            self.rest();
        }
    }

    fn awake(&mut self) -> &mut Awake {
        if let Form::Resting { .. } = self.0 {
            #[cfg(test)]
            WOKEN.set(WOKEN.get() + 1);
            let mut awake = Awake::default();
            self.each(|key, said| awake.append(key, said));
            self.0 = Form::Awake(awake);
        }
        match &mut self.0 {
            Form::Awake(awake) => awake,
            Form::Resting { .. } => unreachable!("it was woken"),
        }
    }
}

impl Awake {
    fn cell(&mut self, key: CellKey) -> (&mut Cell, &mut SketchArena) {
        let next = u32::try_from(self.cells.len()).expect("fewer than 2^32 cells in a pane");
        let place = *self.places.entry(key).or_insert(next);
        if place == next {
            self.keys.push(key);
            self.cells.push(Cell::default());
        }
        (&mut self.cells[place as usize], &mut self.sketches)
    }

    fn append(&mut self, key: CellKey, said: Change<'_>) {
        let (cell, sketches) = self.cell(key);
        cell.sums = said.sums;
        sketches.set(&mut cell.sketch, said.counts);
    }

    fn each(&self, mut show: impl FnMut(CellKey, Change<'_>)) {
        let mut counts = Vec::new();
        for (key, cell) in self.keys.iter().zip(&self.cells) {
            counts.clear();
            counts.extend(self.sketches.entries(cell.sketch));
            let said = Change {
                sums: cell.sums,
                counts: &counts,
            };
            show(*key, said);
        }
    }

    /// Each cell's key as its distance from the one before, its sums and its sketch; the number of
    /// cells comes first.
    fn packed(&self) -> Vec<u8> {
        let mut cells: Vec<_> = self.keys.iter().zip(&self.cells).collect();
        cells.sort_unstable_by_key(|(key, _)| **key);
        let mut buffer = Vec::with_capacity(12 * cells.len());
        buffer.array(cells.len());
        let mut before = 0;
        for (CellKey(key), cell) in cells {
            buffer.uint(key - before);
            for sum in [cell.sums.n, cell.sums.total, cell.sums.good] {
                buffer.int(sum);
            }
            self.sketches.write(cell.sketch, &mut buffer);
            before = *key;
        }
        buffer
    }
}

/// What is to be added to the old counts so that they become the new ones; both ascend.
fn put_difference(
    old: impl Iterator<Item = (Bucket, i64)>,
    new: &[(Bucket, i64)],
    changes: &mut Vec<(Bucket, i64)>,
) {
    let mut new = new.iter().copied().peekable();
    let mut put = |bucket, count| {
        if count != 0 {
            changes.push((bucket, count));
        }
    };
    for (bucket, before) in old {
        while let Some((bucket, count)) = new.next_if(|(other, _)| *other < bucket) {
            put(bucket, count);
        }
        let now = new.next_if(|(other, _)| *other == bucket);
        put(bucket, now.map_or(0, |(_, count)| count) - before);
    }
    new.for_each(|(bucket, count)| put(bucket, count));
}

fn each_packed(packed: &[u8], show: &mut impl FnMut(CellKey, Change<'_>)) -> Read<()> {
    let reader = &mut Reader::new(packed);
    let (mut key, mut counts) = (0, Vec::new());
    for _ in 0..reader.array()? {
        key += reader.uint()?;
        let sums = Sums {
            n: reader.int()?,
            total: reader.int()?,
            good: reader.int()?,
        };
        read_counts(reader, &mut counts)?;
        let counts = &counts;
        show(CellKey(key), Change { sums, counts });
    }
    Ok(())
}

#[cfg(test)]
thread_local!(static WOKEN: std::cell::Cell<usize> = const { std::cell::Cell::new(0) });

/// How many panes were woken by this thread.
#[cfg(test)]
pub fn woken() -> usize {
    WOKEN.get()
}

#[cfg(test)]
mod tests {
    use super::*;

    type Counts = Vec<(Bucket, i64)>;

    fn counts(of: &[(i16, i64)]) -> Counts {
        let bucket = |number| Bucket::from_wire(number).expect("a bucket");
        of.iter().map(|(at, count)| (bucket(*at), *count)).collect()
    }

    fn said(pane: &HeldPane) -> Vec<(CellKey, Sums, Counts)> {
        let mut all = Vec::new();
        pane.each(|key, said| all.push((key, said.sums, said.counts.to_vec())));
        all.sort_by_key(|(key, ..)| *key);
        all
    }

    #[test]
    fn a_key_is_its_parts() {
        let (leaf, source, indicator) = (u32::MAX, MOST_SOURCES - 1, MOST_INDICATORS - 1);
        let key = CellKey::new(leaf, source, indicator);
        assert_eq!(
            (key.leaf(), key.source(), key.indicator()),
            (leaf, source, indicator)
        );
    }

    #[test]
    fn what_is_swapped_is_told_apart_by_its_difference() {
        let mut pane = HeldPane::default();
        let key = CellKey::new(3, 1, 7);
        let mut changes = Vec::new();
        let forms = [
            counts(&[(-1, 4), (5, 2)]),
            counts(&[(5, 3), (9, 1)]),
            counts(&[(5, 3), (9, 1)]),
            counts(&[]),
        ];
        let expected = [
            counts(&[(-1, 4), (5, 2)]),
            counts(&[(-1, -4), (5, 1), (9, 1)]),
            counts(&[]),
            counts(&[(5, -3), (9, -1)]),
        ];
        for (form, expected) in forms.iter().zip(expected) {
            let new = Change {
                sums: Sums::default(),
                counts: form,
            };
            pane.swap(key, new, &mut changes);
            assert_eq!(changes, expected);
            pane.rest();
            assert_eq!(said(&pane), [(key, Sums::default(), form.clone())]);
        }
    }

    #[test]
    fn extremes_come_back_from_rest() {
        let mut pane = HeldPane::default();
        let all: Vec<_> = [i64::MIN, -1, 0, i64::MAX]
            .into_iter()
            .zip(0..)
            .map(|(n, leaf)| {
                let sums = Sums {
                    n,
                    total: n,
                    good: n,
                };
                (
                    CellKey::new(leaf, leaf_source(leaf), 5),
                    sums,
                    counts(&[(4094, 1)]),
                )
            })
            .collect();
        for (key, sums, counts) in all.iter().rev() {
            let sums = *sums;
            pane.add(*key, Change { sums, counts });
        }
        for _ in 0..2 {
            assert_eq!(said(&pane), all);
            pane.rest();
        }
        let change = Change {
            sums: all[0].1,
            counts: &[],
        };
        pane.add(all[0].0, change);
        assert_eq!(said(&pane)[0].1, Sums::default());
        assert_eq!(pane.cells(), 4);
    }

    fn leaf_source(leaf: LeafNumber) -> SourceNumber {
        SourceNumber::try_from(leaf).expect("a few")
    }

    #[test]
    fn a_cell_at_rest_takes_little() {
        let mut pane = HeldPane::default();
        let sums = Sums {
            n: 40,
            total: 4_000_000,
            good: 30,
        };
        let entries: Vec<_> = (400..420).map(|bucket| (bucket, 2)).collect();
        let counts = &counts(&entries);
        for leaf in 0..500 {
            pane.add(CellKey::new(leaf, 1, 7), Change { sums, counts });
        }
        pane.rest();
        let Form::Resting { packed, .. } = &pane.0 else {
            unreachable!("it rests");
        };
        assert!(packed.len() < 500 * (16 + 3 * entries.len()));
    }
}
