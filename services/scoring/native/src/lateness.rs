//! Which events come too late, and which tickets can be forgotten for it.
//!
//! Lateness is judged within a topic and in the order of its records, never by what other topics or
//! the rest of a batch have brought: after an outage one topic may be read months ahead of another.
//! A ticket is forgotten only when every event that it knows would come too late by now, so a
//! repeated event is either recognised or refused, and never counts twice.

/// How late an event may be.
pub const HORIZON_MS: i64 = 35 * 86_400_000;
/// A topic that says nothing while a partition reads so many records, and to its end, is silent. One
/// request to ingest holds fewer: its events may reach their topics one after the other.
pub const SETTLING_RECORDS: u64 = 10_000;

/// `marks` has one event time for each input topic, which only grows.
pub struct Lateness {
    pub marks: Vec<i64>,
    records: u64,
    settling_from: u64,
    settling_ms: i64,
}

impl Lateness {
    pub fn new(topics: usize) -> Self {
        Self {
            marks: vec![0; topics],
            records: 0,
            settling_from: 0,
            settling_ms: 0,
        }
    }

    /// Take the next event of a topic; whether it comes too late.
    pub fn read(&mut self, topic: usize, time_ms: i64) -> bool {
        self.records += 1;
        let mark = &mut self.marks[topic];
        let is_late = time_ms < *mark - HORIZON_MS;
        *mark = (*mark).max(time_ms);
        is_late
    }

    /// Nothing waits in any topic: whoever was silent for long enough is not held back for.
    pub fn caught_up(&mut self, watermark_ms: i64) {
        if self.records - self.settling_from < SETTLING_RECORDS {
            return;
        }
        for mark in &mut self.marks {
            *mark = (*mark).max(self.settling_ms);
        }
        self.settling_from = self.records;
        self.settling_ms = watermark_ms;
    }

    /// A ticket whose last event lies before this knows only events that are too late by now.
    pub fn forgettable_ms(&self) -> i64 {
        self.marks.iter().min().copied().unwrap_or(0) - HORIZON_MS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_many(lateness: &mut Lateness, mut after_each: impl FnMut(&mut Lateness, i64)) -> i64 {
        let last = 3 * i64::try_from(SETTLING_RECORDS).expect("a few thousand");
        for time_ms in 0..last {
            assert!(!lateness.read(0, time_ms));
            after_each(lateness, time_ms);
        }
        last
    }

    #[test]
    fn a_silent_topic_holds_nothing_back_for_ever() {
        let mut lateness = Lateness::new(2);
        let last = read_many(&mut lateness, Lateness::caught_up);
        assert!(lateness.forgettable_ms() >= last / 3 - HORIZON_MS);
    }

    #[test]
    fn a_topic_that_waits_to_be_read_holds_everything_back() {
        let mut lateness = Lateness::new(2);
        read_many(&mut lateness, |_, _| {});
        assert_eq!(lateness.forgettable_ms(), -HORIZON_MS);
    }

    #[test]
    fn an_event_is_late_by_its_own_topic_alone() {
        let mut lateness = Lateness::new(2);
        assert!(!lateness.read(0, HORIZON_MS + 1));
        assert!(!lateness.read(1, 0));
        assert!(lateness.read(0, 0));
        assert!(!lateness.read(0, 1));
    }
}
