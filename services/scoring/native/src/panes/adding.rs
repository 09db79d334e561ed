//! Measurements are added to the panes that they belong to.

use std::io;

use pyo3::PyResult;

use super::{
    Booked, Level, Midnights, Minute, PaneError, PaneKey, PaneStore, QUARTER_MINUTES, minute_of,
};
use crate::buckets::Bucket;
use crate::indicator_set::IndicatorSet;
use crate::names::{NameTable, Symbols};
use crate::pane::Sums;

/// So many measurements are put in order at once.
const MOST_CHANGES: usize = 1 << 13;

/// What a measurement changes in the cells that it belongs to.
#[derive(Clone, Copy)]
pub(super) struct Change {
    sums: Sums,
    minute: Minute,
    names: u32,
    bucket: Option<Bucket>,
    indicator: u8,
}

impl PaneStore {
    /// Add measurements (or with their sign -1 take them back) in every pane still kept.
    ///
    /// # Errors
    /// `ValueError` for a time, an indicator or a rating that cannot be, `OSError` when the file
    /// cannot be read, and whatever asking for a midnight raises; some rows may have been booked then.
    pub fn book<M: Midnights>(
        &mut self,
        rows: impl IntoIterator<Item = Booked>,
        names: &NameTable,
        symbols: &Symbols,
        midnights: &mut M,
        watermark_ms: i64,
    ) -> PyResult<()> {
        self.memberships.learn(&mut self.leaves, names, symbols);
        let mut batch = std::mem::take(&mut self.batch);
        for row in rows {
            if batch.len() == MOST_CHANGES {
                self.book_batch(&mut batch, midnights, watermark_ms)?;
            }
            batch.push(self.change(row)?);
        }
        self.book_batch(&mut batch, midnights, watermark_ms)?;
        self.batch = batch;
        Ok(())
    }

    fn change(&self, row: Booked) -> Result<Change, PaneError> {
        Ok(Change {
            sums: Sums {
                n: row.sign,
                total: row.sign.wrapping_mul(row.value),
                good: row.sign * row.good,
            },
            minute: minute_of(row.time_ms)?,
            names: row.names,
            bucket: self.kinds.bucket_of(row.indicator, row.value)?,
            indicator: row.indicator,
        })
    }

    fn book_batch<M: Midnights>(
        &mut self,
        batch: &mut Vec<Change>,
        midnights: &mut M,
        watermark_ms: i64,
    ) -> PyResult<()> {
        batch.sort_by_key(|change| change.minute);
        for run in batch.chunk_by_mut(Change::counts_with) {
            run.sort_unstable_by_key(|change| change.indicator);
        }
        for minute in batch.chunk_by(|a, b| a.minute == b.minute) {
            self.book_minute(minute, midnights, watermark_ms)?;
        }
        batch.clear();
        Ok(())
    }

    fn book_minute<M: Midnights>(
        &mut self,
        changes: &[Change],
        midnights: &mut M,
        watermark_ms: i64,
    ) -> PyResult<()> {
        let minute = changes[0].minute;
        let quarter = minute / QUARTER_MINUTES * QUARTER_MINUTES;
        self.add(Level::Minute, minute, changes, watermark_ms)?;
        if self.sealed.has_quarter(quarter) {
            let day = self.days.start(quarter, midnights)?;
            self.add(Level::Quarter, quarter, changes, watermark_ms)?;
            self.add(Level::Day, day, changes, watermark_ms)?;
        }
        self.add_gauges(changes)?;
        Ok(())
    }

    fn add(
        &mut self,
        level: Level,
        start: Minute,
        changes: &[Change],
        watermark_ms: i64,
    ) -> io::Result<()> {
        let key = PaneKey { level, start };
        if key.is_kept(watermark_ms) {
            let counts = |change: &Change| change.bucket.map(|bucket| (bucket, change.sums.n));
            self.add_to(key, changes, IndicatorSet::ALL, counts)?;
        }
        Ok(())
    }

    fn add_gauges(&mut self, changes: &[Change]) -> io::Result<()> {
        if changes
            .iter()
            .any(|change| self.gauges.has(change.indicator))
        {
            let level = Level::Total;
            let key = PaneKey { level, start: 0 };
            self.add_to(key, changes, self.gauges, |_| None)?;
        }
        Ok(())
    }

    /// Add the changes of the wanted indicators; `counts` gives what one adds to its sketch.
    fn add_to(
        &mut self,
        key: PaneKey,
        changes: &[Change],
        wanted: IndicatorSet,
        counts: impl Fn(&Change) -> Option<(Bucket, i64)>,
    ) -> io::Result<()> {
        self.touched.insert(key);
        let mut pane = self.awake(key)?;
        for run in changes.chunk_by(Change::counts_with) {
            let indicators = run.iter().map(|change| IndicatorSet::of(change.indicator));
            let indicators = indicators.fold(IndicatorSet::default(), IndicatorSet::with);
            let indicators = indicators.within(wanted);
            if indicators.is_empty() {
                continue;
            }
            for leaf in pane.memberships.of(run[0].names) {
                let changes = run.iter().filter(|change| wanted.has(change.indicator));
                let changes = changes.map(|change| (change.indicator, change.sums, counts(change)));
                pane.add(*leaf, indicators, changes);
            }
        }
        Ok(())
    }
}

impl Change {
    /// Whether both are of one minute and count in the same leaves.
    fn counts_with(&self, other: &Self) -> bool {
        self.minute == other.minute && self.names == other.names
    }
}
