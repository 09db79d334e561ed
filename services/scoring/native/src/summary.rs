//! What is summed up of one indicator, and the figures that are read from it.

use std::borrow::Borrow;
use std::sync::LazyLock;

use crate::buckets::Bucket;
use crate::intervals::{
    Interval, Z95, mean_interval, percentile_rank, percentile_ranks, real, wilson,
};

/// How far the estimate for a bucket is at most from a value in it, relatively.
pub const ALPHA: f64 = 0.01;
pub const GAMMA: f64 = (1.0 + ALPHA) / (1.0 - ALPHA);

static VALUES: LazyLock<Vec<f64>> = LazyLock::new(|| Bucket::every().map(estimate).collect());

fn estimate(bucket: Bucket) -> f64 {
    match bucket.wire() {
        number if number < 0 => 0.0,
        number => 2.0 * GAMMA.powf(f64::from(number)) / (GAMMA + 1.0),
    }
}

/// The estimate in ms for every value of a bucket of the sketch (`services.scoring.core.sketch`).
pub fn value_of(bucket: Bucket) -> f64 {
    VALUES[usize::try_from(bucket.place()).expect("12 bits fit")]
}

/// How many cases there are in each bucket, ascending by bucket; no count is 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    buckets: Vec<Bucket>,
    counts: Vec<i64>,
}

/// Room for so many times what is in use is given back.
const MOST_LOOSE: usize = 4;

impl Histogram {
    pub const fn new() -> Self {
        Self {
            buckets: Vec::new(),
            counts: Vec::new(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.buckets.is_empty()
    }

    pub fn add(&mut self, bucket: Bucket, count: i64) {
        match self.buckets.binary_search(&bucket) {
            Ok(place) => {
                let held = &mut self.counts[place];
                *held = held.wrapping_add(count);
                if *held == 0 {
                    self.buckets.remove(place);
                    self.counts.remove(place);
                    self.tighten();
                }
            }
            Err(_) if count == 0 => {}
            Err(place) => {
                self.buckets.insert(place, bucket);
                self.counts.insert(place, count);
            }
        }
    }

    fn tighten(&mut self) {
        let used = self.buckets.len();
        if used == 0 {
            *self = Self::default();
        } else if self.buckets.capacity() > MOST_LOOSE * used.max(MOST_LOOSE) {
            self.buckets.shrink_to(2 * used);
            self.counts.shrink_to(2 * used);
        }
    }

    pub fn entries(&self) -> impl Iterator<Item = (Bucket, i64)> {
        self.buckets
            .iter()
            .copied()
            .zip(self.counts.iter().copied())
    }
}

/// What an indicator's measurements are; the others need no distinction here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Ratio,
    Duration,
    Amount,
    Rating,
    Balance,
    Number,
}

/// What is asked of a summary.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Measure {
    Value,
    Share,
    Mean,
    Quantile(f64),
}

/// A figure in the unit of its measure; `low` and `high` are `None` where unbounded or unknown,
/// `value` is `None` without data.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Measured {
    pub n: i64,
    pub value: Option<f64>,
    pub low: Option<f64>,
    pub high: Option<f64>,
}

impl Measured {
    fn within(n: i64, value: f64, (low, high): Interval) -> Self {
        Self {
            n,
            value: Some(value),
            low: Some(low),
            high: Some(high),
        }
    }

    fn sure(n: i64, value: f64) -> Self {
        Self {
            n,
            value: Some(value),
            ..Self::default()
        }
    }
}

/// The published figure, without its indicator (`shared.contracts.figures.Figure`).
#[derive(Clone, Copy, Debug, Default)]
pub struct Figure {
    pub measured: Measured,
    pub good: Option<i64>,
    pub total: Option<i64>,
    /// The 50th, 90th, 95th and 99th.
    pub percentiles: [Option<f64>; 4],
}

/// What a measured value of 1 is in the unit of the figure, and the ends of what it can be.
struct Range {
    unit: f64,
    least: f64,
    most: f64,
}

const RATING: Range = Range {
    unit: 0.001,
    least: 0.0,
    most: 1.0,
};
const BALANCE: Range = Range {
    unit: 100.0,
    least: -100.0,
    most: 100.0,
};

