//! The panes that windows are made of, of each level by their start.

use std::collections::BTreeMap;

use super::Span;
use crate::held_pane::HeldPane;
use crate::panes::{Level, Minute, PaneKey};

/// So many panes are ready to be written to.
const MOST_AWAKE: usize = 16;
/// What was not written to from one look to the next comes to rest.
const LOOK_MS: i64 = 15_000;

#[derive(Default)]
pub struct KeptPanes {
    panes: BTreeMap<PaneKey, HeldPane>,
    /// Those that may be written to, with the number of the look before they last were; the latest
    /// comes last.
    awake: Vec<(PaneKey, u64)>,
    looks: u64,
    looked_ms: i64,
}

impl KeptPanes {
    pub fn cells(&self) -> usize {
        let own = self.panes.iter();
        let kept = own.filter(|(key, _)| key.level != Level::Total);
        kept.map(|(_, pane)| pane.cells()).sum()
    }

    /// All of a level.
    pub fn of(&self, level: Level) -> impl Iterator<Item = (Minute, &HeldPane)> {
        let [first, last] = [Minute::MIN, Minute::MAX].map(|start| PaneKey { level, start });
        let own = self.panes.range(first..=last);
        own.map(|(key, pane)| (key.start, pane))
    }

    /// Those of a level that start in a span.
    pub fn within(&self, level: Level, span: Span) -> impl Iterator<Item = (Minute, &HeldPane)> {
        let [first, end] = [span.start, span.end.max(span.start)].map(|minute| {
            let least = Minute::try_from(minute.max(0));
            let start = least.unwrap_or(Minute::MAX);
            PaneKey { level, start }
        });
        let own = self.panes.range(first..end);
        own.map(|(key, pane)| (key.start, pane))
    }

    /// The starts of these.
    pub fn between(&self, level: Level, span: Span) -> Vec<Minute> {
        self.within(level, span).map(|(start, _)| start).collect()
    }

    /// A pane, to be written to. When there are too many, the one that was not written to for longest
    /// comes to rest.
    pub fn open(&mut self, key: PaneKey) -> &mut HeldPane {
        if key.level != Level::Total {
            self.note(key);
        }
        self.panes.entry(key).or_default()
    }

    fn note(&mut self, key: PaneKey) {
        let known = self.awake.iter().rposition(|(own, _)| *own == key);
        if let Some(place) = known {
            self.awake[place].1 = self.looks;
            self.awake[place..].rotate_left(1);
            return;
        }
        self.awake.push((key, self.looks));
        if self.awake.len() > MOST_AWAKE {
            let (idle, _) = self.awake.remove(0);
            if let Some(pane) = self.panes.get_mut(&idle) {
                pane.rest();
            }
        }
    }

    /// Now and then, let panes rest that were not written to since the last time.
    pub fn rest_idle(&mut self, stream_ms: i64) {
        if stream_ms - self.looked_ms < LOOK_MS {
            return;
        }
        let looks = self.looks;
        for (key, look) in &self.awake {
            if let Some(pane) = self.panes.get_mut(key) {
                if *look < looks {
                    pane.rest();
                } else {
                    pane.tidy();
                }
            }
        }
        self.awake.retain(|(_, look)| *look == looks);
        self.looked_ms = stream_ms;
        self.looks += 1;
    }

    /// Forget those of a level that start before a minute and are not needed.
    pub fn drop_before(
        &mut self,
        level: Level,
        minute: i64,
        is_needed: impl Fn(Minute, &HeldPane) -> bool,
    ) {
        let old = Span {
            start: 0,
            end: minute,
        };
        let own = self.within(level, old);
        let unneeded = own.filter(|(start, pane)| !is_needed(*start, pane));
        for start in unneeded.map(|(start, _)| start).collect::<Vec<_>>() {
            self.panes.remove(&PaneKey { level, start });
        }
    }
}
