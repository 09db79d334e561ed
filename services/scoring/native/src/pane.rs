//! The cells of one pane: a row for each leaf, and in it a cell for each indicator that it has.

use std::io;

use rustc_hash::FxHashMap;

use crate::buckets::Bucket;
use crate::indicator_set::{IndicatorSet, MOST_INDICATORS};
use crate::leaves::LeafNumber;
use crate::msgpack::{Read, Reader, Write};
use crate::resting::{Rest, RestingPlace};
use crate::rooms::{self, Rooms, room};
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

    /// Both together; what leaves 64 bits comes back when it is taken away.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            n: self.n.wrapping_add(other.n),
            total: self.total.wrapping_add(other.total),
            good: self.good.wrapping_add(other.good),
        }
    }

    /// This less another; the inverse of `plus`.
    #[must_use]
    pub fn less(self, other: Self) -> Self {
        Self {
            n: self.n.wrapping_sub(other.n),
            total: self.total.wrapping_sub(other.total),
            good: self.good.wrapping_sub(other.good),
        }
    }
}

/// 32 bytes: two of them lie in a line of memory.
#[derive(Clone, Copy, Default)]
pub struct Cell {
    pub sums: Sums,
    pub sketch: Sketch,
}

/// The cells of a leaf: those of `indicators`, ascending, from `first` on, with room for a power of
/// two of them.
#[derive(Clone, Copy)]
struct Row {
    leaf: LeafNumber,
    first: u32,
    indicators: IndicatorSet,
    touched: IndicatorSet,
}

/// Some cells of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Piece {
    pub leaf: LeafNumber,
    row: u32,
    pub indicators: IndicatorSet,
}

/// The cells of a level that start together; a row is given to each leaf when it is first booked
/// in. `round` is the last one whose slices pass over the pane, `number` its own. A pane that was not
/// booked in lately is at rest: its cells lie one behind the other in as few bytes as they need. To be
/// read they are shown, to be changed the pane is woken.
pub struct Pane {
    pub round: u32,
    number: u32,
    len: u32,
    form: Form,
    touched: Vec<u32>,
    was_changed: bool,
}

enum Form {
    Awake(Held, Index),
    Resting(Rest),
    Shown(Held, Rest),
}

/// The row of each leaf.
type Index = FxHashMap<LeafNumber, u32>;

const _: () = assert!(MOST_INDICATORS as usize <= rooms::MOST);

#[derive(Default)]
struct Held {
    rows: Vec<Row>,
    cells: Rooms<Cell>,
    sketches: SketchArena,
}

impl Pane {
    pub fn new(round: u32, number: u32) -> Self {
        Self {
            round,
            number,
            len: 0,
            form: Form::Awake(Held::default(), Index::default()),
            touched: Vec::new(),
            was_changed: false,
        }
    }