/// The mean of `n` > 0 ratings or the balance of as many opinions, in the unit of the figure, with
/// the normal interval of a mean; `squares` is the sum of the values' squares.
pub fn exact_mean(is_balance: bool, n: i64, total: i64, squares: i128) -> Measured {
    let range = if is_balance { BALANCE } else { RATING };
    let mean = real(total) / real(n);
    if n == 1 {
        return Measured::sure(1, mean * range.unit);
    }
    let [cases, sum] = [n, total].map(i128::from);
    let around = cases.saturating_mul(squares).saturating_sub(sum * sum);
    #[allow(clippy::cast_precision_loss, reason = "it is divided anyway")]
    let variance = around as f64 / (cases * (cases - 1)) as f64;
    let (low, high) = mean_interval(mean, variance, n, Z95);
    let ends = (
        (low * range.unit).max(range.least),
        (high * range.unit).min(range.most),
    );
    Measured::within(n, mean * range.unit, ends)
}

/// Measurements of one indicator: how many, their integer sum, how many good, and how many in each
/// bucket. A gauge's level is its total.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary<Sketch = Histogram> {
    pub n: i64,
    pub total: i64,
    pub good: i64,
    pub sketch: Sketch,
}

impl Summary<&Histogram> {
    /// With a sketch of its own.
    pub fn to_owned(self) -> Summary {
        Summary {
            n: self.n,
            total: self.total,
            good: self.good,
            sketch: self.sketch.clone(),
        }
    }
}

impl<Sketch: Borrow<Histogram>> Summary<Sketch> {
    pub fn is_empty(&self) -> bool {
        let has_sums = self.n != 0 || self.total != 0 || self.good != 0;
        !has_sums && self.sketch.borrow().is_empty()
    }

    /// One measure, with its interval.
    pub fn measure(&self, kind: Kind, how: Measure) -> Measured {
        match how {
            Measure::Value => Measured::sure(self.n.max(0), real(self.total)),
            _ if self.n <= 0 => Measured::default(),
            Measure::Share => self.share(),
            Measure::Mean => self.mean(kind),
            Measure::Quantile(q) => Spread::of(self.sketch.borrow()).measured(q),
        }
    }

    /// The published figure; intervals and percentiles where they have a meaning.
    pub fn figure(&self, kind: Kind) -> Figure {
        match kind {
            Kind::Ratio => Figure {
                measured: self.measure(kind, Measure::Share),
                good: Some(self.good),
                ..Figure::default()
            },
            Kind::Duration | Kind::Amount => self.spread_figure(kind),
            Kind::Rating | Kind::Balance => Figure {
                measured: self.measure(kind, Measure::Mean),
                good: (kind == Kind::Balance).then_some(self.good),
                total: Some(self.total),
                ..Figure::default()
            },
            Kind::Number => Figure {
                measured: self.measure(kind, Measure::Value),
                total: Some(self.total),
                ..Figure::default()
            },
        }
    }

    fn spread_figure(&self, kind: Kind) -> Figure {
        let spread = Spread::of(self.sketch.borrow());
        Figure {
            measured: self.measure(kind, Measure::Mean),
            good: (kind == Kind::Duration).then_some(self.good),
            total: Some(self.total),
            percentiles: [0.5, 0.9, 0.95, 0.99].map(|q| spread.percentile(q)),
        }
    }

    fn share(&self) -> Measured {
        let share = real(self.good) / real(self.n);
        Measured::within(self.n, share, wilson(self.good, self.n, Z95))
    }

    fn mean(&self, kind: Kind) -> Measured {
        if matches!(kind, Kind::Rating | Kind::Balance) {
            let is_balance = kind == Kind::Balance;
            return exact_mean(is_balance, self.n, self.total, self.squares(is_balance));
        }
        let mean = real(self.total) / real(self.n);
        if self.n == 1 {
            return Measured::sure(1, mean);
        }
        let interval = mean_interval(mean, self.variance(mean), self.n, Z95);
        Measured::within(self.n, mean, interval)
    }

    /// The sum of the squares of ratings, whose buckets are their values, or of opinions, each of
    /// which is 1 (good), 0 or -1.
    fn squares(&self, is_balance: bool) -> i128 {
        if is_balance {
            return 2 * i128::from(self.good) - i128::from(self.total);
        }
        let entries = self.sketch.borrow().entries();
        let squares = entries.map(|(bucket, count)| {
            let value = i128::from(bucket.wire());
            i128::from(count) * value * value
        });
        squares.sum()
    }

