//! Timers: which tickets have something that falls due, the earliest first.
//!
//! A heap of instants with tickets. What a ticket's life says is the truth (`Life::next_due_ms`); an
//! entry that it has left behind is recognised when it is taken, and a ticket has at most one entry
//! that holds.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rustc_hash::FxHashSet;

use crate::promises::NEVER;

const SLACK: usize = 10_000;

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

    /// Whether anything falls due before `until_ms`, where `next_due_ms` tells what holds of a
    /// ticket; entries that were left behind are let go.
    pub fn is_due(&mut self, until_ms: i64, next_due_ms: impl Fn(u32) -> i64) -> bool {
        while let Some(&Reverse((due_ms, ticket))) = self.heap.peek() {
            if due_ms >= until_ms {
                return false;
            }
            if next_due_ms(ticket) < until_ms {
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

    /// Whether most entries must have been left behind by so many tickets.
    pub fn is_stale(&self, tickets: usize) -> bool {
        self.heap.len() > 4 * tickets + SLACK
    }

    /// Begin anew with the next instant of each ticket.
    pub fn rebuild(&mut self, due: impl Iterator<Item = (i64, u32)>) {
        self.heap = due
            .filter(|(due_ms, _)| *due_ms < NEVER)
            .map(Reverse)
            .collect();
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
        deadlines.rebuild([(NEVER, 1), (7, 2)].into_iter());
        assert!(!deadlines.is_stale(1));
        assert_eq!(deadlines.take(NEVER, 9), (vec![2], NEVER));
    }
}
