//! Forms of tickets one behind the other, each with the place of its ticket and its length.

pub const HEADER_BYTES: usize = 8;

/// Append a form, given in parts; how many bytes it took.
pub fn append(buffer: &mut Vec<u8>, place: u32, parts: &[&[u8]]) -> usize {
    let length = parts.iter().map(|part| part.len()).sum::<usize>();
    let header = u32::try_from(length).expect("a form is no gigabytes");
    buffer.extend(place.to_le_bytes());
    buffer.extend(header.to_le_bytes());
    for part in parts {
        buffer.extend_from_slice(part);
    }
    HEADER_BYTES + length
}

/// The place of the ticket and the form that begin at an offset.
pub fn at(buffer: &[u8], offset: usize) -> (u32, &[u8]) {
    let number = |at: usize| {
        let bytes = buffer[at..at + 4].try_into().expect("four bytes");
        u32::from_le_bytes(bytes)
    };
    let begin = offset + HEADER_BYTES;
    let length = number(offset + 4) as usize;
    (number(offset), &buffer[begin..begin + length])
}

/// All of them: where each begins, its ticket's place, and the form.
pub fn all(buffer: &[u8]) -> impl Iterator<Item = (usize, u32, &[u8])> {
    let mut offset = 0;
    std::iter::from_fn(move || {
        let begin = offset;
        (begin < buffer.len()).then(|| {
            let (place, form) = at(buffer, begin);
            offset += HEADER_BYTES + form.len();
            (begin, place, form)
        })
    })
}
