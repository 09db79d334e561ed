//! The sketches of many cells: each a run of (bucket, count), ascending, in an arena.
//!
//! A sketch of a single bucket, as most cells of employees have, lies in its handle. A longer one is
//! a run of entries of 4 bytes, 12 bits of bucket and 20 of count, or of 8, with 50 of count, once a
//! count needs them. A run that is full moves to a larger room; what it leaves is used again, and
//! what is not, a copy of the arena is without.

use std::ops::Range;

use crate::buckets::Bucket;
use crate::msgpack::{Damaged, Read, Reader, Write};

/// An arena is loose when more than one in so many of its entries is in no run.
const IDLE_SHARE: usize = 4;
/// It grows by one in so many.
const GROWTH_SHARE: usize = 8;

/// A bucket and its count in an integer, the bucket in the high bits.
trait Entry: Copy + Default {
    const COUNT_BITS: u32;
    const KIND: u64;

    fn pack(bits: u64) -> Self;
    fn bits(self) -> u64;

    /// Unless the count needs more bits.
    fn new(bucket: Bucket, count: i64) -> Option<Self> {
        let most = (1 << (Self::COUNT_BITS - 1)) - 1;
        let low = u64::from_le_bytes(count.to_le_bytes()) & ((1 << Self::COUNT_BITS) - 1);
        let fits = (-most..=most).contains(&count);
        fits.then(|| Self::pack(bucket.place() << Self::COUNT_BITS | low))
    }

    fn bucket(self) -> Bucket {
        Bucket::at(self.bits() >> Self::COUNT_BITS)
    }

    fn count(self) -> i64 {
        let unused = u64::BITS - Self::COUNT_BITS;
        i64::from_le_bytes((self.bits() << unused).to_le_bytes()) >> unused
    }

    fn split(self) -> (Bucket, i64) {
        (self.bucket(), self.count())
    }
}

#[derive(Clone, Copy, Default)]
struct Narrow(u32);

#[derive(Clone, Copy, Default)]
struct Wide(u64);

impl Entry for Narrow {
    const COUNT_BITS: u32 = u32::BITS - Bucket::BITS;
    const KIND: u64 = NARROW;

    fn pack(bits: u64) -> Self {
        Self(u32::try_from(bits).expect("12 bits and 20"))
    }

    fn bits(self) -> u64 {
        u64::from(self.0)
    }
}

impl Entry for Wide {
    const COUNT_BITS: u32 = KIND_SHIFT - Bucket::BITS;
    const KIND: u64 = WIDE;

    fn pack(bits: u64) -> Self {
        Self(bits)
    }

    fn bits(self) -> u64 {
        self.0
    }
}

fn wide(bucket: Bucket, count: i64) -> Wide {
    Wide::new(bucket, count).expect("the count of a bucket no longer fits")
}

/// Whether there is room for a bucket's count.
pub fn fits(count: i64) -> bool {
    Wide::new(Bucket::at(0), count).is_some()
}

/// A cell's sketch in an arena: 0 when it is empty. The first two bits say what the others are: the
/// only entry, or how many entries a run has and where it begins.
#[derive(Clone, Copy, Default)]
pub struct Sketch(u64);

const KIND_SHIFT: u32 = 62;
const SINGLE: u64 = 1;
const NARROW: u64 = 2;
const WIDE: u64 = 3;

enum Form {
    Empty,
    Single(Wide),
    Narrow(Run),
    Wide(Run),
}

impl Sketch {
    fn single(entry: Wide) -> Self {
        Self(SINGLE << KIND_SHIFT | entry.0)
    }

    fn of<E: Entry>(run: Run) -> Self {
        Self(E::KIND << KIND_SHIFT | u64::from(run.len) << u32::BITS | u64::from(run.first))
    }

    fn form(self) -> Form {
        let bits = self.0 & !(u64::MAX << KIND_SHIFT);
        let run = || Run {
            first: u32::try_from(bits & u64::from(u32::MAX)).expect("32 bits"),
            len: u16::try_from(bits >> u32::BITS).expect("13 bits"),
        };
        match self.0 >> KIND_SHIFT {
            SINGLE => Form::Single(Wide(bits)),
            NARROW => Form::Narrow(run()),
            WIDE => Form::Wide(run()),
            _ => Form::Empty,
        }
    }
}

#[derive(Clone, Copy)]
struct Run {
    first: u32,
    len: u16,
}

impl Run {
    fn range(self) -> Range<usize> {
        let first = self.first as usize;
        first..first + usize::from(self.len)
    }

    fn room(self) -> Room {
        Room::of(usize::from(self.len))
    }
}

/// How many entries a run has room for: between two powers of two there are three more sizes.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Room {
    size: usize,
    class: usize,
}

