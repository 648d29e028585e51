//! Every unit against its documented order of sums, element by element, bit by bit.

use half::bf16;

use super::super::element::Element;
use super::super::numbers::Numbers;
use super::super::out::SharedOut;
use super::super::panel::Right as Source;
use super::super::shared::Shared;
use super::model::flushed;
use super::{Left, Term, Unit, Work};
use crate::finite_difference::values;

/// Values of the usual size, and some so small that their products are no normal numbers.
fn mixed(count: usize, seed: u64) -> Vec<bf16> {
    let small = |i: usize| if i.is_multiple_of(7) { 1e-25 } else { 1.0 };
    let whole = |i: usize| if i % 11 < 9 { small(i) } else { 1e-39 };
    values(count, seed).into_iter().enumerate().map(|(i, v)| bf16::narrow(v * whole(i))).collect()
}

/// The sum of a term's products, added to `sum` as the module says.
fn add_term(sum: f32, products: impl Iterator<Item = (bf16, bf16)>) -> f32 {
    let products: Vec<_> = products.map(|(a, b)| (flushed(a.wide()), flushed(b.wide()))).collect();
    products.chunks(32).fold(sum, |sum, step| {
        let chain = |first: usize| {
            step.iter().skip(first).step_by(2).fold(0.0_f32, |chain, (a, b)| flushed(a.mul_add(*b, chain)))
        };
        flushed(sum + flushed(chain(0) + chain(1)))
    })
}

/// a + b, of which what is not exact becomes the neighbour whose last bit is 1.
#[cfg(target_arch = "aarch64")]
fn odd_sum(a: f32, b: f32) -> f32 {
    let (a, b) = (f64::from(flushed(a)), f64::from(flushed(b)));
    let sum = a + b;
    // What the sum in 53 bits lost.
    let lost = (a - (sum - (sum - a))) + (b - (sum - a));
    let near = sum as f32;
    let beyond = if f64::from(near) == sum { lost } else { sum - f64::from(near) };
    let (exact, odd) = (beyond == 0.0 || !sum.is_finite(), near.to_bits() & 1 == 1);
    let outwards = (beyond > 0.0) == (near > 0.0);
    let other = if outwards { near.to_bits() + 1 } else { near.to_bits().wrapping_sub(1) };
    flushed(if exact || odd { near } else { f32::from_bits(other) })
}

/// The same in the order of Arm's dot products.
#[cfg(target_arch = "aarch64")]
fn add_dots(sum: f32, products: impl Iterator<Item = (bf16, bf16)>) -> f32 {
    let mut products: Vec<f32> = products.map(|(a, b)| flushed(flushed(a.wide()) * flushed(b.wide()))).collect();
    products.resize(products.len().next_multiple_of(32), 0.0);
    products.chunks(2).fold(sum, |sum, pair| odd_sum(sum, odd_sum(pair[0], pair[1])))
}

/// The same in one chain, nothing flushed.
fn add_chain(sum: f32, products: impl Iterator<Item = (bf16, bf16)>) -> f32 {
    let mut products: Vec<(f32, f32)> = products.map(|(a, b)| (a.wide(), b.wide())).collect();
    products.resize(products.len().next_multiple_of(32), (0.0, 0.0));
    products.into_iter().fold(sum, |sum, (a, b)| a.mul_add(b, sum))
}

/// Everybody who multiplies in this process, in whatever order.
fn everybody() -> impl Iterator<Item = Unit> {
    Unit::all_here().into_iter().chain(Unit::all_chains_here())
}

/// A product of two terms, its result before, and what it should be.
struct Case {
    m: usize,
    n: usize,
    reductions: [usize; 2],
    left: [Vec<bf16>; 2],
    right: [Vec<bf16>; 2],
    sums: Vec<f32>,
}

impl Case {
    /// Of every size that is an edge of something, in an order of sums.
    fn all(add: fn(f32, &mut dyn Iterator<Item = (bf16, bf16)>) -> f32) -> impl Iterator<Item = Self> {
        let sizes = [
            (1, 1, [1, 1]),
            (7, 70, [33, 2]),
            (33, 17, [64, 5]),
            (16, 40, [700, 31]),
            (65, 130, [1100, 40]),
            (300, 9, [8, 3]),
        ];
        sizes.into_iter().map(move |(m, n, reductions)| Self::new((m, n), reductions, add))
    }

    /// The first term is x wᵀ, the second aᵀ w.
    fn new(
        (m, n): (usize, usize),
        reductions: [usize; 2],
        add: fn(f32, &mut dyn Iterator<Item = (bf16, bf16)>) -> f32,
    ) -> Self {
        let [k, l] = reductions;
        let (left, right) = ([mixed(m * k, 1), mixed(l * m, 2)], [mixed(n * k, 3), mixed(l * n, 4)]);
        let sum = |at: usize| {
            let (i, j) = (at / n, at % n);
            let first = add(0.0, &mut (0..k).map(|p| (left[0][i * k + p], right[0][j * k + p])));
            add(first, &mut (0..l).map(|p| (left[1][p * m + i], right[1][p * n + j])))
        };
        let sums = (0..m * n).map(sum).collect();
        Self { m, n, reductions, left, right, sums }
    }

