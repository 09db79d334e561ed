//! The tickets of a partition at rest, by their ids.
//!
//! Those that changed lately rest in memory, the others in a file: a ticket is remembered for weeks
//! after its end, in case something of it comes late, and nearly nothing ever does.

use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::io;

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;
use thiserror::Error;

use crate::cold::{ColdStore, Spot};
use crate::life::Outlook;
use crate::msgpack::Damaged;

/// Why the resting form of a ticket is not to be had.
#[derive(Debug, Error)]
pub enum TicketError {
    #[error(transparent)]
    Damaged(#[from] Damaged),
    #[error("the file of tickets at rest: {0}")]
    File(#[from] io::Error),
}

pub type Had<T> = Result<T, TicketError>;

enum Form {
    /// In memory; no bytes where nothing is known.
    Warm(Box<[u8]>),
    Cold(Spot),
}

struct Slot {
    id: Box<str>,
    form: Form,
    outlook: Outlook,
    /// Whether the place waits to be moved to the file, and the form has changed since it does.
    waits: bool,
    changed: bool,
}

/// The file, how much may rest in memory, and how much does.
struct Cooling {
    store: ColdStore,
    most_bytes: usize,
    warm_bytes: usize,
    /// Places whose forms are in memory, those first that came there first.
    places: VecDeque<u32>,
}

/// Each ticket has a place as long as it is remembered; a place that became free is given out again.
/// A ticket that nothing is known of yet may have a place, too, and rests as no bytes.
#[derive(Default)]
pub struct Tickets {
    slots: Vec<Slot>,
    places: HashTable<u32>,
    free: Vec<u32>,
    remembered: usize,
    cooling: Option<Cooling>,
}

impl Tickets {
    /// Of whose resting forms so many bytes stay in memory, and the others go to a file.
    pub fn with_file(store: ColdStore, most_bytes: usize) -> Self {
        Self {
            cooling: Some(Cooling {
                store,
                most_bytes,
                warm_bytes: 0,
                places: VecDeque::new(),
            }),
            ..Self::default()
        }
    }

    /// How many are remembered.
    pub fn count(&self) -> usize {
        self.remembered
    }

    /// What the file may take, in bytes.
    pub fn file_bytes(&self) -> u64 {
        self.cooling
            .as_ref()
            .map_or(0, |cooling| cooling.store.bytes())
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
        match self.slots.get_mut(place as usize) {
            Some(freed) => freed.id = id.into(),
            None => self.slots.push(Slot {
                id: id.into(),
                form: Form::Warm(Box::default()),
                outlook: Outlook::default(),
                waits: false,
                changed: false,
            }),
        }
        let slots = &self.slots;
        let rehash = |&place: &u32| FxBuildHasher.hash_one(&*slots[place as usize].id);
        self.places.insert_unique(hash, place, rehash);
        place
    }

    pub fn id(&self, place: u32) -> &str {
        &self.slots[place as usize].id
    }

    /// Whether anything is known of it.
    pub fn is_known(&self, place: u32) -> bool {
        self.slots[place as usize].is_known()
    }

    /// What the time ahead holds for it.
    pub fn outlook(&self, place: u32) -> Outlook {
        self.slots[place as usize].outlook
    }

    /// The resting form, for which the buffer may serve; empty while nothing is known of it.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn packed<'a>(&'a self, place: u32, buffer: &'a mut Vec<u8>) -> Had<&'a [u8]> {
        match (&self.slots[place as usize].form, &self.cooling) {
            (Form::Warm(form), _) => Ok(form),
            (Form::Cold(spot), Some(cooling)) => Ok(cooling.store.get(*spot, buffer)?),
            (Form::Cold(_), None) => unreachable!("without a file nothing is put into it"),
        }
    }

    /// A form that is not empty.
    pub fn set(&mut self, place: u32, packed: &[u8], outlook: Outlook) {
        let slot = &mut self.slots[place as usize];
        self.remembered += usize::from(!slot.is_known());
        slot.outlook = outlook;
        if let Some(cooling) = &mut self.cooling {
            cooling.let_go(&slot.form);
            cooling.warm_bytes += packed.len();
            if slot.waits {
                slot.changed = true;
            } else {
                (slot.waits, slot.changed) = (true, false);
                cooling.places.push_back(place);
            }
        }
        match &mut slot.form {
            Form::Warm(form) if form.len() == packed.len() => form.copy_from_slice(packed),
            form => *form = Form::Warm(packed.into()),
        }
    }

    /// Let go of a ticket; its id.
    pub fn forget(&mut self, place: u32) -> Box<str> {
        let slot = &mut self.slots[place as usize];
        self.remembered -= usize::from(slot.is_known());
        if let Some(cooling) = &mut self.cooling {
            cooling.let_go(&slot.form);
        }
        slot.form = Form::Warm(Box::default());
        slot.outlook = Outlook::default();
        let id = std::mem::take(&mut slot.id);
        let hash = FxBuildHasher.hash_one(&*id);
        if let Ok(entry) = self.places.find_entry(hash, |&known| known == place) {
            entry.remove();
        }
        self.free.push(place);
        id
    }

    /// Places and outlooks of all that are remembered.
    pub fn iter(&self) -> impl Iterator<Item = (u32, Outlook)> {
        (0..)
            .zip(&self.slots)
            .filter(|(_, slot)| slot.is_known())
            .map(|(place, slot)| (place, slot.outlook))
    }

    /// Move what changed longest ago to the file, until no more rests in memory than may: of two
    /// passes a form that changes between them is spared.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn cool(&mut self) -> Had<()> {
        let Some(cooling) = &mut self.cooling else {
            return Ok(());
        };
        for _ in 0..2 * cooling.places.len() {
            if cooling.warm_bytes <= cooling.most_bytes {
                break;
            }
            let Some(place) = cooling.places.pop_front() else {
                break;
            };
            let slot = &mut self.slots[place as usize];
            let Form::Warm(form) = &slot.form else {
                unreachable!("what waits to be moved to the file is not in it");
            };
            if std::mem::take(&mut slot.changed) || !ColdStore::fits(form.len()) {
                cooling.places.push_back(place);
                continue;
            }
            slot.waits = false;
            if !form.is_empty() {
                cooling.warm_bytes -= form.len();
                slot.form = Form::Cold(cooling.store.put(place, form)?);
            }
        }
        let slots = &mut self.slots;
        cooling.store.empty_sparse(|store, place, spot, form| {
            let slot = &mut slots[place as usize];
            if matches!(slot.form, Form::Cold(current) if current == spot) {
                slot.form = Form::Cold(store.put(place, form)?);
            }
            Ok(())
        })?;
        Ok(())
    }
}