impl Room {
    /// Of a run of two entries or more.
    fn of(len: usize) -> Self {
        let power = len.next_power_of_two();
        let step = (power / 8).max(2);
        let steps = len.div_ceil(step);
        Self {
            size: steps * step,
            class: 8 * power.ilog2() as usize + steps,
        }
    }
}

/// Runs of entries of one width.
#[derive(Default)]
struct Runs<E> {
    entries: Vec<E>,
    /// Where rooms are free, by their class.
    free: Vec<Vec<u32>>,
    /// How many entries are in them.
    idle: usize,
}

impl<E: Entry> Runs<E> {
    fn of(&self, run: Run) -> &[E] {
        &self.entries[run.range()]
    }

    /// A new run of ascending buckets, if all counts fit.
    fn put(&mut self, counts: &[(Bucket, i64)]) -> Option<Run> {
        let entries = || counts.iter().map(|(bucket, count)| E::new(*bucket, *count));
        entries()
            .all(|entry| entry.is_some())
            .then(|| self.put_all(counts.len(), entries().flatten()))
    }

    fn put_all(&mut self, len: usize, entries: impl Iterator<Item = E>) -> Run {
        let run = Run {
            first: self.reserve(Room::of(len)),
            len: u16::try_from(len).expect("at most as many as there are buckets"),
        };
        let room = self.entries[run.range()].iter_mut();
        room.zip(entries).for_each(|(room, entry)| *room = entry);
        run
    }

    /// Add to a bucket, if its count fits then; where the run is.
    fn add(&mut self, run: Run, bucket: Bucket, count: i64) -> Option<Run> {
        let entries = self.of(run);
        let place = entries.partition_point(|entry| entry.bucket() < bucket);
        match entries.get(place) {
            Some(entry) if entry.bucket() == bucket => {
                let entry = E::new(bucket, entry.count() + count)?;
                self.entries[run.first as usize + place] = entry;
                Some(run)
            }
            _ => Some(self.insert(run, place, E::new(bucket, count)?)),
        }
    }

    fn insert(&mut self, run: Run, place: usize, entry: E) -> Run {
        let mut longer = Run {
            len: run.len + 1,
            ..run
        };
        if longer.room() != run.room() {
            longer.first = self.reserve(longer.room());
            self.entries.copy_within(run.range(), longer.first as usize);
            self.release(run);
        }
        let entries = &mut self.entries[longer.range()];
        entries.copy_within(place..usize::from(run.len), place + 1);
        entries[place] = entry;
        longer
    }

    fn reserve(&mut self, room: Room) -> u32 {
        if let Some(first) = self.free.get_mut(room.class).and_then(Vec::pop) {
            self.idle -= room.size;
            return first;
        }
        let place = self.entries.len();
        let end = place + room.size;
        if self.entries.capacity() < end {
            let more = room.size.max(place / GROWTH_SHARE);
            self.entries.reserve_exact(more);
        }
        self.entries.resize(end, E::default());
        u32::try_from(place).expect("fewer than 2^32 entries in a pane")
    }

    fn release(&mut self, run: Run) {
        let Room { size, class } = run.room();
        self.idle += size;
        if self.free.len() <= class {
            self.free.resize_with(class + 1, Vec::new);
        }
        self.free[class].push(run.first);
    }

    fn is_loose(&self) -> bool {
        self.idle * IDLE_SHARE > self.entries.len()
    }

    /// An empty one with room for what is in this.
    fn successor(&self) -> Self {
        Self {
            entries: Vec::with_capacity(self.entries.len() - self.idle),
            free: Vec::new(),
            idle: 0,
        }
    }

    fn copy(&mut self, from: &Self, run: Run) -> Sketch {
        let entries = from.of(run).iter().copied();
        Sketch::of::<E>(self.put_all(entries.len(), entries))
    }
}

#[derive(Default)]
pub struct SketchArena {
    narrow: Runs<Narrow>,
    wide: Runs<Wide>,
    scratch: Vec<(Bucket, i64)>,
}

impl SketchArena {
    /// Add to a bucket of a sketch of this arena.
    pub fn add(&mut self, sketch: &mut Sketch, bucket: Bucket, count: i64) {
        *sketch = match sketch.form() {
            Form::Empty => Sketch::single(wide(bucket, count)),
            Form::Single(only) if only.bucket() == bucket => {
                Sketch::single(wide(bucket, only.count() + count))
            }
            Form::Single(only) => {
                let mut pair = [only.split(), (bucket, count)];
                pair.sort_unstable();
                self.put(&pair)
            }
            Form::Narrow(run) => match self.narrow.add(run, bucket, count) {
                Some(run) => Sketch::of::<Narrow>(run),
                None => self.add_widened(run, bucket, count),
            },
            Form::Wide(run) => self.add_wide(run, bucket, count),
        };
    }

