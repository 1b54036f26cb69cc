//! Body of an answer: kept compressed while it arrives, unpacked as a whole, limited in size.
//!
//! Answers that are still arriving, or wait for their turn, take a tenth of the memory in this way
//! (`ReqwestApi` unpacks few of them at a time).
//!
//! The limit counts decompressed bytes: 10 MB of zeros fit into less than 100 KB of gzip, so the
//! size of what arrives says little about the memory that it needs.

mod at_once;

use std::io::{self, Read};

use flate2::bufread::MultiGzDecoder;

/// Largest factor by which gzip is expected to have compressed an answer. Bounds the memory that is
/// reserved for a body by the length that it claims to have.
const LARGEST_RATIO: usize = 64;

/// Bytes of a body that is too large, kept because they may tell with which record it begins.
const BEGINNING: usize = 4096;

/// An incomplete body, as it arrives.
pub(super) struct AnswerBody {
    received: Vec<u8>,
    /// Whether it is compressed with gzip, which the request offered.
    packed: bool,
    /// Limit in bytes, of what is received and of what it is unpacked to.
    largest: u64,
}

/// Reasons why a body cannot be read further.
#[derive(Debug)]
pub(super) enum BodyError {
    /// The decompressed body is larger than allowed; `begun` is its beginning.
    TooLarge { begun: Vec<u8> },
    /// The body does not match its header, or ends early.
    Broken(io::Error),
}

impl AnswerBody {
    /// Empty body of at most `largest` bytes; `encoding` is the value of its header.
    pub(super) fn new(encoding: Option<&str>, largest: u64) -> Self {
        let packed = encoding.is_some_and(|name| {
            let name = name.trim();
            name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip")
        });
        Self { received: Vec::new(), packed, largest }
    }

    /// Adds the next chunk.
    pub(super) fn push(&mut self, chunk: &[u8]) -> Result<(), BodyError> {
        let length = self.received.len().saturating_add(chunk.len());
        if u64::try_from(length).unwrap_or(u64::MAX) > self.largest {
            return Err(BodyError::TooLarge { begun: self.beginning() });
        }
        self.received.extend_from_slice(chunk);
        Ok(())
    }

    /// Whole body, after the last chunk. All members of a compressed one are read, as `gunzip`
    /// does. Checks the length and checksum at the end of each: without its end a body is broken,
    /// not short. A cut between two members is not noticed here; the JSON is then incomplete.
    pub(super) fn finish(self) -> Result<Vec<u8>, BodyError> {
        if !self.packed {
            return Ok(self.received);
        }
        let announced = self.announced();
        if u64::try_from(announced).unwrap_or(u64::MAX) <= self.largest
            && let Some(unpacked) = at_once::unpacked(&self.received, announced)
        {
            return Ok(unpacked);
        }
        let mut unpacked = Vec::with_capacity(announced);
        let decoder = MultiGzDecoder::new(self.received.as_slice());
        // One byte more shows that the body goes on.
        let most = self.largest.saturating_add(1);
        let read = decoder.take(most).read_to_end(&mut unpacked).map_err(BodyError::Broken)?;
        if u64::try_from(read).unwrap_or(u64::MAX) > self.largest {
            return Err(BodyError::TooLarge { begun: self.beginning() });
        }
        Ok(unpacked)
    }

    /// Unpacked bytes so far, even of a body that breaks off.
    pub(super) fn so_far(self) -> Vec<u8> {
        if self.packed { self.unpacked(self.largest) } else { self.received }
    }

    fn beginning(&self) -> Vec<u8> {
        if self.packed {
            self.unpacked(BEGINNING as u64)
        } else {
            self.received.iter().take(BEGINNING).copied().collect()
        }
    }

    /// At most `most` unpacked bytes of what was received, up to where it is broken.
    fn unpacked(&self, most: u64) -> Vec<u8> {
        let mut unpacked = Vec::new();
        // What was read before an error stays in the buffer.
        let read =
            MultiGzDecoder::new(self.received.as_slice()).take(most).read_to_end(&mut unpacked);
        drop(read);
        unpacked
    }

    /// Length of the unpacked body, as far as it can be believed: gzip ends with the length of its
    /// last member.
    fn announced(&self) -> usize {
        let length = self.received.last_chunk::<4>().map(|length| u32::from_le_bytes(*length));
        let length = length.and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
        length.min(self.received.len().saturating_mul(LARGEST_RATIO))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    pub(super) fn packed(members: &[&[u8]]) -> Vec<u8> {
        let mut all = Vec::new();
        for member in members {
            let mut encoder = GzEncoder::new(&mut all, Compression::fast());
            encoder.write_all(member).unwrap();
            encoder.finish().unwrap();
        }
        all
    }

    fn read(bytes: &[u8], at_once: usize, largest: u64) -> Result<Vec<u8>, BodyError> {
        let mut body = AnswerBody::new(Some("GZip"), largest);
        for chunk in bytes.chunks(at_once) {
            body.push(chunk)?;
        }
        body.finish()
    }

    #[test]
    fn all_members_are_read_wherever_the_network_cuts_them() {
        let long = vec![b'7'; 100_000];
        let cases: [&[&[u8]]; 5] =
            [&[b"{}"], &[b"{\"a\":", b"1}"], &[b"", b"x", b""], &[&long, &long, b"y"], &[b""]];
        for members in cases {
            let bytes = packed(members);
            for at_once in [1, 7, 18, 19, 20, bytes.len()] {
                let whole = read(&bytes, at_once, 1_000_000).unwrap();
                assert!(whole == members.concat(), "{at_once} bytes at once");
            }
        }
    }

    #[test]
    fn a_packed_body_that_is_cut_anywhere_is_broken() {
        let bytes = packed(&[b"{\"clients\":", b"[]}"]);
        // A body cut between two members decompresses without error; only its JSON is incomplete.
        let between = packed(&[b"{\"clients\":"]).len();
        for length in (1..bytes.len()).filter(|length| *length != between) {
            let read = read(&bytes[..length], 5, 1000);
            assert!(matches!(read, Err(BodyError::Broken(_))), "{length}: {read:?}");
        }
    }

    #[test]
    fn a_small_packet_does_not_become_more_than_is_allowed() {
        let zeros = vec![0_u8; 5_000_000];
        let bytes = packed(&[&zeros, &zeros]);
        assert!(bytes.len() < 100_000);
        assert!(matches!(read(&bytes, 4096, 9_999_999), Err(BodyError::TooLarge { .. })));
        assert_eq!(read(&bytes, 4096, 10_000_000).unwrap().len(), 10_000_000);
    }

    #[test]
    fn what_is_not_packed_stays_as_it_is() {
        for encoding in [None, Some("identity")] {
            let mut body = AnswerBody::new(encoding, 3);
            body.push(b"ab").unwrap();
            assert!(
                matches!(body.push(b"cd"), Err(BodyError::TooLarge { begun }) if begun == b"ab")
            );
            assert_eq!(body.so_far(), b"ab");
        }
    }
}
