//! Timers: which tickets have something that falls due, the earliest first.
//!
//! A heap of instants with tickets. What a ticket's life says is the truth (`Life::next_due_ms`); an
//! entry that it has left behind is recognised when it is taken, and the one that holds is there.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rustc_hash::FxHashSet;

use crate::promises::NEVER;

const SLACK: usize = 4_000;

/// Due instants in ms of tickets by their places.
#[derive(Default)]
pub struct Deadlines {
    heap: BinaryHeap<Reverse<(i64, u32)>>,
}

impl Deadlines {
    /// When the first entry falls due, at the earliest; `NEVER` without one.
    pub fn next_ms(&self) -> i64 {
        self.heap
            .peek()
            .map_or(NEVER, |Reverse((due_ms, _))| *due_ms)
    }

    /// A ticket's next instant has changed to `due_ms`.
    pub fn schedule(&mut self, ticket: u32, due_ms: i64) {
        if due_ms < NEVER {
            self.heap.push(Reverse((due_ms, ticket)));
        }
    }

    /// Whether anything may fall due before `until_ms`, where `due_from_ms` tells before when nothing
    /// of a ticket does; entries that were left behind are let go.
    pub fn is_due(&mut self, until_ms: i64, due_from_ms: impl Fn(u32) -> i64) -> bool {
        while let Some(&Reverse((due_ms, ticket))) = self.heap.peek() {
            if due_ms >= until_ms {
                return false;
            }
            if due_from_ms(ticket) < until_ms {
                return true;
            }
            self.heap.pop();
        }
        false
    }

    /// Tickets with an entry before `until_ms`, earliest first and each once, and the instant before
    /// which nothing else is due: `until_ms`, or less when there are more than `most` entries.
    /// Entries of one instant are taken together.
    pub fn take(&mut self, until_ms: i64, most: usize) -> (Vec<u32>, i64) {
        let mut seen = FxHashSet::default();
        let mut taken = Vec::new();
        let mut count = 0;
        let mut last = NEVER;
        while let Some(&Reverse((due_ms, ticket))) = self.heap.peek() {
            if due_ms >= until_ms || (count >= most && due_ms != last) {
                break;
            }
            self.heap.pop();
            count += 1;
            last = due_ms;
            if seen.insert(ticket) {
                taken.push(ticket);
            }
        }
        (taken, until_ms.min(self.next_ms()))
    }

    /// Whether most entries must have been left behind, when something of so many tickets falls due.
    pub fn is_stale(&self, tickets: usize) -> bool {
        self.heap.len() > 2 * tickets + SLACK
    }

    /// Let go of entries that do not hold, and of what is there twice.
    pub fn keep(&mut self, holds: impl Fn(i64, u32) -> bool) {
        let mut entries = std::mem::take(&mut self.heap).into_vec();
        entries.retain(|Reverse((due_ms, ticket))| holds(*due_ms, *ticket));
        entries.sort_unstable();
        entries.dedup();
        entries.shrink_to_fit();
        self.heap = entries.into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_one_instant_are_taken_together() {
        let mut deadlines = Deadlines::default();
        for (ticket, due_ms) in [(1, 10), (2, 10), (3, 10), (4, 20), (1, 5)] {
            deadlines.schedule(ticket, due_ms);
        }
        assert_eq!(deadlines.take(30, 2), (vec![1, 2, 3], 20));
        assert_eq!(deadlines.take(20, 9), (vec![], 20));
        assert_eq!(deadlines.take(30, 9), (vec![4], 30));
    }

    #[test]
    fn what_a_ticket_left_behind_is_let_go() {
        let mut deadlines = Deadlines::default();
        deadlines.schedule(1, 10);
        assert!(!deadlines.is_due(11, |_| NEVER));
        assert_eq!(deadlines.next_ms(), NEVER);
        deadlines.schedule(1, 10);
        assert!(!deadlines.is_due(10, |_| 10));
        assert!(deadlines.is_due(11, |_| 10));
        deadlines.schedule(2, NEVER);
        assert_eq!(deadlines.take(NEVER, 9).0, [1]);
    }

    #[test]
    fn a_heap_of_entries_that_were_left_behind_is_stale() {
        let mut deadlines = Deadlines::default();
        for due_ms in 0..30_000 {
            deadlines.schedule(1, due_ms);
        }
        assert!(deadlines.is_stale(1));
        deadlines.schedule(2, 7);
        deadlines.schedule(2, 7);
        deadlines.keep(|due_ms, _| due_ms == 7);
        assert!(!deadlines.is_stale(1));
        assert_eq!(deadlines.take(NEVER, 1), (vec![1, 2], NEVER));
    }
}