    fn terms(&self) -> [Term<'_>; 2] {
        let [k, l] = self.reductions;
        let first = Source::Transposed(Numbers::Bf16(&self.right[0]), k);
        let second = Source::Plain(Numbers::Bf16(&self.right[1]), self.n);
        [
            Term { left: Left::Rows(&self.left[0], k), right: first, reduction: k },
            Term { left: Left::Columns(&self.left[1], self.m), right: second, reduction: l },
        ]
    }

    fn run(&self, unit: Unit, stride: usize, out: SharedOut<'_>) {
        let terms = self.terms();
        let work = Work { terms: &terms, rows: 0..self.m, columns: 0..self.n, stride, alpha: 0.75, out };
        // SAFETY: the vectors are as large as that, and `all_here` has only what the processor has.
        unsafe { unit.multiply_parallel(&work) };
    }
}

/// Whether a unit gives the case's sums, wherever they go.
fn check(case: &Case, unit: Unit) {
    let (m, n, stride) = (case.m, case.n, case.n + 3);
    let start = values(m * stride, 5);
    let (mut plain, mut added) = (start.clone(), start.clone());
    let mut narrow = vec![bf16::ONE; m * stride];
    case.run(unit, stride, SharedOut::F32(Shared::new(&mut plain)));
    case.run(unit, stride, SharedOut::Add(Shared::new(&mut added)));
    case.run(unit, stride, SharedOut::Bf16(Shared::new(&mut narrow)));
    for at in 0..m * stride {
        let (i, j) = (at / stride, at % stride);
        if j >= n {
            assert!(plain[at] == start[at] && added[at] == start[at] && narrow[at] == bf16::ONE, "outside");
            continue;
        }
        let sum = case.sums[i * n + j] * 0.75;
        let name = format!("{unit:?} {m} {n} {:?}: row {i}, column {j}", case.reductions);
        assert_eq!(plain[at].to_bits(), sum.to_bits(), "{name}");
        assert_eq!(added[at].to_bits(), (start[at] + sum).to_bits(), "{name}, added");
        assert_eq!(narrow[at].to_bits(), <bf16 as Element>::narrow(sum).to_bits(), "{name}, narrowed");
    }
}

#[test]
fn every_unit_sums_in_the_order_that_is_documented() {
    for case in Case::all(|sum, products| add_term(sum, products)) {
        Unit::all_here().into_iter().for_each(|unit| check(&case, unit));
    }
}

#[test]
fn chains_sum_from_value_to_value() {
    for case in Case::all(|sum, products| add_chain(sum, products)) {
        Unit::all_chains_here().into_iter().for_each(|unit| check(&case, unit));
    }
}

#[cfg(target_arch = "aarch64")]
#[test]
fn products_of_arm_sum_in_the_order_of_its_dot_products() {
    // Where there are none, multiply-adds have been tried.
    if Unit::here() == Some(Unit::Dots) {
        Case::all(|sum, products| add_dots(sum, products)).for_each(|case| check(&case, Unit::Dots));
    }
}

#[test]
fn an_empty_reduction_gives_zeros() {
    for unit in everybody() {
        let mut y = vec![7.0_f32; 40 * 50];
        let out = SharedOut::F32(Shared::new(&mut y));
        let work = Work { terms: &[], rows: 0..40, columns: 0..50, stride: 50, alpha: 1.0, out };
        // SAFETY: as large as that.
        unsafe { unit.multiply(&work) };
        assert!(y.iter().all(|&y| y == 0.0), "{unit:?}");
    }
}

#[test]
fn rows_where_they_lie_and_copies_of_them_give_the_same() {
    let (m, n, k) = (64, 32, 96);
    let (x, w) = (mixed(m * k + 64, 1), mixed(n * k, 2));
    // The same rows at a cache line, which are read where they lie, and off it, which are copied.
    let line = x.as_ptr().cast::<u8>().align_offset(64) / 2;
    let rows: Vec<bf16> = x[line..line + m * k].to_vec();
    let mut apart = vec![bf16::ZERO; m * k + 64];
    let off = (apart.as_ptr().cast::<u8>().align_offset(64) / 2 + 1) % 32;
    apart[off..off + m * k].copy_from_slice(&rows);
    for unit in everybody() {
        let run = |left: &[bf16]| {
            let mut y = vec![0.0_f32; m * n];
            let right = Source::Transposed(Numbers::Bf16(&w), k);
            let terms = [Term { left: Left::Rows(left, k), right, reduction: k }];
            let out = SharedOut::F32(Shared::new(&mut y));
            let work = Work { terms: &terms, rows: 0..m, columns: 0..n, stride: n, alpha: 1.0, out };
            // SAFETY: as large as that.
            unsafe { unit.multiply(&work) };
            y
        };
        assert_eq!(run(&x[line..line + m * k]), run(&apart[off..off + m * k]), "{unit:?}");
    }
}