    /// How many cells.
    pub fn len(&self) -> u32 {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The cells of a piece with their indicators, ascending; of a pane that is not at rest.
    pub fn cells(&self, piece: Piece) -> impl Iterator<Item = (u8, &Cell)> {
        let Held { rows, cells, .. } = self.held();
        let row = &rows[piece.row as usize];
        let cells = cells.from(row.first);
        let placed = piece.indicators.placed_in(row.indicators);
        placed.map(|(indicator, place)| (indicator, &cells[place]))
    }

    /// All leaves; of a pane that is not at rest.
    pub fn pieces(&self) -> impl Iterator<Item = Piece> {
        (0..).zip(&self.held().rows).map(|(row, held)| Piece {
            leaf: held.leaf,
            row,
            indicators: held.indicators,
        })
    }

    /// Of a pane that is not at rest.
    pub fn sketches(&self) -> &SketchArena {
        &self.held().sketches
    }

    /// Change the cells of a leaf for some indicators: by these sums and counts of their sketches,
    /// ascending by indicator, of each at least one; how many totals overflowed. The number of its row
    /// may be guessed, and is known then.
    pub fn add<C: IntoIterator<Item = (Bucket, i64)>>(
        &mut self,
        (leaf, guess): (LeafNumber, &mut u32),
        indicators: IndicatorSet,
        changes: impl Iterator<Item = (u8, Sums, C)>,
    ) -> u64 {
        let number = self.row(leaf, *guess, indicators);
        *guess = number;
        let Form::Awake(rows, _) = &mut self.form else {
            unreachable!("it was woken");
        };
        let row = &mut rows.rows[number as usize];
        if row.touched.is_empty() {
            self.touched.push(number);
        }
        row.touched = row.touched.with(indicators);
        let cells = rows.cells.from_mut(row.first);
        let mut placed = indicators.placed_in(row.indicators);
        let mut at = None;
        let mut overflows = 0;
        for (indicator, sums, counts) in changes {
            while at.is_none_or(|(before, _)| before != indicator) {
                at = Some(placed.next().expect("one of the indicators"));
            }
            let place = at.expect("it was found").1;
            let cell = &mut cells[place];
            overflows += u64::from(cell.sums.add(sums));
            for (bucket, count) in counts {
                rows.sketches.add(&mut cell.sketch, bucket, count);
            }
        }
        overflows
    }

    /// Set a cell to what a changelog says.
    pub fn replace(
        &mut self,
        leaf: LeafNumber,
        indicator: u8,
        sums: Sums,
        counts: &[(Bucket, i64)],
    ) {
        let number = self.row(leaf, 0, IndicatorSet::of(indicator));
        let Form::Awake(rows, _) = &mut self.form else {
            unreachable!("it was woken");
        };
        let row = &rows.rows[number as usize];
        let cell = &mut rows.cells.from_mut(row.first)[row.indicators.rank(indicator)];
        cell.sums = sums;
        rows.sketches.clear(&mut cell.sketch);
        for (bucket, count) in counts {
            rows.sketches.add(&mut cell.sketch, *bucket, *count);
        }
    }

    /// Count all cells as added to; of a pane that is awake.
    pub fn touch_all(&mut self) {
        let Form::Awake(rows, _) = &mut self.form else {
            unreachable!("who changes a pane has woken it");
        };
        for row in &mut rows.rows {
            row.touched = row.indicators;
        }
        self.touched.clear();
        self.touched.extend(0..number(rows.rows.len()));
    }

    /// The cells added to since the last call, each once.
    pub fn take_touched(&mut self) -> Vec<Piece> {
        let Form::Awake(rows, _) = &mut self.form else {
            return Vec::new();
        };
        let piece = |number| {
            let row: &mut Row = &mut rows.rows[number as usize];
            Piece {
                leaf: row.leaf,
                row: number,
                indicators: std::mem::take(&mut row.touched),
            }
        };
        self.touched.drain(..).map(piece).collect()
    }

    /// Up to so many cells, in the order of rows and in these of indicators, from a place on; how
    /// many they are, and the place behind them. A cell keeps its place whatever comes to be. The
    /// pane must not be at rest.
    pub fn slice(&self, from: u32, most: usize) -> (Vec<Piece>, usize, u32) {
        let mut pieces = Vec::new();
        let mut left = most;
        let (mut next, first) = (from, row_of(from));
        for (row, held) in (first..).zip(&self.held().rows[first as usize..]) {
            if left == 0 {
                break;
            }
            let ahead = if row == first {
                held.indicators.from(indicator_of(from))
            } else {
                held.indicators
            };
            let indicators = ahead.least(left);
            if let Some(last) = indicators.greatest() {
                left -= indicators.len();
                next = place(row, last) + 1;
                pieces.push(Piece {
                    leaf: held.leaf,
                    row,
                    indicators,
                });
            }
        }
        (pieces, most - left, next)
    }

    /// Let a pane that rests be read.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn show(&mut self, place: &RestingPlace) -> io::Result<()> {
        if let Form::Resting(rest) = &mut self.form {
            let held = Held::unpacked(&place.get(rest)?);
            self.form = Form::Shown(held, std::mem::take(rest));
        }
        Ok(())
    }

    /// Be at rest again, if the pane was only shown.
    pub fn hide(&mut self) {
        if let Form::Shown(_, rest) = &mut self.form {
            self.form = Form::Resting(std::mem::take(rest));
        }
    }

