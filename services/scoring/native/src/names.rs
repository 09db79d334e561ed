//! Numbers for names: texts are looked up once, and compared as integers afterwards.

use std::hash::BuildHasher;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use rustc_hash::{FxBuildHasher, FxHashMap};

/// The number of a text in a [`Symbols`]; `NO_NAME` is the empty text.
pub type Symbol = u32;
pub const NO_NAME: Symbol = 0;

/// Texts and their numbers, given out when they are first asked for.
pub struct Symbols {
    numbers: FxHashMap<Box<str>, Symbol>,
    texts: Vec<Box<str>>,
}

impl Default for Symbols {
    fn default() -> Self {
        Self {
            numbers: FxHashMap::default(),
            texts: vec![Box::default()],
        }
    }
}

impl Symbols {
    pub fn number(&mut self, text: &str) -> Symbol {
        if text.is_empty() {
            return NO_NAME;
        }
        if let Some(&number) = self.numbers.get(text) {
            return number;
        }
        let number = Symbol::try_from(self.texts.len()).expect("fewer than 2^32 names");
        self.numbers.insert(text.into(), number);
        self.texts.push(text.into());
        number
    }

    pub fn text(&self, symbol: Symbol) -> &str {
        &self.texts[symbol as usize]
    }

    pub fn count(&self) -> usize {
        self.texts.len()
    }
}

/// Who holds a ticket; an unknown part is `NO_NAME`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Holder {
    pub department: Symbol,
    pub team: Symbol,
    pub employee: Symbol,
}

/// The names that a measurement is booked under.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Names {
    pub holder: Holder,
    pub channel: Symbol,
    pub category: Symbol,
}

impl Names {
    /// Department, team, employee, channel, category.
    pub fn parts(self) -> [Symbol; 5] {
        let Holder {
            department,
            team,
            employee,
        } = self.holder;
        [department, team, employee, self.channel, self.category]
    }

    /// The inverse of `parts`.
    pub fn from_parts([department, team, employee, channel, category]: [Symbol; 5]) -> Self {
        let holder = Holder {
            department,
            team,
            employee,
        };
        Self {
            holder,
            channel,
            category,
        }
    }
}

/// Numbers for combinations of names, given out when they are first asked for.
#[derive(Default)]
pub struct NameTable {
    numbers: HashTable<u32>,
    rows: Vec<Names>,
}

impl NameTable {
    pub fn number(&mut self, names: Names) -> u32 {
        let rows = &mut self.rows;
        let entry = self.numbers.entry(
            FxBuildHasher.hash_one(names),
            |number| rows[*number as usize] == names,
            |number| FxBuildHasher.hash_one(rows[*number as usize]),
        );
        match entry {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(vacant) => {
                let count = u32::try_from(rows.len());
                let number = count.expect("fewer than 2^32 combinations of names");
                vacant.insert(number);
                rows.push(names);
                number
            }
        }
    }

    pub fn rows(&self) -> &[Names] {
        &self.rows
    }

    pub fn count(&self) -> usize {
        self.rows.len()
    }
}
