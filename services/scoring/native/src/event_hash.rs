//! The identity of events.

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

const USUAL_BYTES: usize = 160;

/// The 64-bit identity of an event: XXH3 of its source and id with NUL between them; the same in
/// every process and release.
#[must_use]
pub fn event_hash(source: &str, id: &str) -> u64 {
    let size = source.len() + 1 + id.len();
    if size > USUAL_BYTES {
        return long_hash(source, id);
    }
    // The streaming hasher must set up half a kilobyte first.
    let mut bytes = [0; USUAL_BYTES];
    bytes[..source.len()].copy_from_slice(source.as_bytes());
    bytes[source.len() + 1..size].copy_from_slice(id.as_bytes());
    xxh3_64(&bytes[..size])
}

fn long_hash(source: &str, id: &str) -> u64 {
    let mut hasher = Xxh3::new();
    hasher.update(source.as_bytes());
    hasher.update(b"\0");
    hasher.update(id.as_bytes());
    hasher.digest()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_ones_hash_alike() {
        for size in 0..2 * USUAL_BYTES {
            let id = "x".repeat(size);
            assert_eq!(event_hash("crm", &id), long_hash("crm", &id));
        }
    }
}
