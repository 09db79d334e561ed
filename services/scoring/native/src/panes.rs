//! Panes: the mergeable summaries of measurements that one input partition keeps.
//!
//! A measurement is booked in a minute, for the leaves that it belongs to, and in the quarter-hour and
//! the calendar day once that quarter-hour is sealed. What is older than its level is kept for takes no
//! more bookings (the day still has them).
//! Panes are dropped in blocks (an hour's minutes, a day's quarter-hours, a month's days) when the
//! last pane of the block is so old.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::Bound;

use pyo3::exceptions::PyValueError;
use pyo3::{PyErr, PyResult};
use rustc_hash::FxHashMap;
use thiserror::Error;

use crate::buckets::{Bucket, BucketError, IndicatorKinds};
use crate::cells::{CellColumns, CellsView, Layout, Limits, Part, WireCells, WireError};
use crate::indicator_set::IndicatorSet;
use crate::leaves::{LeafNumber, Leaves, Memberships};
use crate::pane::{Pane, Piece, Sums};
use crate::resting::RestingPlace;

mod adding;
mod sealing;

use adding::Change;
pub(crate) use sealing::Sealed;
pub use sealing::{SEALED_AFTER_MS, sealed_by};

/// A minute since 1970.
pub type Minute = u32;

pub const MINUTE_MS: i64 = 60_000;
pub const QUARTER_MS: i64 = 15 * MINUTE_MS;
pub(crate) const QUARTER_MINUTES: Minute = 15;
pub const HOUR_MS: i64 = 60 * MINUTE_MS;
pub const DAY_MS: i64 = 24 * HOUR_MS;

const REMEMBERED_MIDNIGHTS: usize = 100_000;

/// The levels of a cell, as on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    Minute = 0,
    Quarter = 1,
    Day = 2,
    /// The sum over all time, of gauges; it starts at 0.
    Total = 3,
}

impl Level {
    pub const ALL: [Self; 4] = [Self::Minute, Self::Quarter, Self::Day, Self::Total];

    pub fn wire(self) -> u8 {
        self as u8
    }

    pub fn from_wire(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.wire() == number)
    }

    /// How far behind the watermark a pane may start and still be kept.
    pub fn kept_ms(self) -> Option<i64> {
        match self {
            Self::Minute => Some(3 * HOUR_MS),
            Self::Quarter => Some(9 * DAY_MS),
            Self::Day => Some(62 * DAY_MS),
            Self::Total => None,
        }
    }

    fn block_ms(self) -> i64 {
        match self {
            Self::Minute => HOUR_MS,
            Self::Quarter => DAY_MS,
            Self::Day => 31 * DAY_MS,
            Self::Total => MINUTE_MS,
        }
    }
}

/// Which pane; in the order of slices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PaneKey {
    pub level: Level,
    pub start: Minute,
}

impl PaneKey {
    pub fn start_ms(self) -> i64 {
        i64::from(self.start) * MINUTE_MS
    }

    fn is_kept(self, watermark_ms: i64) -> bool {
        self.level
            .kept_ms()
            .is_none_or(|kept_ms| self.start_ms() >= watermark_ms - kept_ms)
    }

    /// Whether time has come to its end; a day may be an hour longer than most.
    fn is_left(self, watermark_ms: i64) -> bool {
        let length_ms = match self.level {
            Level::Minute => MINUTE_MS,
            Level::Quarter => QUARTER_MS,
            Level::Day => DAY_MS + HOUR_MS,
            Level::Total => return false,
        };
        self.start_ms() + length_ms <= watermark_ms
    }

    /// Whether no pane of its block is kept any more.
    fn is_over(self, watermark_ms: i64) -> bool {
        let block_ms = self.level.block_ms();
        let end_ms = (self.start_ms() / block_ms + 1) * block_ms;
        self.level
            .kept_ms()
            .is_some_and(|kept_ms| end_ms <= watermark_ms - kept_ms)
    }
}

/// How far a round of slices has come: up to a place in a pane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub pane: PaneKey,
    pub place: u32,
}

