//! Resting forms that nobody has changed lately, in a file instead of in memory.
//!
//! The file is a row of segments. Forms are appended to one segment after the other, some of them at
//! a time; a closed segment of which less than half still counts is emptied into the one that is
//! written, and given out again. The file is scratch: who restores begins with an empty one.

#![expect(
    clippy::disallowed_types,
    reason = "the one file of the core: scratch, and nothing that has to be stored"
)]

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::entries::{self, HEADER_BYTES};

const SEGMENT_BYTES: usize = 1 << LENGTH_BITS;
const LENGTH_BITS: u32 = 20;
const SEGMENT_BITS: u32 = 23;
/// What is written at once, at least.
const TAIL_BYTES: usize = 1 << 16;
/// What is read at once, when forms are read one behind the other.
const LEAST_AHEAD: usize = 1 << 12;
const MOST_AHEAD: usize = 1 << 16;
/// Segments that a call empties: so many, and a share of those that wait.
const LEAST_EMPTIED: usize = 8;
const EMPTIED_SHARE: usize = 8;

/// Where a form lies: segment, offset and length, in 23, 20 and 20 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot(u64);

impl Spot {
    pub const BITS: u32 = SEGMENT_BITS + 2 * LENGTH_BITS;

    pub fn to_bits(self) -> u64 {
        self.0
    }

    /// The inverse of `to_bits`.
    pub fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    fn new(segment: usize, offset: usize, length: usize) -> Self {
        assert!(segment < 1 << SEGMENT_BITS && offset < SEGMENT_BYTES && length < SEGMENT_BYTES);
        Self(((segment as u64) << LENGTH_BITS | offset as u64) << LENGTH_BITS | length as u64)
    }

    fn segment(self) -> usize {
        low_bits(self.0 >> (2 * LENGTH_BITS))
    }

    fn offset(self) -> usize {
        low_bits(self.0 >> LENGTH_BITS) % SEGMENT_BYTES
    }

    fn length(self) -> usize {
        low_bits(self.0) % SEGMENT_BYTES
    }

    /// With its header.
    fn bytes(self) -> usize {
        HEADER_BYTES + self.length()
    }
}

/// A segment's bytes that were written, and those of them that still count.
#[derive(Clone, Copy, Default)]
struct Segment {
    end: usize,
    live: usize,
}

impl Segment {
    fn is_sparse(self) -> bool {
        self.live < SEGMENT_BYTES / 2
    }
}

/// What was read last; a piece of one segment.
#[derive(Default)]
pub struct Ahead {
    segment: usize,
    begin: usize,
    bytes: Vec<u8>,
}

impl Ahead {
    fn end(&self) -> usize {
        self.begin + self.bytes.len()
    }

    fn holds(&self, segment: usize, form: &Range<usize>) -> bool {
        self.segment == segment && self.begin <= form.start && form.end <= self.end()
    }

    /// How much to read from there on: twice as much as last time, if it goes on nearby.
    fn window(&self, segment: usize, begin: usize) -> usize {
        let nearby = self.begin..self.end() + LEAST_AHEAD;
        if self.segment == segment && nearby.contains(&begin) {
            (2 * self.bytes.len()).clamp(LEAST_AHEAD, MOST_AHEAD)
        } else {
            0
        }
    }
}

pub struct ColdStore {
    file: File,
    /// Of those that share the file: their segments alternate.
    lane: u64,
    segments: Vec<Segment>,
    free: Vec<usize>,
    /// Closed segments that became sparse, each once.
    sparse: Vec<usize>,
    writing: usize,
    /// What the segment that is written holds and the file does not.
    tail: Vec<u8>,
    tail_begins: usize,
}

