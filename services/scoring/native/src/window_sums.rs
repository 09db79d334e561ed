//! The sums of all series in each window.
//!
//! Each series has a stamp in each window: it grows whenever the series' sums change there, so that a
//! reader knows what it has seen.

use crate::held_pane::Change;
use crate::pane::Sums;
use crate::series::Series;
use crate::summary::{Histogram, Summary};

pub static NO_SKETCH: Histogram = Histogram::new();

/// A set of windows, as bits.
pub type WindowBits = u8;

#[derive(Clone, Copy, Default)]
struct Row {
    sums: Sums,
    stamp: i64,
}

/// Sums of so many windows.
pub struct WindowSums {
    /// By window and series.
    rows: Vec<Vec<Row>>,
    stamp: i64,
    /// By series: where its histograms are, from 1; 0 where it never had a bucket.
    places: Vec<u32>,
    /// By place and window.
    histograms: Vec<Vec<Histogram>>,
}

impl WindowSums {
    pub fn new(windows: usize) -> Self {
        Self {
            rows: vec![Vec::new(); windows],
            stamp: 0,
            places: Vec::new(),
            histograms: Vec::new(),
        }
    }

    /// Add to the sums of some series in some windows.
    pub fn add(&mut self, windows: WindowBits, series: &[Series], change: Change<'_>) {
        if windows == 0 {
            return;
        }
        self.stamp += 1;
        for &one in series {
            self.reach(one);
            for window in each(windows) {
                let row = &mut self.rows[window][one];
                row.sums = row.sums.plus(change.sums);
                row.stamp = self.stamp;
            }
            if !change.counts.is_empty() {
                let histograms = self.histograms_of(one);
                for window in each(windows) {
                    for (bucket, count) in change.counts {
                        histograms[window].add(*bucket, *count);
                    }
                }
            }
        }
    }

    /// Let readers look at series again.
    pub fn touch(&mut self, windows: WindowBits, series: &[Series]) {
        self.stamp += 1;
        for &one in series {
            self.reach(one);
            for window in each(windows) {
                self.rows[window][one].stamp = self.stamp;
            }
        }
    }

    /// Grows with every change of the series in the window; 0 before the first.
    pub fn stamp(&self, window: usize, series: Series) -> i64 {
        self.rows[window].get(series).map_or(0, |row| row.stamp)
    }

    pub fn summary(&self, window: usize, series: Series) -> Summary<&Histogram> {
        let row = self.rows[window].get(series).copied().unwrap_or_default();
        let place = self.places.get(series).copied().unwrap_or_default() as usize;
        let sketch = place.checked_sub(1).map(|at| &self.histograms[at][window]);
        Summary {
            n: row.sums.n,
            total: row.sums.total,
            good: row.sums.good,
            sketch: sketch.unwrap_or(&NO_SKETCH),
        }
    }

    /// Series with any sum in a window, ascending.
    pub fn occupied(&self, window: usize) -> impl Iterator<Item = Series> {
        let rows = self.rows[window].iter().enumerate();
        rows.filter(|(_, row)| row.sums != Sums::default())
            .map(|(series, _)| series)
    }

    fn reach(&mut self, series: Series) {
        if series >= self.places.len() {
            self.places.resize(series + 1, 0);
            for rows in &mut self.rows {
                rows.resize(series + 1, Row::default());
            }
        }
    }

    fn histograms_of(&mut self, series: Series) -> &mut Vec<Histogram> {
        if self.places[series] == 0 {
            let windows = self.rows.len();
            self.histograms.push(vec![Histogram::default(); windows]);
            let place = u32::try_from(self.histograms.len());
            self.places[series] = place.expect("fewer than 2^32 series");
        }
        &mut self.histograms[self.places[series] as usize - 1]
    }
}

/// Their places.
pub fn each(windows: WindowBits) -> impl Iterator<Item = usize> {
    (0..WindowBits::BITS as usize).filter(move |window| windows >> window & 1 == 1)
}
