//! Sets of indicators, by their wire form, as bits.

/// There are fewer indicators than this.
pub const MOST_INDICATORS: u8 = 64;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IndicatorSet(u64);

impl IndicatorSet {
    pub const ALL: Self = Self(u64::MAX);

    /// Of a single one, less than `MOST_INDICATORS`.
    pub fn of(indicator: u8) -> Self {
        Self(1 << indicator)
    }

    /// Those that are marked, the first of which is 0.
    pub fn marked(marks: &[bool]) -> Self {
        (0..).zip(marks).fold(Self::default(), |set, (at, marked)| {
            Self(set.0 | u64::from(*marked) << at)
        })
    }

    pub fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub fn has(self, indicator: u8) -> bool {
        self.0 >> indicator & 1 == 1
    }

    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    #[must_use]
    pub fn within(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Those that are not less than one.
    #[must_use]
    pub fn from(self, indicator: u8) -> Self {
        Self(self.0 & u64::MAX << indicator)
    }

    /// So many of the least.
    #[must_use]
    pub fn least(self, count: usize) -> Self {
        let mut rest = self.0;
        for _ in 0..count.min(self.len()) {
            rest &= rest - 1;
        }
        Self(self.0 ^ rest)
    }

    /// How many are less than one, which is its place among them.
    pub fn rank(self, indicator: u8) -> usize {
        (self.0 & ((1 << indicator) - 1)).count_ones() as usize
    }

    /// Ascending, each with its place among those of a set that has them all: counted, for that is
    /// quicker than a `rank` for each.
    pub fn placed_in(self, all: Self) -> impl Iterator<Item = (u8, usize)> {
        let (mut rest, mut place) = (all.0, 0);
        self.iter().map(move |indicator| {
            while rest.trailing_zeros() < u32::from(indicator) {
                rest &= rest - 1;
                place += 1;
            }
            (indicator, place)
        })
    }

    /// As bits, the least first.
    pub fn bits(self) -> u64 {
        self.0
    }

    /// The inverse of `bits`.
    pub fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// Ascending.
    pub fn iter(self) -> impl Iterator<Item = u8> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            (rest != 0).then(|| {
                let least = rest.trailing_zeros().to_le_bytes()[0];
                rest &= rest - 1;
                least
            })
        })
    }

    /// The same from the greatest on.
    pub fn descending(self) -> impl Iterator<Item = u8> {
        let mut rest = self;
        std::iter::from_fn(move || {
            let greatest = rest.greatest()?;
            rest.0 ^= 1 << greatest;
            Some(greatest)
        })
    }

    /// The greatest.
    pub fn greatest(self) -> Option<u8> {
        (self.0 != 0).then(|| self.0.ilog2().to_le_bytes()[0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(indicators: &[u8]) -> IndicatorSet {
        let each = indicators
            .iter()
            .map(|indicator| IndicatorSet::of(*indicator));
        each.fold(IndicatorSet::default(), IndicatorSet::with)
    }

    #[test]
    fn a_set_is_what_a_list_would_be() {
        for listed in [&[][..], &[0], &[63], &[0, 63], &[1, 2, 3, 40, 62]] {
            let set = set(listed);
            assert_eq!(set.iter().collect::<Vec<_>>(), listed);
            assert!(set.descending().eq(listed.iter().rev().copied()));
            assert!(set.placed_in(set).eq(listed.iter().copied().zip(0..)));
            let all = set.with(IndicatorSet::from_bits(0b1010));
            let ranked = listed
                .iter()
                .map(|indicator| (*indicator, all.rank(*indicator)));
            assert!(set.placed_in(all).eq(ranked));
            assert_eq!(set.len(), listed.len());
            assert_eq!(set.is_empty(), listed.is_empty());
            assert_eq!(set.greatest(), listed.last().copied());
            assert_eq!(IndicatorSet::from_bits(set.bits()), set);
            for indicator in 0..MOST_INDICATORS {
                let below = listed.iter().filter(|other| **other < indicator).count();
                assert_eq!(set.rank(indicator), below);
                assert_eq!(set.has(indicator), listed.contains(&indicator));
                assert_eq!(
                    set.from(indicator).iter().collect::<Vec<_>>(),
                    listed[below..]
                );
            }
            for count in 0..=listed.len() {
                assert_eq!(set.least(count).iter().collect::<Vec<_>>(), listed[..count]);
            }
            assert_eq!(set.least(99), set);
        }
    }

    #[test]
    fn sets_are_joined_and_cut() {
        assert_eq!(set(&[1, 2]).with(set(&[2, 63])), set(&[1, 2, 63]));
        assert_eq!(set(&[1, 2]).within(set(&[2, 63])), set(&[2]));
        assert_eq!(IndicatorSet::marked(&[false, true, true]), set(&[1, 2]));
    }
}
