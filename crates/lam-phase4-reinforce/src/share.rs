//! Shares of tries that succeeded, compared without rounding: 7 of 10 lead 2 of 10 by 0.5, which as floats they do not.

use std::cmp::Ordering;

/// So many of so many.
#[derive(Clone, Copy, Debug)]
pub struct Share {
    part: i128,
    of: i128,
}

impl Share {
    /// `part` of `of`, which is at least 1.
    pub fn new(part: usize, of: usize) -> Self {
        Self { part: part as i128, of: of as i128 }
    }

    /// A number between 0 and 1 as a person wrote it: 0.3 is three tenths, not the float beside it. What stands behind
    /// the eighteenth decimal is left out.
    fn written(number: f64) -> Self {
        const DECIMALS: usize = 18;
        let text = format!("{number}");
        let (whole, decimals) = text.split_once('.').unwrap_or((&text, ""));
        let decimals = &decimals[..decimals.len().min(DECIMALS)];
        let digits = format!("{whole}{decimals}");
        Self {
            part: digits.parse().expect("digits of a number between 0 and 1"),
            of: 10_i128.pow(decimals.len() as u32),
        }
    }

    /// Whether it is the larger one by at least `gap`, between 0 and 1.
    pub fn leads_by(self, other: Self, gap: f64) -> bool {
        let gap = Self::written(gap);
        let lead = self.part * other.of - other.part * self.of;
        lead > 0 && lead * gap.of >= gap.part * self.of * other.of
    }

    /// Whether it is more than `limit`, between 0 and 1.
    pub fn is_above(self, limit: f64) -> bool {
        self.cmp(&Self::written(limit)) == Ordering::Greater
    }
}

impl Ord for Share {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.part * other.of).cmp(&(other.part * self.of))
    }
}

impl PartialOrd for Share {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Share {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Share {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_gap_between_tenths_counts_as_it_is_written() {
        for (better, worse) in (0..=10).flat_map(|better| (0..better).map(move |worse| (better, worse))) {
            let gap = f64::from(better - worse) / 10.0;
            let (a, b) = (Share::new(better as usize, 10), Share::new(2 * worse as usize, 20));
            assert!(a.leads_by(b, gap) && !b.leads_by(a, gap) && !a.leads_by(b, gap + 1e-9), "{better} {worse}");
        }
        assert!(!Share::new(1, 2).leads_by(Share::new(2, 4), 1e-300), "equal shares never lead");
        assert!(Share::new(1, 1).leads_by(Share::new(0, 3), 1.0));
    }

    #[test]
    fn a_limit_is_not_exceeded_by_what_equals_it() {
        assert!(!Share::new(57, 100).is_above(0.57), "0.57 * 100 is 56.99999999999999 as a float");
        assert!(Share::new(58, 100).is_above(0.57) && Share::new(3, 4).is_above(0.7499));
        assert!(!Share::new(3, 4).is_above(0.75) && !Share::new(4, 4).is_above(1.0));
    }
}
