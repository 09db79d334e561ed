//! The sketches of many cells: each a run of (bucket, count), ascending, in one arena.
//!
//! An entry is 62 bits: 12 of bucket, 50 of count. A sketch of a single bucket, as most cells of
//! employees have, lies in its handle; a longer one in a run with room for a power of two of
//! entries, which moves to one with twice the room when it is full. What it leaves is used again.

use crate::buckets::Bucket;
use crate::msgpack::{Damaged, Read, Reader, Write};

const COUNT_BITS: u32 = ENTRY_BITS - Bucket::BITS;
const COUNT_MASK: u64 = (1 << COUNT_BITS) - 1;
const ENTRY_BITS: u32 = 62;
const ENTRY_MASK: u64 = (1 << ENTRY_BITS) - 1;
const MOST: i64 = (1 << (COUNT_BITS - 1)) - 1;
const ROOMS: usize = Bucket::BITS as usize + 1;
const MOST_ENTRIES: usize = 1 << Bucket::BITS;
const NONE: u64 = u64::MAX;

#[derive(Clone, Copy)]
struct Entry(u64);

impl Entry {
    fn new(bucket: Bucket, count: i64) -> Self {
        assert!(fits(count), "the count of a bucket no longer fits");
        Self(bucket.place() << COUNT_BITS | u64::from_le_bytes(count.to_le_bytes()) & COUNT_MASK)
    }

    fn bucket(self) -> Bucket {
        Bucket::at(self.0 >> COUNT_BITS)
    }

    fn count(self) -> i64 {
        let above = u64::BITS - COUNT_BITS;
        i64::from_le_bytes((self.0 << above).to_le_bytes()) >> above
    }

    fn increased(self, count: i64) -> Self {
        Self::new(self.bucket(), self.count() + count)
    }
}

/// Whether there is room for a bucket's count.
pub fn fits(count: i64) -> bool {
    (-MOST..=MOST).contains(&count)
}

/// A cell's sketch in an arena: 0 when it is empty. The first two bits say what the others are:
/// the only entry, or how many entries a run has and where it begins.
#[derive(Clone, Copy, Default)]
pub struct Sketch(u64);

const SINGLE: u64 = 1 << ENTRY_BITS;
const RUN: u64 = 2 << ENTRY_BITS;
const FIRST_BITS: u32 = ENTRY_BITS - Bucket::BITS - 1;
const FIRST_MASK: u64 = (1 << FIRST_BITS) - 1;

impl Sketch {
    fn single(entry: Entry) -> Self {
        Self(SINGLE | entry.0)
    }

    fn of_run(first: usize, len: usize) -> Self {
        let (first, len) = (first as u64, len as u64);
        assert!(first <= FIRST_MASK, "a place in memory");
        Self(RUN | len << FIRST_BITS | first)
    }

    fn only(self) -> Option<Entry> {
        (self.0 & SINGLE != 0).then_some(Entry(self.0 & ENTRY_MASK))
    }

    fn is_run(self) -> bool {
        self.0 & RUN != 0
    }

    fn first(self) -> usize {
        usize::try_from(self.0 & FIRST_MASK).expect("a place in memory")
    }

    fn len(self) -> usize {
        usize::try_from((self.0 & ENTRY_MASK) >> FIRST_BITS).expect("13 bits")
    }

    fn room(self) -> usize {
        self.len().next_power_of_two()
    }
}

pub struct SketchArena {
    entries: Vec<Entry>,
    /// By the logarithm of a room: the first of those that are free, each of which names the next.
    free: [u64; ROOMS],
}

impl Default for SketchArena {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            free: [NONE; ROOMS],
        }
    }
}

impl SketchArena {
    /// Add to a bucket of a sketch of this arena.
    pub fn add(&mut self, sketch: &mut Sketch, bucket: Bucket, count: i64) {
        if sketch.is_run() {
            self.add_to_run(sketch, bucket, count);
            return;
        }
        match sketch.only() {
            None => *sketch = Sketch::single(Entry::new(bucket, count)),
            Some(only) if only.bucket() == bucket => {
                *sketch = Sketch::single(only.increased(count));
            }
            Some(only) => *sketch = self.spilled(only, Entry::new(bucket, count)),
        }
    }

