//! Sixteen f32 at a time, for loops that are written once and want certain instructions. Knows no loop.
//!
//! Every implementation gives the same bits, but for [`Vector::fma`] where multiply-adds are not fused.

#[cfg(target_arch = "x86_64")]
mod halves;
mod plain;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod wide;

use half::bf16;

#[cfg(target_arch = "x86_64")]
pub(crate) use halves::Halves;
pub(crate) use plain::Plain;
#[cfg(target_arch = "x86_64")]
pub(crate) use wide::Wide;

/// Numbers of a vector.
pub(crate) const LANES: usize = 16;

/// Sixteen numbers for each of sixteen rows.
pub(crate) type Rows = [[f32; LANES]; LANES];

/// Sixteen f32 and what is done with them.
///
/// All are unsafe: an implementation may be used only where the processor has its instructions.
pub(crate) trait Vector {
    /// Sixteen f32.
    type F: Copy;
    /// 32 bf16.
    type H: Copy;

    /// The same value in each.
    unsafe fn splat(value: f32) -> Self::F;
    /// What lies there.
    unsafe fn load(from: &[f32; LANES]) -> Self::F;
    /// Sixteen bf16 that lie there.
    unsafe fn widened(from: &[bf16; LANES]) -> Self::F;
    /// Writes them.
    unsafe fn store(to: &mut [f32; LANES], value: Self::F);
    /// a + b.
    unsafe fn add(a: Self::F, b: Self::F) -> Self::F;
    /// a - b.
    unsafe fn sub(a: Self::F, b: Self::F) -> Self::F;
    /// a b.
    unsafe fn mul(a: Self::F, b: Self::F) -> Self::F;
    /// a / b.
    unsafe fn div(a: Self::F, b: Self::F) -> Self::F;
    /// a b + c.
    unsafe fn fma(a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// The larger of both; b where one is no number.
    unsafe fn max(a: Self::F, b: Self::F) -> Self::F;
    /// Values whose bit is set, `other` elsewhere.
    unsafe fn select(bits: u16, value: Self::F, other: Self::F) -> Self::F;
    /// The number whose exponent stands in the lowest bits, as the processor keeps exponents.
    unsafe fn from_exponent(value: Self::F) -> Self::F;
    /// Both rounded to bf16, one after the other.
    unsafe fn narrow(a: Self::F, b: Self::F) -> Self::H;
    /// What lies there.
    unsafe fn load_narrow(from: &[bf16; 2 * LANES]) -> Self::H;
    /// Writes them.
    unsafe fn store_narrow(to: &mut [bf16; 2 * LANES], value: Self::H);
    /// The values of a and of b in turn: those of the first sixteen places, and those of the others.
    unsafe fn weave(a: Self::H, b: Self::H) -> [Self::H; 2];
    /// The sum of each row: lanes eight apart are added, then those four, two and one apart.
    unsafe fn sums(rows: &Rows) -> Self::F;
    /// The highest of each row.
    unsafe fn highest(rows: &Rows) -> Self::F;
    /// Rows of sixteen pairs become columns.
    unsafe fn turn(rows: &mut [Self::H; LANES]);

    /// 2 to the power of x, to 2e-7 relative; 0 below -126.5.
    #[inline(always)]
    unsafe fn exp2(x: Self::F) -> Self::F {
        /// Adding it rounds to a whole number, which then stands in the lowest bits, as an exponent is kept.
        const ROUND: f32 = 12_582_912.0 + 127.0;
        /// The polynomial of degree 5 whose largest relative error over -1/2..1/2 is least; Remez' algorithm.
        const POWERS: [f32; 6] = [1.327_647_2e-3, 9.675_542e-3, 5.550_713e-2, 2.402_212e-1, 6.931_469_7e-1, 1.0];
        // SAFETY: the caller's.
        unsafe {
            // In this order, so that what is no number stays none.
            let x = Self::max(Self::splat(-127.0), x);
            let rounded = Self::add(x, Self::splat(ROUND));
            let rest = Self::sub(x, Self::sub(rounded, Self::splat(ROUND)));
            let mut series = Self::splat(POWERS[0]);
            for coefficient in &POWERS[1..] {
                series = Self::fma(series, rest, Self::splat(*coefficient));
            }
            Self::mul(series, Self::from_exponent(rounded))
        }
    }
}
