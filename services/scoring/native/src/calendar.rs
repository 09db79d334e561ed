//! Working time of a calendar, as spans that Python lays out when they are first asked for.

/// Where the spans of a calendar come from.
pub trait Layout {
    /// Working time in `[start_ms, end_ms)` as spans in order.
    fn spans(&mut self, start_ms: i64, end_ms: i64) -> Vec<(i64, i64)>;
}

const DAY_MS: i64 = 86_400_000;
/// 2000-01-01, less the hours by which a zone may be ahead: no event is older.
const FIRST_MS: i64 = 946_684_800_000 - 2 * DAY_MS;
const STEP_MS: i64 = 400 * DAY_MS;
/// Working time that does not come to pass for so long never does.
pub const MOST_AHEAD_MS: i64 = 30 * 366 * DAY_MS;

/// `before` is how much working time lies before each span.
pub struct Calendar<L> {
    layout: L,
    starts: Vec<i64>,
    ends: Vec<i64>,
    before: Vec<i64>,
    total: i64,
    laid_out_ms: i64,
}

impl<L: Layout> Calendar<L> {
    pub fn new(layout: L) -> Self {
        Self {
            layout,
            starts: Vec::new(),
            ends: Vec::new(),
            before: Vec::new(),
            total: 0,
            laid_out_ms: FIRST_MS,
        }
    }

    /// Working milliseconds in `[start_ms, end_ms)`; 0 when it is empty.
    pub fn elapsed(&mut self, start_ms: i64, end_ms: i64) -> i64 {
        if end_ms <= start_ms {
            return 0;
        }
        self.worked_until(end_ms) - self.worked_until(start_ms)
    }

    /// The first instant at which so much working time has passed since `start_ms`; none when that
    /// is decades away, however far the calendar is laid out already.
    pub fn deadline(&mut self, start_ms: i64, duration_ms: i64) -> Option<i64> {
        if duration_ms <= 0 {
            return Some(start_ms);
        }
        let last_ms = start_ms.saturating_add(MOST_AHEAD_MS);
        let wanted = self.worked_until(start_ms).checked_add(duration_ms)?;
        while self.total < wanted {
            if self.laid_out_ms > last_ms {
                return None;
            }
            self.lay_out_next();
        }
        let place = self.before.partition_point(|&before| before < wanted) - 1;
        let end = self.starts[place] + wanted - self.before[place];
        (end <= last_ms).then_some(end)
    }

    fn worked_until(&mut self, time_ms: i64) -> i64 {
        while self.laid_out_ms <= time_ms {
            self.lay_out_next();
        }
        let place = self.starts.partition_point(|&start| start <= time_ms);
        let Some(place) = place.checked_sub(1) else {
            return 0;
        };
        self.before[place] + time_ms.min(self.ends[place]) - self.starts[place]
    }

    fn lay_out_next(&mut self) {
        let until_ms = self.laid_out_ms + STEP_MS;
        for (start, end) in self.layout.spans(self.laid_out_ms, until_ms) {
            self.starts.push(start);
            self.ends.push(end);
            self.before.push(self.total);
            self.total += end - start;
        }
        self.laid_out_ms = until_ms;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: i64 = 3_600_000;
    const MONDAY_MS: i64 = 1_772_409_600_000;

    /// Nine to five, every day of UTC.
    struct NineToFive;

    impl Layout for NineToFive {
        fn spans(&mut self, start_ms: i64, end_ms: i64) -> Vec<(i64, i64)> {
            (start_ms / DAY_MS..=end_ms / DAY_MS)
                .map(|day| (day * DAY_MS + 9 * HOUR_MS, day * DAY_MS + 17 * HOUR_MS))
                .map(|(start, end)| (start.max(start_ms), end.min(end_ms)))
                .filter(|(start, end)| start < end)
                .collect()
        }
    }

    #[test]
    fn working_time_passes_in_working_hours() {
        let mut calendar = Calendar::new(NineToFive);
        let eight = MONDAY_MS + 8 * HOUR_MS;
        assert_eq!(calendar.elapsed(eight, eight + HOUR_MS), 0);
        assert_eq!(calendar.elapsed(eight, eight + 24 * HOUR_MS), 8 * HOUR_MS);
        assert_eq!(calendar.elapsed(eight + 2 * HOUR_MS, eight), 0);
    }

    #[test]
    fn a_deadline_is_the_end_of_the_working_time() {
        let mut calendar = Calendar::new(NineToFive);
        let nine = MONDAY_MS + 9 * HOUR_MS;
        assert_eq!(
            calendar.deadline(nine, 8 * HOUR_MS),
            Some(nine + 8 * HOUR_MS)
        );
        assert_eq!(
            calendar.deadline(nine, 8 * HOUR_MS + 1),
            Some(nine + DAY_MS + 1)
        );
        assert_eq!(calendar.deadline(nine - HOUR_MS, 0), Some(nine - HOUR_MS));
        assert_eq!(calendar.deadline(nine, 100 * 366 * DAY_MS), None);
    }

    #[test]
    fn a_deadline_does_not_depend_on_what_was_asked_before() {
        let year_2060 = MONDAY_MS + 34 * 366 * DAY_MS;
        let mut calendar = Calendar::new(NineToFive);
        let first = calendar.deadline(year_2060, HOUR_MS);
        assert!(first.is_some());
        let decades = 35 * 366 * 8 * HOUR_MS;
        assert_eq!(calendar.deadline(MONDAY_MS, decades), None);
        let laid_out_ms = calendar.laid_out_ms;
        calendar.elapsed(MONDAY_MS, MONDAY_MS + 40 * 366 * DAY_MS);
        assert_eq!(calendar.deadline(MONDAY_MS, decades), None);
        assert_eq!(calendar.deadline(year_2060, HOUR_MS), first);
        assert!(laid_out_ms < year_2060 + 2 * STEP_MS);
    }

    #[test]
    fn a_calendar_without_working_time_has_no_deadline() {
        struct Never;
        impl Layout for Never {
            fn spans(&mut self, _: i64, _: i64) -> Vec<(i64, i64)> {
                Vec::new()
            }
        }
        assert_eq!(Calendar::new(Never).deadline(MONDAY_MS, 1), None);
    }
}
