//! The rules of `shared.contracts.fields` for texts. What a cursor reads as a string holds no
//! control character below U+0080, so that rule needs no look here.

use super::cursor::Cursor;

const NAME_LENGTH: usize = 200;
const TEXT_LENGTH: usize = 4000;

/// A name or id: one to 200 characters, no white space at its ends.
#[inline]
pub fn name<'a>(cursor: &mut Cursor<'a>) -> Option<&'a str> {
    let text = cursor.string()?;
    is_name(text).then_some(text)
}

/// A name, or "" for null.
#[inline]
pub fn optional_name<'a>(cursor: &mut Cursor<'a>) -> Option<&'a str> {
    if cursor.null() {
        Some("")
    } else {
        name(cursor)
    }
}

/// Free text or null. A spelling is not shorter than its text.
pub fn is_optional_text(cursor: &mut Cursor<'_>) -> Option<()> {
    if cursor.null() {
        return Some(());
    }
    has_at_most(TEXT_LENGTH, cursor.spelled_string()?).then_some(())
}

/// An ISO 4217 code, or "" for null.
pub fn optional_currency<'a>(cursor: &mut Cursor<'a>) -> Option<&'a str> {
    if cursor.null() {
        return Some("");
    }
    let text = cursor.string()?;
    let right = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase());
    right.then_some(text)
}

pub fn is_content_type(text: &str) -> bool {
    let rest = text.strip_prefix("application/json");
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(';'))
}

/// White space is what Unicode calls so: beside control characters, Python's `\s` is the same.
#[inline]
fn is_name(text: &str) -> bool {
    let [first, .., last] = text.as_bytes() else {
        return is_one_visible(text);
    };
    let ends_show = if first.is_ascii() && last.is_ascii() {
        *first != b' ' && *last != b' '
    } else {
        !text.starts_with(char::is_whitespace) && !text.ends_with(char::is_whitespace)
    };
    ends_show && has_at_most(NAME_LENGTH, text)
}

fn is_one_visible(text: &str) -> bool {
    text.len() == 1 && text != " "
}

#[inline]
fn has_at_most(characters: usize, text: &str) -> bool {
    text.len() <= characters || text.chars().count() <= characters
}
