//! What the ledger keeps of an event.

use crate::kind;
use crate::msgpack::{Damaged, Read, Reader, Write};
use crate::names::{Holder, NO_NAME, Symbol, Symbols};

pub const MOST_PARTS: usize = 5;

/// One event of a ticket. Facts are ordered by instant, then by kind, then by event hash, so that
/// any order of arrival gives the same list. Names and numbers are what the kind needs
/// (`services.scoring.core.ledger`); the second number of a correction is a hash, as its bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fact {
    pub time_ms: i64,
    pub event: u64,
    pub kind: u8,
    pub names_len: u8,
    pub numbers_len: u8,
    pub names: [Symbol; MOST_PARTS],
    pub numbers: [i64; MOST_PARTS],
}

/// What facts are ordered by.
pub type Order = (i64, u8, u64);

/// A hash as a number among others.
pub fn bits_of(hash: u64) -> i64 {
    i64::from_ne_bytes(hash.to_ne_bytes())
}

fn hash_of(bits: i64) -> u64 {
    u64::from_ne_bytes(bits.to_ne_bytes())
}

pub const EXCLUDE: i64 = 0;
pub const REATTRIBUTE: i64 = 1;
pub const EXEMPT: i64 = 2;

impl Fact {
    pub fn order(&self) -> Order {
        (self.time_ms, self.kind, self.event)
    }

    /// The first three names, of an opening, an assignment or a correction.
    pub fn holder(&self) -> Holder {
        let [department, team, employee, ..] = self.names;
        Holder {
            department,
            team,
            employee,
        }
    }

    /// Whether it names any part of a holder.
    pub fn names_holder(&self) -> bool {
        self.names[..3].iter().any(|&name| name != NO_NAME)
    }

    /// The event that a correction corrects.
    pub fn target(&self) -> u64 {
        hash_of(self.numbers[1])
    }

    /// Bytes that it takes at rest.
    pub fn size(&self, symbols: &Symbols) -> usize {
        let mut buffer = Vec::new();
        self.write(symbols, &mut buffer);
        buffer.len()
    }

    pub fn write(&self, symbols: &Symbols, buffer: &mut Vec<u8>) {
        buffer.array(5);
        buffer.int(self.time_ms);
        buffer.uint(u64::from(self.kind));
        buffer.uint(self.event);
        buffer.array(usize::from(self.names_len));
        for &name in &self.names[..usize::from(self.names_len)] {
            buffer.text(symbols.text(name));
        }
        buffer.array(usize::from(self.numbers_len));
        for (place, &number) in self.numbers[..usize::from(self.numbers_len)]
            .iter()
            .enumerate()
        {
            if self.kind == kind::CORRECTED && place == 1 {
                buffer.uint(hash_of(number));
            } else {
                buffer.int(number);
            }
        }
    }

    pub fn read(reader: &mut Reader<'_>, symbols: &mut Symbols) -> Read<Self> {
        reader.array_of(5)?;
        let (time_ms, kind, event) = (reader.int()?, reader.small()?, reader.uint()?);
        let mut fact = Self {
            time_ms,
            event,
            kind,
            names_len: length(reader)?,
            numbers_len: 0,
            names: [NO_NAME; MOST_PARTS],
            numbers: [0; MOST_PARTS],
        };
        for name in &mut fact.names[..usize::from(fact.names_len)] {
            *name = symbols.number(reader.text()?);
        }
        fact.numbers_len = length(reader)?;
        for (place, number) in fact.numbers[..usize::from(fact.numbers_len)]
            .iter_mut()
            .enumerate()
        {
            *number = if kind == kind::CORRECTED && place == 1 {
                bits_of(reader.uint()?)
            } else {
                reader.int()?
            };
        }
        Ok(fact)
    }
}

fn length(reader: &mut Reader<'_>) -> Read<u8> {
    let length = reader.array()?;
    if length > MOST_PARTS {
        return Err(Damaged::Range);
    }
    Ok(u8::try_from(length).expect("at most five"))
}
