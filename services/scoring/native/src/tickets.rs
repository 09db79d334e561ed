//! The tickets of a partition at rest, by their ids.
//!
//! Those that changed lately rest in memory, the others in a file: a ticket is remembered for weeks
//! after its end, in case something of it comes late, and nearly nothing ever does. In memory a
//! ticket of the file is 20 bytes and its share of an index: even its id is in the file.

use std::convert::Infallible;
use std::hash::BuildHasher;
use std::io;

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;
use thiserror::Error;

use crate::cold::{self, Ahead, ColdStore};
use crate::life::Outlook;
use crate::msgpack::Damaged;
use crate::promises::NEVER;
use crate::warm::{self, WarmStore};

const ID_LENGTH_BYTES: usize = 4;
const NEVER_S: u32 = u32::MAX;

/// Why the resting form of a ticket is not to be had.
#[derive(Debug, Error)]
pub enum TicketError {
    #[error(transparent)]
    Damaged(#[from] Damaged),
    #[error(transparent)]
    File(#[from] io::Error),
}

pub type Had<T> = Result<T, TicketError>;

/// Where a ticket rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// Forgotten.
    Nowhere,
    Warm(warm::Spot),
    Cold(cold::Spot),
}

const WARM: u64 = 1 << cold::Spot::BITS;

impl At {
    fn to_bits(self) -> u64 {
        match self {
            Self::Nowhere => u64::MAX,
            Self::Warm(spot) => WARM | spot.to_bits(),
            Self::Cold(spot) => spot.to_bits(),
        }
    }

    fn from_bits(bits: u64) -> Self {
        match bits {
            u64::MAX => Self::Nowhere,
            _ if bits & WARM == 0 => Self::Cold(cold::Spot::from_bits(bits)),
            _ => Self::Warm(warm::Spot::from_bits(bits & !WARM)),
        }
    }
}

/// What is in memory of every ticket: 20 bytes without gaps. `tag` is of its id's hash. The seconds
/// are those of its outlook: it falls due in `due_s` or later, and was over when `over_s` began.
struct Slot {
    at: [u8; 8],
    tag: u32,
    due_s: u32,
    over_s: u32,
}

impl Slot {
    fn new(at: At, tag: u32) -> Self {
        Self {
            at: at.to_bits().to_le_bytes(),
            tag,
            due_s: NEVER_S,
            over_s: NEVER_S,
        }
    }

    fn at(&self) -> At {
        At::from_bits(u64::from_le_bytes(self.at))
    }

    fn put_at(&mut self, at: At) {
        self.at = at.to_bits().to_le_bytes();
    }
}

/// The file, and how much may rest in memory.
struct Cooling {
    store: ColdStore,
    most_bytes: usize,
}

/// Each ticket has a place as long as it is remembered; a place that became free is given out again.
/// A ticket that nothing is known of yet may have a place, too, and rests as no bytes. It rests with
/// its id before it. It is in memory from `place` or `warm` to `cool`.
#[derive(Default)]
pub struct Tickets {
    slots: Vec<Slot>,
    places: HashTable<u32>,
    free: Vec<u32>,
    warm: WarmStore,
    /// What precedes a form that is changed.
    head: Vec<u8>,
    remembered: usize,
    due: usize,
    cooling: Option<Cooling>,
}

impl Tickets {
    /// Of which so many bytes stay in memory, and the others go to a file.
    pub fn with_file(store: ColdStore, most_bytes: usize) -> Self {
        Self {
            cooling: Some(Cooling { store, most_bytes }),
            ..Self::default()
        }
    }

    /// How many are remembered.
    pub fn count(&self) -> usize {
        self.remembered
    }

    /// Of how many something falls due.
    pub fn due(&self) -> usize {
        self.due
    }

    /// What the file may take, in bytes.
    pub fn file_bytes(&self) -> u64 {
        self.cooling
            .as_ref()
            .map_or(0, |cooling| cooling.store.bytes())
    }

    /// All places are below this.
    pub fn end(&self) -> u32 {
        number(self.slots.len())
    }