    /// Empty a sketch.
    pub fn clear(&mut self, sketch: &mut Sketch) {
        match sketch.form() {
            Form::Empty | Form::Single(_) => {}
            Form::Narrow(run) => self.narrow.release(run),
            Form::Wide(run) => self.wide.release(run),
        }
        *sketch = Sketch::default();
    }

    /// The buckets, ascending, and their counts; without those whose count is 0.
    pub fn entries(&self, sketch: Sketch) -> impl Iterator<Item = (Bucket, i64)> {
        let (only, narrow, wide): (_, &[Narrow], &[Wide]) = match sketch.form() {
            Form::Empty => (None, &[], &[]),
            Form::Single(only) => (Some(only.split()), &[], &[]),
            Form::Narrow(run) => (None, self.narrow.of(run), &[]),
            Form::Wide(run) => (None, &[], self.wide.of(run)),
        };
        let narrow = narrow.iter().map(|entry| entry.split());
        let wide = wide.iter().map(|entry| entry.split());
        let all = only.into_iter().chain(narrow).chain(wide);
        all.filter(|(_, count)| *count != 0)
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
        let mut counts = std::mem::take(&mut self.scratch);
        read_counts(reader, &mut counts)?;
        let mut sketch = Sketch::default();
        self.set(&mut sketch, &counts);
        self.scratch = counts;
        Ok(sketch)
    }

    /// Let a sketch of this arena have these buckets, ascending, and no others.
    pub fn set(&mut self, sketch: &mut Sketch, counts: &[(Bucket, i64)]) {
        self.clear(sketch);
        *sketch = match *counts {
            [] => Sketch::default(),
            [(bucket, count)] => Sketch::single(wide(bucket, count)),
            _ => self.put(counts),
        };
    }

    /// Whether much of it is in no run.
    pub fn is_loose(&self) -> bool {
        self.narrow.is_loose() || self.wide.is_loose()
    }

    /// An empty one with room for what is in this.
    #[must_use]
    pub fn successor(&self) -> Self {
        Self {
            narrow: self.narrow.successor(),
            wide: self.wide.successor(),
            scratch: Vec::new(),
        }
    }

    /// A sketch of another arena, as one of this.
    pub fn copy(&mut self, from: &Self, sketch: Sketch) -> Sketch {
        match sketch.form() {
            Form::Empty | Form::Single(_) => sketch,
            Form::Narrow(run) => self.narrow.copy(&from.narrow, run),
            Form::Wide(run) => self.wide.copy(&from.wide, run),
        }
    }

    fn put(&mut self, counts: &[(Bucket, i64)]) -> Sketch {
        if let Some(run) = self.narrow.put(counts) {
            return Sketch::of::<Narrow>(run);
        }
        let run = self.wide.put(counts);
        Sketch::of::<Wide>(run.expect("the count of a bucket no longer fits"))
    }

    fn add_widened(&mut self, run: Run, bucket: Bucket, count: i64) -> Sketch {
        let entries = self.narrow.of(run).iter();
        let entries = entries.map(|entry| wide(entry.bucket(), entry.count()));
        let widened = self.wide.put_all(entries.len(), entries);
        self.narrow.release(run);
        self.add_wide(widened, bucket, count)
    }

    fn add_wide(&mut self, run: Run, bucket: Bucket, count: i64) -> Sketch {
        let run = self.wide.add(run, bucket, count);
        Sketch::of::<Wide>(run.expect("the count of a bucket no longer fits"))
    }
}

