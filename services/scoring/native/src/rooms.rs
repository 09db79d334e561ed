//! Values that lie side by side in rooms, each with room for a power of two of them. There is no
//! row of all that would have to move as it grows: they lie in blocks.

/// Of a room at most, and so a block has a whole number of the largest.
pub const MOST: usize = 64;

const BLOCK: usize = 1 << BLOCK_BITS;
const BLOCK_BITS: u32 = 8;
const SIZES: usize = MOST.ilog2() as usize + 1;

pub struct Rooms<T> {
    blocks: Vec<Vec<T>>,
    /// By the logarithm of their size: rooms that were left.
    free: [Vec<u32>; SIZES],
}

impl<T> Default for Rooms<T> {
    fn default() -> Self {
        Self {
            blocks: Vec::new(),
            free: Default::default(),
        }
    }
}

/// How many values the room for so many has place for.
pub fn room(values: usize) -> usize {
    values.next_power_of_two()
}

impl<T: Copy + Default> Rooms<T> {
    /// Where a room of a size begins, of which nobody knows what lies in it.
    pub fn reserve(&mut self, room: usize) -> u32 {
        self.free[room.ilog2() as usize]
            .pop()
            .unwrap_or_else(|| self.build(room))
    }

    /// The room is left, and will be given out again.
    pub fn release(&mut self, first: u32, room: usize) {
        self.free[room.ilog2() as usize].push(first);
    }

    /// So many values from a place on; they must be of one room.
    pub fn run(&self, first: u32, len: usize) -> &[T] {
        let (block, place) = split(first);
        &self.blocks[block][place..place + len]
    }

    pub fn run_mut(&mut self, first: u32, len: usize) -> &mut [T] {
        let (block, place) = split(first);
        &mut self.blocks[block][place..place + len]
    }

    /// The values of a room, and whatever lies behind them.
    pub fn from(&self, first: u32) -> &[T] {
        let (block, place) = split(first);
        &self.blocks[block][place..]
    }

    pub fn from_mut(&mut self, first: u32) -> &mut [T] {
        let (block, place) = split(first);
        &mut self.blocks[block][place..]
    }

    fn build(&mut self, room: usize) -> u32 {
        let is_full = |block: &Vec<T>| block.len() + room > BLOCK;
        if self.blocks.last().is_none_or(is_full) {
            // Most panes have few cells; who has many will fill the next block too.
            let size = if self.blocks.is_empty() { 0 } else { BLOCK };
            self.blocks.push(Vec::with_capacity(size));
        }
        let number = self.blocks.len() - 1;
        let block = &mut self.blocks[number];
        let first = number << BLOCK_BITS | block.len();
        block.resize(block.len() + room, T::default());
        u32::try_from(first).expect("fewer than 2^32 values")
    }
}

fn split(place: u32) -> (usize, usize) {
    ((place >> BLOCK_BITS) as usize, place as usize & (BLOCK - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rooms_lie_apart_and_are_given_out_again() {
        let mut rooms = Rooms::default();
        let mut held = Vec::new();
        for number in 0..2_000_u32 {
            let size = 1 << (number % 7);
            let first = rooms.reserve(size);
            rooms.run_mut(first, size).fill(number);
            held.push((first, size, number));
            if number % 3 == 0 {
                let (first, size, _) = held.swap_remove(held.len() / 2);
                rooms.release(first, size);
            }
        }
        for &(first, size, number) in &held {
            assert!(rooms.run(first, size).iter().all(|value| *value == number));
        }
        let blocks = rooms.blocks.len();
        for (first, size, _) in held.drain(..) {
            rooms.release(first, size);
        }
        for number in 0..1_333 {
            rooms.reserve(1 << (number % 7));
        }
        assert_eq!(rooms.blocks.len(), blocks);
    }

    #[test]
    fn few_values_take_little() {
        let mut rooms = Rooms::<u64>::default();
        rooms.reserve(2);
        assert!(rooms.blocks[0].capacity() < 16);
    }

    #[test]
    fn a_room_fits_in_a_block() {
        let mut rooms = Rooms::<u8>::default();
        rooms.reserve(1);
        for _ in 0..9 {
            let first = rooms.reserve(MOST);
            assert_eq!(rooms.run(first, MOST).len(), MOST);
        }
    }
}
