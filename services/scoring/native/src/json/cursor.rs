//! The tokens of a plain JSON text. Whatever is unusual (an escape where it matters, a control
//! character in a string, a long number, an exponent) ends in `None`, whether JSON allows it or not.

use super::escapes;

const MOST_DIGITS: usize = 15;
const EACH_BYTE: u128 = u128::MAX / 0xff;
const HIGH_BITS: u128 = EACH_BYTE << 7;

/// A place in a text.
pub struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Reads an object; `member` reads the value of the member that it is given the name of.
    #[inline]
    pub fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, &'a str) -> Option<()>,
    ) -> Option<()> {
        self.take(b'{')?;
        if self.token()? == b'}' {
            return self.take(b'}');
        }
        loop {
            let name = self.string()?;
            self.take(b':')?;
            member(self, name)?;
            match self.token()? {
                b',' => self.at += 1,
                b'}' => return self.take(b'}'),
                _ => return None,
            }
        }
    }

    /// A string without escapes and without control characters (DEL is one).
    #[inline]
    pub fn string(&mut self) -> Option<&'a str> {
        self.take(b'"')?;
        let start = self.at;
        let end = end_of_run(self.text.as_bytes(), start);
        self.take_here(end, b'"')?;
        self.text.get(start..end)
    }

    /// A string as it is spelled: with its escapes, none of which is a NUL or a surrogate.
    pub fn spelled_string(&mut self) -> Option<&'a str> {
        self.take(b'"')?;
        let start = self.at;
        loop {
            self.at = end_of_run(self.text.as_bytes(), self.at);
            match self.byte()? {
                b'\\' => self.pass_escape()?,
                _ => break,
            }
        }
        let end = self.at;
        self.take_here(end, b'"')?;
        self.text.get(start..end)
    }

    /// An integer of few digits.
    #[inline]
    pub fn integer(&mut self) -> Option<i64> {
        let negative = self.token()? == b'-';
        self.at += usize::from(negative);
        let start = self.at;
        let digits = self.digits()?;
        if digits.len() > 1 && self.text.as_bytes()[start] == b'0' {
            return None;
        }
        let value = digits
            .iter()
            .fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
        Some(if negative { -value } else { value })
    }

    /// `true` or `false`.
    pub fn boolean(&mut self) -> Option<bool> {
        let value = self.token()? == b't';
        self.word(if value { "true" } else { "false" })?;
        Some(value)
    }

    /// Passes `null` if that is what comes next.
    #[inline]
    pub fn null(&mut self) -> bool {
        self.token() == Some(b'n') && self.word("null").is_some()
    }

    /// Passes over a value that is neither an object nor an array.
    pub fn pass_scalar(&mut self) -> Option<()> {
        match self.token()? {
            b'"' => self.spelled_string().map(drop),
            b't' | b'f' => self.boolean().map(drop),
            b'n' => self.word("null"),
            _ => self.pass_number(),
        }
    }

    /// Nothing but white space may follow.
    pub fn end(&mut self) -> Option<()> {
        self.token().is_none().then_some(())
    }

    fn pass_escape(&mut self) -> Option<()> {
        let escape = &self.text.as_bytes()[self.at..];
        self.at += match escape.get(1)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => 2,
            _ => {
                let character = char::from_u32(escapes::code(escape)?)?;
                (character != '\0').then_some(6)?
            }
        };
        Some(())
    }

    fn pass_number(&mut self) -> Option<()> {
        self.integer()?;
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        Some(())
    }

    fn digits(&mut self) -> Option<&'a [u8]> {
        let rest = &self.text.as_bytes()[self.at..];
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        (1..=MOST_DIGITS).contains(&count).then(|| &rest[..count])
    }

    fn word(&mut self, word: &str) -> Option<()> {
        let rest = &self.text.as_bytes()[self.at..];
        rest.starts_with(word.as_bytes())
            .then(|| self.at += word.len())
    }

    fn take(&mut self, wanted: u8) -> Option<()> {
        self.token()?;
        self.take_here(self.at, wanted)
    }

    fn take_here(&mut self, at: usize, wanted: u8) -> Option<()> {
        self.at = at + 1;
        (self.text.as_bytes().get(at) == Some(&wanted)).then_some(())
    }

    /// The first byte of the next token.
    #[inline]
    fn token(&mut self) -> Option<u8> {
        while let Some(byte) = self.byte() {
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(byte);
            }
            self.at += 1;
        }
        None
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
}

/// Where the first `"`, `\` or control character is, from `at` on; the length if there is none.
#[inline]
fn end_of_run(bytes: &[u8], mut at: usize) -> usize {
    while let Some(sixteen) = bytes.get(at..).and_then(<[u8]>::first_chunk::<16>) {
        let found = ends_in(u128::from_le_bytes(*sixteen));
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 16;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest
        .iter()
        .position(|&byte| ends_run(byte))
        .unwrap_or(rest.len())
}

fn ends_run(byte: u8) -> bool {
    byte == b'"' || byte == b'\\' || byte < 0x20 || byte == 0x7f
}

/// Sixteen times `ends_run`: the lowest bit that is set belongs to the first byte that ends the run
/// (those above may be wrong). See "Determine if a word has a byte less than n" in Anderson's *Bit
/// Twiddling Hacks*.
#[inline]
fn ends_in(word: u128) -> u128 {
    let under = |than: u8, bytes: u128| bytes.wrapping_sub(EACH_BYTE * u128::from(than));
    let equal = |byte: u8| under(1, word ^ (EACH_BYTE * u128::from(byte)));
    let found = equal(b'"') | equal(b'\\') | equal(0x7f) | under(0x20, word);
    found & !word & HIGH_BITS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_ends_at_the_same_byte_wherever_it_lies_in_a_word() {
        for byte in 0..=u8::MAX {
            for place in 0..24 {
                let mut bytes = [b'a'; 24];
                bytes[place] = byte;
                let wanted = if ends_run(byte) { place } else { 24 };
                assert_eq!(end_of_run(&bytes, 0), wanted, "{byte} at {place}");
            }
        }
    }

    #[test]
    fn a_string_that_does_not_matter_may_have_escapes() {
        let spelled = |text| Cursor::new(text).spelled_string();
        let text = r#""a\n\\\"\u9000退\/""#;
        assert_eq!(spelled(text), text.get(1..text.len() - 1));
        for text in [
            r#""\x""#,
            r#""\u0000""#,
            r#""\ud83d""#,
            r#""\u12""#,
            r#""\"#,
            r#""\""#,
        ] {
            assert_eq!(spelled(text), None, "{text}");
        }
    }

    #[test]
    fn integers_are_plain_and_short() {
        let read = |text| Cursor::new(text).integer();
        assert_eq!(read("0"), Some(0));
        assert_eq!(read("-1000"), Some(-1000));
        assert_eq!(read("999999999999999"), Some(999_999_999_999_999));
        for text in ["", "-", "05", "+5", "1000000000000000", "x", "--1"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
