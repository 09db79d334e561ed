//! Columns of integers on the wire: little-endian and signed, each as narrow as the greatest of its
//! entries needs. How wide an entry is, its reader sees by how many there are.

use thiserror::Error;

use crate::msgpack::Write;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{bytes} bytes are no column of {entries} integers")]
pub struct WidthError {
    bytes: usize,
    entries: usize,
}

/// The columns of a record, one behind the other.
pub struct Packed<const COLUMNS: usize> {
    bytes: Vec<u8>,
    ends: [usize; COLUMNS],
    filled: usize,
}

impl<const COLUMNS: usize> Packed<COLUMNS> {
    /// With room for so many bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(bytes),
            ends: [0; COLUMNS],
            filled: 0,
        }
    }

    /// The next column, of entries that have their width already.
    pub fn push_each<const WIDTH: usize>(
        &mut self,
        entries: impl ExactSizeIterator<Item = [u8; WIDTH]>,
    ) {
        append(entries, &mut self.bytes);
        self.end_column();
    }

    /// The next column, made as narrow as it can be.
    pub fn push_narrow(&mut self, values: impl ExactSizeIterator<Item = i64> + Clone) {
        append_narrow(values.clone(), Width::of(values), &mut self.bytes);
        self.end_column();
    }

    fn end_column(&mut self) {
        self.ends[self.filled] = self.bytes.len();
        self.filled += 1;
    }

    /// One of the columns.
    pub fn column(&self, place: usize) -> &[u8] {
        let first = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[first..self.ends[place]]
    }

    pub fn columns(&self) -> [&[u8]; COLUMNS] {
        std::array::from_fn(|place| self.column(place))
    }
}

/// A column by itself, of entries that have their width already, as binary data of `MessagePack`.
pub fn write_each<const WIDTH: usize>(
    entries: impl ExactSizeIterator<Item = [u8; WIDTH]>,
    buffer: &mut Vec<u8>,
) {
    buffer.bin_header(WIDTH * entries.len());
    append(entries, buffer);
}

/// The same, made as narrow as it can be.
pub fn write_narrow(values: impl ExactSizeIterator<Item = i64> + Clone, buffer: &mut Vec<u8>) {
    write_column(values.clone(), Width::of(values), buffer);
}

/// The same with a width that holds all of the values.
pub fn write_column(
    values: impl ExactSizeIterator<Item = i64>,
    width: Width,
    buffer: &mut Vec<u8>,
) {
    buffer.bin_header(width.bytes() * values.len());
    append_narrow(values, width, buffer);
}

fn append_narrow(values: impl ExactSizeIterator<Item = i64>, width: Width, buffer: &mut Vec<u8>) {
    match width.bytes() {
        1 => append(values.map(low::<1>), buffer),
        2 => append(values.map(low::<2>), buffer),
        4 => append(values.map(low::<4>), buffer),
        _ => append(values.map(i64::to_le_bytes), buffer),
    }
}

fn low<const WIDTH: usize>(value: i64) -> [u8; WIDTH] {
    std::array::from_fn(|place| value.to_le_bytes()[place])
}

fn append<const WIDTH: usize>(
    entries: impl ExactSizeIterator<Item = [u8; WIDTH]>,
    buffer: &mut Vec<u8>,
) {
    let first = buffer.len();
    buffer.resize(first + WIDTH * entries.len(), 0);
    let places = buffer[first..].chunks_exact_mut(WIDTH);
    for (place, entry) in places.zip(entries) {
        place.copy_from_slice(&entry);
    }
}

/// How wide the entries of a column have to be.
#[derive(Clone, Copy, Debug, Default)]
pub struct Width {
    bits: i64,
}

impl Width {
    fn of(values: impl Iterator<Item = i64>) -> Self {
        let mut width = Self::default();
        values.for_each(|value| width.hold(value));
        width
    }

    /// Be wide enough for a value too, its sign included. Where its bits begin to differ from its
    /// sign, it differs from itself shifted by one.
    pub fn hold(&mut self, value: i64) {
        self.bits |= value ^ value << 1;
    }