    /// Empty a sketch.
    pub fn clear(&mut self, sketch: &mut Sketch) {
        if sketch.is_run() {
            self.release(sketch.first(), sketch.room());
        }
        *sketch = Sketch::default();
    }

    /// The buckets, ascending, and their counts; without those whose count is 0.
    pub fn entries(&self, sketch: Sketch) -> impl Iterator<Item = (Bucket, i64)> {
        let run = if sketch.is_run() {
            self.run(sketch)
        } else {
            &[]
        };
        let counted = sketch
            .only()
            .into_iter()
            .chain(run.iter().copied())
            .filter(|e| e.count() != 0);
        counted.map(|entry| (entry.bucket(), entry.count()))
    }

    /// The buckets that count, each as its distance from the one before, and their counts.
    pub fn write(&self, sketch: Sketch, buffer: &mut Vec<u8>) {
        buffer.array(self.entries(sketch).count());
        let mut before = 0;
        for (bucket, count) in self.entries(sketch) {
            buffer.uint(bucket.place() - before);
            buffer.int(count);
            before = bucket.place();
        }
    }

    /// The inverse of `write`, as a new sketch of this arena.
    pub fn read(&mut self, reader: &mut Reader<'_>) -> Read<Sketch> {
        let len = reader.array()?;
        let mut place = 0;
        let mut next = || {
            place += reader.uint()?;
            Ok(Entry::new(Bucket::at(place), reader.int()?))
        };
        match len {
            0 => Ok(Sketch::default()),
            1 => next().map(Sketch::single),
            _ if len > MOST_ENTRIES => Err(Damaged::Range),
            _ => {
                let first = self.reserve(len.next_power_of_two());
                for entry in &mut self.entries[first..first + len] {
                    *entry = next()?;
                }
                Ok(Sketch::of_run(first, len))
            }
        }
    }

    fn run(&self, sketch: Sketch) -> &[Entry] {
        &self.entries[sketch.first()..sketch.first() + sketch.len()]
    }

    fn spilled(&mut self, only: Entry, second: Entry) -> Sketch {
        let at = self.reserve(2);
        let (low, high) = if only.bucket() < second.bucket() {
            (only, second)
        } else {
            (second, only)
        };
        self.entries[at] = low;
        self.entries[at + 1] = high;
        Sketch::of_run(at, 2)
    }

    fn add_to_run(&mut self, sketch: &mut Sketch, bucket: Bucket, count: i64) {
        let run = self.run(*sketch);
        let place = run.partition_point(|entry| entry.bucket() < bucket);
        match run.get(place) {
            Some(entry) if entry.bucket() == bucket => {
                self.entries[sketch.first() + place] = entry.increased(count);
            }
            _ => self.insert(sketch, place, Entry::new(bucket, count)),
        }
    }

    fn insert(&mut self, sketch: &mut Sketch, place: usize, entry: Entry) {
        if sketch.len() == sketch.room() {
            self.move_to(sketch, 2 * sketch.room());
        }
        let (first, len) = (sketch.first(), sketch.len());
        let (at, end) = (first + place, first + len);
        self.entries.copy_within(at..end, at + 1);
        self.entries[at] = entry;
        *sketch = Sketch::of_run(first, len + 1);
    }

    fn move_to(&mut self, sketch: &mut Sketch, room: usize) {
        let (old, len) = (sketch.first(), sketch.len());
        let new = self.reserve(room);
        self.entries.copy_within(old..old + len, new);
        self.release(old, sketch.room());
        *sketch = Sketch::of_run(new, len);
    }

    fn reserve(&mut self, room: usize) -> usize {
        let head = self.free[room.ilog2() as usize];
        if head == NONE {
            let place = self.entries.len();
            self.entries.resize(place + room, Entry(0));
            return place;
        }
        let place = usize::try_from(head).expect("a place in memory");
        self.free[room.ilog2() as usize] = self.entries[place].0;
        place
    }

