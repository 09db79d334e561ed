//! Promises: by when a ticket has to be answered, and by when it has to be resolved.
//!
//! A `share_within` target of `first_response_time` or `resolution_time`, or of their twins in
//! working time, promises its limit to every ticket. The rule version in force at the opening
//! decides, whatever comes later. Where limits in both clocks apply, both must be kept, so the
//! earlier instant counts.
//!
//! The deadline is the last instant at which no more than the limit has passed: an answer exactly
//! then keeps the promise, and a promise is kept exactly when the duration that is measured is
//! within the limit. A limit that runs out just as the day's work ends therefore holds until work
//! begins again.

use crate::calendar::{Layout, MOST_AHEAD_MS};
use crate::rules::Rules;

/// After all instants.
pub const NEVER: i64 = 1 << 62;

pub const FIRST_RESPONSE: usize = 0;
pub const RESOLUTION: usize = 1;
/// A promise's number is the sequence of its measurement of `sla_attainment`.
pub const PROMISES: usize = 2;

/// `[start, end)` in ms.
pub type Span = (i64, i64);

/// A promise that is not settled yet. `limited_by` is the place of the holder whose limits apply,
/// `at_risk` that of the holder with whom it counts as being at risk. `due_ms` and `risk_ms` are
/// what is still to come, `NEVER` while the clock stands still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Promise {
    pub kind: usize,
    pub limited_by: usize,
    pub at_risk: Option<usize>,
    pub due_ms: i64,
    pub risk_ms: i64,
}

impl Promise {
    pub fn new(kind: usize, limited_by: usize) -> Self {
        Self {
            kind,
            limited_by,
            at_risk: None,
            due_ms: NEVER,
            risk_ms: NEVER,
        }
    }

    /// When something becomes of it if nothing happens.
    pub fn next_ms(&self) -> i64 {
        self.due_ms.min(self.risk_ms)
    }
}

/// Allowed time in ms, around the clock and in working time; none where nothing is promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub elapsed: Option<i64>,
    pub worked: Option<i64>,
}

impl Limits {
    pub fn is_promise(&self) -> bool {
        self.elapsed.is_some() || self.worked.is_some()
    }

    /// A part of the allowed time, in whole ms.
    #[must_use]
    pub fn share(&self, part: f64) -> Self {
        Self {
            elapsed: self.elapsed.map(|limit| share(limit, part)),
            worked: self.worked.map(|limit| share(limit, part)),
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "a limit is at most some years, far below 2^53 ms, and the part at most 1"
)]
fn share(limit: i64, part: f64) -> i64 {
    (limit as f64 * part).round_ties_even() as i64
}

/// The whole of the time, and the share of it after which a promise is at risk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowed {
    pub limits: Limits,
    pub warned: Limits,
}

impl<L: Layout> Rules<L> {
    /// The last instant at which none of the limits is exceeded; `NEVER` when that never comes to
    /// pass, as when the last pause has no end. Pauses may overlap and need no order.
    pub fn runs_out(&mut self, limits: Limits, opened_ms: i64, pauses: &[Span]) -> i64 {
        let spans = united(pauses, opened_ms, NEVER);
        let elapsed = limits.elapsed.map_or(NEVER, |limit| {
            passed(&spans, opened_ms, limit.saturating_add(1))
        });
        let worked = limits.worked.map_or(NEVER, |limit| {
            self.worked(&spans, opened_ms, limit.saturating_add(1))
        });
        elapsed.min(worked)
    }

    /// The last instant before so much working time outside the spans has passed. Decades ahead no
    /// timer waits for it.
    fn worked(&mut self, spans: &[Span], opened_ms: i64, mut duration: i64) -> i64 {
        let mut start = opened_ms;
        for &(low, high) in spans {
            let Some(end) = self.deadline(start, duration) else {
                return NEVER;
            };
            if end <= low {
                return end - 1;
            }
            duration -= self.worked_ms(start, low);
            start = high;
            if start.saturating_sub(opened_ms) > MOST_AHEAD_MS {
                return NEVER;
            }
        }
        self.deadline(start, duration).map_or(NEVER, |end| end - 1)
    }
}

/// The last instant before so much time outside the spans has passed.
fn passed(spans: &[Span], mut start: i64, mut duration: i64) -> i64 {
    for &(low, high) in spans {
        let passed = low - start;
        if passed >= duration {
            break;
        }
        (start, duration) = (high, duration - passed);
    }
    if start == NEVER {
        NEVER
    } else {
        start.saturating_add(duration - 1)
    }
}

/// The union of the spans within `[start, end)`, as spans that do not overlap.
pub fn united(spans: &[Span], start: i64, end: i64) -> Vec<Span> {
    let mut sorted = spans.to_vec();
    sorted.sort_unstable();
    let mut reached = start;
    let mut found = Vec::new();
    for (span_start, span_end) in sorted {
        let (low, high) = (span_start.max(reached), span_end.min(end));
        if high > low {
            found.push((low, high));
            reached = high;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_united_within_bounds() {
        assert_eq!(
            united(&[(5, 9), (1, 3), (2, 6)], 2, 8),
            [(2, 3), (3, 6), (6, 8)]
        );
        assert_eq!(united(&[(5, 5), (9, 1)], 0, 10), []);
    }

    #[test]
    fn time_stands_still_in_a_pause() {
        assert_eq!(passed(&[], 100, 11), 110);
        assert_eq!(passed(&[(105, 200)], 100, 11), 205);
        assert_eq!(passed(&[(105, NEVER)], 100, 11), NEVER);
    }

    #[test]
    fn a_limit_beyond_all_time_never_runs_out() {
        assert_eq!(passed(&[], 100, i64::MAX), i64::MAX);
        assert_eq!(passed(&[(200, 300)], 100, i64::MAX), i64::MAX);
    }

    #[test]
    fn a_share_is_rounded_to_even_halves() {
        let limits = Limits {
            elapsed: Some(5),
            worked: Some(7),
        };
        let halves = limits.share(0.5);
        assert_eq!((halves.elapsed, halves.worked), (Some(2), Some(4)));
    }
}