    /// Let a pane be changed.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn wake(&mut self, place: &mut RestingPlace) -> io::Result<()> {
        self.show(place)?;
        if let Form::Shown(rows, rest) = &mut self.form {
            place.release(rest);
            let rows = std::mem::take(rows);
            let index = rows.index();
            self.form = Form::Awake(rows, index);
        }
        Ok(())
    }

    /// Come to rest, unless it was changed since the last call: then take no more room than needed.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn rest_if_idle(&mut self, place: &mut RestingPlace) -> io::Result<()> {
        if !std::mem::take(&mut self.was_changed) {
            self.rest(place)?;
        } else if let Form::Awake(rows, _) = &mut self.form {
            rows.tidy();
        }
        Ok(())
    }

    /// Come to rest, unless somebody has yet to take what was touched.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn rest(&mut self, place: &mut RestingPlace) -> io::Result<()> {
        if let (Form::Awake(rows, _), true) = (&self.form, self.touched.is_empty()) {
            let packed = rows.packed(self.len as usize);
            self.form = Form::Resting(place.put(self.number, packed)?);
        }
        Ok(())
    }

    /// The pane's number, and where it rests, if it does.
    pub fn rest_mut(&mut self) -> Option<(u32, &mut Rest)> {
        match &mut self.form {
            Form::Awake(..) => None,
            Form::Resting(rest) | Form::Shown(_, rest) => Some((self.number, rest)),
        }
    }

    fn held(&self) -> &Held {
        match &self.form {
            Form::Awake(rows, _) | Form::Shown(rows, _) => rows,
            Form::Resting(_) => unreachable!("who reads a pane that rests has it shown"),
        }
    }

    /// The row of a leaf, with cells for these indicators at least, in a pane that is awake.
    fn row(&mut self, leaf: LeafNumber, guess: u32, indicators: IndicatorSet) -> u32 {
        self.was_changed = true;
        let Form::Awake(rows, index) = &mut self.form else {
            unreachable!("who changes a pane has woken it");
        };
        let guessed = rows.rows.get(guess as usize);
        let row = if guessed.is_some_and(|row| row.leaf == leaf) {
            guess
        } else {
            *index.entry(leaf).or_insert_with(|| rows.begin(leaf))
        };
        self.len += rows.widen(row, indicators);
        row
    }
}

impl Held {
    fn begin(&mut self, leaf: LeafNumber) -> u32 {
        let row = number(self.rows.len());
        self.rows.push(Row {
            leaf,
            first: 0,
            indicators: IndicatorSet::default(),
            touched: IndicatorSet::default(),
        });
        row
    }

    /// Make empty cells for those of the indicators that have none; how many.
    fn widen(&mut self, row: u32, more: IndicatorSet) -> u32 {
        let before = self.rows[row as usize];
        let indicators = before.indicators.with(more);
        if indicators == before.indicators {
            return 0;
        }
        let (old, new) = (before.indicators.len(), indicators.len());
        if old == 0 {
            let first = self.cells.reserve(room(new));
            self.cells.run_mut(first, new).fill(Cell::default());
            self.rows[row as usize].first = first;
        } else if room(old) < new {
            self.move_to_larger(row, new);
        }
        let row = &mut self.rows[row as usize];
        row.indicators = indicators;
        if old > 0 {
            let cells = self.cells.run_mut(row.first, new);
            spread(cells, before.indicators, indicators);
        }
        number(new - old)
    }

    fn move_to_larger(&mut self, row: u32, cells: usize) {
        let row = &mut self.rows[row as usize];
        let old = row.indicators.len();
        let first = self.cells.reserve(room(cells));
        for place in 0..number(old) {
            let cell = self.cells.run(row.first + place, 1)[0];
            self.cells.run_mut(first + place, 1)[0] = cell;
        }
        self.cells.release(row.first, room(old));
        row.first = first;
    }

    /// Give back the room that the sketches have left, when it is much.
    fn tidy(&mut self) {
        if !self.sketches.is_loose() {
            return;
        }
        let mut sketches = self.sketches.successor();
        for row in &self.rows {
            for cell in self.cells.run_mut(row.first, row.indicators.len()) {
                cell.sketch = sketches.copy(&self.sketches, cell.sketch);
            }
        }
        self.sketches = sketches;
    }

    fn index(&self) -> Index {
        let leaves = self.rows.iter().map(|row| row.leaf);
        leaves.zip(0..).collect()
    }

    /// Each row's leaf and indicators, and the sums and sketches of its cells, in the order of
    /// their places; the number of rows comes first.
    fn packed(&self, cells: usize) -> Vec<u8> {
        let mut buffer = Vec::with_capacity(12 * cells);
        buffer.array(self.rows.len());
        for row in &self.rows {
            buffer.uint(u64::from(row.leaf));
            buffer.uint(row.indicators.bits());
            for cell in self.cells.run(row.first, row.indicators.len()) {
                for sum in [cell.sums.n, cell.sums.total, cell.sums.good] {
                    buffer.int(sum);
                }
                self.sketches.write(cell.sketch, &mut buffer);
            }
        }
        buffer
    }

