//! `MessagePack`, as much of it as tickets and the changelog need: every number in its shortest form.

use thiserror::Error;

#[derive(Debug, Error, PartialEq, Eq)]
pub enum Damaged {
    #[error("the bytes end too early")]
    Ends,
    #[error("at byte {0} lies something else than expected")]
    Unexpected(usize),
    #[error("a text is no UTF-8")]
    Text,
    #[error("a number is out of its range")]
    Range,
}

pub type Read<T> = Result<T, Damaged>;

/// Appends to a buffer.
pub trait Write {
    fn nil(&mut self);
    fn bool(&mut self, value: bool);
    fn int(&mut self, value: i64);
    fn uint(&mut self, value: u64);
    fn text(&mut self, value: &str);
    fn bin(&mut self, value: &[u8]);
    fn bin_header(&mut self, length: usize);
    fn array(&mut self, length: usize);
    fn map(&mut self, length: usize);
}

impl Write for Vec<u8> {
    fn nil(&mut self) {
        self.push(0xc0);
    }

    fn bool(&mut self, value: bool) {
        self.push(if value { 0xc3 } else { 0xc2 });
    }

    fn int(&mut self, value: i64) {
        if let Ok(value) = u64::try_from(value) {
            self.uint(value);
        } else if value >= -32 {
            self.push(value.to_le_bytes()[0]);
        } else if let Ok(value) = i8::try_from(value) {
            self.push(0xd0);
            self.extend(value.to_be_bytes());
        } else if let Ok(value) = i16::try_from(value) {
            self.push(0xd1);
            self.extend(value.to_be_bytes());
        } else if let Ok(value) = i32::try_from(value) {
            self.push(0xd2);
            self.extend(value.to_be_bytes());
        } else {
            self.push(0xd3);
            self.extend(value.to_be_bytes());
        }
    }

    fn uint(&mut self, value: u64) {
        if let Ok(byte) = u8::try_from(value) {
            if byte >= 0x80 {
                self.push(0xcc);
            }
            self.push(byte);
        } else if let Ok(value) = u16::try_from(value) {
            self.push(0xcd);
            self.extend(value.to_be_bytes());
        } else if let Ok(value) = u32::try_from(value) {
            self.push(0xce);
            self.extend(value.to_be_bytes());
        } else {
            self.push(0xcf);
            self.extend(value.to_be_bytes());
        }
    }

    fn text(&mut self, value: &str) {
        match value.len() {
            length @ 0..=31 => self.push(0xa0 | low_byte(length)),
            length @ 32..=0xff => self.extend([0xd9, low_byte(length)]),
            length => sized(self, [0xda, 0xdb], length),
        }
        self.extend_from_slice(value.as_bytes());
    }

    fn bin(&mut self, value: &[u8]) {
        self.bin_header(value.len());
        self.extend_from_slice(value);
    }

    fn bin_header(&mut self, length: usize) {
        if length <= 0xff {
            self.extend([0xc4, low_byte(length)]);
        } else {
            sized(self, [0xc5, 0xc6], length);
        }
    }

    fn array(&mut self, length: usize) {
        if length <= 15 {
            self.push(0x90 | low_byte(length));
        } else {
            sized(self, [0xdc, 0xdd], length);
        }
    }

    fn map(&mut self, length: usize) {
        if length <= 15 {
            self.push(0x80 | low_byte(length));
        } else {
            sized(self, [0xde, 0xdf], length);
        }
    }
}

fn low_byte(length: usize) -> u8 {
    length.to_le_bytes()[0]
}

/// A length in two bytes or in four, each with its marker.
fn sized(buffer: &mut Vec<u8>, markers: [u8; 2], length: usize) {
    if let Ok(length) = u16::try_from(length) {
        buffer.push(markers[0]);
        buffer.extend(length.to_be_bytes());
    } else {
        let length = u32::try_from(length).expect("records are smaller than 4 GiB");
        buffer.push(markers[1]);
        buffer.extend(length.to_be_bytes());
    }
}

