//! The rules as the lives of tickets ask for them, under one history of versions.

use rustc_hash::FxHashMap;

use crate::calendar::{Calendar, Layout, MOST_AHEAD_MS};
use crate::names::{Holder, NO_NAME, Symbol, Symbols};
use crate::promises::{Allowed, Limits};

pub const MOST_REMEMBERED: usize = 100_000;
/// csat, nps, ces, review, qa
pub const SURVEY_KINDS: usize = 5;

/// The kinds of holders that a limit can be set for, the most general first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HolderKind {
    Organisation,
    Department,
    Team,
    Employee,
}

/// A limit and whom it is for; `None` stands for any.
#[derive(Clone, Debug)]
pub struct HolderLimit {
    pub kind: HolderKind,
    pub department: Option<String>,
    pub id: Option<String>,
    pub within_ms: i64,
}

impl HolderLimit {
    fn matches(&self, holder: Holder, symbols: &Symbols) -> bool {
        let (department, id) = match self.kind {
            HolderKind::Organisation => (NO_NAME, NO_NAME),
            HolderKind::Department => (holder.department, holder.department),
            HolderKind::Team => (holder.department, holder.team),
            HolderKind::Employee => (holder.department, holder.employee),
        };
        (self.kind == HolderKind::Organisation || id != NO_NAME)
            && is_any_or(self.department.as_deref(), department, symbols)
            && is_any_or(self.id.as_deref(), id, symbols)
    }
}

fn is_any_or(wanted: Option<&str>, name: Symbol, symbols: &Symbols) -> bool {
    wanted.is_none_or(|text| text == symbols.text(name))
}

/// What answers of a kind must be like; `None` allows any.
#[derive(Clone, Debug, Default)]
pub struct SurveyRules {
    pub scale: Option<(i64, i64)>,
    pub wording: Option<String>,
}

/// One version of the rules, in force from `valid_from_ms`. `limits` lists by indicator who has
/// which limit, the most specific first.
pub struct Version<L> {
    pub name: String,
    pub valid_from_ms: i64,
    pub exclude_waiting: bool,
    pub at_risk_share: f64,
    pub calendar: Option<Calendar<L>>,
    pub surveys: [SurveyRules; SURVEY_KINDS],
    pub currency: Option<String>,
    pub allocated_cost: i64,
    pub limits: FxHashMap<u8, Vec<HolderLimit>>,
}

impl<L> Version<L> {
    /// The limit within which a case of this holder counts as good.
    fn limit_ms(&self, indicator: u8, holder: Holder, symbols: &Symbols) -> Option<i64> {
        let limits = self.limits.get(&indicator)?;
        limits
            .iter()
            .find(|limit| limit.matches(holder, symbols))
            .map(|limit| limit.within_ms)
    }

    pub fn survey(&self, kind: i64) -> Option<&SurveyRules> {
        self.surveys.get(usize::try_from(kind).ok()?)
    }
}

/// The indicators whose limits are promised, around the clock and in working time.
pub type Promised = [(u8, u8); 2];

/// All versions, of which there is at least one; they ascend by their beginning.
pub struct Rules<L> {
    versions: Vec<Version<L>>,
    promised: Promised,
    limits: FxHashMap<(usize, u8, Holder), Option<i64>>,
    allowed: FxHashMap<(usize, usize, Holder), Allowed>,
}

impl<L: Layout> Rules<L> {
    pub fn new(versions: Vec<Version<L>>, promised: Promised) -> Self {
        assert!(
            !versions.is_empty(),
            "there is at least one version of the rules"
        );
        Self {
            versions,
            promised,
            limits: FxHashMap::default(),
            allowed: FxHashMap::default(),
        }
    }

    pub fn versions(&self) -> &[Version<L>] {
        &self.versions
    }

    /// The place of the version in force at an instant; the first one also before its time.
    pub fn place(&self, time_ms: i64) -> usize {
        self.versions[1..].partition_point(|version| version.valid_from_ms <= time_ms)
    }

    pub fn at(&self, time_ms: i64) -> &Version<L> {
        &self.versions[self.place(time_ms)]
    }

    /// Holders are numbers of symbols: forget them when the symbols are begun anew.
    pub fn forget_holders(&mut self) {
        self.limits.clear();
        self.allowed.clear();
    }

