//! Timestamps of RFC 3339 in their usual spelling.

/// Milliseconds since 1970-01-01T00:00:00Z, rounded down, of
/// `YYYY-MM-DDTHH:MM:SS[.fraction](Z|+HH:MM|-HH:MM)` with one to six digits of a fraction.
///
/// `None` for any other spelling, and for the first and the last year that Python knows, so that
/// no offset leads out of them.
pub fn epoch_ms(text: &str) -> Option<i64> {
    let (moment, rest) = text.as_bytes().split_first_chunk::<19>()?;
    let (fraction_ms, zone) = fraction(rest)?;
    let seconds = seconds_of(moment)? - offset_seconds(zone)?;
    Some(seconds * 1000 + fraction_ms)
}

fn seconds_of(text: &[u8; 19]) -> Option<i64> {
    let marks = [text[4], text[7], text[10], text[13], text[16]];
    let year = pair(text[0], text[1])? * 100 + pair(text[2], text[3])?;
    let month = pair(text[5], text[6])?;
    let day = pair(text[8], text[9])?;
    let hour = pair(text[11], text[12])?;
    let minute = pair(text[14], text[15])?;
    let second = pair(text[17], text[18])?;
    let right = marks == *b"--T::"
        && (2..=9998).contains(&year)
        && (1..=12).contains(&month)
        && (1..=days_in(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    right.then(|| days_since_1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second)
}

/// Whole milliseconds, and what follows the fraction.
fn fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let [b'.', rest @ ..] = text else {
        return Some((0, text));
    };
    let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, zone) = rest.split_at(count);
    let tenths = |place| digits.get(place).map_or(0, |digit| i64::from(digit - b'0'));
    let ms = tenths(0) * 100 + tenths(1) * 10 + tenths(2);
    (1..=6).contains(&count).then_some((ms, zone))
}

/// Seconds that a zone is ahead of UTC.
fn offset_seconds(zone: &[u8]) -> Option<i64> {
    let (sign, text) = match zone {
        b"Z" => return Some(0),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let &[h1, h2, b':', m1, m2] = text else {
        return None;
    };
    let (hours, minutes) = (pair(h1, h2)?, pair(m1, m2)?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

fn pair(tens: u8, ones: u8) -> Option<i64> {
    let right = tens.is_ascii_digit() && ones.is_ascii_digit();
    right.then(|| i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// In the proleptic Gregorian calendar, for years from 1 on: Hinnant's `days_from_civil` (*chrono-
/// Compatible Low-Level Date Algorithms*), where a year begins in March.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_round_down_on_both_sides_of_the_epoch() {
        assert_eq!(epoch_ms("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(epoch_ms("1969-12-31T23:59:59.9999Z"), Some(-1));
        assert_eq!(epoch_ms("1970-01-01T01:00:00.001999+01:00"), Some(1));
        assert_eq!(
            epoch_ms("2026-01-02T03:04:05.678Z"),
            Some(1_767_323_045_678)
        );
        assert_eq!(
            epoch_ms("2024-02-29T00:00:00-00:00"),
            Some(1_709_164_800_000)
        );
    }

    #[test]
    fn other_spellings_are_left_to_others() {
        let texts = [
            "",
            "2026-01-02",
            "2026-01-02T03:04:05",
            "2026-01-02t03:04:05Z",
            "2026-01-02T03:04:05z",
            "2026-01-02T03:04:05.Z",
            "2026-01-02T03:04:05.1234567Z",
            "2026-01-02T03:04:05+0530",
            "2026-01-02T03:04:05+24:00",
            "2026-01-02T03:04:60Z",
            "2026-01-02T24:00:00Z",
            "2026-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-04-31T00:00:00Z",
            "0001-06-01T00:00:00Z",
            "2026-01-02T03:04:05Z ",
        ];
        for text in texts {
            assert_eq!(epoch_ms(text), None, "{text}");
        }
    }
}
