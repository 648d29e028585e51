//! CRC-32 with its two usual polynomials, bit by bit: what trackers are told at once is short.

/// Castagnoli's polynomial (CRC-32C), reflected.
pub(super) const CASTAGNOLI: u32 = 0x82f6_3b78;
/// The polynomial of Ethernet and zlib, reflected.
pub(super) const IEEE: u32 = 0xedb8_8320;

/// The checksum of the bytes.
pub(super) fn crc32<'a>(polynomial: u32, bytes: impl IntoIterator<Item = &'a u8>) -> u32 {
    let feed = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (polynomial & (crc & 1).wrapping_neg()))
    };
    !bytes.into_iter().fold(u32::MAX, feed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksums_are_those_of_the_catalogue() {
        // The check values of the CRC catalogue for CRC-32/ISCSI and CRC-32/ISO-HDLC.
        assert_eq!(crc32(CASTAGNOLI, b"123456789"), 0xe306_9283);
        assert_eq!(crc32(IEEE, b"123456789"), 0xcbf4_3926);
    }
}
