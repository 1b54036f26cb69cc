//! Comparison of short texts with a form, all bytes at once.

/// Form of a day.
pub(super) const DAY: DigitForm = DigitForm::new(b"0000-00-00");

/// Form of the second half of an instant.
pub(super) const TIME: DigitForm = DigitForm::new(b"T00:00:00Z");

/// 0x80 in each of ten bytes.
const HIGHS: u128 = (u128::MAX / 255 * 0x80) & ((1 << 80) - 1);

/// Form of ten bytes with digits in certain places and certain other bytes, which are compared all at
/// once.
pub(super) struct DigitForm {
    /// Bytes of the form, with the digit 0 for each digit.
    bytes: u128,
    /// For each byte, 127 minus the largest difference from the form.
    room: u128,
}

impl DigitForm {
    /// Form of `text`, in which each digit stands for any.
    const fn new(text: &[u8; 10]) -> Self {
        let (mut bytes, mut room) = (0, 0);
        let mut rest = text.as_slice();
        while let Some((last, before)) = rest.split_last() {
            bytes = bytes << 8 | *last as u128;
            room = room << 8 | if *last == b'0' { 127 - 9 } else { 127 };
            rest = before;
        }
        Self { bytes, room }
    }

    /// Values of the digits of `text` in their places, and 0 in all others. `None` if it has another
    /// form.
    #[inline]
    pub(super) fn digits(&self, text: &[u8; 10]) -> Option<[u8; 16]> {
        let (low, high) = (text.first_chunk()?, text.last_chunk()?);
        let text =
            u128::from(u16::from_le_bytes(*high)) << 64 | u128::from(u64::from_le_bytes(*low));
        // Digits follow each other from 0x30 on, so their lowest four bits are their difference.
        let off = text ^ self.bytes;
        // The highest bit of a byte is set if it is too far off. A sum does not reach the next byte
        // unless the byte below it is too far off, too.
        let too_far = (off | (off + self.room)) & HIGHS;
        (too_far == 0).then_some(off.to_le_bytes())
    }
}
