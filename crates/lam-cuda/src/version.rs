//! Versions of libraries, in each of the ways that CUDA packs them.

use std::fmt;

/// A library's version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// What decides whether two libraries fit.
    pub major: u32,
    /// Grows with what is added.
    pub minor: u32,
    /// Grows with what is mended; 0 where a library does not say.
    pub patch: u32,
}

impl Version {
    /// Of two numbers.
    pub const fn new(major: u32, minor: u32) -> Self {
        Self { major, minor, patch: 0 }
    }

    /// As the driver says it: 12040 is 12.4.
    pub(crate) fn of_driver(packed: u32) -> Self {
        Self::new(packed / 1000, packed % 1000 / 10)
    }

    /// As cuBLASLt says it: 120804 is 12.8.4; before 12 it was 11111 for 11.11.1 and the like.
    pub(crate) fn of_cublas(packed: u32) -> Self {
        let unit = if packed >= 100_000 { 10_000 } else { 1000 };
        Self { major: packed / unit, minor: packed % unit / 100, patch: packed % 100 }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)?;
        if self.patch == 0 { Ok(()) } else { write!(f, ".{}", self.patch) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_library_packs_its_version_in_its_own_way() {
        assert_eq!(Version::of_driver(12_040).to_string(), "12.4");
        assert_eq!(Version::of_driver(13_000), Version::new(13, 0));
        assert_eq!(Version::of_cublas(120_804).to_string(), "12.8.4");
        assert_eq!(Version::of_cublas(130_001).to_string(), "13.0.1");
        assert_eq!(Version::of_cublas(11_601).major, 11);
    }
}