    fn unpacked(packed: &[u8]) -> Self {
        Self::read(packed).expect("what was packed here can be read")
    }

    fn read(packed: &[u8]) -> Read<Self> {
        let reader = &mut Reader::new(packed);
        let count = reader.array()?;
        let mut rows = Self {
            rows: Vec::with_capacity(count),
            ..Self::default()
        };
        for _ in 0..count {
            let row = rows.begin(reader.small()?);
            rows.widen(row, IndicatorSet::from_bits(reader.uint()?));
            let Row {
                first, indicators, ..
            } = rows.rows[row as usize];
            for cell in rows.cells.run_mut(first, indicators.len()) {
                *cell = read_cell(reader, &mut rows.sketches)?;
            }
        }
        Ok(rows)
    }
}

fn read_cell(reader: &mut Reader<'_>, sketches: &mut SketchArena) -> Read<Cell> {
    let sums = Sums {
        n: reader.int()?,
        total: reader.int()?,
        good: reader.int()?,
    };
    Ok(Cell {
        sums,
        sketch: sketches.read(reader)?,
    })
}

/// Bring cells, which lie in front, to where they belong among those of more indicators, the others
/// of which are empty.
fn spread(cells: &mut [Cell], before: IndicatorSet, indicators: IndicatorSet) {
    let mut from = before.len();
    for (to, indicator) in (0..cells.len()).rev().zip(indicators.descending()) {
        cells[to] = if before.has(indicator) {
            from -= 1;
            cells[from]
        } else {
            Cell::default()
        };
    }
}

/// Where a cell lies in the order of slices: its row's number, and in the last bits the indicator.
fn place(row: u32, indicator: u8) -> u32 {
    row * u32::from(MOST_INDICATORS) + u32::from(indicator)
}

fn row_of(place: u32) -> u32 {
    place / u32::from(MOST_INDICATORS)
}

fn indicator_of(place: u32) -> u8 {
    place.to_le_bytes()[0] % MOST_INDICATORS
}

