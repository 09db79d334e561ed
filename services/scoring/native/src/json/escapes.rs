//! Texts that spell what is not ASCII as `\uXXXX`, like Python's `json.dumps` does by itself.

use memchr::memchr;

/// The same text with these escapes, and `\/`, written out in UTF-8, in `scratch`.
///
/// Other escapes stay what they are, and one that stands for an ASCII character is among these:
/// written out it could be taken for the text's own syntax. `None` for half a surrogate pair and
/// for what is no escape.
pub fn written_out<'s>(value: &[u8], scratch: &'s mut Vec<u8>) -> Option<&'s [u8]> {
    scratch.clear();
    let mut rest = value;
    while let Some(place) = memchr(b'\\', rest) {
        let (before, escape) = rest.split_at(place);
        scratch.extend_from_slice(before);
        rest = write_out(escape, scratch)?;
    }
    scratch.extend_from_slice(rest);
    Some(scratch)
}

/// Gives what follows the escape.
fn write_out<'v>(escape: &'v [u8], scratch: &mut Vec<u8>) -> Option<&'v [u8]> {
    let size = match escape.get(1)? {
        b'/' => {
            scratch.push(b'/');
            2
        }
        b'u' => {
            let (character, size) = character(escape)?;
            if character.is_ascii() {
                scratch.extend_from_slice(&escape[..size]);
            } else {
                scratch.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
            size
        }
        _ => {
            scratch.extend_from_slice(&escape[..2]);
            2
        }
    };
    Some(&escape[size..])
}

/// The character that an escape stands for, and how many bytes spell it.
fn character(escape: &[u8]) -> Option<(char, usize)> {
    let first = code(escape)?;
    if let Some(character) = char::from_u32(first) {
        return Some((character, 6));
    }
    let second = code(&escape[6..])?;
    let paired = first < 0xdc00 && (0xdc00..0xe000).contains(&second);
    let code = 0x1_0000 + ((first & 0x3ff) << 10) + (second & 0x3ff);
    Some((char::from_u32(code).filter(|_| paired)?, 12))
}

/// The UTF-16 code unit that a text beginning with `\uXXXX` spells there.
pub fn code(escape: &[u8]) -> Option<u32> {
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
        assert_eq!(read(r"https:\/\/x").as_deref(), Some("https://x"));
        assert_eq!(read("plain").as_deref(), Some("plain"));
    }

    #[test]
    fn escapes_that_could_be_syntax_stay() {
        for text in [r"\n", r"\\u9000", r#"\""#, r"\u0041", r"\u0022", r"\u007f"] {
            assert_eq!(read(text).as_deref(), Some(text));
        }
    }

    #[test]
    fn what_is_no_escape_is_left_to_others() {
        let texts = [r"\u12", r"\u12g4", r"\u+123", r"\"];
        let surrogates = [r"\ud83d", r"\ude42\ud83d", r"\ud83d\u9000", r"\ud83dxxxxxx"];
        for text in texts.into_iter().chain(surrogates) {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
