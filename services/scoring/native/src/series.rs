//! The series of windows: a scope and an indicator each, by dense numbers.

use crate::indicator_set::MOST_INDICATORS;

pub type Series = usize;
pub type ScopeNumber = u32;

/// Numbers are given out when they are first asked for, and stay.
#[derive(Default)]
pub struct SeriesNumbers {
    /// By scope and indicator, from 1; 0 where there is none.
    numbers: Vec<u32>,
    scopes: Vec<ScopeNumber>,
}

impl SeriesNumbers {
    /// The number of a pair; indicators are less than `MOST_INDICATORS`.
    pub fn of(&mut self, scope: ScopeNumber, indicator: u8) -> Series {
        let row = row(scope);
        if self.numbers.len() < row.end {
            self.numbers.resize(row.end, 0);
        }
        let number = &mut self.numbers[row.start + usize::from(indicator)];
        if *number == 0 {
            self.scopes.push(scope);
            *number = u32::try_from(self.scopes.len()).expect("fewer than 2^32 series");
        }
        *number as usize - 1
    }

    pub fn find(&self, scope: ScopeNumber, indicator: u8) -> Option<Series> {
        let number = self.numbers.get(row(scope))?[usize::from(indicator)];
        (number as usize).checked_sub(1)
    }

    /// Those of a scope with their indicators, ascending.
    pub fn of_scope(&self, scope: ScopeNumber) -> impl Iterator<Item = (u8, Series)> {
        let numbers = self.numbers.get(row(scope)).unwrap_or_default();
        (0..).zip(numbers).filter_map(|(indicator, number)| {
            let series = (*number as usize).checked_sub(1)?;
            Some((indicator, series))
        })
    }

    /// The scope of a series.
    pub fn scope(&self, series: Series) -> ScopeNumber {
        self.scopes[series]
    }
}

fn row(scope: ScopeNumber) -> std::ops::Range<usize> {
    let first = scope as usize * usize::from(MOST_INDICATORS);
    first..first + usize::from(MOST_INDICATORS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_dense_and_stay() {
        let mut series = SeriesNumbers::default();
        let pairs = [(7, 63), (0, 0), (7, 1), (7, 63), (3, 5)];
        let given = pairs.map(|(scope, indicator)| series.of(scope, indicator));
        assert_eq!(given, [0, 1, 2, 0, 3]);
        assert_eq!(series.of_scope(7).collect::<Vec<_>>(), [(1, 2), (63, 0)]);
        assert_eq!(series.of_scope(9).count(), 0);
        assert_eq!((series.find(3, 5), series.find(3, 4)), (Some(3), None));
        assert_eq!(series.find(8, 0), None);
        assert_eq!(series.scope(3), 3);
    }
}