    fn bytes(self) -> usize {
        match self.bits {
            0..=0xff => 1,
            0x100..=0xffff => 2,
            0x1_0000..=0xffff_ffff => 4,
            _ => 8,
        }
    }
}

/// A column as it came.
#[derive(Clone, Copy)]
pub struct Integers<'a> {
    bytes: &'a [u8],
    width: usize,
}

impl<'a> Integers<'a> {
    /// # Errors
    /// When the bytes are not as many as such a column of so many entries can have.
    pub fn new(bytes: &'a [u8], entries: usize) -> Result<Self, WidthError> {
        let width = [1, 2, 4, 8]
            .into_iter()
            .find(|width| entries.checked_mul(*width) == Some(bytes.len()));
        match width {
            Some(width) => Ok(Self { bytes, width }),
            None => Err(WidthError {
                bytes: bytes.len(),
                entries,
            }),
        }
    }

    pub fn entries(self) -> usize {
        self.bytes.len() / self.width
    }

    pub fn get(self, row: usize) -> i64 {
        number(&self.bytes[self.width * row..self.width * (row + 1)])
    }

    pub fn iter(self) -> impl ExactSizeIterator<Item = i64> + 'a {
        self.bytes.chunks_exact(self.width).map(number)
    }
}

fn number(entry: &[u8]) -> i64 {
    match *entry {
        [a] => i8::from_le_bytes([a]).into(),
        [a, b] => i16::from_le_bytes([a, b]).into(),
        [a, b, c, d] => i32::from_le_bytes([a, b, c, d]).into(),
        _ => i64::from_le_bytes(entry.try_into().expect("one of four widths")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(values: &[i64]) -> Vec<u8> {
        let mut packed = Packed::<1>::with_capacity(0);
        packed.push_narrow(values.iter().copied());
        packed.column(0).to_vec()
    }

    #[test]
    fn every_width_holds_its_extremes_and_no_more() {
        for (bits, width) in [(7, 1), (15, 2), (31, 4), (63, 8)] {
            let least = i64::MIN >> (63 - bits);
            let greatest = i64::MAX >> (63 - bits);
            for values in [[least, 0], [0, greatest], [least, greatest]] {
                let column = packed(&values);
                assert_eq!(column.len(), 2 * width);
                let read = Integers::new(&column, 2).unwrap();
                assert_eq!(read.iter().collect::<Vec<_>>(), values);
                assert_eq!([read.get(0), read.get(1)], values);
            }
            if width < 8 {
                assert_eq!(packed(&[least - 1]).len(), 2 * width);
                assert_eq!(packed(&[greatest + 1]).len(), 2 * width);
            }
        }
    }

    #[test]
    fn a_column_by_itself_says_how_long_it_is() {
        let mut buffer = Vec::new();
        write_narrow([1, -300].into_iter(), &mut buffer);
        write_each([[7], [8]].into_iter(), &mut buffer);
        write_narrow([].into_iter(), &mut buffer);
        assert_eq!(buffer, [0xc4, 4, 1, 0, 0xd4, 0xfe, 0xc4, 2, 7, 8, 0xc4, 0]);
    }

    #[test]
    fn columns_lie_one_behind_the_other() {
        let mut packed = Packed::<3>::with_capacity(8);
        packed.push_each([*b"a", *b"b"].into_iter());
        packed.push_narrow([].into_iter());
        packed.push_narrow([1, -300].into_iter());
        let columns: [&[u8]; 3] = [b"ab", b"", &[1, 0, 0xd4, 0xfe]];
        assert_eq!(packed.columns(), columns);
    }

    #[test]
    fn bytes_of_no_width_are_refused() {
        for (bytes, entries) in [
            (0, 1),
            (3, 1),
            (6, 2),
            (16, 1),
            (1, 0),
            (5, 2),
            (8, usize::MAX),
        ] {
            assert!(Integers::new(&vec![0; bytes], entries).is_err());
        }
        assert_eq!(Integers::new(&[], 0).unwrap().entries(), 0);
    }
}
