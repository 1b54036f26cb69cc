//! Beginnings of members, compared with a text word by word.
//!
//! Each record has some sixty names. Comparing their bytes through the C library, as slices are
//! compared, takes longer than the comparison itself.

use crate::plain::WORD;

/// Text with which a member begins: its name in quotes, and the colon.
#[derive(Debug)]
pub(super) struct MemberBegin {
    /// Bytes of the text by words, and the bits of each word that belong to it.
    words: Box<[(u64, u64)]>,
    /// Number of bytes.
    length: usize,
}

impl MemberBegin {
    /// Beginning of the member `name`, which needs no escapes.
    pub(super) fn new(name: &str) -> Self {
        let text = format!("\"{name}\":");
        // The first byte of a chunk is the lowest of its word, as in `u64::from_le_bytes`.
        let word = |chunk: &[u8]| {
            chunk
                .iter()
                .rev()
                .fold((0, 0), |(word, bits), byte| (word << 8 | u64::from(*byte), bits << 8 | 0xff))
        };
        let words = text.as_bytes().chunks(WORD).map(word).collect();
        Self { words, length: text.len() }
    }

    /// Number of bytes.
    pub(super) const fn len(&self) -> usize {
        self.length
    }

    /// Whether the member begins at `at`. Also `false` if `text` ends within the last word that is
    /// compared.
    #[inline]
    pub(super) fn is_at(&self, text: &[u8], at: usize) -> bool {
        let rest = text.get(at..).unwrap_or_default();
        let Some(there) = rest.get(..self.words.len() * WORD) else { return false };
        let mut there = there.as_chunks::<WORD>().0.iter();
        self.words.iter().all(|(word, bits)| {
            there.next().is_some_and(|there| u64::from_le_bytes(*there) & bits == *word)
        })
    }
}
