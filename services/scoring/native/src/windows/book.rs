//! What windows hold of each scope: sums, levels of gauges, and what has changed.

use rustc_hash::FxHashMap;

use crate::held_pane::{CellKey, Change};
use crate::indicator_set::IndicatorSet;
use crate::leaves::LeafNumber;
use crate::pane::Sums;
use crate::panes::Level;
use crate::series::{ScopeNumber, Series, SeriesNumbers};
use crate::summary::{Histogram, Summary};
use crate::window_sums::{NO_SKETCH, WindowBits, WindowSums};

/// A gauge by all that was ever told of it, if it was; and by level what of this lies in panes ahead
/// of the windows' end.
#[derive(Clone, Copy, Default)]
struct Gauge {
    told: bool,
    all: i64,
    ahead: [i64; Level::ALL.len()],
}

pub struct Book {
    /// By window.
    levels: Vec<Level>,
    /// By level.
    windows: [WindowBits; Level::ALL.len()],
    gauge_indicators: IndicatorSet,
    /// By leaf.
    scopes: Vec<Box<[ScopeNumber]>>,
    series: SeriesNumbers,
    sums: WindowSums,
    gauges: FxHashMap<Series, Gauge>,
    /// By scope.
    changed: Vec<WindowBits>,
    own: Vec<Series>,
}

impl Book {
    pub fn new(levels: Vec<Level>, gauge_indicators: IndicatorSet) -> Self {
        Self {
            sums: WindowSums::new(levels.len()),
            windows: Level::ALL.map(|level| places_of(level, &levels)),
            levels,
            gauge_indicators,
            scopes: Vec::new(),
            series: SeriesNumbers::default(),
            gauges: FxHashMap::default(),
            changed: Vec::new(),
            own: Vec::new(),
        }
    }

    /// Know the scopes of the next leaf.
    pub fn learn(&mut self, scopes: Vec<ScopeNumber>) {
        let known = scopes.iter().max().map_or(0, |scope| *scope as usize + 1);
        if known > self.changed.len() {
            self.changed.resize(known, 0);
        }
        self.scopes.push(scopes.into_boxed_slice());
    }

    /// How many leaves are known.
    pub fn leaves(&self) -> usize {
        self.scopes.len()
    }

    /// How many scopes there may be.
    pub fn scopes(&self) -> usize {
        self.changed.len()
    }

    pub fn scopes_of(&self, leaf: LeafNumber) -> &[ScopeNumber] {
        &self.scopes[leaf as usize]
    }

    /// How many windows each scope has.
    pub fn windows(&self) -> usize {
        self.levels.len()
    }

    /// The windows that are made of panes of a level.
    pub fn windows_of(&self, level: Level) -> WindowBits {
        self.windows[usize::from(level.wire())]
    }

    pub fn every_window(&self) -> WindowBits {
        self.windows.iter().fold(0, |every, own| every | own)
    }

    /// A cell of an indicator is there, whatever it says.
    pub fn see(&mut self, key: CellKey) {
        self.find_own(key);
    }

    /// A cell changes in panes that these windows hold.
    pub fn add(&mut self, key: CellKey, windows: WindowBits, change: Change<'_>) {
        if windows != 0 {
            self.find_own(key);
            self.sums.add(windows, &self.own, change);
            self.mark(key, windows);
        }
    }

    /// A cell over all time changes.
    pub fn add_total(&mut self, key: CellKey, change: Change<'_>) {
        self.find_own(key);
        for series in &self.own {
            let gauge = self.gauges.entry(*series).or_default();
            gauge.told = true;
            gauge.all = gauge.all.wrapping_add(change.sums.total);
        }
        let every = self.every_window();
        self.sums.touch(every, &self.own);
        if !change.is_none() {
            self.mark(key, every);
        }
    }

    /// A cell changes in a pane ahead of the windows' end, which only a gauge needs to know.
    pub fn add_ahead(&mut self, key: CellKey, level: Level, sums: Sums) {
        if self.is_gauge(key) {
            self.find_own(key);
            for series in &self.own {
                let gauge = self.gauges.entry(*series).or_default();
                let ahead = &mut gauge.ahead[usize::from(level.wire())];
                *ahead = ahead.wrapping_add(sums.total);
            }
            self.sums.touch(self.windows_of(level), &self.own);
        }
    }