    pub fn limit_ms(
        &mut self,
        indicator: u8,
        time_ms: i64,
        holder: Holder,
        symbols: &Symbols,
    ) -> Option<i64> {
        let place = self.place(time_ms);
        let key = (place, indicator, holder);
        if let Some(&known) = self.limits.get(&key) {
            return known;
        }
        if self.limits.len() > MOST_REMEMBERED {
            self.limits.clear();
        }
        let limit = self.versions[place].limit_ms(indicator, holder, symbols);
        self.limits.insert(key, limit);
        limit
    }

    /// Whether the rules in force at an opening make this promise to anybody.
    pub fn promises(&self, kind: usize, opened_ms: i64) -> bool {
        let (elapsed, worked) = self.promised[kind];
        let limits = &self.at(opened_ms).limits;
        limits.contains_key(&elapsed) || limits.contains_key(&worked)
    }

    /// What is promised while this holder has the ticket.
    pub fn allowed(
        &mut self,
        kind: usize,
        opened_ms: i64,
        holder: Holder,
        symbols: &Symbols,
    ) -> Allowed {
        let place = self.place(opened_ms);
        let key = (place, kind, holder);
        if let Some(&known) = self.allowed.get(&key) {
            return known;
        }
        if self.allowed.len() > MOST_REMEMBERED {
            self.allowed.clear();
        }
        let allowed = self.find_allowed(place, kind, holder, symbols);
        self.allowed.insert(key, allowed);
        allowed
    }

    fn find_allowed(
        &self,
        place: usize,
        kind: usize,
        holder: Holder,
        symbols: &Symbols,
    ) -> Allowed {
        let version = &self.versions[place];
        let (elapsed, worked) = self.promised[kind];
        let worked = version.limit_ms(worked, holder, symbols);
        let limits = Limits {
            elapsed: version.limit_ms(elapsed, holder, symbols),
            worked: worked.filter(|_| version.calendar.is_some()),
        };
        Allowed {
            limits,
            warned: limits.share(version.at_risk_share),
        }
    }

    /// Working time in the span, each part by the calendar that was in force then; without one, all
    /// of it.
    pub fn worked_ms(&mut self, mut start_ms: i64, end_ms: i64) -> i64 {
        let mut worked = 0;
        while start_ms < end_ms {
            let place = self.place(start_ms);
            let until = self
                .next_start(start_ms)
                .map_or(end_ms, |next| next.min(end_ms));
            worked += self.versions[place].worked_ms(start_ms, until);
            start_ms = until;
        }
        worked
    }

    /// The first instant at which so much working time has passed since `start_ms`; none when that
    /// is decades away.
    pub fn deadline(&mut self, mut start_ms: i64, mut duration_ms: i64) -> Option<i64> {
        while duration_ms > 0 {
            let place = self.place(start_ms);
            let end = self.versions[place].deadline(start_ms, duration_ms);
            let Some(until) = self.next_start(start_ms) else {
                return end;
            };
            if end.is_some_and(|end| end <= until) {
                return end;
            }
            if until.saturating_sub(start_ms) > MOST_AHEAD_MS {
                return None;
            }
            duration_ms -= self.versions[place].worked_ms(start_ms, until);
            start_ms = until;
        }
        Some(start_ms)
    }

    /// When the version after the one in force takes over; the first one begins to be in force
    /// where its text says, too.
    fn next_start(&self, time_ms: i64) -> Option<i64> {
        let place = self
            .versions
            .partition_point(|v| v.valid_from_ms <= time_ms);
        self.versions
            .get(place)
            .map(|version| version.valid_from_ms)
    }
}

impl<L: Layout> Version<L> {
    fn worked_ms(&mut self, start_ms: i64, end_ms: i64) -> i64 {
        match &mut self.calendar {
            Some(calendar) => calendar.elapsed(start_ms, end_ms),
            None => (end_ms - start_ms).max(0),
        }
    }

    fn deadline(&mut self, start_ms: i64, duration_ms: i64) -> Option<i64> {
        match &mut self.calendar {
            Some(calendar) => calendar.deadline(start_ms, duration_ms),
            None => start_ms.checked_add(duration_ms),
        }
    }
}
