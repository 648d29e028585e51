//! What decides about a product's algorithm: everything but the numbers. Knows no library.

use std::fmt;

/// A product's sizes, strides, orientations, types and alignments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Shape {
    pub m: usize,
    pub n: usize,
    pub k: usize,
    /// Of A, B and D, C's being D's.
    pub strides: [usize; 3],
    pub a_transposed: bool,
    pub b_transposed: bool,
    /// Whether D is f32, not bf16.
    pub wide: bool,
    /// Whether something is added.
    pub adds: bool,
    /// Of the addresses of A, B, C and D.
    pub alignments: [u32; 4],
}

impl Shape {
    /// The shape that stands for those of about this size: what is fastest for 4096 rows is so for 4000. Batches differ in
    /// length from step to step, and not each length can be measured.
    pub fn about(&self) -> Self {
        Self { m: about(self.m), n: about(self.n), k: about(self.k), ..*self }
    }
}

/// Up to a number of four binary digits and zeros: at most an eighth more.
fn about(size: usize) -> usize {
    let zeros = (usize::BITS - size.leading_zeros()).saturating_sub(4);
    size.next_multiple_of(1 << zeros)
}

/// Where the numbers are, and what they are multiplied with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operands {
    pub a: u64,
    pub b: u64,
    pub c: u64,
    pub d: u64,
    pub alpha: f32,
    pub beta: f32,
}

impl Operands {
    /// How the addresses are aligned, up to what algorithms care about.
    pub fn alignments(&self) -> [u32; 4] {
        [self.a, self.b, self.c, self.d].map(|address| 1 << address.trailing_zeros().min(8))
    }
}

/// For messages and for the file of choices: one word.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = |transposed| if transposed { 't' } else { 'n' };
        let output = if self.wide { "f32" } else { "bf16" };
        let adds = if self.adds { "+" } else { "" };
        let joined = |numbers: &[String]| numbers.join("-");
        write!(
            f,
            "m{}/n{}/k{}/{}{}/{output}{adds}/strides{}/aligned{}",
            self.m,
            self.n,
            self.k,
            letter(self.a_transposed),
            letter(self.b_transposed),
            joined(&self.strides.map(|stride| stride.to_string())),
            joined(&self.alignments.map(|alignment| alignment.to_string())),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_of_about_the_same_are_one() {
        assert_eq!([1, 7, 15, 16, 17, 100, 4000, 4096, 4097].map(about), [1, 7, 15, 16, 18, 104, 4096, 4096, 4608]);
        assert!((1..100_000).all(|size| about(size) >= size && about(size) <= size + size / 8));
    }
}