    /// The pane of a cell lies ahead no more.
    pub fn overtake(&mut self, key: CellKey, level: Level, sums: Sums) {
        if self.is_gauge(key) {
            self.add_ahead(key, level, Sums::default().less(sums));
            self.mark(key, self.windows_of(level));
        }
    }

    /// Count every window of every scope as changed.
    pub fn mark_all(&mut self) {
        let every = self.every_window();
        self.changed.fill(every);
    }

    /// By scope, the windows that changed since the last call, or may have.
    pub fn take_changed(&mut self) -> Vec<WindowBits> {
        let none = vec![0; self.changed.len()];
        std::mem::replace(&mut self.changed, none)
    }

    /// Scopes with anything in a window, ascending.
    pub fn occupied(&self, window: usize) -> Vec<ScopeNumber> {
        let gauges = self.gauges.iter().filter(|(_, gauge)| gauge.all != 0);
        let series = self.sums.occupied(window);
        let all = series.chain(gauges.map(|(series, _)| *series));
        let mut scopes: Vec<_> = all.map(|series| self.series.scope(series)).collect();
        scopes.sort_unstable();
        scopes.dedup();
        scopes
    }

    /// Grows when the sums of an indicator change in a window; 0 while there were none.
    pub fn stamp(&self, window: usize, scope: ScopeNumber, indicator: u8) -> i64 {
        let series = self.series.find(scope, indicator);
        series.map_or(0, |series| self.sums.stamp(window, series))
    }

    /// Whether an indicator was ever seen of a scope.
    pub fn has_seen(&self, scope: ScopeNumber, indicator: u8) -> bool {
        self.series.find(scope, indicator).is_some()
    }

    /// The sums of an indicator in a window; a gauge's level at the window's end is its total.
    /// Nothing without data.
    pub fn summary(
        &self,
        window: usize,
        scope: ScopeNumber,
        indicator: u8,
    ) -> Option<Summary<&Histogram>> {
        let series = self.series.find(scope, indicator)?;
        self.summary_of(window, indicator, series)
    }

    /// The same of every indicator ever seen of a scope, ascending.
    pub fn summaries(
        &self,
        window: usize,
        scope: ScopeNumber,
    ) -> impl Iterator<Item = (u8, Option<Summary<&Histogram>>)> {
        let own = self.series.of_scope(scope);
        own.map(move |(indicator, series)| {
            let summary = self.summary_of(window, indicator, series);
            (indicator, summary)
        })
    }

    fn summary_of(
        &self,
        window: usize,
        indicator: u8,
        series: Series,
    ) -> Option<Summary<&Histogram>> {
        if self.gauge_indicators.has(indicator) {
            let gauge = self.gauges.get(&series).filter(|gauge| gauge.told)?;
            let level = usize::from(self.levels[window].wire());
            let total = gauge.all.wrapping_sub(gauge.ahead[level]);
            return Some(Summary {
                n: total.max(0),
                total,
                good: 0,
                sketch: &NO_SKETCH,
            });
        }
        let summary = self.sums.summary(window, series);
        (!summary.is_empty()).then_some(summary)
    }

    fn is_gauge(&self, key: CellKey) -> bool {
        self.gauge_indicators.has(key.indicator())
    }

    fn mark(&mut self, key: CellKey, windows: WindowBits) {
        for scope in &self.scopes[key.leaf() as usize] {
            self.changed[*scope as usize] |= windows;
        }
    }

    /// The series of a cell's scopes.
    fn find_own(&mut self, key: CellKey) {
        let scopes = &self.scopes[key.leaf() as usize];
        self.own.clear();
        for scope in scopes {
            self.own.push(self.series.of(*scope, key.indicator()));
        }
    }
}

fn places_of(level: Level, levels: &[Level]) -> WindowBits {
    let own = levels.iter().enumerate();
    own.filter(|(_, other)| **other == level)
        .fold(0, |windows, (window, _)| windows | 1 << window)
}
