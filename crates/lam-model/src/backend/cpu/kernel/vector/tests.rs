//! Every implementation against the arrays, bit by bit.

#[cfg(target_arch = "x86_64")]
use half::bf16;

use super::*;
#[cfg(target_arch = "x86_64")]
use crate::finite_difference::values;

/// Numbers of all sizes, and what is none.
#[cfg(target_arch = "x86_64")]
fn mixed() -> Vec<[f32; LANES]> {
    let spread = |i: u32| f32::from_bits(i.wrapping_mul(0x9e37_79b9));
    let special =
        [0.0, -0.0, 1.0, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, 1e-40, -1e-40, f32::NAN, f32::MIN_POSITIVE];
    let numbers: Vec<f32> = special.into_iter().chain((0..6000).map(spread)).collect();
    numbers.as_chunks::<LANES>().0.to_vec()
}

/// The same bits, or no number in both.
#[cfg(target_arch = "x86_64")]
fn same(a: &[f32], b: &[f32], what: &str) {
    for (a, b) in a.iter().zip(b) {
        assert!(a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan(), "{what}: {a} {b}");
    }
}

fn stored<V: Vector>(value: V::F) -> [f32; LANES] {
    let mut to = [0.0; LANES];
    // SAFETY: the tests use what the processor has.
    unsafe { V::store(&mut to, value) };
    to
}

#[cfg(target_arch = "x86_64")]
fn bits<V: Vector>(value: V::H) -> [u16; 2 * LANES] {
    let mut to = [bf16::ZERO; 2 * LANES];
    // SAFETY: as above.
    unsafe { V::store_narrow(&mut to, value) };
    to.map(bf16::to_bits)
}

#[cfg(target_arch = "x86_64")]
fn equals_arrays<V: Vector>() {
    type P = Plain<true>;
    let numbers = mixed();
    for (a, b) in numbers.iter().zip(numbers.iter().skip(1)) {
        // SAFETY: as above.
        unsafe {
            let (x, y) = (V::load(a), V::load(b));
            same(&stored::<V>(V::add(x, y)), &P::add(*a, *b), "add");
            same(&stored::<V>(V::fma(x, y, x)), &P::fma(*a, *b, *a), "fma");
            same(&stored::<V>(V::max(x, y)), &P::max(*a, *b), "max");
            same(&stored::<V>(V::select(0x5a3c, x, y)), &P::select(0x5a3c, *a, *b), "select");
            same(&stored::<V>(V::exp2(x)), &P::exp2(*a), "exp2");
            let (halves, right) = ([V::narrow(x, y), V::narrow(y, x)], [P::narrow(*a, *b), P::narrow(*b, *a)]);
            assert_eq!(bits::<V>(halves[0]), bits::<P>(right[0]), "narrow {a:?} {b:?}");
            let (woven, right) = (V::weave(halves[0], halves[1]), P::weave(right[0], right[1]));
            assert_eq!(woven.map(bits::<V>), right.map(bits::<P>), "weave");
            let halves: [bf16; LANES] = std::array::from_fn(|lane| bf16::from_f32(a[lane]));
            same(&stored::<V>(V::widened(&halves)), &P::widened(&halves), "widened");
        }
    }
    let rows: Rows = std::array::from_fn(|row| values(LANES, row as u64).try_into().expect("so many"));
    // SAFETY: as above.
    unsafe {
        same(&stored::<V>(V::sums(&rows)), &P::sums(&rows), "sums");
        same(&stored::<V>(V::highest(&rows)), &P::highest(&rows), "highest");
        let mut turned = rows.map(|row| V::narrow(V::load(&row), V::load(&rows[0])));
        let mut right = rows.map(|row| P::narrow(row, rows[0]));
        V::turn(&mut turned);
        P::turn(&mut right);
        assert_eq!(turned.map(bits::<V>), right.map(bits::<P>), "turn");
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn vectors_have_the_bits_of_arrays() {
    use crate::backend::cpu::kernel::dispatch::{Level, level, multiplies_bf16};
    if level() != Level::Baseline {
        equals_arrays::<Halves>();
    }
    if level() == Level::Avx512 {
        equals_arrays::<Wide<false>>();
    }
    if level() == Level::Avx512 && multiplies_bf16() {
        equals_arrays::<Wide<true>>();
    }
}

#[test]
fn powers_of_two_are_good_to_the_last_bits() {
    for i in -12600..2000_i16 {
        let x = f32::from(i) / 100.0;
        // SAFETY: arrays are for every processor.
        let power = unsafe { Plain::<true>::exp2([x; LANES]) }[0];
        assert!((f64::from(power) / f64::from(x).exp2() - 1.0).abs() < 2e-7, "{x}: {power}");
    }
    // SAFETY: as above.
    let edges = unsafe { Plain::<true>::exp2([-127.0; LANES]) };
    assert_eq!(edges[0], 0.0);
    // SAFETY: as above.
    unsafe {
        assert_eq!(Plain::<true>::exp2([f32::NEG_INFINITY; LANES])[0], 0.0);
        assert!(Plain::<true>::exp2([f32::NAN; LANES])[0].is_nan());
    }
    let sums = stored::<Plain<true>>([3.0; LANES]);
    assert_eq!(sums, [3.0; LANES]);
}
