//! What a flush changes in the minutes' cells, summed before the panes are touched.

use rustc_hash::FxHashMap;

use crate::buckets::Bucket;
use crate::indicator_set::{IndicatorSet, MOST_INDICATORS};
use crate::pane::Sums;
use crate::scopes::{MOST_SCOPES, ScopeNumber};

/// A minute since 1970.
pub type Minute = u32;

const NO_CASE: u32 = u32::MAX;
const SCOPE_SHIFT: u32 = 32;
/// Few enough for the place of a change to have 16 bits, and for what is staged to stay small.
const MOST_MEASUREMENTS: usize = 1 << 13;
const _: () = assert!(MOST_MEASUREMENTS * MOST_SCOPES <= 1 << 16);

/// How one cell of a minute changes.
struct Change {
    sums: Sums,
    last_case: u32,
}

/// A count for a change's sketch, and the one before it.
struct Case {
    count: i64,
    before: u32,
    bucket: Bucket,
}

/// The cells of a scope that change in a minute, whose place is given.
#[derive(Clone, Copy)]
struct Row {
    scope: ScopeNumber,
    minute: u32,
    indicators: IndicatorSet,
}

/// By indicator of a row, places of changes; those of indicators that it has not say nothing.
type Places = [u16; MOST_INDICATORS as usize];

/// The rows that the last measurement was added to: the next one is often of the same.
#[derive(Default)]
struct Recent {
    of: Option<(Minute, u32)>,
    rows: Vec<u32>,
}

#[derive(Default)]
pub struct Staging {
    measurements: usize,
    minutes: Vec<Minute>,
    minute_places: FxHashMap<Minute, u32>,
    rows: Vec<Row>,
    places: Vec<Places>,
    row_numbers: FxHashMap<u64, u32>,
    recent: Recent,
    changes: Vec<Change>,
    cases: Vec<Case>,
    order: Vec<u32>,
    overflows: u64,
}

impl Staging {
    /// How many totals have overflowed since the last call.
    pub fn take_overflows(&mut self) -> u64 {
        std::mem::take(&mut self.overflows)
    }

    /// Whether it has to be booked before more is added.
    pub fn is_full(&self) -> bool {
        self.measurements == MOST_MEASUREMENTS
    }

    pub fn minutes(&self) -> &[Minute] {
        &self.minutes
    }

    pub fn clear(&mut self) {
        self.measurements = 0;
        self.minutes.clear();
        self.minute_places.clear();
        self.rows.clear();
        self.row_numbers.clear();
        self.recent.of = None;
        self.changes.clear();
        self.cases.clear();
    }

    /// Add a measurement in every scope that its names, whose number is given, count in; it must
    /// not be full.
    pub fn add(
        &mut self,
        minute: Minute,
        indicator: u8,
        (names, scopes): (u32, &[ScopeNumber]),
        sums: Sums,
        bucket: Option<Bucket>,
    ) {
        self.measurements += 1;
        if self.recent.of != Some((minute, names)) {
            self.find_rows(minute, scopes);
            self.recent.of = Some((minute, names));
        }
        for place in 0..self.recent.rows.len() {
            let change = self.change(self.recent.rows[place], indicator);
            let change = &mut self.changes[usize::from(change)];
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

    /// Put the rows of a minute side by side, the minutes in the order of `minutes`.
    pub fn sort(&mut self) {
        self.order.clear();
        self.order.extend(0..number(self.rows.len()));
        if self.minutes.len() > 1 {
            let rows = &self.rows;
            self.order.sort_by_key(|row| rows[*row as usize].minute);
        }
    }

    /// After `sort`: the changes of the minute at a place of `minutes`, and how many rows came
    /// before the next minute's.
    pub fn of_minute(&self, minute: usize, first: usize) -> (Changes<'_>, usize) {
        let rest = &self.order[first..];
        let is_before = |row: &u32| self.rows[*row as usize].minute as usize <= minute;
        let size = rest.partition_point(is_before);
        (
            Changes {
                staging: self,
                rows: &rest[..size],
            },
            first + size,
        )
    }

    fn find_rows(&mut self, minute: Minute, scopes: &[ScopeNumber]) {
        let minute = self.minute_place(minute);
        self.recent.rows.clear();
        for scope in scopes {
            let row = self.row(*scope, minute);
            self.recent.rows.push(row);
        }
    }

    fn minute_place(&mut self, minute: Minute) -> u32 {
        *self.minute_places.entry(minute).or_insert_with(|| {
            self.minutes.push(minute);
            number(self.minutes.len() - 1)
        })
    }

    fn row(&mut self, scope: ScopeNumber, minute: u32) -> u32 {
        let key = u64::from(scope) << SCOPE_SHIFT | u64::from(minute);
        *self.row_numbers.entry(key).or_insert_with(|| {
            self.rows.push(Row {
                scope,
                minute,
                indicators: IndicatorSet::default(),
            });
            if self.places.len() < self.rows.len() {
                self.places.push([0; MOST_INDICATORS as usize]);
            }
            number(self.rows.len() - 1)
        })
    }

    fn change(&mut self, row: u32, indicator: u8) -> u16 {
        let place = &mut self.places[row as usize][usize::from(indicator)];
        let indicators = &mut self.rows[row as usize].indicators;
        if !indicators.has(indicator) {
            *indicators = indicators.with(IndicatorSet::of(indicator));
            *place = u16::try_from(self.changes.len()).expect("as few as measurements allow");
            self.changes.push(Change {
                sums: Sums::default(),
                last_case: NO_CASE,
            });
        }
        *place
    }
}

/// The changes of one minute.
#[derive(Clone, Copy)]
pub struct Changes<'a> {
    staging: &'a Staging,
    rows: &'a [u32],
}

impl<'a> Changes<'a> {
    /// Scope by scope.
    pub fn rows(self) -> impl Iterator<Item = RowChanges<'a>> {
        let Self { staging, rows } = self;
        rows.iter().map(move |&number| RowChanges {
            staging,
            row: staging.rows[number as usize],
            places: &staging.places[number as usize],
        })
    }
}

/// The changes of a scope in one minute.
#[derive(Clone, Copy)]
pub struct RowChanges<'a> {
    staging: &'a Staging,
    row: Row,
    places: &'a Places,
}

impl<'a> RowChanges<'a> {
    pub fn scope(self) -> ScopeNumber {
        self.row.scope
    }

    pub fn indicators(self) -> IndicatorSet {
        self.row.indicators
    }

    /// How the cell of each of these indicators changes, and the counts for its sketch; they must
    /// be among those that change.
    pub fn each(self, indicators: IndicatorSet) -> impl Iterator<Item = (Sums, Counts<'a>)> {
        indicators.iter().map(move |indicator| {
            let place = self.places[usize::from(indicator)];
            let change = &self.staging.changes[usize::from(place)];
            let counts = Counts {
                cases: &self.staging.cases,
                next: change.last_case,
            };
            (change.sums, counts)
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

fn number(count: usize) -> u32 {
    u32::try_from(count).expect("the rows of a flush are bounded")
}
