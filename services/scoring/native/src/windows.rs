//! Windows that move: absolute cells come in, exact sums per window come out.
//!
//! Minutes make the shortest windows, quarter-hours the longer ones, calendar days the longest. A
//! window's sums change by what a pane's cell changed, and by the panes that enter and leave when time
//! moves, so a figure costs what has changed and not what the window holds. Sums are integers: what
//! was added is subtracted without a trace.
//!
//! What changes in a minute also changes the quarter-hour and the day around it until their source
//! has sealed them: until then what is stated of them is passed over, and they follow from the cells
//! a level below. The seal states all that came before it.
//!
//! Cells are those of leaves, sums those of scopes: a change is spread over the scopes of its leaf.

use pyo3::PyResult;
use rustc_hash::FxHashMap;

use crate::buckets::Bucket;
use crate::cells::{CellColumns, CellRow};
use crate::held_pane::{CellKey, Change, SourceNumber};
use crate::indicator_set::IndicatorSet;
use crate::leaves::LeafNumber;
use crate::panes::{
    Days, Level, MINUTE_MS, Midnights, Minute, PaneKey, QUARTER_MINUTES, Sealed, minute_of,
};
use crate::series::ScopeNumber;
use crate::window_sums::{WindowBits, each};

mod book;
mod kept;

pub use book::Book;
use kept::KeptPanes;

/// Where a window lies: from a minute, to before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub start: i64,
    pub end: i64,
}

/// Cells that a source states, and up to when it had sealed its panes by then, in ms.
pub struct Part<'a> {
    pub source: SourceNumber,
    pub sealed_ms: i64,
    /// By the leaves' places in the columns.
    pub leaves: Vec<LeafNumber>,
    pub columns: CellColumns<'a>,
}

/// The windows of all scopes in one partition of panes. Before time first moves cells are only kept.
pub struct PaneWindows {
    spans: Option<Vec<Span>>,
    panes: KeptPanes,
    sealed: FxHashMap<SourceNumber, Sealed>,
    days: Days,
    pub book: Book,
    changes: Vec<(Bucket, i64)>,
}

impl PaneWindows {
    /// Of windows that are made of panes of these levels.
    pub fn new(levels: Vec<Level>, gauges: IndicatorSet) -> Self {
        Self {
            book: Book::new(levels, gauges),
            spans: None,
            panes: KeptPanes::default(),
            sealed: FxHashMap::default(),
            days: Days::default(),
            changes: Vec::new(),
        }
    }

    /// How many windows each scope has.
    pub fn windows(&self) -> usize {
        self.book.windows()
    }

    /// How many cells are kept, without those over all time.
    pub fn cells(&self) -> usize {
        self.panes.cells()
    }

    /// Starts of panes in a span of time.
    pub fn starts(&self, level: Level, span: Span) -> Vec<Minute> {
        self.panes.between(level, span)
    }