/// One measurement; `sign` is -1 where it is taken back. `names` is its number in the name table.
#[derive(Clone, Copy, Debug)]
pub struct Booked {
    pub indicator: u8,
    pub sign: i64,
    pub time_ms: i64,
    pub value: i64,
    pub good: i64,
    pub names: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PaneError {
    #[error("{0} ms lies outside of the time that panes have")]
    Time(i64),
    #[error(transparent)]
    Bucket(#[from] BucketError),
    #[error(transparent)]
    Wire(#[from] WireError),
}

impl From<PaneError> for PyErr {
    fn from(error: PaneError) -> Self {
        PyValueError::new_err(error.to_string())
    }
}

/// The calendar days of the organisation's zone.
pub trait Midnights {
    /// When the local day of an instant began, both in ms; where clocks are set back over midnight,
    /// the first of the two.
    ///
    /// # Errors
    /// Whatever the zone's arithmetic raises.
    fn midnight(&mut self, time_ms: i64) -> PyResult<i64>;
}

/// Midnights remembered per quarter-hour (hardly any zone changes its offset inside one).
#[derive(Default)]
pub(crate) struct Days {
    starts: FxHashMap<Minute, Minute>,
}

impl Days {
    /// The first open day where panes before a quarter-hour are sealed. Where clocks are set back
    /// over midnight, a day goes on after one quarter-hour of the next.
    pub(crate) fn first_open<M: Midnights>(
        &mut self,
        quarter: Minute,
        midnights: &mut M,
    ) -> PyResult<Minute> {
        let day = self.start(quarter, midnights)?;
        Ok(day.min(self.start(quarter + QUARTER_MINUTES, midnights)?))
    }

    pub(crate) fn start<M: Midnights>(
        &mut self,
        quarter: Minute,
        midnights: &mut M,
    ) -> PyResult<Minute> {
        if let Some(start) = self.starts.get(&quarter) {
            return Ok(*start);
        }
        if self.starts.len() > REMEMBERED_MIDNIGHTS {
            self.starts.clear();
        }
        let midnight_ms = midnights.midnight(i64::from(quarter) * MINUTE_MS)?;
        let start = minute_of(midnight_ms.max(0))?;
        self.starts.insert(quarter, start);
        Ok(start)
    }
}

pub(crate) fn minute_of(time_ms: i64) -> Result<Minute, PaneError> {
    Minute::try_from(time_ms.div_euclid(MINUTE_MS)).map_err(|_| PaneError::Time(time_ms))
}

/// A pane to be changed, and what goes with it.
struct Target<'a> {
    pane: &'a mut Pane,
    guesses: &'a mut [[u32; Level::ALL.len()]],
    memberships: &'a Memberships,
    overflows: &'a mut u64,
    level: usize,
}

impl Target<'_> {
    /// As `Pane::add`.
    fn add<C: IntoIterator<Item = (Bucket, i64)>>(
        &mut self,
        leaf: LeafNumber,
        indicators: IndicatorSet,
        changes: impl Iterator<Item = (u8, Sums, C)>,
    ) {
        let guess = &mut self.guesses[leaf as usize][self.level];
        *self.overflows += self.pane.add((leaf, guess), indicators, changes);
    }
}

/// The panes of one input partition.
pub struct PaneStore {
    kinds: IndicatorKinds,
    gauges: IndicatorSet,
    limits: Limits,
    leaves: Leaves,
    memberships: Memberships,
    days: Days,
    sealed: Sealed,
    panes: BTreeMap<PaneKey, Pane>,
    place: RestingPlace,
    /// How many there ever were.
    numbers: u32,
    /// By leaf and level: its row in the pane that was booked in last, which is likely to be its
    /// row in the next.
    guesses: Vec<[u32; Level::ALL.len()]>,
    /// Of slices, so far.
    rounds: u32,
    /// The level in which the next slice begins, while there is one.
    sliced: Option<Level>,
    touched: BTreeSet<PaneKey>,
    batch: Vec<Change>,
    layout: Layout,
    overflows: u64,
}

impl PaneStore {
    /// `limits` are those of the records that its cells are cut into; `place` is where panes rest.
    ///
    /// # Errors
    /// When the kinds do not agree with one another.
    pub fn new(
        kinds: IndicatorKinds,
        limits: Limits,
        place: RestingPlace,
    ) -> Result<Self, PaneError> {
        let kinds = kinds.checked()?;
        Ok(Self {
            gauges: kinds.gauges(),
            kinds,
            limits,
            leaves: Leaves::default(),
            memberships: Memberships::default(),
            days: Days::default(),
            sealed: Sealed::default(),
            panes: BTreeMap::new(),
            place,
            numbers: 0,
            guesses: Vec::new(),
            rounds: 0,
            sliced: None,
            touched: BTreeSet::new(),
            batch: Vec::new(),
            overflows: 0,
            layout: Layout::default(),
        })
    }

    pub fn leaves(&self) -> &Leaves {
        &self.leaves
    }

    /// What the file of panes at rest may take, in bytes; 0 without one.
    pub fn file_bytes(&self) -> u64 {
        self.place.file_bytes()
    }

    /// How many cells are kept.
    pub fn cells(&self) -> usize {
        self.panes.values().map(|pane| pane.len() as usize).sum()
    }

    /// The name table was begun anew: its numbers stand for other names from now on.
    pub fn use_names(&mut self) {
        self.memberships = Memberships::default();
    }