    /// The ticket's place, if it has one; the ticket is in memory then.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn find(&mut self, id: &str) -> Had<Option<u32>> {
        let tag = tag_of(id);
        // A ticket of the file is told by its id once it is in memory. It is hardly ever another: the
        // tag has 32 bits.
        while let Some(place) = self.seek(tag, id) {
            if let At::Warm(_) = self.slots[place as usize].at() {
                return Ok(Some(place));
            }
            self.warm(place)?;
        }
        Ok(None)
    }

    /// A ticket in memory that has this id, or one of the file that may have it.
    fn seek(&self, tag: u32, id: &str) -> Option<u32> {
        let may_be_it = |place: &u32| {
            let slot = &self.slots[*place as usize];
            slot.tag == tag && (matches!(slot.at(), At::Cold(_)) || self.id(*place) == id)
        };
        self.places.find(spread(tag), may_be_it).copied()
    }

    /// The ticket's place, given out when it has none; the ticket is in memory then.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn place(&mut self, id: &str) -> Had<u32> {
        if let Some(place) = self.find(id)? {
            return Ok(place);
        }
        let place = self.free.pop().unwrap_or(self.end());
        let tag = tag_of(id);
        let length = number(id.len()).to_le_bytes();
        let at = At::Warm(self.warm.put(place, &[&length, id.as_bytes()]));
        let slot = Slot::new(at, tag);
        match self.slots.get_mut(place as usize) {
            Some(freed) => *freed = slot,
            None => self.slots.push(slot),
        }
        let slots = &self.slots;
        let rehash = |&place: &u32| spread(slots[place as usize].tag);
        self.places.insert_unique(spread(tag), place, rehash);
        Ok(place)
    }

    /// Have a ticket in memory.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn warm(&mut self, place: u32) -> Had<()> {
        let (At::Cold(spot), Some(cooling)) = (self.slots[place as usize].at(), &mut self.cooling)
        else {
            return Ok(());
        };
        let mut ahead = Ahead::default();
        let ticket = cooling.store.get(spot, &mut ahead)?;
        let at = At::Warm(self.warm.put(place, &[ticket]));
        cooling.store.release(spot);
        self.slots[place as usize].put_at(at);
        Ok(())
    }

    /// The id of a ticket in memory.
    pub fn id(&self, place: u32) -> &str {
        let (id, _) = self.warm_ticket(place);
        id
    }

    /// The resting form of a ticket in memory; empty while nothing is known of it.
    pub fn form(&self, place: u32) -> &[u8] {
        let (_, form) = self.warm_ticket(place);
        form
    }

    /// A ticket's id and its resting form; both are empty when it was forgotten. They may be in what
    /// was read last, since which no ticket must have been moved to the file.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn ticket<'a>(&'a self, place: u32, ahead: &'a mut Ahead) -> Had<(&'a str, &'a [u8])> {
        let ticket = match (self.slots[place as usize].at(), &self.cooling) {
            (At::Nowhere, _) => return Ok(("", &[])),
            (At::Warm(spot), _) => self.warm.get(spot),
            (At::Cold(spot), Some(cooling)) => cooling.store.get(spot, ahead)?,
            (At::Cold(_), None) => unreachable!("without a file nothing is put into it"),
        };
        parted(ticket).ok_or(Damaged::Range.into())
    }

    /// Whether anything is known of it.
    pub fn is_known(&self, place: u32) -> bool {
        match self.slots[place as usize].at() {
            At::Nowhere => false,
            At::Warm(_) => !self.form(place).is_empty(),
            At::Cold(_) => true,
        }
    }

    /// Nothing of it falls due before that instant: the begin of the second in which something does,
    /// in ms, or `NEVER`.
    pub fn due_from_ms(&self, place: u32) -> i64 {
        match self.slots[place as usize].due_s {
            NEVER_S => NEVER,
            due_s => i64::from(due_s) * 1000,
        }
    }

    /// Whether that instant may be when something of it falls due next.
    pub fn may_be_due_at(&self, place: u32, due_ms: i64) -> bool {
        self.slots[place as usize].due_s == first_second(due_ms)
    }

    /// Tickets that were over before an instant, but for some that were for less than a second.
    pub fn over_before(&self, limit_ms: i64) -> Vec<u32> {
        let is_over =
            |slot: &Slot| slot.over_s != NEVER_S && i64::from(slot.over_s) * 1000 < limit_ms;
        (0..)
            .zip(&self.slots)
            .filter(|(_, slot)| is_over(slot))
            .map(|(place, _)| place)
            .collect()
    }

    /// A form that is not empty, of a ticket in memory.
    pub fn set(&mut self, place: u32, packed: &[u8], outlook: Outlook) {
        let spot = self.warm_spot(place);
        let ticket = self.warm.get(spot);
        let (_, form) = parted(ticket).expect("what was joined here");
        self.remembered += usize::from(form.is_empty());
        self.head.clear();
        self.head.extend(&ticket[..ticket.len() - form.len()]);
        self.warm.release(spot);
        let at = At::Warm(self.warm.put(place, &[&self.head, packed]));
        self.slots[place as usize].put_at(at);
        self.set_outlook(place, outlook);
    }

    /// Let go of a ticket; its id, which may be in what was read last.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn forget(&mut self, place: u32, ahead: &mut Ahead) -> Had<Box<str>> {
        let is_known = self.is_known(place);
        let (id, _) = self.ticket(place, ahead)?;
        let id = Box::from(id);
        match (self.slots[place as usize].at(), &mut self.cooling) {
            (At::Cold(spot), Some(cooling)) => cooling.store.release(spot),
            _ => self.warm.release(self.warm_spot(place)),
        }
        self.remembered -= usize::from(is_known);
        self.set_outlook(place, Outlook::default());
        self.slots[place as usize].put_at(At::Nowhere);
        let hash = spread(self.slots[place as usize].tag);
        if let Ok(entry) = self.places.find_entry(hash, |&known| known == place) {
            entry.remove();
        }
        self.free.push(place);
        Ok(id)
    }

    /// Move what changed longest ago to the file, until no more rests in memory than may.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn cool(&mut self) -> Had<()> {
        self.tidy();
        let Some(Cooling { store, most_bytes }) = &mut self.cooling else {
            return Ok(());
        };
        let slots = &mut self.slots;
        for _ in 0..self.warm.chunks() {
            if self.warm.bytes() <= *most_bytes {
                break;
            }
            self.warm.take_oldest(|warm, place, spot, ticket| {
                let slot = &mut slots[place as usize];
                let counts = slot.at() == At::Warm(spot);
                if counts && ColdStore::fits(ticket.len()) {
                    slot.put_at(At::Cold(store.put(place, ticket)?));
                } else if counts {
                    slot.put_at(At::Warm(warm.put(place, &[ticket])));
                }
                io::Result::Ok(counts)
            })?;
        }
        store.empty_sparse(|store, place, spot, ticket| {
            let slot = &mut slots[place as usize];
            if slot.at() == At::Cold(spot) {
                slot.put_at(At::Cold(store.put(place, ticket)?));
            }
            Ok(())
        })?;
        Ok(())
    }

    /// Let go of what does not count any more of the tickets in memory, if it is much.
    fn tidy(&mut self) {
        if !self.warm.is_sparse() {
            return;
        }
        for _ in 0..self.warm.chunks() {
            let slots = &mut self.slots;
            let Ok(()) = self.warm.take_oldest(|warm, place, spot, ticket| {
                let slot = &mut slots[place as usize];
                let counts = slot.at() == At::Warm(spot);
                if counts {
                    slot.put_at(At::Warm(warm.put(place, &[ticket])));
                }
                Ok::<_, Infallible>(counts)
            });
        }
    }

    fn warm_ticket(&self, place: u32) -> (&str, &[u8]) {
        parted(self.warm.get(self.warm_spot(place))).expect("what was joined here")
    }

    fn warm_spot(&self, place: u32) -> warm::Spot {
        match self.slots[place as usize].at() {
            At::Warm(spot) => spot,
            _ => unreachable!("who asks for it has had it warmed"),
        }
    }

    fn set_outlook(&mut self, place: u32, outlook: Outlook) {
        let slot = &mut self.slots[place as usize];
        self.due -= usize::from(slot.due_s != NEVER_S);
        slot.due_s = first_second(outlook.due_ms);
        slot.over_s = second_after(outlook.over_ms);
        self.due += usize::from(slot.due_s != NEVER_S);
    }
}