/// The buckets and counts that `SketchArena::write` wrote.
pub fn read_counts(reader: &mut Reader<'_>, counts: &mut Vec<(Bucket, i64)>) -> Read<()> {
    let len = reader.array()?;
    if len > 1 << Bucket::BITS {
        return Err(Damaged::Range);
    }
    counts.clear();
    let mut place = 0;
    for _ in 0..len {
        place += reader.uint()?;
        counts.push((Bucket::at(place), reader.int()?));
    }
    Ok(())
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

    fn tidied(arena: &SketchArena, sketches: &mut [Sketch]) -> SketchArena {
        let mut tidy = arena.successor();
        for sketch in sketches {
            *sketch = tidy.copy(arena, *sketch);
        }
        tidy
    }

    fn bucket(wire: i16) -> Bucket {
        Bucket::from_wire(wire).expect("a bucket")
    }

    #[test]
    fn sketches_that_grow_side_by_side_keep_their_counts() {
        let mut arena = SketchArena::default();
        let mut sketches = [Sketch::default(); 7];
        let mut plain = vec![BTreeMap::<i16, i64>::new(); 7];
        let mut number: u64 = 1;
        let mut widened = false;
        for step in 0..30_000 {
            number = number
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let cell = (number >> 60) as usize % 7;
            let wire = i16::try_from((number >> 33) % (4 << cell)).expect("small") - 1;
            let sign = if number >> 32 & 1 == 0 { 1 } else { -1 };
            let count = if step % 100 == 0 { sign << 19 } else { sign };
            arena.add(&mut sketches[cell], bucket(wire), count);
            *plain[cell].entry(wire).or_default() += count;
            widened |= arena.wide.entries.len() > 100;
            if step % 4_999 == 0 {
                arena.clear(&mut sketches[cell]);
                plain[cell].clear();
            }
            if step % 777 == 0 {
                arena = tidied(&arena, &mut sketches);
            }
        }
        assert!(widened);
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
            for wire in 0..5 {
                arena.add(&mut sketch, bucket(wire), 1);
            }
            arena.clear(&mut sketch);
        }
        assert_eq!(arena.narrow.entries.len(), 2 + 4 + 6);
        assert_eq!(arena.narrow.idle, 12);
    }

    #[test]
    fn a_tidy_arena_has_hardly_more_than_its_runs() {
        let mut arena = SketchArena::default();
        let mut sketches = vec![Sketch::default(); 50];
        for wire in 0..100 {
            for sketch in &mut sketches {
                arena.add(sketch, bucket(wire), 1);
            }
        }
        assert!(arena.narrow.is_loose());
        arena = tidied(&arena, &mut sketches);
        assert_eq!(
            (arena.narrow.entries.len(), arena.narrow.idle),
            (50 * 112, 0)
        );
        let expected: Vec<_> = (0..100).map(|wire| (wire, 1)).collect();
        assert!(
            sketches
                .iter()
                .all(|sketch| listed(&arena, *sketch) == expected)
        );
    }

    #[test]
    fn a_room_holds_its_run_and_at_most_a_third_more() {
        for len in 2..=1 << Bucket::BITS {
            let Room { size, class } = Room::of(len);
            assert!(len <= size && 3 * size <= 4 * len.max(3));
            assert!(Room::of(size) == Room { size, class });
            assert!(Room::of(size + 1).class > class);
        }
    }

    #[test]
    fn a_count_of_either_width_is_what_it_was() {
        for count in [0, 1, -1, (1 << 19) - 1, 1 - (1 << 19)] {
            let entry = Narrow::new(bucket(2_000), count).expect("20 bits");
            assert_eq!(entry.split(), (bucket(2_000), count));
        }
        assert!(Narrow::new(bucket(0), 1 << 19).is_none());
        let most = (1 << 49) - 1;
        for count in [most, -most] {
            assert_eq!(wide(bucket(4_000), count).split(), (bucket(4_000), count));
        }
        assert!(fits(most) && !fits(most + 1) && !fits(-most - 1));
    }

    #[test]
    fn a_handle_has_eight_bytes() {
        assert_eq!(size_of::<Sketch>(), 8);
    }

    #[test]
    fn counts_at_the_edge_come_back_alone_and_in_a_run() {
        let most = (1 << 49) - 1;
        for most in [most, -most] {
            let mut arena = SketchArena::default();
            let mut sketch = Sketch::default();
            arena.add(&mut sketch, bucket(4094), most);
            assert_eq!(listed(&arena, sketch), [(4094, most)]);
            arena.add(&mut sketch, bucket(-1), -most);
            assert_eq!(listed(&arena, sketch), [(-1, -most), (4094, most)]);
            arena.add(&mut sketch, bucket(4094), -most);
            assert_eq!(listed(&arena, sketch), [(-1, -most)]);
        }
    }

    #[test]
    fn a_sketch_may_have_every_bucket() {
        for count in [1, 1 << 40] {
            let mut arena = SketchArena::default();
            let mut sketch = Sketch::default();
            for wire in (-1..4095).rev() {
                arena.add(&mut sketch, bucket(wire), count);
            }
            let mut packed = Vec::new();
            arena.write(sketch, &mut packed);
            let again = arena.read(&mut Reader::new(&packed)).expect("a sketch");
            let expected: Vec<_> = (-1..4095).map(|wire| (wire, count)).collect();
            assert_eq!(listed(&arena, again), expected);
        }
    }

    #[test]
    #[should_panic(expected = "no longer fits")]
    fn a_count_that_no_longer_fits_is_no_wrong_figure() {
        let mut arena = SketchArena::default();
        let mut sketch = Sketch::default();
        arena.add(&mut sketch, bucket(0), (1 << 49) - 1);
        arena.add(&mut sketch, bucket(0), 1);
    }
}