    fn release(&mut self, place: usize, room: usize) {
        let head = &mut self.free[room.ilog2() as usize];
        self.entries[place] = Entry(*head);
        *head = place as u64;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn listed(arena: &SketchArena, sketch: Sketch) -> Vec<(i16, i64)> {
        arena
            .entries(sketch)
            .map(|(bucket, count)| (bucket.wire(), count))
            .collect()
    }

    #[test]
    fn sketches_that_grow_side_by_side_keep_their_counts() {
        let mut arena = SketchArena::default();
        let mut sketches = [Sketch::default(); 7];
        let mut plain = vec![BTreeMap::<i16, i64>::new(); 7];
        let mut number: u64 = 1;
        for step in 0..20_000 {
            number = number
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let cell = (number >> 60) as usize % 7;
            let wire = i16::try_from((number >> 33) % (4 << cell)).unwrap() - 1;
            let count = if number >> 32 & 1 == 0 { 1 } else { -1 };
            arena.add(&mut sketches[cell], Bucket::from_wire(wire).unwrap(), count);
            *plain[cell].entry(wire).or_default() += count;
            if step % 4_999 == 0 {
                arena.clear(&mut sketches[cell]);
                plain[cell].clear();
            }
        }
        for (sketch, expected) in sketches.iter().zip(plain) {
            let expected: Vec<_> = expected
                .into_iter()
                .filter(|(_, count)| *count != 0)
                .collect();
            assert_eq!(listed(&arena, *sketch), expected);
        }
    }

    #[test]
    fn a_room_that_was_left_is_used_again() {
        let mut arena = SketchArena::default();
        for _ in 0..100 {
            let mut sketch = Sketch::default();
            for number in 0..5 {
                arena.add(&mut sketch, Bucket::from_wire(number).unwrap(), 1);
            }
            arena.clear(&mut sketch);
        }
        assert_eq!(arena.entries.len(), 2 + 4 + 8);
    }

    #[test]
    fn a_handle_has_eight_bytes() {
        assert_eq!(size_of::<Sketch>(), 8);
    }

    #[test]
    fn counts_at_the_edge_come_back_alone_and_in_a_run() {
        let [low, high] = [-1, 4094].map(|wire| Bucket::from_wire(wire).unwrap());
        for most in [MOST, -MOST] {
            assert!(fits(most) && !fits(most + most.signum()));
            let mut arena = SketchArena::default();
            let mut sketch = Sketch::default();
            arena.add(&mut sketch, high, most);
            assert_eq!(listed(&arena, sketch), [(4094, most)]);
            arena.add(&mut sketch, low, -most);
            assert_eq!(listed(&arena, sketch), [(-1, -most), (4094, most)]);
            arena.add(&mut sketch, high, -most);
            assert_eq!(listed(&arena, sketch), [(-1, -most)]);
        }
    }

    #[test]
    fn a_sketch_may_have_every_bucket() {
        let mut arena = SketchArena::default();
        let mut sketch = Sketch::default();
        for wire in (-1..4095).rev() {
            arena.add(&mut sketch, Bucket::from_wire(wire).unwrap(), 1);
        }
        let mut packed = Vec::new();
        arena.write(sketch, &mut packed);
        let again = arena.read(&mut Reader::new(&packed)).unwrap();
        let expected: Vec<_> = (-1..4095).map(|wire| (wire, 1)).collect();
        assert_eq!(listed(&arena, again), expected);
    }

    #[test]
    #[should_panic(expected = "no longer fits")]
    fn a_count_that_no_longer_fits_is_no_wrong_figure() {
        let mut arena = SketchArena::default();
        let mut sketch = Sketch::default();
        let bucket = Bucket::from_wire(0).unwrap();
        arena.add(&mut sketch, bucket, MOST);
        arena.add(&mut sketch, bucket, 1);
    }
}
