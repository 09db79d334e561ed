//! Quarter-hours and days are summed up when they are over.
//!
//! Nothing is booked in a quarter-hour before it is sealed. Then it becomes the sum of its minutes,
//! which its day gets as well; from there on it and the day take what comes late, as the minute
//! does. A day is sealed with its last quarter-hour. Until then it is what its sealed
//! quarter-hours add up to, which nobody else is told.

use std::io;
use std::ops::Range;

use pyo3::PyResult;

use super::{
    Level, MINUTE_MS, Midnights, Minute, PaneKey, PaneStore, QUARTER_MINUTES, QUARTER_MS, minute_of,
};

/// How long after its end a quarter-hour is sealed: most of what comes late comes before.
pub const SEALED_AFTER_MS: i64 = 15 * MINUTE_MS;

/// Up to when panes are sealed, in ms, when time has come so far.
pub fn sealed_by(time_ms: i64) -> i64 {
    let over_ms = (time_ms - SEALED_AFTER_MS).max(0);
    over_ms - over_ms % QUARTER_MS
}

/// Where panes are open: those that start before are sealed.
#[derive(Clone, Copy, Default)]
pub(crate) struct Sealed {
    pub(crate) quarters: Minute,
    pub(crate) days: Minute,
}

impl Sealed {
    pub(crate) fn has_quarter(self, start: Minute) -> bool {
        start < self.quarters
    }

    /// Whether the cells of a pane are stated when they change.
    pub(crate) fn is_stated(self, key: PaneKey) -> bool {
        match key.level {
            Level::Quarter => self.has_quarter(key.start),
            Level::Day => key.start < self.days,
            Level::Minute | Level::Total => true,
        }
    }
}

impl PaneStore {
    /// Panes that end by then are sealed.
    pub fn sealed_ms(&self) -> i64 {
        i64::from(self.sealed.quarters) * MINUTE_MS
    }

    /// Seal what ends by a whole quarter-hour, if it is not sealed; all of its cells then count as
    /// booked.
    ///
    /// # Errors
    /// `ValueError` for a time that cannot be, `OSError` when the file cannot be read, and whatever
    /// asking for a midnight raises; some panes may have been summed up then.
    pub fn seal<M: Midnights>(&mut self, until_ms: i64, midnights: &mut M) -> PyResult<()> {
        let quarters = minute_of(until_ms)?;
        if quarters > self.sealed.quarters {
            let days = self.days.first_open(quarters, midnights)?;
            self.sum_up_quarters(self.sealed.quarters..quarters, midnights)?;
            self.state_days(self.sealed.days..days)?;
            self.sealed = Sealed { quarters, days };
        }
        Ok(())
    }

    fn sum_up_quarters<M: Midnights>(
        &mut self,
        range: Range<Minute>,
        midnights: &mut M,
    ) -> PyResult<()> {
        let minutes = self.keys(Level::Minute, range);
        for minutes in
            minutes.chunk_by(|a, b| a.start / QUARTER_MINUTES == b.start / QUARTER_MINUTES)
        {
            let start = minutes[0].start / QUARTER_MINUTES * QUARTER_MINUTES;
            let day = self.days.start(start, midnights)?;
            let [quarter, day] = [(Level::Quarter, start), (Level::Day, day)]
                .map(|(level, start)| PaneKey { level, start });
            for minute in minutes {
                self.add_pane(*minute, quarter)?;
            }
            self.add_pane(quarter, day)?;
        }
        Ok(())
    }

    fn state_days(&mut self, range: Range<Minute>) -> io::Result<()> {
        for day in self.keys(Level::Day, range) {
            self.touched.insert(day);
            self.awake(day)?.pane.touch_all();
        }
        Ok(())
    }

    fn keys(&self, level: Level, range: Range<Minute>) -> Vec<PaneKey> {
        let [first, end] = [range.start, range.end].map(|start| PaneKey { level, start });
        self.panes.range(first..end).map(|(key, _)| *key).collect()
    }

    /// Add all that one pane holds to another.
    fn add_pane(&mut self, from: PaneKey, to: PaneKey) -> io::Result<()> {
        let mut source = self.panes.remove(&from).expect("a pane that is there");
        source.show(&self.place)?;
        self.touched.insert(to);
        let mut target = self.awake(to)?;
        let sketches = source.sketches();
        for piece in source.pieces() {
            let cells = source.cells(piece);
            let cells = cells.map(|(at, cell)| (at, cell.sums, sketches.entries(cell.sketch)));
            target.add(piece.leaf, piece.indicators, cells);
        }
        source.hide();
        self.panes.insert(from, source);
        Ok(())
    }
}