    /// How many totals of cells have left 64 bits, or come back, since the last call.
    pub fn take_overflows(&mut self) -> u64 {
        std::mem::take(&mut self.overflows)
    }

    /// The pane, awake.
    fn awake(&mut self, key: PaneKey) -> io::Result<Target<'_>> {
        self.guesses.resize(self.leaves.len(), <_>::default());
        let is_ahead = self.sliced.is_some_and(|level| key.level > level);
        let round = self.rounds - u32::from(is_ahead);
        let number = &mut self.numbers;
        let pane = self.panes.entry(key).or_insert_with(|| {
            *number = number.wrapping_add(1);
            Pane::new(round, *number)
        });
        pane.wake(&mut self.place)?;
        Ok(Target {
            pane,
            guesses: &mut self.guesses,
            memberships: &self.memberships,
            overflows: &mut self.overflows,
            level: usize::from(key.level.wire()),
        })
    }

    /// What was booked is stored: it is no longer news.
    pub fn forget_touched(&mut self) {
        for key in std::mem::take(&mut self.touched) {
            if let Some(pane) = self.panes.get_mut(&key) {
                pane.take_touched();
            }
        }
    }

    /// The cells booked since the last call, with their absolute sums; of panes that are open only
    /// the minutes'.
    pub fn take_touched(&mut self) -> WireCells {
        let keys = std::mem::take(&mut self.touched);
        let mut pieces = Vec::with_capacity(keys.len());
        for key in &keys {
            let pane = self
                .panes
                .get_mut(key)
                .expect("a pane that was touched is kept");
            pieces.push(pane.take_touched());
        }
        let touched = keys.iter().zip(pieces);
        let parts: Vec<_> = touched
            .filter(|(key, _)| self.sealed.is_stated(**key))
            .map(|(key, pieces)| part(&self.panes, *key, pieces))
            .collect();
        self.layout.lay_out(&parts, &self.leaves, self.limits)
    }

    /// What a round that has ended gives.
    pub fn no_cells(&mut self) -> WireCells {
        self.layout.lay_out(&[], &self.leaves, self.limits)
    }

    /// The next `budget` cells in a fixed order, without those in panes that are no longer kept;
    /// and where to go on, `None` at the end of a round. No cursor begins a round. Panes that come
    /// to be when the round has come to their level are not in its slices: in a replay more come than
    /// slices can follow, and the round would never end. All that they are made of is in the log since
    /// it began. One that comes to be before may be the sum of what the round has not stated yet.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn slice_after(
        &mut self,
        cursor: Option<Cursor>,
        budget: usize,
        watermark_ms: i64,
    ) -> io::Result<(WireCells, Option<Cursor>)> {
        self.rounds += u32::from(cursor.is_none());
        let rounds = self.rounds;
        let mut found = Vec::new();
        let mut left = budget;
        let mut next = None;
        let panes = ahead(&mut self.panes, cursor, watermark_ms);
        for (key, pane, first) in panes.filter(|(_, pane, _)| pane.round < rounds) {
            pane.show(&self.place)?;
            let (pieces, cells, place) = pane.slice(first, left);
            found.push((key, pieces));
            left -= cells;
            if left == 0 {
                next = Some(Cursor { pane: key, place });
                break;
            }
        }
        self.sliced = next.map(|cursor| cursor.pane.level);
        let shown: Vec<_> = found.iter().map(|(key, _)| *key).collect();
        let parts: Vec<_> = found
            .into_iter()
            .map(|(key, pieces)| part(&self.panes, key, pieces))
            .collect();
        let cells = self.layout.lay_out(&parts, &self.leaves, self.limits);
        // The pane in which the next slice begins stays shown: it may be large.
        let begins = next.map(|cursor| cursor.pane);
        for key in shown.iter().filter(|key| Some(**key) != begins) {
            self.panes
                .get_mut(key)
                .expect("a pane that was shown")
                .hide();
        }
        Ok((cells, next))
    }

    /// Panes that were not booked in since the last call come to rest.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn rest_idle(&mut self) -> io::Result<()> {
        for pane in self.panes.values_mut() {
            pane.rest_if_idle(&mut self.place)?;
        }
        self.place
            .tidy(self.panes.values_mut().filter_map(Pane::rest_mut))
    }

    /// The panes that time has left come to rest: the others will be booked in with the next event.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn rest_left(&mut self, watermark_ms: i64) -> io::Result<()> {
        self.rest_those(|key| key.is_left(watermark_ms))
    }

    /// All panes come to rest.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn rest_all(&mut self) -> io::Result<()> {
        self.rest_those(|_| true)
    }

    fn rest_those(&mut self, which: impl Fn(&PaneKey) -> bool) -> io::Result<()> {
        self.panes
            .iter_mut()
            .filter(|(key, _)| which(key))
            .try_for_each(|(_, pane)| pane.rest(&mut self.place))
    }

    /// Forget the blocks of which no pane is kept any more.
    pub fn drop_expired(&mut self, watermark_ms: i64) {
        let place = &mut self.place;
        self.panes.retain(|key, pane| {
            let is_over = key.is_over(watermark_ms);
            if let (true, Some((_, rest))) = (is_over, pane.rest_mut()) {
                place.release(rest);
            }
            !is_over
        });
        self.touched.retain(|key| !key.is_over(watermark_ms));
    }

    /// Take absolute cells from a changelog.
    ///
    /// # Errors
    /// `ValueError` when the columns do not fit together or hold a number that cannot be; none has
    /// been taken then. `OSError` when the file cannot be read.
    pub fn restore(&mut self, cells: &CellsView<'_>) -> PyResult<()> {
        let columns = CellColumns::new(cells.columns, cells.leaves.len());
        let columns = columns.map_err(PaneError::from)?;
        let leaves: Vec<_> = cells
            .leaves
            .iter()
            .map(|name| self.leaves.number(*name))
            .collect();
        for cell in columns.rows() {
            let key = PaneKey {
                level: cell.level,
                start: cell.start,
            };
            let leaf = leaves[cell.leaf];
            let pane = self.awake(key)?.pane;
            pane.replace(leaf, cell.indicator, cell.sums, &cell.counts);
        }
        Ok(())
    }
}