    /// Replace cells; the parts follow one another. By scope the number of the last part that changed
    /// its windows, or may have: what goes from one leaf of a scope to another changes nothing in its
    /// sums, and before time begins nobody knows.
    ///
    /// # Errors
    /// For a seal that cannot be, and whatever asking for a midnight raises; some parts may have
    /// been applied then.
    pub fn apply<M: Midnights>(
        &mut self,
        parts: &[Part<'_>],
        midnights: &mut M,
    ) -> PyResult<FxHashMap<ScopeNumber, usize>> {
        let mut last_parts = FxHashMap::default();
        for (number, part) in parts.iter().enumerate() {
            let quarters = minute_of(part.sealed_ms)?;
            let days = self.days.first_open(quarters, midnights)?;
            let sealed = Sealed { quarters, days };
            let latest = self.latest_seal(part.source, sealed);
            let mut rows: Vec<_> = part.columns.rows().collect();
            // They come by leaf. Pane by pane, a pane at rest is woken once and not for every cell.
            rows.sort_by_key(|row| (row.level, row.start));
            for row in rows {
                let key = CellKey::new(part.leaves[row.leaf], part.source, row.indicator);
                let pane = PaneKey {
                    level: row.level,
                    start: row.start,
                };
                if sealed.is_stated(pane) && self.take(key, pane, &row, latest, midnights)? {
                    for scope in self.book.scopes_of(key.leaf()) {
                        last_parts.insert(*scope, number);
                    }
                }
            }
        }
        Ok(last_parts)
    }

    /// How far a source has sealed its panes, who says now that it has so far. What was sealed once
    /// is what was stated of it since, whoever says otherwise.
    fn latest_seal(&mut self, source: SourceNumber, sealed: Sealed) -> Sealed {
        let latest = self.sealed.entry(source).or_default();
        if sealed.quarters > latest.quarters {
            *latest = sealed;
        }
        *latest
    }

    /// Whether windows may have changed.
    fn take<M: Midnights>(
        &mut self,
        key: CellKey,
        pane: PaneKey,
        row: &CellRow,
        sealed: Sealed,
        midnights: &mut M,
    ) -> PyResult<bool> {
        self.book.see(key);
        let above = self.open_above(pane, sealed, midnights)?;
        let is_derived_from = pane.level == Level::Minute && above[0].is_some();
        if !is_derived_from && self.is_over(pane) {
            return Ok(false);
        }
        let mut changes = std::mem::take(&mut self.changes);
        let sums = self
            .panes
            .open(pane)
            .swap(key, Change::of(row), &mut changes);
        let change = Change {
            sums,
            counts: &changes,
        };
        let is_changed = self.spread(key, pane, above, change);
        self.changes = changes;
        Ok(is_changed)
    }

    fn spread(
        &mut self,
        key: CellKey,
        pane: PaneKey,
        above: [Option<PaneKey>; 2],
        change: Change<'_>,
    ) -> bool {
        if pane.level == Level::Total {
            // A gauge is told even if it is as high as without a word.
            self.book.add_total(key, change);
            return !change.is_none();
        }
        if change.is_none() {
            return false;
        }
        for open in above.into_iter().flatten() {
            if !self.is_over(open) {
                self.panes.open(open).add(key, change);
            }
        }
        let Some(spans) = &self.spans else {
            return true;
        };
        let mut windows = 0;
        for held in [Some(pane), above[0], above[1]].into_iter().flatten() {
            if self.lies_ahead(spans, held) {
                self.book.add_ahead(key, held.level, change.sums);
            } else {
                windows |= self.windows_with(spans, held);
            }
        }
        self.book.add(key, windows, change);
        windows != 0
    }

    /// The panes that a pane is a part of and that follow from it. When the first is open, so are the
    /// others.
    fn open_above<M: Midnights>(
        &mut self,
        pane: PaneKey,
        sealed: Sealed,
        midnights: &mut M,
    ) -> PyResult<[Option<PaneKey>; 2]> {
        let quarter = pane.start - pane.start % QUARTER_MINUTES;
        let mut day = || -> PyResult<_> {
            let start = self.days.start(quarter, midnights)?;
            let level = Level::Day;
            Ok(Some(PaneKey { level, start }))
        };
        Ok(match pane.level {
            Level::Minute if !sealed.has_quarter(pane.start) => {
                let (level, start) = (Level::Quarter, quarter);
                [Some(PaneKey { level, start }), day()?]
            }
            Level::Quarter if pane.start >= sealed.days => [day()?, None],
            _ => [None, None],
        })
    }

    /// Whether no window can hold the pane any more.
    fn is_over(&self, pane: PaneKey) -> bool {
        let spans = self.spans.as_deref();
        let oldest = spans.and_then(|spans| self.oldest(spans, pane.level));
        oldest.is_some_and(|oldest| i64::from(pane.start) < oldest)
    }

    /// When the first pane of a level begins that a window can still hold.
    fn oldest(&self, spans: &[Span], level: Level) -> Option<i64> {
        self.windows_of(level)
            .map(|window| spans[window].start)
            .min()
    }

    fn lies_ahead(&self, spans: &[Span], pane: PaneKey) -> bool {
        let mut own = self.windows_of(pane.level);
        own.any(|window| i64::from(pane.start) >= spans[window].end)
    }

    /// The windows that hold a pane, which does not lie ahead.
    fn windows_with(&self, spans: &[Span], pane: PaneKey) -> WindowBits {
        self.windows_of(pane.level)
            .filter(|window| i64::from(pane.start) >= spans[*window].start)
            .fold(0, |windows, window| windows | 1 << window)
    }

    fn windows_of(&self, level: Level) -> impl Iterator<Item = usize> {
        each(self.book.windows_of(level))
    }

    /// Move all windows to where each lies at a stream time, in ms (never back). The windows that
    /// moved.
    pub fn advance(&mut self, stream_ms: i64, spans: &[Span]) -> WindowBits {
        let Some(before) = self.spans.replace(spans.to_vec()) else {
            self.begin(spans);
            return self.book.every_window();
        };
        let moved = (0..spans.len())
            .filter(|window| spans[*window] != before[*window])
            .fold(0, |moved, window| moved | 1 << window);
        for level in [Level::Minute, Level::Quarter, Level::Day] {
            if moved & self.book.windows_of(level) != 0 {
                self.shift(level, &before, spans);
            }
        }
        self.panes.rest_idle(stream_ms);
        moved
    }

    fn begin(&mut self, spans: &[Span]) {
        for level in [Level::Minute, Level::Quarter, Level::Day] {
            self.drop_old(level, spans);
            for (start, pane) in self.panes.of(level) {
                let own = PaneKey { level, start };
                if self.lies_ahead(spans, own) {
                    pane.each(|key, said| self.book.add_ahead(key, level, said.sums));
                } else {
                    let windows = self.windows_with(spans, own);
                    pane.each(|key, said| self.book.add(key, windows, said));
                }
            }
        }
        self.book.mark_all();
    }

    fn shift(&mut self, level: Level, before: &[Span], after: &[Span]) {
        let mut counts = Vec::new();
        let windows = self.book.windows_of(level);
        for window in each(windows) {
            let (old, new) = (before[window], after[window]);
            let left = Span {
                start: old.start,
                end: new.start.min(old.end),
            };
            for (_, pane) in self.panes.within(level, left) {
                pane.each(|key, said| {
                    let less = said.taken_away(&mut counts);
                    self.book.add(key, 1 << window, less);
                });
            }
            let entered = Span {
                start: old.end.max(new.start),
                end: new.end,
            };
            for (_, pane) in self.panes.within(level, entered) {
                pane.each(|key, said| self.book.add(key, 1 << window, said));
            }
        }
        // Changes of gauges that lay ahead of the windows' end lie behind it now.
        for window in each(windows).take(1) {
            let overtaken = Span {
                start: before[window].end,
                end: after[window].end,
            };
            for (_, pane) in self.panes.within(level, overtaken) {
                pane.each(|key, said| self.book.overtake(key, level, said.sums));
            }
        }
        self.drop_old(level, after);
    }

    /// Minutes are kept for as long as the quarter-hour of one of their sources is open: how they
    /// change must be known.
    fn drop_old(&mut self, level: Level, spans: &[Span]) {
        let Some(oldest) = self.oldest(spans, level) else {
            return;
        };
        let sealed = &self.sealed;
        self.panes.drop_before(level, oldest, |start, pane| {
            let mut is_open = false;
            if level == Level::Minute {
                pane.each(|key, _| {
                    let sealed = sealed.get(&key.source());
                    is_open |= sealed.is_none_or(|sealed| !sealed.has_quarter(start));
                });
            }
            is_open
        });
    }
}

/// In whole minutes.
pub fn span_of((start_ms, end_ms): (i64, i64)) -> Span {
    let [start, end] = [start_ms, end_ms].map(|time_ms| time_ms.div_euclid(MINUTE_MS));
    Span { start, end }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::held_pane::woken;

    struct Utc;

    impl Midnights for Utc {
        fn midnight(&mut self, time_ms: i64) -> PyResult<i64> {
            Ok(time_ms - time_ms % crate::panes::DAY_MS)
        }
    }

    /// A cell of each leaf in each minute, by leaf, as records have them.
    fn by_leaf(leaves: u8, minutes: u8, n: u8) -> [Vec<u8>; 10] {
        let each = || (0..leaves).flat_map(|leaf| (0..minutes).map(move |minute| (leaf, minute)));
        let cells = usize::from(leaves) * usize::from(minutes);
        let [none, ns] = [0, n].map(|value| vec![value; cells]);
        [
            each().map(|(leaf, _)| leaf).collect(),
            none.clone(),
            none.clone(),
            each().map(|(_, minute)| minute).collect(),
            ns.clone(),
            ns.clone(),
            ns,
            none,
            Vec::new(),
            Vec::new(),
        ]
    }

    #[test]
    fn a_record_wakes_a_pane_once() {
        let (leaves, minutes, quarters_and_day) = (20, 60, 5);
        let mut windows = PaneWindows::new(vec![Level::Minute], IndicatorSet::default());
        for leaf in 0..u32::from(leaves) {
            windows.book.learn(vec![leaf]);
        }
        for n in [1, 2] {
            let before = woken();
            let columns = by_leaf(leaves, minutes, n);
            let columns = columns.each_ref().map(Vec::as_slice);
            let part = Part {
                source: 0,
                sealed_ms: 0,
                leaves: (0..u32::from(leaves)).collect(),
                columns: CellColumns::new(columns, leaves.into()).expect("they fit together"),
            };
            windows.apply(&[part], &mut Utc).expect("a time");
            assert!(woken() - before <= usize::from(minutes) + quarters_and_day);
        }
        assert!(woken() > 0);
    }
}
