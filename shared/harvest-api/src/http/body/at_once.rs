//! Unpacks the usual gzip body, one member of believable size, at once.
//!
//! A stream decoder has to stop and go on at any byte. With the whole input and room for the whole
//! output, `libdeflate` takes half of its time. It neither goes on to a second member nor tells
//! where the first one ends, so it is used only where there can be no second. In any other case
//! `None` is returned and the stream decoder decides; that includes every error.

use engine::memory::UNFILLED;
use libdeflater::{Decompressor, crc32};
use memchr::memmem;

/// First bytes of each member of a gzip file: magic number and method (RFC 1952, section 2.3).
const MEMBER: [u8; 3] = [0x1f, 0x8b, 8];

/// Unpacks `packed` if it has one member, which gives exactly the `announced` number of bytes.
pub(super) fn unpacked(packed: &[u8], announced: usize) -> Option<Vec<u8>> {
    let rest = packed.strip_prefix(&MEMBER)?;
    // These bytes may come up by chance, too: in one of 40 bodies of 400 KB.
    if memmem::find(rest, &MEMBER).is_some() {
        return None;
    }
    let mut unpacked = vec![UNFILLED; announced];
    let length = Decompressor::new().gzip_decompress(packed, &mut unpacked).ok()?;
    // The checksum has been compared with the one behind the member. It is also the one at the end
    // of the body, unless something else follows the member.
    let (_, [c1, c2, c3, c4, ..]) = packed.split_last_chunk::<8>()?;
    let is_last = u32::from_le_bytes([*c1, *c2, *c3, *c4]) == crc32(&unpacked);
    (length == announced && is_last).then_some(unpacked)
}

#[cfg(test)]
mod tests {
    use super::super::tests::packed;
    use super::*;

    /// Length of the last member, as it claims.
    fn announced(packed: &[u8]) -> usize {
        u32::from_le_bytes(*packed.last_chunk().unwrap()) as usize
    }

    #[test]
    fn one_member_is_unpacked() {
        for text in [&b""[..], b"{}", &b"{\"id\":1234567}".repeat(10_000)] {
            let bytes = packed(&[text]);
            assert!(unpacked(&bytes, text.len()).unwrap() == text, "{}", text.len());
            // Less or more than announced is no such body.
            assert_eq!(unpacked(&bytes, text.len() + 1), None);
            assert!(text.is_empty() || unpacked(&bytes, text.len() - 1).is_none());
        }
    }

    #[test]
    fn what_has_a_second_member_or_another_end_is_left_to_the_stream() {
        let (one, same) = (packed(&[b"{}"]), packed(&[b"{}", b"{}"]));
        assert_eq!(unpacked(&same, 2), None);
        assert_eq!(unpacked(&packed(&[b"{", b"}"]), 1), None);
        for rest in [&b"\0"[..], b"x", b"12345678", &[0; 8], &one[..9]] {
            let bytes = [&one, rest].concat();
            assert_eq!(unpacked(&bytes, announced(&bytes).min(1_000)), None, "{rest:?}");
            assert_eq!(unpacked(&bytes, 2), None, "{rest:?}");
        }
    }

    #[test]
    fn a_damaged_or_cut_member_is_left_to_the_stream() {
        let text = b"{\"id\":1234567,\"hours\":0.25}".repeat(20);
        let bytes = packed(&[&text]);
        for length in 0..bytes.len() {
            assert_eq!(unpacked(&bytes[..length], text.len()), None, "{length}");
        }
        // Time, extra flags and system say nothing about the contents.
        for place in (0..4).chain(10..bytes.len()) {
            for bit in 0..8 {
                let mut damaged = bytes.clone();
                damaged[place] ^= 1 << bit;
                let read = unpacked(&damaged, text.len());
                // What is unpacked in spite of the damage is unpacked to the same.
                assert!(read.is_none_or(|read| read == text), "bit {bit} of byte {place}");
            }
        }
    }
}