fn part(panes: &BTreeMap<PaneKey, Pane>, key: PaneKey, pieces: Vec<Piece>) -> Part<'_> {
    Part {
        key,
        pane: &panes[&key],
        pieces,
    }
}

/// The panes that are kept from the cursor on, and the first place in each that is ahead of it.
fn ahead(
    panes: &mut BTreeMap<PaneKey, Pane>,
    cursor: Option<Cursor>,
    watermark_ms: i64,
) -> impl Iterator<Item = (PaneKey, &mut Pane, u32)> {
    let from = cursor.map_or(Bound::Unbounded, |cursor| Bound::Included(cursor.pane));
    let kept = move |key: &PaneKey| key.is_kept(watermark_ms);
    panes
        .range_mut((from, Bound::Unbounded))
        .filter(move |(key, _)| kept(key))
        .map(move |(key, pane)| match cursor {
            Some(cursor) if cursor.pane == *key => (*key, pane, cursor.place),
            _ => (*key, pane, 0),
        })
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::names::{NameTable, Symbols};

    pub struct Utc;

    impl Midnights for Utc {
        fn midnight(&mut self, time_ms: i64) -> PyResult<i64> {
            Ok(time_ms - time_ms % DAY_MS)
        }
    }

    /// Panes of a single indicator, which keeps no sketch.
    pub fn of_one_indicator(limits: Limits) -> PaneStore {
        let kinds = IndicatorKinds {
            is_gauge: vec![false],
            is_logarithmic: vec![false],
            is_exact: vec![false],
            upper_ends: vec![],
        };
        PaneStore::new(kinds, limits, RestingPlace::default()).expect("kinds that agree")
    }

    #[test]
    fn a_total_that_leaves_64_bits_is_told_and_is_exact_when_it_is_taken_back() {
        let mut store = of_one_indicator(Limits {
            cells: 9,
            record_bytes: 9999,
        });
        let (mut names, symbols) = (NameTable::default(), Symbols::default());
        let number = names.number(crate::names::Names::default());
        let mut told = |sign| {
            store.seal(DAY_MS, &mut Utc).expect("a time that can be");
            let row = Booked {
                indicator: 0,
                sign,
                time_ms: 0,
                value: i64::MAX,
                good: 0,
                names: number,
            };
            store
                .book([row], &names, &symbols, &mut Utc, 0)
                .expect("a row that can be");
            store.take_overflows()
        };
        // A minute, a quarter-hour and a day.
        assert_eq!([told(1), told(1), told(-1), told(-1)], [0, 3, 3, 0]);
    }

    #[test]
    fn panes_that_time_has_left_rest_after_a_restore() {
        let key = |level, start| PaneKey { level, start };
        let keys = [
            key(Level::Minute, 1_499),
            key(Level::Minute, 1_500),
            key(Level::Quarter, 1_485),
            key(Level::Quarter, 1_500),
            key(Level::Day, 0),
            key(Level::Day, 1),
            key(Level::Total, 0),
        ];
        let left = |watermark_ms| keys.map(|key| key.is_left(watermark_ms));
        let end_ms = 1_500 * MINUTE_MS;
        assert_eq!(left(end_ms - 1), [false; 7]);
        assert_eq!(left(end_ms), [true, false, true, false, true, false, false]);
        assert_eq!(left(i64::MAX), [true, true, true, true, true, true, false]);
    }
}