/// As many values from a cache line on, and the memory that they are in.
fn at_a_line(values: &[bf16]) -> (Vec<bf16>, std::ops::Range<usize>) {
    let mut memory = vec![bf16::ZERO; values.len() + 32];
    let first = memory.as_ptr().cast::<u8>().align_offset(64) / 2;
    let range = first..first + values.len();
    memory[range.clone()].copy_from_slice(values);
    (memory, range)
}

#[test]
fn rows_in_place_beside_an_adapter_over_several_passes_and_groups() {
    // More than one group of columns, height of partial sums, pass and task; the adapter's rows are copied.
    let (m, n, k, rank) = (300, 290, 672, 8);
    let ((x, lines), inner) = (at_a_line(&mixed(m * k, 1)), mixed(m * rank, 2));
    let (w, b) = (mixed(n * k, 3), values(n * rank, 4));
    let x = &x[lines];
    let terms = [
        Term { left: Left::Rows(x, k), right: Source::Transposed(Numbers::Bf16(&w), k), reduction: k },
        Term { left: Left::Rows(&inner, rank), right: Source::Transposed(Numbers::F32(&b), rank), reduction: rank },
    ];
    let run = |unit: Unit, parallel: bool| {
        let mut y = vec![0.0_f32; m * n];
        let out = SharedOut::F32(Shared::new(&mut y));
        let work = Work { terms: &terms, rows: 0..m, columns: 0..n, stride: n, alpha: 1.0, out };
        // SAFETY: as large as that, and `all_here` has only what the processor has.
        unsafe { if parallel { unit.multiply_parallel(&work) } else { unit.multiply(&work) } };
        y.into_iter().map(f32::to_bits).collect::<Vec<_>>()
    };
    let check = |units: Vec<Unit>, add: fn(f32, &mut dyn Iterator<Item = (bf16, bf16)>) -> f32| {
        let Some(&fast) = units.last() else { return };
        let all = run(fast, false);
        for at in (0..m * n).step_by(1009) {
            let (i, j) = (at / n, at % n);
            let sum = add(0.0, &mut (0..k).map(|p| (x[i * k + p], w[j * k + p])));
            let mut adapter = (0..rank).map(|p| (inner[i * rank + p], <bf16 as Element>::narrow(b[j * rank + p])));
            assert_eq!(all[at], add(sum, &mut adapter).to_bits(), "{fast:?}: row {i}, column {j}");
        }
        for unit in units {
            assert!(run(unit, true) == all, "{unit:?}, on all threads");
        }
    };
    check(Unit::all_here(), |sum, products| add_term(sum, products));
    check(Unit::all_chains_here(), |sum, products| add_chain(sum, products));
}

#[test]
fn what_is_not_finite_comes_out_alike_whoever_multiplies() {
    let (m, n, k) = (40, 48, 70);
    let special = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, -0.0, 0.0, 1e-39, -1e-39, f32::MIN_POSITIVE];
    let strewn = |count: usize, seed: u64, every: usize| -> Vec<bf16> {
        let mut values = mixed(count, seed);
        let places = values.iter_mut().step_by(every).zip(special.iter().cycle());
        places.for_each(|(value, special)| *value = bf16::from_f32(*special));
        values
    };
    let (x, w) = (strewn(m * k, 1, 97), strewn(n * k, 2, 131));
    let terms = [Term { left: Left::Rows(&x, k), right: Source::Transposed(Numbers::Bf16(&w), k), reduction: k }];
    let run = |unit: Unit| {
        let mut y = vec![0.0_f32; m * n];
        let out = SharedOut::F32(Shared::new(&mut y));
        // SAFETY: as large as that, and `all_here` has only what the processor has.
        unsafe { unit.multiply(&Work { terms: &terms, rows: 0..m, columns: 0..n, stride: n, alpha: 1.0, out }) };
        // What else is in a NaN is the processor's.
        y.into_iter().map(|y| if y.is_nan() { None } else { Some(y.to_bits()) }).collect::<Vec<_>>()
    };
    let model = run(Unit::Model);
    assert!(
        model.iter().any(Option::is_none) && model.iter().flatten().any(|bits| f32::from_bits(*bits).is_infinite())
    );
    for unit in Unit::all_here() {
        assert!(run(unit) == model, "{unit:?}");
    }
}

#[test]
fn no_rows_or_no_columns_are_no_work() {
    for unit in everybody() {
        for (m, n) in [(0, 40), (40, 0), (0, 0)] {
            let (x, w, mut y) = (mixed(40 * 8, 1), mixed(40 * 8, 2), vec![7.0_f32; 40 * 40]);
            let right = Source::Transposed(Numbers::Bf16(&w), 8);
            let terms = [Term { left: Left::Rows(&x, 8), right, reduction: 8 }];
            let out = SharedOut::F32(Shared::new(&mut y));
            let work = Work { terms: &terms, rows: 0..m, columns: 0..n, stride: 40, alpha: 1.0, out };
            // SAFETY: as large as that.
            unsafe { unit.multiply_parallel(&work) };
            assert!(y.iter().all(|&y| y == 7.0), "{unit:?}");
        }
    }
}
