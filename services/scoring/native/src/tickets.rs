//! The tickets of a partition at rest, by their ids.

use std::hash::BuildHasher;

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

struct Slot {
    id: Box<str>,
    packed: Box<[u8]>,
}

/// Each ticket has a place as long as it is remembered; a place that became free is given out again.
/// A ticket that nothing is known of yet may have a place, too, and rests as no bytes.
#[derive(Default)]
pub struct Tickets {
    slots: Vec<Slot>,
    places: HashTable<u32>,
    free: Vec<u32>,
    remembered: usize,
}

impl Tickets {
    /// How many are remembered.
    pub fn count(&self) -> usize {
        self.remembered
    }

    /// All places are below this.
    pub fn end(&self) -> u32 {
        u32::try_from(self.slots.len()).expect("fewer than 2^32 tickets")
    }

    /// The ticket's place, if it has one.
    pub fn find(&self, id: &str) -> Option<u32> {
        let hash = FxBuildHasher.hash_one(id);
        self.places
            .find(hash, |&place| *self.slots[place as usize].id == *id)
            .copied()
    }

    /// The ticket's place, given out when it has none.
    pub fn place(&mut self, id: &str) -> u32 {
        if let Some(place) = self.find(id) {
            return place;
        }
        let hash = FxBuildHasher.hash_one(id);
        let place = self.free.pop().unwrap_or(self.end());
        let slot = Slot {
            id: id.into(),
            packed: Box::default(),
        };
        match self.slots.get_mut(place as usize) {
            Some(freed) => *freed = slot,
            None => self.slots.push(slot),
        }
        let slots = &self.slots;
        let rehash = |&place: &u32| FxBuildHasher.hash_one(&*slots[place as usize].id);
        self.places.insert_unique(hash, place, rehash);
        place
    }

    pub fn id(&self, place: u32) -> &str {
        &self.slots[place as usize].id
    }

    /// Empty while nothing is known of it.
    pub fn packed(&self, place: u32) -> &[u8] {
        &self.slots[place as usize].packed
    }

    pub fn set(&mut self, place: u32, packed: &[u8]) {
        let slot = &mut self.slots[place as usize];
        self.remembered += usize::from(slot.packed.is_empty());
        if slot.packed.len() == packed.len() {
            slot.packed.copy_from_slice(packed);
        } else {
            slot.packed = packed.into();
        }
    }

    /// Let go of a ticket; its id.
    pub fn forget(&mut self, place: u32) -> Box<str> {
        let slot = &mut self.slots[place as usize];
        self.remembered -= usize::from(!slot.packed.is_empty());
        slot.packed = Box::default();
        let id = std::mem::take(&mut slot.id);
        let hash = FxBuildHasher.hash_one(&*id);
        if let Ok(entry) = self.places.find_entry(hash, |&known| known == place) {
            entry.remove();
        }
        self.free.push(place);
        id
    }

    /// Places and resting forms of all that are remembered.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &[u8])> {
        let slots = self.slots.iter().map(|slot| &*slot.packed);
        (0..).zip(slots).filter(|(_, packed)| !packed.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_keeps_its_place_until_it_is_forgotten() {
        let mut tickets = Tickets::default();
        let (a, b) = (tickets.place("a"), tickets.place("b"));
        tickets.set(a, b"one");
        tickets.set(a, b"three");
        assert_eq!((tickets.place("a"), tickets.count()), (a, 1));
        tickets.set(b, b"two");
        assert_eq!(&*tickets.forget(a), "a");
        assert_eq!(tickets.iter().collect::<Vec<_>>(), [(b, b"two".as_slice())]);
        assert_eq!(tickets.place("c"), a);
        assert_eq!((tickets.packed(a), tickets.id(a)), (b"".as_slice(), "c"));
        assert_ne!(tickets.place("a"), a);
        assert_eq!(tickets.count(), 1);
    }

    #[test]
    fn many_tickets_are_found() {
        let mut tickets = Tickets::default();
        let ids: Vec<String> = (0..5000).map(|number| format!("T-{number}")).collect();
        for id in &ids {
            let place = tickets.place(id);
            tickets.set(place, id.as_bytes());
        }
        for id in &ids {
            let place = tickets.place(id);
            assert_eq!(tickets.packed(place), id.as_bytes());
        }
        assert_eq!(tickets.count(), ids.len());
    }
}
