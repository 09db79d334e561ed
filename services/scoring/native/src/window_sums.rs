//! The sums of all series in each window.
//!
//! Each series has a stamp in each window: it grows whenever the series' sums change there, so that a
//! reader knows what it has seen.

use crate::buckets::Bucket;
use crate::pane::Sums;
use crate::summary::{Histogram, Summary};

/// A series is known by its number; numbers are dense.
pub type Series = usize;

#[derive(Clone, Copy, Default)]
struct Row {
    sums: Sums,
    stamp: i64,
}

/// What is added to sums of series, and to their buckets; a series or a bucket may be there twice.
pub struct Change {
    pub sums: Vec<(Series, Sums)>,
    pub buckets: Vec<(Series, Bucket, i64)>,
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

    /// For how many series there is room.
    pub fn size(&self) -> usize {
        self.places.len()
    }

    /// Make room for series 0 to `size`.
    pub fn reach(&mut self, size: usize) {
        if size > self.places.len() {
            self.places.resize(size, 0);
            for rows in &mut self.rows {
                rows.resize(size, Row::default());
            }
        }
    }

    /// Add a change to some windows, of series for which there is room.
    pub fn add(&mut self, windows: &[usize], change: &Change) {
        if windows.is_empty() {
            return;
        }
        self.stamp += 1;
        for &window in windows {
            let rows = &mut self.rows[window];
            for (series, sums) in &change.sums {
                let row = &mut rows[*series];
                row.sums = wrapping_sum(row.sums, *sums);
                row.stamp = self.stamp;
            }
        }
        for &(series, bucket, count) in &change.buckets {
            let histograms = self.histograms_of(series);
            for &window in windows {
                histograms[window].add(bucket, count);
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

    /// Let readers look at series again.
    pub fn touch(&mut self, windows: &[usize], series: &[Series]) {
        self.stamp += 1;
        for &window in windows {
            for &one in series {
                self.rows[window][one].stamp = self.stamp;
            }
        }
    }

    /// Grows with every change of the series in the window; 0 before the first.
    pub fn stamp(&self, window: usize, series: Series) -> i64 {
        self.rows[window][series].stamp
    }

    pub fn summary(&self, window: usize, series: Series) -> Summary {
        let Sums { n, total, good } = self.rows[window][series].sums;
        let place = self.places[series] as usize;
        let sketch = place.checked_sub(1).map(|at| &self.histograms[at][window]);
        Summary {
            n,
            total,
            good,
            sketch: sketch.cloned().unwrap_or_default(),
        }
    }

    /// Series with any sum in a window, ascending.
    pub fn occupied(&self, window: usize) -> impl Iterator<Item = Series> {
        let rows = self.rows[window].iter().enumerate();
        rows.filter(|(_, row)| row.sums != Sums::default())
            .map(|(series, _)| series)
    }
}

/// A total of absurd amounts may leave 64 bits, and is exact again when they are taken back.
fn wrapping_sum(held: Sums, more: Sums) -> Sums {
    Sums {
        n: held.n.wrapping_add(more.n),
        total: held.total.wrapping_add(more.total),
        good: held.good.wrapping_add(more.good),
    }
}