/// Reads from a slice, from the front.
#[derive(Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    place: usize,
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, place: 0 }
    }

    pub fn at_end(&self) -> bool {
        self.place == self.bytes.len()
    }

    fn take(&mut self, length: usize) -> Read<&'a [u8]> {
        let end = self.place.checked_add(length).ok_or(Damaged::Ends)?;
        let taken = self.bytes.get(self.place..end).ok_or(Damaged::Ends)?;
        self.place = end;
        Ok(taken)
    }

    fn byte(&mut self) -> Read<u8> {
        let byte = *self.bytes.get(self.place).ok_or(Damaged::Ends)?;
        self.place += 1;
        Ok(byte)
    }

    fn big_endian<const N: usize>(&mut self) -> Read<[u8; N]> {
        Ok(self
            .take(N)?
            .try_into()
            .expect("as many bytes as were taken"))
    }

    fn unexpected<T>(&self) -> Read<T> {
        Err(Damaged::Unexpected(self.place - 1))
    }

    pub fn nil(&mut self) -> Read<bool> {
        let is_nil = *self.bytes.get(self.place).ok_or(Damaged::Ends)? == 0xc0;
        self.place += usize::from(is_nil);
        Ok(is_nil)
    }

    pub fn bool(&mut self) -> Read<bool> {
        match self.byte()? {
            0xc2 => Ok(false),
            0xc3 => Ok(true),
            _ => self.unexpected(),
        }
    }

    pub fn int(&mut self) -> Read<i64> {
        match self.byte()? {
            byte @ (0..=0x7f | 0xe0..=0xff) => Ok(i64::from(i8::from_ne_bytes([byte]))),
            0xcc => Ok(i64::from(self.byte()?)),
            0xcd => Ok(i64::from(u16::from_be_bytes(self.big_endian()?))),
            0xce => Ok(i64::from(u32::from_be_bytes(self.big_endian()?))),
            0xcf => {
                i64::try_from(u64::from_be_bytes(self.big_endian()?)).map_err(|_| Damaged::Range)
            }
            0xd0 => Ok(i64::from(i8::from_be_bytes(self.big_endian()?))),
            0xd1 => Ok(i64::from(i16::from_be_bytes(self.big_endian()?))),
            0xd2 => Ok(i64::from(i32::from_be_bytes(self.big_endian()?))),
            0xd3 => Ok(i64::from_be_bytes(self.big_endian()?)),
            _ => self.unexpected(),
        }
    }

    pub fn uint(&mut self) -> Read<u64> {
        if self.bytes.get(self.place) == Some(&0xcf) {
            self.place += 1;
            return Ok(u64::from_be_bytes(self.big_endian()?));
        }
        u64::try_from(self.int()?).map_err(|_| Damaged::Range)
    }

    /// A number that is small in all that was ever written.
    pub fn small<T: TryFrom<i64>>(&mut self) -> Read<T> {
        T::try_from(self.int()?).map_err(|_| Damaged::Range)
    }

    pub fn text(&mut self) -> Read<&'a str> {
        let length = match self.byte()? {
            byte @ 0xa0..=0xbf => usize::from(byte & 0x1f),
            0xd9 => usize::from(self.byte()?),
            0xda => usize::from(u16::from_be_bytes(self.big_endian()?)),
            0xdb => self.long()?,
            _ => return self.unexpected(),
        };
        std::str::from_utf8(self.take(length)?).map_err(|_| Damaged::Text)
    }

    pub fn bin(&mut self) -> Read<&'a [u8]> {
        let length = match self.byte()? {
            0xc4 => usize::from(self.byte()?),
            0xc5 => usize::from(u16::from_be_bytes(self.big_endian()?)),
            0xc6 => self.long()?,
            _ => return self.unexpected(),
        };
        self.take(length)
    }

    pub fn array(&mut self) -> Read<usize> {
        match self.byte()? {
            byte @ 0x90..=0x9f => Ok(usize::from(byte & 0xf)),
            0xdc => Ok(usize::from(u16::from_be_bytes(self.big_endian()?))),
            0xdd => self.long(),
            _ => self.unexpected(),
        }
    }

    pub fn map(&mut self) -> Read<usize> {
        match self.byte()? {
            byte @ 0x80..=0x8f => Ok(usize::from(byte & 0xf)),
            0xde => Ok(usize::from(u16::from_be_bytes(self.big_endian()?))),
            0xdf => self.long(),
            _ => self.unexpected(),
        }
    }

    fn long(&mut self) -> Read<usize> {
        Ok(u32::from_be_bytes(self.big_endian()?) as usize)
    }

    /// Exactly so many entries.
    pub fn array_of(&mut self, length: usize) -> Read<()> {
        if self.array()? == length {
            Ok(())
        } else {
            self.unexpected()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() {
        let edges = [0, 1, 127, 128, 255, 256, 65_535, 65_536, 1 << 32, i64::MAX];
        for value in edges.into_iter().flat_map(|edge| [edge, -edge, -edge - 1]) {
            let mut buffer = Vec::new();
            buffer.int(value);
            let mut reader = Reader::new(&buffer);
            assert_eq!(reader.int(), Ok(value));
            assert!(reader.at_end());
        }
    }

    #[test]
    fn lengths_come_back() {
        for length in [0, 15, 16, 31, 32, 255, 256, 70_000] {
            let mut buffer = Vec::new();
            buffer.text(&"x".repeat(length));
            buffer.bin(&vec![7; length]);
            buffer.array(length);
            buffer.map(length);
            let mut reader = Reader::new(&buffer);
            assert_eq!(reader.text().map(str::len), Ok(length));
            assert_eq!(reader.bin().map(<[u8]>::len), Ok(length));
            assert_eq!(reader.array(), Ok(length));
            assert_eq!(reader.map(), Ok(length));
        }
    }

    #[test]
    fn what_ends_early_is_damaged() {
        let mut buffer = Vec::new();
        buffer.uint(u64::MAX);
        assert_eq!(Reader::new(&buffer[..5]).uint(), Err(Damaged::Ends));
        assert_eq!(Reader::new(&buffer).int(), Err(Damaged::Range));
        assert_eq!(Reader::new(&buffer).text(), Err(Damaged::Unexpected(0)));
    }
}
