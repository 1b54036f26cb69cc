//! Body of an answer while it arrives, decompressed and limited in size.
//!
//! The limit counts decompressed bytes: 10 MB of zeros fit into less than 100 KB of gzip, so the
//! size of what arrives says little about the memory that it needs.

use std::io::{self, ErrorKind, Write};

use flate2::write::MultiGzDecoder;

/// An incomplete body. All members of a compressed one are read, as `gunzip` does.
pub(super) enum AnswerBody {
    /// Not compressed.
    Plain(BoundedBuffer),
    /// Compressed with gzip, which the request offered.
    Packed(Box<MultiGzDecoder<BoundedBuffer>>),
}

/// Reasons why a body cannot be read further.
#[derive(Debug)]
pub(super) enum BodyError {
    /// The decompressed body is larger than allowed.
    TooLarge,
    /// The body does not match its header, or ends early.
    Broken(io::Error),
}

/// Buffer with a limit. A write beyond it fails with `FileTooLarge`, which passes through the
/// decompressor and becomes [`BodyError::TooLarge`].
pub(super) struct BoundedBuffer {
    bytes: Vec<u8>,
    /// Limit in bytes.
    largest: u64,
}

impl Write for BoundedBuffer {
    fn write(&mut self, more: &[u8]) -> io::Result<usize> {
        let length = self.bytes.len().saturating_add(more.len());
        if u64::try_from(length).unwrap_or(u64::MAX) > self.largest {
            return Err(ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(more);
        Ok(more.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AnswerBody {
    /// Empty body of at most `largest` bytes; `encoding` is the value of its header.
    pub(super) fn new(encoding: Option<&str>, largest: u64) -> Self {
        let bounded = BoundedBuffer { bytes: Vec::new(), largest };
        let packed = encoding.is_some_and(|name| {
            let name = name.trim();
            name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip")
        });
        if packed {
            Self::Packed(Box::new(MultiGzDecoder::new(bounded)))
        } else {
            Self::Plain(bounded)
        }
    }

    /// Adds the next chunk.
    pub(super) fn push(&mut self, chunk: &[u8]) -> Result<(), BodyError> {
        let taken = match self {
            Self::Plain(bounded) => bounded.write_all(chunk),
            Self::Packed(decoder) => decoder.write_all(chunk),
        };
        taken.map_err(BodyError::from)
    }

    /// Whole body, after the last chunk. Checks the length and checksum at the end of a compressed
    /// body: without its end it is broken, not short. A cut between two members of a compressed
    /// body is not noticed here; the JSON is then incomplete.
    pub(super) fn finish(mut self) -> Result<Vec<u8>, BodyError> {
        if let Self::Packed(decoder) = &mut self {
            decoder.try_finish()?;
        }
        Ok(self.so_far())
    }

    /// View of the bytes so far, which may tell with which record a body begins.
    pub(super) fn begun(&self) -> &[u8] {
        match self {
            Self::Plain(bounded) => &bounded.bytes,
            Self::Packed(decoder) => &decoder.get_ref().bytes,
        }
    }

    /// Bytes so far.
    pub(super) fn so_far(self) -> Vec<u8> {
        match self {
            Self::Plain(bounded) => bounded.bytes,
            Self::Packed(mut decoder) => core::mem::take(&mut decoder.get_mut().bytes),
        }
    }
}

impl From<io::Error> for BodyError {
    fn from(error: io::Error) -> Self {
        if error.kind() == ErrorKind::FileTooLarge { Self::TooLarge } else { Self::Broken(error) }
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn packed(members: &[&[u8]]) -> Vec<u8> {
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
        assert!(matches!(read(&bytes, 4096, 9_999_999), Err(BodyError::TooLarge)));
        assert_eq!(read(&bytes, 4096, 10_000_000).unwrap().len(), 10_000_000);
    }

    #[test]
    fn what_is_not_packed_stays_as_it_is() {
        for encoding in [None, Some("identity")] {
            let mut body = AnswerBody::new(encoding, 3);
            body.push(b"ab").unwrap();
            assert!(matches!(body.push(b"cd"), Err(BodyError::TooLarge)));
            assert_eq!(body.so_far(), b"ab");
        }
    }
}