impl ColdStore {
    /// Two in a file that is there, and whose content counts for nothing.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open_two(path: &Path) -> io::Result<[Self; 2]> {
        let file = File::options().read(true).write(true).open(path)?;
        Ok([Self::new(file.try_clone()?, 0), Self::new(file, 1)])
    }

    fn new(file: File, lane: u64) -> Self {
        Self {
            file,
            lane,
            segments: vec![Segment::default()],
            free: Vec::new(),
            sparse: Vec::new(),
            writing: 0,
            tail: Vec::new(),
            tail_begins: 0,
        }
    }

    /// Whether a form of so many bytes finds room in a segment.
    pub fn fits(length: usize) -> bool {
        HEADER_BYTES + length <= SEGMENT_BYTES
    }

    /// What the file may take, in bytes.
    pub fn bytes(&self) -> u64 {
        (self.segments.len() * SEGMENT_BYTES) as u64
    }

    /// Put a form of the ticket at a place; it must fit.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn put(&mut self, place: u32, form: &[u8]) -> io::Result<Spot> {
        if self.end() + HEADER_BYTES + form.len() > SEGMENT_BYTES {
            self.begin_segment()?;
        } else if self.tail.len() >= TAIL_BYTES {
            self.write_tail()?;
        }
        let spot = Spot::new(self.writing, self.end(), form.len());
        entries::append(&mut self.tail, place, &[form]);
        let segment = &mut self.segments[self.writing];
        segment.end = self.tail_begins + self.tail.len();
        segment.live += spot.bytes();
        Ok(spot)
    }

    /// The form at a spot that was not released. It may be in what was read last, since which nothing
    /// must have been put.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn get<'a>(&'a self, spot: Spot, ahead: &'a mut Ahead) -> io::Result<&'a [u8]> {
        let (segment, begin) = (spot.segment(), spot.offset() + HEADER_BYTES);
        let form = begin..begin + spot.length();
        let is_written = segment == self.writing;
        if is_written && begin >= self.tail_begins {
            return Ok(&self.tail[begin - self.tail_begins..][..form.len()]);
        }
        if !ahead.holds(segment, &form) {
            let end = if is_written {
                self.tail_begins
            } else {
                self.segments[segment].end
            };
            let window = ahead.window(segment, begin).min(end - begin);
            ahead.bytes.resize(window.max(form.len()), 0);
            let start = self.start_of(segment) + begin as u64;
            self.read(&mut ahead.bytes, start)?;
            (ahead.segment, ahead.begin) = (segment, begin);
        }
        Ok(&ahead.bytes[begin - ahead.begin..][..form.len()])
    }

    /// The form at a spot counts no more.
    pub fn release(&mut self, spot: Spot) {
        let number = spot.segment();
        let segment = &mut self.segments[number];
        let was_sparse = segment.is_sparse();
        segment.live -= spot.bytes();
        if number != self.writing && segment.is_sparse() && !was_sparse {
            self.sparse.push(number);
        }
    }

    /// Empty some sparse segments: `relocate` is told the place of every form that they hold or held
    /// and its spot, and puts those that still count anew.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn empty_sparse(
        &mut self,
        mut relocate: impl FnMut(&mut Self, u32, Spot, &[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let turns = LEAST_EMPTIED + self.sparse.len() / EMPTIED_SHARE;
        let mut content = Vec::new();
        for _ in 0..turns {
            let Some(number) = self.sparse.pop() else {
                break;
            };
            let Segment { end, live } = self.segments[number];
            if live > 0 {
                content.resize(end, 0);
                self.read(&mut content, self.start_of(number))?;
                for (offset, place, form) in entries::all(&content) {
                    let spot = Spot::new(number, offset, form.len());
                    relocate(self, place, spot, form)?;
                }
            }
            self.segments[number] = Segment::default();
            self.free.push(number);
        }
        Ok(())
    }

    /// Whether there are segments of which little counts.
    pub fn has_sparse(&self) -> bool {
        !self.sparse.is_empty()
    }

    fn start_of(&self, segment: usize) -> u64 {
        (2 * segment as u64 + self.lane) * SEGMENT_BYTES as u64
    }

    fn read(&self, buffer: &mut [u8], start: u64) -> io::Result<()> {
        self.file
            .read_exact_at(buffer, start)
            .map_err(|error| told(&error))
    }

    fn end(&self) -> usize {
        self.segments[self.writing].end
    }

    fn write_tail(&mut self) -> io::Result<()> {
        let start = self.start_of(self.writing) + self.tail_begins as u64;
        let written = self.file.write_all_at(&self.tail, start);
        written.map_err(|error| told(&error))?;
        self.tail_begins += self.tail.len();
        self.tail.clear();
        Ok(())
    }

    fn begin_segment(&mut self) -> io::Result<()> {
        self.write_tail()?;
        if self.segments[self.writing].is_sparse() {
            self.sparse.push(self.writing);
        }
        self.tail_begins = 0;
        self.writing = self.free.pop().unwrap_or_else(|| {
            self.segments.push(Segment::default());
            self.segments.len() - 1
        });
        Ok(())
    }
}

/// The same error, saying of which file it is.
fn told(error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("the scratch file: {error}"))
}