fn parted(ticket: &[u8]) -> Option<(&str, &[u8])> {
    let (length, rest) = ticket.split_first_chunk::<ID_LENGTH_BYTES>()?;
    let (id, form) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    Some((std::str::from_utf8(id).ok()?, form))
}

/// The second in which an instant lies, or the earliest or last there is.
fn first_second(ms: i64) -> u32 {
    if ms == NEVER {
        return NEVER_S;
    }
    let second = ms.div_euclid(1000).clamp(0, i64::from(NEVER_S - 1));
    u32::try_from(second).expect("within its bounds")
}

/// The first second that begins at an instant or after it; that of no instant is none, and of one
/// that is too late to be counted as well.
fn second_after(ms: i64) -> u32 {
    let second = ms.div_euclid(1000) + i64::from(ms.rem_euclid(1000) > 0);
    u32::try_from(second.max(0)).unwrap_or(NEVER_S)
}

fn tag_of(id: &str) -> u32 {
    let hash = FxBuildHasher.hash_one(id);
    let [a, b, c, d, ..] = (hash ^ hash >> 32).to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

/// A hash of 64 bits, for the index looks at its ends.
fn spread(tag: u32) -> u64 {
    u64::from(tag).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn number(count: usize) -> u32 {
    u32::try_from(count).expect("fewer than 2^32 tickets")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cold::tests::scratch;

    fn form(tickets: &Tickets, place: u32) -> Vec<u8> {
        let mut ahead = Ahead::default();
        let (_, form) = tickets.ticket(place, &mut ahead).expect("a ticket");
        form.to_vec()
    }

    fn place(tickets: &mut Tickets, id: &str) -> u32 {
        tickets.place(id).expect("a file")
    }

    fn set(tickets: &mut Tickets, place: u32, form: &[u8]) {
        tickets.warm(place).expect("a file");
        tickets.set(place, form, Outlook::default());
    }

    fn forget(tickets: &mut Tickets, place: u32) -> Box<str> {
        let mut ahead = Ahead::default();
        tickets.forget(place, &mut ahead).expect("a file")
    }

    fn with_file(most_bytes: usize) -> Tickets {
        Tickets::with_file(scratch(), most_bytes)
    }

    #[test]
    fn a_ticket_keeps_its_place_until_it_is_forgotten() {
        for mut tickets in [Tickets::default(), with_file(0)] {
            let (a, b) = (place(&mut tickets, "a"), place(&mut tickets, "b"));
            set(&mut tickets, a, b"one");
            set(&mut tickets, a, b"three");
            tickets.cool().expect("a file");
            assert_eq!(
                (tickets.find("a").expect("a file"), tickets.count()),
                (Some(a), 1)
            );
            assert_eq!(form(&tickets, a), b"three");
            set(&mut tickets, b, b"two");
            assert!(tickets.is_known(a) && tickets.is_known(b));
            tickets.cool().expect("a file");
            assert_eq!(&*forget(&mut tickets, a), "a");
            assert_eq!((tickets.count(), tickets.is_known(b)), (1, true));
            assert_eq!(tickets.find("a").expect("a file"), None);
            assert!(!tickets.is_known(a) && form(&tickets, a).is_empty());
            assert_eq!(place(&mut tickets, "c"), a);
            assert!(!tickets.is_known(a) && tickets.form(a).is_empty());
            assert_eq!(tickets.id(a), "c");
            assert_ne!(place(&mut tickets, "a"), a);
        }
    }

    #[test]
    fn many_tickets_are_found() {
        for mut tickets in [Tickets::default(), with_file(10_000)] {
            let ids: Vec<String> = (0..5000).map(|number| format!("T-{number}")).collect();
            for id in &ids {
                let place = place(&mut tickets, id);
                set(&mut tickets, place, id.as_bytes());
                tickets.cool().expect("a file");
            }
            for id in &ids {
                let place = place(&mut tickets, id);
                assert_eq!(
                    (tickets.id(place), tickets.form(place)),
                    (&**id, id.as_bytes())
                );
                tickets.cool().expect("a file");
            }
            assert_eq!(tickets.count(), ids.len());
            assert_eq!(tickets.find("T-5000").expect("a file"), None);
        }
    }

    #[test]
    fn ids_of_one_hash_are_told_apart() {
        let mut tickets = with_file(0);
        for id in ["a", "b", "c"] {
            let place = place(&mut tickets, id);
            set(&mut tickets, place, id.as_bytes());
        }
        for slot in &mut tickets.slots {
            slot.tag = tag_of("c");
        }
        tickets.places.clear();
        for place in 0..3 {
            let hash = spread(tag_of("c"));
            tickets.places.insert_unique(hash, place, |_| hash);
        }
        tickets.cool().expect("a file");
        assert_eq!(tickets.find("c").expect("a file"), Some(2));
        let c = place(&mut tickets, "c");
        assert_eq!((c, tickets.form(c)), (2, b"c".as_slice()));
    }

    #[test]
    fn what_changed_last_rests_in_memory() {
        let mut tickets = with_file(200_000);
        for id in 1000..2000 {
            let place = place(&mut tickets, &id.to_string());
            set(&mut tickets, place, &[1; 1000]);
            set(&mut tickets, 0, &[2; 1000]);
            tickets.cool().expect("a file");
        }
        let is_warm = |place: &u32| matches!(tickets.slots[*place as usize].at(), At::Warm(_));
        let warm: Vec<u32> = (0..1000).filter(is_warm).collect();
        assert!((50..=200).contains(&warm.len()));
        let latest = 1000 - number(warm.len()) + 1;
        assert_eq!(warm[1..], (latest..1000).collect::<Vec<_>>());
        assert_eq!(warm[0], 0);
    }

    #[test]
    fn an_outlook_is_kept_by_the_second() {
        let mut tickets = Tickets::default();
        let ticket = place(&mut tickets, "a");
        let far_ms = 1000 * (i64::from(u32::MAX) + 7);
        for (due_ms, from_ms) in [
            (7_000, 7_000),
            (7_999, 7_000),
            (-1, 0),
            (far_ms, 1000 * i64::from(u32::MAX - 1)),
            (NEVER, NEVER),
        ] {
            let over_ms = NEVER;
            tickets.set(ticket, b"a", Outlook { due_ms, over_ms });
            assert_eq!(tickets.due_from_ms(ticket), from_ms);
            assert!(tickets.may_be_due_at(ticket, due_ms) && !tickets.may_be_due_at(ticket, 6_999));
            assert_eq!(tickets.due(), usize::from(due_ms != NEVER));
        }
        for (over_ms, over_at_ms) in [(7_000, 7_001), (7_001, 8_001), (i64::MIN, 1)] {
            let due_ms = NEVER;
            tickets.set(ticket, b"a", Outlook { due_ms, over_ms });
            assert!(tickets.over_before(over_at_ms - 1).is_empty());
            assert_eq!(tickets.over_before(over_at_ms), [ticket]);
        }
        for over_ms in [far_ms, NEVER] {
            let due_ms = NEVER;
            tickets.set(ticket, b"a", Outlook { due_ms, over_ms });
            assert!(tickets.over_before(i64::MAX).is_empty());
        }
    }

    #[test]
    fn a_slot_has_twenty_bytes() {
        assert_eq!(size_of::<Slot>(), 20);
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
            let place = place(&mut tickets, &id);
            if random(10) == 0 {
                forget(&mut tickets, place);
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
        assert!(tickets.warm.bytes() <= 50_000);
        assert_eq!(tickets.count(), expected.len());
        let total: usize = expected.values().map(Vec::len).sum();
        for (id, known) in &expected {
            let place = tickets.find(id).expect("a file");
            assert_eq!(form(&tickets, place.expect("a ticket")), *known);
        }
        assert!(tickets.file_bytes() < 4 * total as u64 + (8 << 20));
    }
}
