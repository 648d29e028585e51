//! Vectors as arrays, which the compiler makes of whatever instructions it may use.

use half::bf16;

use super::super::element::Element;
use super::{LANES, Rows, Vector};

/// Arrays. `FUSED`: multiply-adds round once, as they do on processors that have them.
pub(crate) struct Plain<const FUSED: bool>;

#[inline(always)]
fn of(a: [f32; LANES], b: [f32; LANES], operation: impl Fn(f32, f32) -> f32) -> [f32; LANES] {
    std::array::from_fn(|lane| operation(a[lane], b[lane]))
}

#[inline(always)]
fn folded(rows: &Rows, operation: impl Fn(f32, f32) -> f32) -> [f32; LANES] {
    rows.map(|mut row| {
        for apart in [8, 4, 2, 1] {
            for lane in 0..apart {
                row[lane] = operation(row[lane], row[lane + apart]);
            }
        }
        row[0]
    })
}

#[inline(always)]
fn higher(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

impl<const FUSED: bool> Vector for Plain<FUSED> {
    type F = [f32; LANES];
    type H = [bf16; 2 * LANES];

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self::F {
        [value; LANES]
    }

    #[inline(always)]
    unsafe fn load(from: &[f32; LANES]) -> Self::F {
        *from
    }

    #[inline(always)]
    unsafe fn widened(from: &[bf16; LANES]) -> Self::F {
        from.map(Element::wide)
    }

    #[inline(always)]
    unsafe fn store(to: &mut [f32; LANES], value: Self::F) {
        *to = value;
    }

    #[inline(always)]
    unsafe fn add(a: Self::F, b: Self::F) -> Self::F {
        of(a, b, |a, b| a + b)
    }

    #[inline(always)]
    unsafe fn sub(a: Self::F, b: Self::F) -> Self::F {
        of(a, b, |a, b| a - b)
    }

    #[inline(always)]
    unsafe fn mul(a: Self::F, b: Self::F) -> Self::F {
        of(a, b, |a, b| a * b)
    }

    #[inline(always)]
    unsafe fn div(a: Self::F, b: Self::F) -> Self::F {
        of(a, b, |a, b| a / b)
    }

    #[inline(always)]
    unsafe fn fma(a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        std::array::from_fn(|lane| if FUSED { a[lane].mul_add(b[lane], c[lane]) } else { a[lane] * b[lane] + c[lane] })
    }

    #[inline(always)]
    unsafe fn max(a: Self::F, b: Self::F) -> Self::F {
        of(a, b, higher)
    }

    #[inline(always)]
    unsafe fn select(bits: u16, value: Self::F, other: Self::F) -> Self::F {
        std::array::from_fn(|lane| if bits >> lane & 1 == 1 { value[lane] } else { other[lane] })
    }

    #[inline(always)]
    unsafe fn from_exponent(value: Self::F) -> Self::F {
        value.map(|value| f32::from_bits(value.to_bits() << 23))
    }

    #[inline(always)]
    unsafe fn narrow(a: Self::F, b: Self::F) -> Self::H {
        let of = |at: usize| if at < LANES { a[at] } else { b[at - LANES] };
        std::array::from_fn(|at| {
            let bits = of(at).to_bits();
            // As the processors' own conversion: what is too small to be normal counts as zero.
            let small = bits & 0x7f80_0000 == 0;
            <bf16 as Element>::narrow(f32::from_bits(if small { bits & 0x8000_0000 } else { bits }))
        })
    }

    #[inline(always)]
    unsafe fn load_narrow(from: &[bf16; 2 * LANES]) -> Self::H {
        *from
    }

    #[inline(always)]
    unsafe fn store_narrow(to: &mut [bf16; 2 * LANES], value: Self::H) {
        *to = value;
    }

    #[inline(always)]
    unsafe fn weave(a: Self::H, b: Self::H) -> [Self::H; 2] {
        let value = |at: usize| if at.is_multiple_of(2) { a[at / 2] } else { b[at / 2] };
        [std::array::from_fn(value), std::array::from_fn(|at| value(2 * LANES + at))]
    }

    #[inline(always)]
    unsafe fn sums(rows: &Rows) -> Self::F {
        folded(rows, |a, b| a + b)
    }

    #[inline(always)]
    unsafe fn highest(rows: &Rows) -> Self::F {
        folded(rows, higher)
    }

    #[inline(always)]
    unsafe fn turn(rows: &mut [Self::H; LANES]) {
        let pairs = *rows;
        for (i, row) in rows.iter_mut().enumerate() {
            for (j, pair) in row.as_chunks_mut::<2>().0.iter_mut().enumerate() {
                *pair = [pairs[j][2 * i], pairs[j][2 * i + 1]];
            }
        }
    }
}
