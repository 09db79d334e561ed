//! Resting forms that changed lately, in memory: one behind the other in the order in which they were
//! put, in chunks of which the oldest are taken out again.
//!
//! To change a form is to put it anew, so what changed longest ago comes out first, and nothing that
//! lies scattered has to be allocated and freed.

use std::collections::VecDeque;

use crate::entries::{self, HEADER_BYTES};

const CHUNK_BITS: u32 = 16;
const CHUNK_BYTES: usize = 1 << CHUNK_BITS;

/// Where a form lies: its chunk, counted from the first there ever was, and where it begins there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot(u64);

impl Spot {
    pub fn to_bits(self) -> u64 {
        self.0
    }

    /// The inverse of `to_bits`.
    pub fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    fn new(chunk: u64, offset: usize) -> Self {
        assert!(offset < CHUNK_BYTES);
        Self(chunk << CHUNK_BITS | offset as u64)
    }

    fn chunk(self) -> u64 {
        self.0 >> CHUNK_BITS
    }

    fn offset(self) -> usize {
        usize::try_from(self.0).expect("a place in memory has 64 bits") % CHUNK_BYTES
    }
}

#[derive(Default)]
pub struct WarmStore {
    chunks: VecDeque<Vec<u8>>,
    /// The number of the first of them.
    first: u64,
    bytes: usize,
    live: usize,
}

impl WarmStore {
    /// What the chunks hold.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether less than half of it counts, and more than a chunk does not.
    pub fn is_sparse(&self) -> bool {
        self.bytes > 2 * self.live + CHUNK_BYTES
    }

    /// Put a form of the ticket at a place, given in parts.
    pub fn put(&mut self, place: u32, parts: &[&[u8]]) -> Spot {
        let bytes = HEADER_BYTES + parts.iter().map(|part| part.len()).sum::<usize>();
        let has_room = |chunk: &Vec<u8>| chunk.len() + bytes <= CHUNK_BYTES;
        if !self.chunks.back().is_some_and(has_room) {
            let chunk = Vec::with_capacity(bytes.max(CHUNK_BYTES));
            self.chunks.push_back(chunk);
        }
        let number = self.first + self.chunks.len() as u64 - 1;
        let chunk = self.chunks.back_mut().expect("it was just put there");
        let spot = Spot::new(number, chunk.len());
        self.bytes += entries::append(chunk, place, parts);
        self.live += bytes;
        spot
    }

    /// The form at a spot that was not released.
    pub fn get(&self, spot: Spot) -> &[u8] {
        let chunk = usize::try_from(spot.chunk() - self.first).expect("as many as there are");
        let (_, form) = entries::at(&self.chunks[chunk], spot.offset());
        form
    }

    /// The form at a spot counts no more.
    pub fn release(&mut self, spot: Spot) {
        self.live -= HEADER_BYTES + self.get(spot).len();
    }

    /// Take the oldest chunk out, if there is one: `relocate` is told the place of every form that it
    /// holds or held and its spot, puts those that still count elsewhere or here anew, and says
    /// whether the form was one.
    ///
    /// # Errors
    /// What `relocate` gives.
    pub fn take_oldest<E>(
        &mut self,
        mut relocate: impl FnMut(&mut Self, u32, Spot, &[u8]) -> Result<bool, E>,
    ) -> Result<(), E> {
        let Some(chunk) = self.chunks.pop_front() else {
            return Ok(());
        };
        let number = self.first;
        self.first += 1;
        self.bytes -= chunk.len();
        for (offset, place, form) in entries::all(&chunk) {
            if relocate(self, place, Spot::new(number, offset), form)? {
                self.live -= HEADER_BYTES + form.len();
            }
        }
        Ok(())
    }

    /// How many chunks there are.
    pub fn chunks(&self) -> usize {
        self.chunks.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_taken(store: &mut WarmStore) -> Vec<(u32, Spot, Vec<u8>)> {
        let mut taken = Vec::new();
        for _ in 0..store.chunks() {
            let take = |_: &mut WarmStore, place, spot, form: &[u8]| {
                taken.push((place, spot, form.to_vec()));
                Ok::<_, ()>(false)
            };
            store.take_oldest(take).expect("nothing fails");
        }
        taken
    }

    #[test]
    fn a_form_is_read_where_it_was_put_and_comes_out_in_its_turn() {
        let mut store = WarmStore::default();
        let forms = [
            vec![1; 100],
            vec![2; CHUNK_BYTES - HEADER_BYTES - 108],
            vec![3; 5 * CHUNK_BYTES],
            vec![],
            vec![4; CHUNK_BYTES],
        ];
        let put = |(place, form): (u32, &Vec<u8>)| {
            store.put(
                place,
                &[
                    &form[..1.min(form.len())],
                    form.get(1..).unwrap_or_default(),
                ],
            )
        };
        let spots: Vec<Spot> = (7..).zip(&forms).map(put).collect();
        for (spot, form) in spots.iter().zip(&forms) {
            assert_eq!(store.get(*spot), *form);
            assert_eq!(Spot::from_bits(spot.to_bits()), *spot);
        }
        assert_eq!(store.chunks(), 4);
        let taken = all_taken(&mut store);
        assert_eq!(
            taken.iter().map(|(place, ..)| *place).collect::<Vec<_>>(),
            [7, 8, 9, 10, 11]
        );
        assert_eq!(
            taken.iter().map(|(_, spot, _)| *spot).collect::<Vec<_>>(),
            spots
        );
        assert_eq!((store.bytes(), store.chunks()), (0, 0));
    }

    #[test]
    fn a_store_of_which_less_than_half_counts_is_sparse() {
        let mut store = WarmStore::default();
        let put = |place| store.put(place, &[&[0; 992]]);
        let spots: Vec<Spot> = (0..1000).map(put).collect();
        for spot in &spots[..532] {
            store.release(*spot);
        }
        assert!(!store.is_sparse());
        store.release(spots[532]);
        assert!(store.is_sparse());
        let mut current = spots;
        for _ in 0..store.chunks() {
            let relocate = |store: &mut WarmStore, place: u32, spot, form: &[u8]| {
                let known = &mut current[place as usize];
                let counts = place > 532 && spot == *known;
                if counts {
                    *known = store.put(place, &[form]);
                }
                Ok::<_, ()>(counts)
            };
            store.take_oldest(relocate).expect("nothing fails");
        }
        assert_eq!((store.bytes(), store.live), (467_000, 467_000));
        for spot in &current[533..] {
            assert_eq!(store.get(*spot), [0; 992]);
        }
    }
}