fn low_bits(value: u64) -> usize {
    usize::try_from(value).expect("a place in memory has 64 bits")
}

#[cfg(test)]
pub mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// In a file that has no name any more.
    pub fn scratch() -> ColdStore {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("bellwether-cold-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        File::create_new(&path).expect("a file");
        let [store, _] = ColdStore::open_two(&path).expect("a file");
        std::fs::remove_file(&path).expect("a file that was there");
        store
    }

    fn form_at(store: &ColdStore, spot: Spot) -> Vec<u8> {
        let mut ahead = Ahead::default();
        store.get(spot, &mut ahead).expect("a file").to_vec()
    }

    #[test]
    fn a_form_is_read_where_it_was_put() {
        let mut store = scratch();
        let longest = vec![7; SEGMENT_BYTES - HEADER_BYTES];
        assert!(ColdStore::fits(longest.len()) && !ColdStore::fits(longest.len() + 1));
        let forms = [vec![1; 100], longest, vec![], vec![2; 300]];
        let put = |form: &Vec<u8>| store.put(9, form).expect("a file");
        let spots: Vec<Spot> = forms.iter().map(put).collect();
        for (spot, form) in spots.iter().zip(&forms) {
            assert_eq!(form_at(&store, *spot), *form);
        }
    }

    #[test]
    fn two_in_a_file_keep_out_of_each_others_way() {
        let path = std::env::temp_dir().join(format!("bellwether-two-{}", std::process::id()));
        File::create_new(&path).expect("a file");
        let stores = ColdStore::open_two(&path).expect("a file");
        std::fs::remove_file(&path).expect("a file that was there");
        let mut stores = stores.map(|store| (store, Vec::new()));
        for number in 0..40 {
            for (store, spots) in &mut stores {
                let byte = number + u8::try_from(store.lane).expect("0 or 1");
                spots.push(store.put(0, &vec![byte; 200_000]).expect("a file"));
            }
        }
        for (store, spots) in &stores {
            for (number, spot) in (0..).zip(spots) {
                let byte = number + u8::try_from(store.lane).expect("0 or 1");
                assert_eq!(form_at(store, *spot), vec![byte; 200_000]);
            }
        }
    }

    #[test]
    fn forms_are_read_one_behind_the_other_and_in_any_order() {
        let mut store = scratch();
        let form = |number: u32| vec![number.to_le_bytes()[0]; 1 + number as usize % 700];
        let numbers = 0..9_000;
        let put = |number| store.put(number, &form(number)).expect("a file");
        let spots: Vec<Spot> = numbers.clone().map(put).collect();
        assert!(store.segments.len() > 2);
        let mut ahead = Ahead::default();
        let mut largest = 0;
        let (forth, back) = (numbers.clone(), numbers.clone().rev());
        let scattered = numbers.map(|number| number * 4_999 % 9_000);
        for number in forth.chain(back).chain(scattered) {
            let found = store.get(spots[number as usize], &mut ahead);
            assert_eq!(found.expect("a file"), form(number));
            largest = largest.max(ahead.bytes.len());
        }
        assert_eq!(largest, MOST_AHEAD);
    }

    #[test]
    fn a_sparse_segment_is_emptied_and_given_out_again() {
        let mut store = scratch();
        let put = |store: &mut ColdStore, place: u32| {
            let byte = place.to_le_bytes()[0];
            store
                .put(place, &vec![byte; SEGMENT_BYTES / 4])
                .expect("a file")
        };
        let mut spots: Vec<Spot> = (0..9).map(|place| put(&mut store, place)).collect();
        for place in [0, 1, 3, 4] {
            store.release(spots[place]);
        }
        let mut kept = Vec::new();
        store
            .empty_sparse(|store, place, spot, form| {
                if [2, 5].contains(&place) {
                    assert_eq!(spot, spots[place as usize]);
                    kept.push((place, store.put(place, form)?));
                }
                Ok(())
            })
            .expect("a file");
        kept.sort_unstable_by_key(|(place, _)| *place);
        assert_eq!(
            kept.iter().map(|(place, _)| *place).collect::<Vec<_>>(),
            [2, 5]
        );
        for (place, spot) in kept {
            assert_eq!(form_at(&store, spot)[0], place.to_le_bytes()[0]);
        }
        let before = store.bytes();
        spots.extend((9..16).map(|place| put(&mut store, place)));
        assert_eq!(store.bytes(), before);
        assert_eq!(form_at(&store, spots[15])[0], 15);
    }
}
