//! Texts that spell what is not ASCII as `\uXXXX`, like Python's `json.dumps` does by itself.

use memchr::memchr;

/// The same text with these escapes written out in UTF-8, in `scratch`.
///
/// `None` for any other escape. One that stands for an ASCII character is among those: written
/// out it could be taken for the text's own syntax.
pub fn written_out<'s>(value: &[u8], scratch: &'s mut Vec<u8>) -> Option<&'s [u8]> {
    scratch.clear();
    let mut rest = value;
    while let Some(place) = memchr(b'\\', rest) {
        scratch.extend_from_slice(&rest[..place]);
        let (character, size) = character(&rest[place..])?;
        scratch.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        rest = &rest[place + size..];
    }
    scratch.extend_from_slice(rest);
    Some(scratch)
}

/// The character that an escape stands for, and how many bytes spell it.
fn character(escape: &[u8]) -> Option<(char, usize)> {
    let first = unit(escape)?;
    if let Some(character) = char::from_u32(first) {
        return (!character.is_ascii()).then_some((character, 6));
    }
    let second = unit(&escape[6..])?;
    let paired = first < 0xdc00 && (0xdc00..0xe000).contains(&second);
    let code = 0x1_0000 + ((first & 0x3ff) << 10) + (second & 0x3ff);
    Some((char::from_u32(code).filter(|_| paired)?, 12))
}

fn unit(escape: &[u8]) -> Option<u32> {
    let digits = escape.strip_prefix(br"\u")?.get(..4)?;
    digits.iter().try_fold(0, |sum, &digit| {
        Some(sum * 16 + char::from(digit).to_digit(16)?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        let mut scratch = Vec::new();
        written_out(text.as_bytes(), &mut scratch)
            .map(|bytes| String::from_utf8(bytes.to_vec()).expect("the characters are whole"))
    }

    #[test]
    fn escapes_of_other_characters_than_ascii_are_written_out() {
        assert_eq!(read(r"a\u9000\u6b3Eb").as_deref(), Some("a退款b"));
        assert_eq!(read(r"\ud83d\ude42").as_deref(), Some("🙂"));
        assert_eq!(read("plain").as_deref(), Some("plain"));
    }

    #[test]
    fn any_other_escape_is_left_to_others() {
        let texts = [
            r"\n", r"\\u9000", r"\u0041", r"\u007f", r"\u12", r"\u12g4", r"\u+123", r"\",
        ];
        let surrogates = [r"\ud83d", r"\ude42\ud83d", r"\ud83d\u9000", r"\ud83dxxxxxx"];
        for text in texts.into_iter().chain(surrogates) {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