impl Slot {
    fn is_known(&self) -> bool {
        match &self.form {
            Form::Warm(form) => !form.is_empty(),
            Form::Cold(_) => true,
        }
    }
}

impl Cooling {
    fn let_go(&mut self, form: &Form) {
        match form {
            Form::Warm(form) => self.warm_bytes -= form.len(),
            Form::Cold(spot) => self.store.release(*spot),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cold::tests::scratch;

    fn packed(tickets: &Tickets, place: u32) -> Vec<u8> {
        tickets
            .packed(place, &mut Vec::new())
            .expect("a form")
            .to_vec()
    }

    fn set(tickets: &mut Tickets, place: u32, form: &[u8]) {
        tickets.set(place, form, Outlook::default());
    }

    fn with_file(most_bytes: usize) -> Tickets {
        Tickets::with_file(scratch(), most_bytes)
    }

    #[test]
    fn a_ticket_keeps_its_place_until_it_is_forgotten() {
        for mut tickets in [Tickets::default(), with_file(0)] {
            let (a, b) = (tickets.place("a"), tickets.place("b"));
            set(&mut tickets, a, b"one");
            set(&mut tickets, a, b"three");
            tickets.cool().expect("a file");
            assert_eq!((tickets.place("a"), tickets.count()), (a, 1));
            assert_eq!(packed(&tickets, a), b"three");
            set(&mut tickets, b, b"two");
            assert_eq!(&*tickets.forget(a), "a");
            assert_eq!(
                tickets.iter().map(|(place, _)| place).collect::<Vec<_>>(),
                [b]
            );
            assert_eq!(tickets.place("c"), a);
            assert_eq!((packed(&tickets, a), tickets.id(a)), (vec![], "c"));
            assert_ne!(tickets.place("a"), a);
            assert_eq!(tickets.count(), 1);
        }
    }

    #[test]
    fn many_tickets_are_found() {
        let mut tickets = Tickets::default();
        let ids: Vec<String> = (0..5000).map(|number| format!("T-{number}")).collect();
        for id in &ids {
            let place = tickets.place(id);
            set(&mut tickets, place, id.as_bytes());
        }
        for id in &ids {
            let place = tickets.place(id);
            assert_eq!(packed(&tickets, place), id.as_bytes());
        }
        assert_eq!(tickets.count(), ids.len());
    }

    #[test]
    fn what_changed_last_rests_in_memory() {
        let mut tickets = with_file(1000);
        let places: Vec<u32> = (0..20)
            .map(|number| tickets.place(&number.to_string()))
            .collect();
        for &place in &places {
            set(&mut tickets, place, &[1; 100]);
        }
        set(&mut tickets, places[0], &[2; 100]);
        tickets.cool().expect("a file");
        let is_warm = |place: &u32| matches!(tickets.slots[*place as usize].form, Form::Warm(_));
        let warm: Vec<u32> = places.iter().copied().filter(is_warm).collect();
        assert_eq!(warm.len(), 10);
        assert!(warm.contains(&places[0]) && warm.contains(&places[19]));
    }

    #[test]
    fn a_file_holds_what_counts_and_not_much_more() {
        let mut tickets = with_file(50_000);
        let mut expected = std::collections::BTreeMap::new();
        let mut state = 1_u64;
        let mut random = |below: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        for step in 0..60_000_u64 {
            let id = random(3_000).to_string();
            let place = tickets.place(&id);
            if random(10) == 0 {
                tickets.forget(place);
                expected.remove(&id);
            } else {
                let length = usize::try_from(1 + random(2_000)).expect("small");
                let form = vec![step.to_le_bytes()[0]; length];
                set(&mut tickets, place, &form);
                expected.insert(id, form);
            }
            if step % 100 == 0 {
                tickets.cool().expect("a file");
            }
        }
        tickets.cool().expect("a file");
        assert_eq!(tickets.count(), expected.len());
        let total: usize = expected.values().map(Vec::len).sum();
        for (id, form) in &expected {
            let place = tickets.find(id).expect("a ticket that is remembered");
            assert_eq!(packed(&tickets, place), *form);
        }
        let cooling = tickets.cooling.as_ref().expect("a file");
        assert!(cooling.warm_bytes <= 50_000);
        assert!(tickets.file_bytes() < 4 * total as u64 + (8 << 20));
    }
}
