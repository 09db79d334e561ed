//! What a flush changes in the minutes' cells, summed before the panes are touched.

use std::hash::BuildHasher;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use rustc_hash::{FxBuildHasher, FxHashMap};

use crate::buckets::Bucket;
use crate::pane::{CellKey, Sums};
use crate::scopes::ScopeNumber;

/// A minute since 1970.
pub type Minute = u32;

const NO_CASE: u32 = u32::MAX;
const INDICATOR_BITS: u32 = 8;
const SCOPE_SHIFT: u32 = 32;
/// Few enough for the place of a minute to have room between scope and indicator, and for what is
/// staged to stay small.
const MOST_ROWS: u32 = 1 << 16;

/// How one cell of a minute changes.
struct Change {
    /// Scope, place of the minute, and indicator.
    key: u64,
    sums: Sums,
    last_case: u32,
}

/// A count for a change's sketch, and the one before it.
struct Case {
    count: i64,
    before: u32,
    bucket: Bucket,
}

#[derive(Default)]
pub struct Staging {
    rows: u32,
    minutes: Vec<Minute>,
    minute_places: FxHashMap<Minute, u32>,
    changes: Vec<Change>,
    index: HashTable<u32>,
    cases: Vec<Case>,
    overflows: u64,
}

impl Staging {
    /// How many totals have overflowed since the last call.
    pub fn take_overflows(&mut self) -> u64 {
        std::mem::take(&mut self.overflows)
    }

    /// Whether it has to be booked before more is added.
    pub fn is_full(&self) -> bool {
        self.rows == MOST_ROWS
    }

    pub fn minutes(&self) -> &[Minute] {
        &self.minutes
    }

    pub fn clear(&mut self) {
        self.rows = 0;
        self.minutes.clear();
        self.minute_places.clear();
        self.changes.clear();
        self.index.clear();
        self.cases.clear();
    }

    /// Add a measurement in every scope that it counts in; it must not be full.
    pub fn add(
        &mut self,
        minute: Minute,
        indicator: u8,
        scopes: &[ScopeNumber],
        sums: Sums,
        bucket: Option<Bucket>,
    ) {
        self.rows += 1;
        let time = u64::from(self.minute_place(minute)) << INDICATOR_BITS | u64::from(indicator);
        for scope in scopes {
            let place = self.change(u64::from(*scope) << SCOPE_SHIFT | time);
            let change = &mut self.changes[place as usize];
            self.overflows += u64::from(change.sums.add(sums));
            if let Some(bucket) = bucket {
                let case = number(self.cases.len());
                self.cases.push(Case {
                    count: sums.n,
                    before: change.last_case,
                    bucket,
                });
                change.last_case = case;
            }
        }
    }

    /// Put the changes of a minute side by side, the minutes in the order of `minutes`.
    pub fn sort(&mut self) {
        if self.minutes.len() > 1 {
            self.changes.sort_by_key(|change| minute_of(change.key));
            self.index.clear();
        }
    }

    /// After `sort`: the changes of the minute at a place of `minutes`, and how many changes came
    /// before the next minute's.
    pub fn of_minute(&self, minute: usize, first: usize) -> (Changes<'_>, usize) {
        let rest = &self.changes[first..];
        let size = if minute + 1 == self.minutes.len() {
            rest.len()
        } else {
            rest.partition_point(|change| minute_of(change.key) <= minute)
        };
        (
            Changes {
                staging: self,
                rows: &rest[..size],
            },
            first + size,
        )
    }

    fn minute_place(&mut self, minute: Minute) -> u32 {
        *self.minute_places.entry(minute).or_insert_with(|| {
            self.minutes.push(minute);
            number(self.minutes.len() - 1)
        })
    }

    fn change(&mut self, key: u64) -> u32 {
        let changes = &mut self.changes;
        let entry = self.index.entry(
            FxBuildHasher.hash_one(key),
            |place| changes[*place as usize].key == key,
            |place| FxBuildHasher.hash_one(changes[*place as usize].key),
        );
        match entry {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(vacant) => {
                let place = number(changes.len());
                vacant.insert(place);
                changes.push(Change {
                    key,
                    sums: Sums::default(),
                    last_case: NO_CASE,
                });
                place
            }
        }
    }
}

/// The changes of one minute.
#[derive(Clone, Copy)]
pub struct Changes<'a> {
    staging: &'a Staging,
    rows: &'a [Change],
}

impl<'a> Changes<'a> {
    /// Each cell, its change, and the counts for its sketch.
    pub fn each(self) -> impl Iterator<Item = (CellKey, Sums, Counts<'a>)> {
        self.rows.iter().map(move |change| {
            let counts = Counts {
                cases: &self.staging.cases,
                next: change.last_case,
            };
            (cell_of(change.key), change.sums, counts)
        })
    }
}

/// Counts by bucket; a bucket may be there several times.
pub struct Counts<'a> {
    cases: &'a [Case],
    next: u32,
}

impl Iterator for Counts<'_> {
    type Item = (Bucket, i64);

    fn next(&mut self) -> Option<Self::Item> {
        let case = (self.next != NO_CASE).then(|| &self.cases[self.next as usize])?;
        self.next = case.before;
        Some((case.bucket, case.count))
    }
}

fn minute_of(key: u64) -> usize {
    let [_, a, b, c, ..] = key.to_le_bytes();
    u32::from_le_bytes([a, b, c, 0]) as usize
}

fn cell_of(key: u64) -> CellKey {
    let [indicator, _, _, _, a, b, c, d] = key.to_le_bytes();
    CellKey {
        scope: ScopeNumber::from_le_bytes([a, b, c, d]),
        indicator,
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).expect("the rows of a flush are bounded")
}
