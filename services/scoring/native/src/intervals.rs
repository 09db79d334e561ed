//! Confidence intervals, 95 % unless told otherwise.
//!
//! Wilson's score interval for shares (Wilson, JASA 1927), ranks of order statistics for percentiles
//! (Hahn and Meeker, Statistical Intervals, 5.2, in the normal approximation), and the normal interval
//! of a mean.

pub const Z95: f64 = 1.959_963_984_540_054;

pub type Interval = (f64, f64);

/// A count as a number to reckon with; beyond 2^53 the nearest there is.
#[allow(
    clippy::cast_precision_loss,
    reason = "a figure of so many cases is as good"
)]
pub(crate) fn real(count: i64) -> f64 {
    count as f64
}

/// The interval of a share `good / n`; `n` is positive.
pub fn wilson(good: i64, n: i64, z: f64) -> Interval {
    let cases = real(n);
    let share = real(good) / cases;
    let spread = z * z / cases;
    let centre = share + spread / 2.0;
    // Cells that were damaged where they come from can have more good cases than cases.
    let half = z
        * ((share * (1.0 - share) + spread / 4.0) / cases)
            .max(0.0)
            .sqrt();
    let low = (centre - half) / (1.0 + spread);
    let high = (centre + half) / (1.0 + spread);
    (
        if good <= 0 { 0.0 } else { low },
        if good >= n { 1.0 } else { high },
    )
}

/// The rank (from 1) whose value is the percentile `q` of `n` sorted values.
pub fn percentile_rank(q: f64, n: i64) -> i64 {
    rank((q * real(n) - 1e-9).ceil()).max(1)
}

/// Ranks (from 1) of the values that enclose percentile `q`; `None` where the sample is too small to
/// bound that side.
pub fn percentile_ranks(q: f64, n: i64, z: f64) -> (Option<i64>, Option<i64>) {
    let cases = real(n);
    let half = z * (cases * q * (1.0 - q)).sqrt();
    let low = rank((cases * q - half).floor());
    let high = rank((cases * q + half).ceil()).saturating_add(1);
    ((low >= 1).then_some(low), (high <= n).then_some(high))
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "it is whole, and no more than counts are"
)]
fn rank(whole: f64) -> i64 {
    whole as i64
}

/// The interval of a mean of `n` values with that variance.
pub fn mean_interval(mean: f64, variance: f64, n: i64, z: f64) -> Interval {
    let half = z * (variance.max(0.0) / real(n)).sqrt();
    (mean - half, mean + half)
}