    /// Of the values around their mean, as far as their buckets tell.
    fn variance(&self, mean: f64) -> f64 {
        let (mut cases, mut total, mut squares) = (0_i64, 0.0, 0.0);
        for (bucket, count) in self.sketch.borrow().entries() {
            let value = value_of(bucket);
            cases = cases.wrapping_add(count);
            total += real(count) * value;
            squares += real(count) * (value * value);
        }
        if cases < 2 {
            return 0.0;
        }
        let around = squares - 2.0 * mean * total + real(cases) * mean * mean;
        (around / real(cases - 1)).max(0.0)
    }
}

/// A histogram made ready to be asked for many percentiles.
struct Spread<'a> {
    histogram: &'a Histogram,
    ranks: Vec<i64>,
    n: i64,
}

impl<'a> Spread<'a> {
    fn of(histogram: &'a Histogram) -> Self {
        let mut n = 0_i64;
        let ranks = histogram.counts.iter().map(|count| {
            n = n.wrapping_add(*count);
            n
        });
        let ranks = ranks.collect();
        Self {
            histogram,
            ranks,
            n,
        }
    }

    /// The value of that rank (from 1), within the sketch's relative error.
    fn at_rank(&self, rank: i64) -> Option<f64> {
        if !(1..=self.n).contains(&rank) {
            return None;
        }
        let place = self.ranks.partition_point(|reached| *reached < rank);
        self.histogram.buckets.get(place).copied().map(value_of)
    }

    fn percentile(&self, q: f64) -> Option<f64> {
        self.at_rank(percentile_rank(q, self.n))
    }

    /// The percentile with its interval.
    fn measured(&self, q: f64) -> Measured {
        if self.n == 0 {
            return Measured::default();
        }
        let (low, high) = percentile_ranks(q, self.n, Z95);
        Measured {
            n: self.n,
            value: self.percentile(q),
            low: low.and_then(|rank| self.at_rank(rank)),
            high: high.and_then(|rank| self.at_rank(rank)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(number: i16) -> Bucket {
        Bucket::from_wire(number).expect("a bucket")
    }

    fn held(entries: &[(i16, i64)]) -> Histogram {
        let mut histogram = Histogram::default();
        for &(number, count) in entries {
            histogram.add(bucket(number), count);
        }
        histogram
    }

    #[test]
    fn buckets_ascend_and_empty_ones_are_not_held() {
        let histogram = held(&[(5, 2), (-1, 1), (9, 4), (5, -2), (7, 0), (9, 1)]);
        let entries: Vec<_> = histogram.entries().collect();
        assert_eq!(entries, [(bucket(-1), 1), (bucket(9), 5)]);
    }

    #[test]
    fn room_that_is_no_longer_needed_is_given_back() {
        let mut histogram = Histogram::default();
        let every: Vec<_> = Bucket::every().collect();
        for &one in &every {
            histogram.add(one, 1);
        }
        for &one in &every[8..] {
            histogram.add(one, -1);
        }
        assert!(histogram.buckets.capacity() <= 64 && histogram.counts.capacity() <= 64);
        for &one in &every[..8] {
            histogram.add(one, -1);
        }
        assert_eq!(
            (histogram.buckets.capacity(), histogram.counts.capacity()),
            (0, 0)
        );
    }

    #[test]
    fn a_percentile_is_found_by_its_rank() {
        let summary = Summary {
            n: 4,
            sketch: held(&[(-1, 1), (100, 2), (200, 1)]),
            ..Summary::default()
        };
        let found = |q| summary.measure(Kind::Duration, Measure::Quantile(q)).value;
        assert_eq!(found(0.25), Some(0.0));
        assert_eq!(found(0.5), Some(value_of(bucket(100))));
        assert_eq!(found(0.99), Some(value_of(bucket(200))));
    }

    #[test]
    fn numbers_that_cannot_be_make_figures_and_no_panic() {
        let kinds = [
            Kind::Ratio,
            Kind::Duration,
            Kind::Amount,
            Kind::Rating,
            Kind::Balance,
            Kind::Number,
        ];
        for extreme in [i64::MIN, -3, 0, 1, i64::MAX] {
            for count in [i64::MIN, -1, 1, i64::MAX] {
                let summary = Summary {
                    n: extreme,
                    total: count,
                    good: i64::MAX,
                    sketch: held(&[(-1, count), (4094, extreme)]),
                };
                for kind in kinds {
                    let figure = summary.figure(kind);
                    assert!(figure.measured.low.is_none_or(|low| !low.is_nan()));
                }
            }
        }
    }
}
