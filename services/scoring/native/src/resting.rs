//! Where panes rest: in a file if there is one, in memory otherwise.

use std::borrow::Cow;
use std::io;

use rustc_hash::FxHashMap;

use crate::cold::{Ahead, ColdStore, Spot};

/// What is put into the file at once: no pane is too large for it.
const PIECE_BYTES: usize = 1 << 16;

/// The packed form of a pane.
pub enum Rest {
    Memory(Box<[u8]>),
    /// The pieces of the file that make it up.
    File(Box<[Spot]>),
}

#[derive(Default)]
pub struct RestingPlace {
    file: Option<ColdStore>,
}

impl Default for Rest {
    fn default() -> Self {
        Self::Memory(Box::default())
    }
}

impl RestingPlace {
    pub fn with_file(file: ColdStore) -> Self {
        Self { file: Some(file) }
    }

    /// What the file may take, in bytes.
    pub fn file_bytes(&self) -> u64 {
        self.file.as_ref().map_or(0, ColdStore::bytes)
    }

    /// Put the packed form of the pane with a number.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn put(&mut self, pane: u32, packed: Vec<u8>) -> io::Result<Rest> {
        let Some(file) = &mut self.file else {
            return Ok(Rest::Memory(packed.into_boxed_slice()));
        };
        let pieces = packed.chunks(PIECE_BYTES);
        let spots: io::Result<_> = pieces.map(|piece| file.put(pane, piece)).collect();
        Ok(Rest::File(spots?))
    }

    /// What was put.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn get<'a>(&self, rest: &'a Rest) -> io::Result<Cow<'a, [u8]>> {
        match (rest, &self.file) {
            (Rest::Memory(packed), _) => Ok(Cow::Borrowed(packed)),
            (Rest::File(spots), Some(file)) => {
                let mut packed = Vec::with_capacity(spots.len() * PIECE_BYTES);
                for spot in spots {
                    packed.extend(file.get(*spot, &mut Ahead::default())?);
                }
                Ok(Cow::Owned(packed))
            }
            (Rest::File(_), None) => unreachable!("without a file nothing is put into it"),
        }
    }

    /// It counts no more.
    pub fn release(&mut self, rest: &Rest) {
        if let (Rest::File(spots), Some(file)) = (rest, &mut self.file) {
            spots.iter().for_each(|spot| file.release(*spot));
        }
    }

    /// Take up less of the file, if much of it does not count any more; `rests` are those of all
    /// panes with their numbers.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn tidy<'a>(&mut self, rests: impl Iterator<Item = (u32, &'a mut Rest)>) -> io::Result<()> {
        let Some(file) = self.file.as_mut().filter(|file| file.has_sparse()) else {
            return Ok(());
        };
        let mut rests: FxHashMap<u32, &mut Rest> = rests.collect();
        file.empty_sparse(|file, pane, spot, piece| {
            let Some(Rest::File(spots)) = rests.get_mut(&pane) else {
                return Ok(());
            };
            if let Some(known) = spots.iter_mut().find(|known| **known == spot) {
                *known = file.put(pane, piece)?;
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cold::tests::scratch;

    #[test]
    fn what_rests_is_what_was_put() {
        for mut place in [RestingPlace::default(), RestingPlace::with_file(scratch())] {
            let forms = [1, PIECE_BYTES, PIECE_BYTES + 1, 30 * PIECE_BYTES].map(|length| {
                let byte = length.to_le_bytes()[2];
                (0..length)
                    .map(|at| byte ^ at.to_le_bytes()[0])
                    .collect::<Vec<_>>()
            });
            let put =
                |(pane, form): (u32, &Vec<u8>)| place.put(pane, form.clone()).expect("a file");
            let rests: Vec<Rest> = (0..).zip(&forms).map(put).collect();
            for (rest, form) in rests.iter().zip(&forms) {
                assert_eq!(*place.get(rest).expect("a file"), **form);
            }
        }
    }

    #[test]
    fn a_file_of_which_little_counts_is_tidied() {
        let mut place = RestingPlace::with_file(scratch());
        let form = |pane: u32| vec![pane.to_le_bytes()[0]; 300_000];
        let mut rests: Vec<Rest> = Vec::new();
        for pane in 0..100 {
            rests.push(place.put(pane, form(pane)).expect("a file"));
            if pane >= 5 {
                place.release(&rests[pane as usize - 5]);
                rests[pane as usize - 5] = Rest::Memory(Box::default());
            }
            let all = (0..).zip(&mut rests);
            place.tidy(all).expect("a file");
        }
        for pane in 95..100 {
            let kept = place.get(&rests[pane as usize]).expect("a file");
            assert_eq!(*kept, *form(pane));
        }
        assert!(place.file_bytes() < 10 * 1024 * 1024);
    }
}