fn number(count: usize) -> u32 {
    u32::try_from(count).expect("fewer than 2^32 cells in a pane")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cold::tests::scratch;

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

    fn cell(pane: &Pane, (leaf, indicator): (LeafNumber, u8)) -> (Sums, Vec<(Bucket, i64)>) {
        let rows = pane.held();
        let row = rows.rows.iter().position(|row| row.leaf == leaf);
        let piece = Piece {
            leaf,
            row: number(row.expect("a row of the leaf")),
            indicators: IndicatorSet::of(indicator),
        };
        let cells: Vec<_> = pane.cells(piece).collect();
        assert_eq!(cells.len(), 1);
        assert_eq!(cells[0].0, indicator);
        let entries = pane.sketches().entries(cells[0].1.sketch);
        (cells[0].1.sums, entries.collect())
    }

    fn buckets(wires: &[i16]) -> Vec<(Bucket, i64)> {
        let bucket = |&wire| Bucket::from_wire(wire).expect("a bucket");
        wires.iter().map(bucket).map(|b| (b, 3)).collect()
    }

    fn count(n: i64) -> Sums {
        Sums {
            n,
            ..Sums::default()
        }
    }

    #[test]
    fn a_pane_that_rested_says_what_it_said() {
        let mut place = RestingPlace::with_file(scratch());
        let mut pane = Pane::new(0, 7);
        let sums = |total| Sums {
            n: 2,
            total,
            good: -1,
        };
        let said = [
            ((0, 0), sums(0), buckets(&[])),
            ((70_000, 63), sums(i64::MIN), buckets(&[-1])),
            ((3, 9), sums(i64::MAX), buckets(&[5, 300, 301, 2_000, 900])),
            ((3, 7), sums(4), buckets(&[7, 8])),
        ];
        for turn in 1..4 {
            pane.wake(&mut place).expect("a file");
            for ((leaf, indicator), sums, counts) in &said {
                let indicators = IndicatorSet::of(*indicator);
                let booked = (*indicator, Sums::default(), counts.iter().copied());
                pane.add((*leaf, &mut 7), indicators, std::iter::once(booked));
                let number = pane.row(*leaf, 0, indicators);
                let Form::Awake(rows, _) = &mut pane.form else {
                    panic!("it was booked in");
                };
                let row = rows.rows[number as usize];
                let cells = rows.cells.run_mut(row.first, row.indicators.len());
                cells[row.indicators.rank(*indicator)].sums = *sums;
            }
            pane.rest(&mut place).expect("a file");
            assert!(
                matches!(pane.form, Form::Awake(..)),
                "what was touched waits"
            );
            let touched = [(0, 0, 1), (70_000, 1, 1 << 63), (3, 2, 1 << 9 | 1 << 7)];
            let touched = touched.map(|(leaf, row, bits)| Piece {
                leaf,
                row,
                indicators: IndicatorSet::from_bits(bits),
            });
            assert_eq!(pane.take_touched(), touched);
            assert_eq!(pane.take_touched(), []);
            pane.rest_if_idle(&mut place).expect("a file");
            assert!(matches!(pane.form, Form::Awake(..)), "it was changed");
            pane.rest_if_idle(&mut place).expect("a file");
            assert!(matches!(pane.form, Form::Resting(_)));
            assert_eq!(pane.len(), 4);
            pane.show(&place).expect("a file");
            for (key, sums, counts) in &said {
                let mut expected: Vec<_> = counts.iter().map(|(b, n)| (*b, n * turn)).collect();
                expected.sort_unstable();
                assert_eq!(cell(&pane, *key), (*sums, expected));
            }
            if turn == 2 {
                pane.hide();
                assert!(matches!(pane.form, Form::Resting(_)));
            }
        }
    }

    #[test]
    fn cells_keep_what_they_sum_while_others_come_between_them() {
        let mut pane = Pane::new(0, 0);
        let mut expected = std::collections::BTreeMap::new();
        let mut number: u64 = 1;
        for step in 0_i64..3_000 {
            number = number
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let leaf = u32::from(number.to_le_bytes()[7] % 9);
            // Two leaves come to have every indicator, the others ever more.
            let all = if leaf < 2 { u64::MAX } else { u64::MAX >> leaf };
            let indicators = IndicatorSet::from_bits(number.rotate_left(17) & number & all);
            if indicators.is_empty() {
                continue;
            }
            let changes = indicators.iter().flat_map(|indicator| {
                *expected.entry((leaf, indicator)).or_insert(0) += step + 1;
                let entries = buckets(&[i16::from(indicator)]);
                [
                    (indicator, count(step), entries),
                    (indicator, count(1), vec![]),
                ]
            });
            // Any guess is as good, but for the time that a right one saves.
            let mut guess = u32::try_from(step % 11).expect("a small number");
            assert_eq!(pane.add((leaf, &mut guess), indicators, changes), 0);
            assert_eq!(pane.held().rows[guess as usize].leaf, leaf);
        }
        assert_eq!(pane.len() as usize, expected.len());
        for (key, sum) in expected {
            let (sums, entries) = cell(&pane, key);
            assert_eq!((sums, entries.len()), (count(sum), 1));
            assert_eq!(entries[0].0.wire(), i16::from(key.1));
        }
    }

    #[test]
    fn slices_meet_each_cell_once_though_others_come_to_be() {
        let mut pane = Pane::new(0, 0);
        for (leaf, bits) in [(5, 0b1011), (6, 1 << 63), (7, 0b11)] {
            let indicators = IndicatorSet::from_bits(bits);
            let changes = indicators
                .iter()
                .map(|indicator| (indicator, count(1), std::iter::empty::<(Bucket, i64)>()));
            pane.add((leaf, &mut 0), indicators, changes);
        }
        let piece = |row, bits| Piece {
            leaf: 5 + row,
            row,
            indicators: IndicatorSet::from_bits(bits),
        };
        assert_eq!(pane.slice(0, 2), (vec![piece(0, 0b11)], 2, 2));
        pane.replace(5, 0, count(1), &[]);
        pane.replace(5, 2, count(1), &[]);
        assert_eq!(pane.slice(2, 1), (vec![piece(0, 0b100)], 1, 3));
        assert_eq!(
            pane.slice(3, 2),
            (vec![piece(0, 0b1000), piece(1, 1 << 63)], 2, 128)
        );
        assert_eq!(pane.slice(128, 2), (vec![piece(2, 0b11)], 2, 130));
        assert_eq!(pane.slice(128, 9), (vec![piece(2, 0b11)], 2, 130));
        assert_eq!(pane.slice(130, 9), (vec![], 0, 130));
        assert_eq!(pane.slice(192, 9), (vec![], 0, 192));
    }

    #[test]
    fn a_cell_has_thirty_two_bytes() {
        assert_eq!(size_of::<Cell>(), 32);
    }
}
