//! Which indicators keep how many cases there are of each value, and in which buckets.
//!
//! Durations and amounts keep the log-bucket sketch of `services.scoring.core.sketch`, by the table
//! of upper ends made there. Ratings have 1001 possible values, 0 to 1000 per mille, so their
//! buckets are the values themselves and their spread is exact.

use thiserror::Error;

use crate::indicator_set::{IndicatorSet, MOST_INDICATORS};

const BITS: u32 = 12;
const MOST: u16 = (1 << BITS) - 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BucketError {
    #[error("the sketch's table has {0} buckets; there is room for {room}", room = MOST)]
    Table(usize),
    #[error("the kinds of indicators are given for {0}, {1} and {2} of them")]
    Kinds(usize, usize, usize),
    #[error("there is room for {MOST_INDICATORS} indicators, and not for {0}")]
    Indicators(usize),
    #[error("there is no indicator {0}")]
    Indicator(u8),
    #[error("{0} is no value of a rating, per mille of its scale")]
    Rating(i64),
    #[error("there is no bucket {0}")]
    Number(i16),
}

/// The bucket of a sketch, counted from that of 0 ms, which is -1 on the wire: 12 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bucket(u16);

impl Bucket {
    pub const BITS: u32 = BITS;
    const ZERO: Self = Self(0);

    /// All there are, ascending.
    pub fn every() -> impl Iterator<Item = Self> {
        (0..=MOST).map(Self)
    }

    /// From its number on the wire.
    ///
    /// # Errors
    /// When it is less than -1 or too large for a bucket.
    pub fn from_wire(number: i16) -> Result<Self, BucketError> {
        let place = u16::try_from(i32::from(number) + 1).unwrap_or(u16::MAX);
        if place > MOST {
            Err(BucketError::Number(number))
        } else {
            Ok(Self(place))
        }
    }

    pub fn wire(self) -> i16 {
        i16::try_from(self.0).expect("12 bits fit") - 1
    }

    pub(crate) fn place(self) -> u64 {
        u64::from(self.0)
    }

    /// The inverse of `place`.
    pub(crate) fn at(place: u64) -> Self {
        Self(u16::try_from(place).expect("12 bits fit"))
    }
}

/// What the panes have to know of the indicators, by their wire form.
pub struct IndicatorKinds {
    pub is_gauge: Vec<bool>,
    pub is_logarithmic: Vec<bool>,
    pub is_exact: Vec<bool>,
    /// The greatest value of every bucket of the sketch from 0 on, ascending.
    pub upper_ends: Vec<i64>,
}

/// The fields of `IndicatorKinds`, in their order.
pub type KindParts = (Vec<bool>, Vec<bool>, Vec<bool>, Vec<i64>);

impl From<KindParts> for IndicatorKinds {
    fn from((is_gauge, is_logarithmic, is_exact, upper_ends): KindParts) -> Self {
        Self {
            is_gauge,
            is_logarithmic,
            is_exact,
            upper_ends,
        }
    }
}

impl IndicatorKinds {
    /// The same, when the parts agree.
    ///
    /// # Errors
    /// When they are of different sizes or too many, or the table has more ends than there are
    /// buckets.
    pub fn checked(self) -> Result<Self, BucketError> {
        if self.upper_ends.len() >= usize::from(MOST) {
            return Err(BucketError::Table(self.upper_ends.len()));
        }
        let sizes = [
            self.is_gauge.len(),
            self.is_logarithmic.len(),
            self.is_exact.len(),
        ];
        if sizes.iter().any(|size| *size != sizes[0]) {
            return Err(BucketError::Kinds(sizes[0], sizes[1], sizes[2]));
        }
        if sizes[0] > usize::from(MOST_INDICATORS) {
            return Err(BucketError::Indicators(sizes[0]));
        }
        Ok(self)
    }

    /// The gauges among the indicators, which must have been checked.
    pub fn gauges(&self) -> IndicatorSet {
        IndicatorSet::marked(&self.is_gauge)
    }

    /// The bucket of a measurement; none where its indicator keeps none.
    ///
    /// # Errors
    /// When there is no such indicator, or the value can be no rating.
    pub fn bucket_of(&self, indicator: u8, value: i64) -> Result<Option<Bucket>, BucketError> {
        let place = usize::from(indicator);
        match self.is_logarithmic.get(place) {
            None => Err(BucketError::Indicator(indicator)),
            Some(true) => Ok(Some(self.logarithmic(value))),
            Some(false) if self.is_exact[place] => rating(value).map(Some),
            Some(false) => Ok(None),
        }
    }

    fn logarithmic(&self, value: i64) -> Bucket {
        if value <= 0 {
            return Bucket::ZERO;
        }
        let below = self.upper_ends.partition_point(|end| *end < value);
        Bucket(u16::try_from(below + 1).expect("the table was checked"))
    }
}

fn rating(value: i64) -> Result<Bucket, BucketError> {
    let number = i16::try_from(value).map_err(|_| BucketError::Rating(value))?;
    if number < 0 {
        Err(BucketError::Rating(value))
    } else {
        Bucket::from_wire(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds() -> IndicatorKinds {
        IndicatorKinds {
            is_gauge: vec![false; 3],
            is_logarithmic: vec![true, false, false],
            is_exact: vec![false, true, false],
            upper_ends: vec![1, 1, 2, 5],
        }
    }

    fn bucket(indicator: u8, value: i64) -> Option<i16> {
        kinds()
            .bucket_of(indicator, value)
            .unwrap()
            .map(Bucket::wire)
    }

    #[test]
    fn a_duration_lies_in_the_first_bucket_that_reaches_it() {
        let found: Vec<_> = [0, 1, 2, 3, 5, 6]
            .map(|value| bucket(0, value).unwrap())
            .into();
        assert_eq!(found, [-1, 0, 2, 3, 3, 4]);
    }

    #[test]
    fn a_rating_is_its_own_bucket() {
        assert_eq!(bucket(1, 1000), Some(1000));
        assert_eq!(bucket(2, 7), None);
        assert_eq!(kinds().bucket_of(1, -1), Err(BucketError::Rating(-1)));
        assert_eq!(kinds().bucket_of(1, 4095), Err(BucketError::Number(4095)));
    }

    #[test]
    fn what_does_not_exist_is_refused() {
        assert_eq!(kinds().bucket_of(3, 1), Err(BucketError::Indicator(3)));
        assert_eq!(Bucket::from_wire(-2), Err(BucketError::Number(-2)));
        assert_eq!(Bucket::from_wire(4094).unwrap().wire(), 4094);
        let large = IndicatorKinds {
            upper_ends: vec![0; 4095],
            ..kinds()
        };
        assert_eq!(large.checked().err(), Some(BucketError::Table(4095)));
        let many = |count| IndicatorKinds {
            is_gauge: vec![false; count],
            is_logarithmic: vec![false; count],
            is_exact: vec![false; count],
            upper_ends: vec![],
        };
        assert!(many(64).checked().is_ok());
        assert_eq!(many(65).checked().err(), Some(BucketError::Indicators(65)));
    }
}
