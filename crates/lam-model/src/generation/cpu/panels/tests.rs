use super::*;
use crate::backend::cpu::kernel::lanes::{Lanes, Portable};
use crate::finite_difference::values;

const FORMATS: [WeightFormat; 3] = [WeightFormat::F32, WeightFormat::Bf16, WeightFormat::Q8];

/// Gives the rows of a weight of `k` inputs.
fn rows_of(w: &[f32], k: usize) -> impl Fn(usize, &mut [f32]) -> Result<(), ModelError> + Sync {
    move |row, values| {
        values.copy_from_slice(&w[row * k..(row + 1) * k]);
        Ok(())
    }
}

fn panels(format: WeightFormat, w: &[f32], (n, k): (usize, usize)) -> Panels {
    Panels::new(&mut Arena::default(), format, (n, k), &rows_of(w, k)).unwrap()
}

/// The same for a unit, or for none.
fn for_unit(unit: Option<Unit>, format: WeightFormat, w: &[f32], (n, k): (usize, usize)) -> Panels {
    Panels::for_unit(unit, &mut Arena::default(), format, (n, k), &rows_of(w, k)).unwrap()
}

fn packed(format: WeightFormat, x: &[f32], k: usize) -> PackedInputs {
    let mut packed = PackedInputs::new(format);
    let rows = packed.reset(x.len() / k, k);
    // SAFETY: one row after the other.
    x.chunks(k).enumerate().for_each(|(row, x)| unsafe { rows.put(row, x) });
    packed
}

fn product(panels: &Panels, x: &[f32], k: usize) -> Vec<f32> {
    let mut y = vec![0.0; x.len() / k * panels.outputs()];
    panels.apply(&SpinPool::enter(), &packed(panels.format, x, k), 0..x.len() / k, &mut y, Output::Replace);
    y
}

/// How far a product may be from the plain one, relative to the root of the sum of squares.
fn tolerance(format: WeightFormat) -> f32 {
    match format {
        WeightFormat::F32 => 1e-6,
        WeightFormat::Bf16 => 1.2e-2,
        WeightFormat::Q8 | WeightFormat::Q4 => 3e-2,
    }
}

#[test]
fn a_row_is_the_same_bits_in_any_batch_and_close_to_the_plain_product() {
    for format in FORMATS {
        for (n, k) in [(70, 37), (33, 64), (1, 1), (200, 100)] {
            let (x, w) = (values(41 * k, 1), values(n * k, 2));
            let panels = panels(format, &w, (n, k));
            let all = product(&panels, &x, k);
            for (row, x) in x.chunks(k).enumerate() {
                let alone = product(&panels, x, k);
                assert_eq!(alone, all[row * n..(row + 1) * n]);
                for (y, w) in alone.iter().zip(w.chunks(k)) {
                    let right: f32 = x.iter().zip(w).map(|(a, b)| a * b).sum();
                    let size: f32 = x.iter().zip(w).map(|(a, b)| (a * b).powi(2)).sum::<f32>().sqrt();
                    assert!(
                        (y - right).abs() <= tolerance(format) * (size + 0.1),
                        "{format:?} [{n}, {k}]: {y} {right}"
                    );
                }
            }
        }
    }
}

#[test]
fn sums_are_added_and_gated_where_asked_for() {
    let (k, rows) = (40, 9);
    let (x, w) = (values(rows * k, 1), values(64 * k, 2));
    for format in FORMATS {
        let panels = panels(format, &w, (64, k));
        let plain = product(&panels, &x, k);
        let mut sums = vec![1.0; plain.len()];
        panels.apply(&SpinPool::enter(), &packed(format, &x, k), 0..rows, &mut sums, Output::Add);
        assert!(sums.iter().zip(&plain).all(|(sum, plain)| *sum == 1.0 + plain));
        let mut gated = vec![0.0; rows * 32];
        panels.apply(&SpinPool::enter(), &packed(format, &x, k), 0..rows, &mut gated, Output::SwiGlu);
        for (row, plain) in plain.chunks(64).enumerate() {
            for i in 0..32 {
                let (gate, up) = (plain[i / 16 * 32 + i % 16], plain[i / 16 * 32 + 16 + i % 16]);
                let right = gate / (1.0 + (-gate).exp()) * up;
                assert!((gated[row * 32 + i] - right).abs() < 1e-5 * (1.0 + right.abs()));
            }
        }
    }
}

#[test]
fn only_the_rows_asked_for_are_written() {
    let (x, w) = (values(10 * 8, 1), values(5 * 8, 2));
    let panels = panels(WeightFormat::F32, &w, (5, 8));
    let all = product(&panels, &x, 8);
    let mut some = vec![7.0; 50];
    panels.apply(&SpinPool::enter(), &packed(WeightFormat::F32, &x, 8), 3..6, &mut some, Output::Replace);
    assert_eq!(some[15..30], all[15..30]);
    assert!(some[..15].iter().chain(&some[30..]).all(|&value| value == 7.0));
}

/// The first panel by all rows, in the loops of one level.
fn by_level<L: Lanes>(panels: &Panels, x: &PackedInputs) -> Vec<f32> {
    let mut y = vec![0.0; x.rows() * WIDTH];
    let column = Column {
        format: panels.format,
        x: x.words().as_ptr(),
        x_stride: x.stride(),
        rows: x.rows(),
        k: panels.k,
        panel: panels.data.as_ptr(),
        y: y.as_mut_ptr(),
        y_stride: WIDTH,
        width: WIDTH,
        output: Output::Replace,
    };
    // SAFETY: the panel has 32 outputs, and there is room for them.
    unsafe { tile::rows_by_panel::<L>(column) };
    y
}

#[test]
fn every_level_of_processor_gives_the_same_products() {
    let (k, n) = (96, 32);
    let (x, w) = (values(11 * k, 1), values(n * k, 2));
    for format in FORMATS {
        let (panels, x) = (panels(format, &w, (n, k)), packed(format, &x, k));
        let mut here = vec![0.0; 11 * n];
        panels.apply(&SpinPool::enter(), &x, 0..11, &mut here, Output::Replace);
        let others = [by_level::<Portable<false, 2>>(&panels, &x), by_level::<Portable<true, 8>>(&panels, &x)];
        for (here, other) in others.iter().flat_map(|other| here.iter().zip(other)) {
            assert!((here - other).abs() < 2e-5 * (1.0 + here.abs()), "{format:?}: {here} {other}");
        }
    }
}

#[test]
fn eight_bits_keep_values_that_have_them() {
    let w: Vec<f32> =
        (0..64).map(|i| if i % 32 == 5 { 127.0 } else { (i * 37 % 251) as f32 - 125.0 } * 0.0078125).collect();
    let x = vec![1.0; 64];
    let right: f32 = w.iter().sum();
    let found = product(&panels(WeightFormat::Q8, &w, (1, 64)), &x, 64)[0];
    assert!((found - right).abs() < 1e-5, "{found} {right}");
}

/// Blocks of 4 bits, and the values that they stand for.
fn four_bits(n: usize, k: usize) -> (Panels, Vec<f32>) {
    let draws = values(n * k, 3);
    let group = |row: usize, group: usize| {
        let place = row * k + group * BLOCK;
        let [factor, minimum] = [0, 1].map(|i| f16::from_f32(0.02 + draws[place + i].abs() * 0.1).to_f32());
        let quants = std::array::from_fn(|i| ((draws[place + i] * 1e4).abs() as usize % 16) as u8);
        Group { factor, minimum: 8.0 * minimum, quants }
    };
    let mut w = Vec::new();
    for row in 0..n {
        for g in 0..k / BLOCK {
            let Group { factor, minimum, quants } = group(row, g);
            w.extend(quants.map(|q| factor * f32::from(q) - minimum));
        }
    }
    let rows = |_: usize, _: &mut [f32]| panic!("blocks are laid out as they are");
    let groups = |row: usize, groups: &mut [Group]| {
        groups.iter_mut().enumerate().for_each(|(number, place)| *place = group(row, number));
        Ok(())
    };
    (Panels::of_blocks(&mut Arena::default(), WeightFormat::Q4, (n, k), &rows, Some(&groups)).unwrap(), w)
}

#[test]
fn four_bits_are_products_of_the_values_that_the_blocks_stand_for() {
    for (n, k) in [(70, 64), (33, 32), (1, 96)] {
        let (panels, w) = four_bits(n, k);
        assert_eq!(panel_words(WeightFormat::Q4, k) * 8, 5 * k * WIDTH / 4);
        // Inputs that 8 bits keep: what is apart is the rounding of sums.
        let x: Vec<f32> =
            (0..9 * k).map(|i| if i % 32 == 3 { 127.0 } else { (i * 37 % 253) as f32 - 126.0 } / 64.0).collect();
        let all = product(&panels, &x, k);
        for (row, x) in x.chunks(k).enumerate() {
            assert_eq!(product(&panels, x, k), all[row * n..(row + 1) * n]);
            for (y, w) in all[row * n..].iter().zip(w.chunks(k)) {
                let right: f64 = x.iter().zip(w).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
                let size: f64 = x.iter().zip(w).map(|(a, b)| (f64::from(*a) * f64::from(*b)).abs()).sum();
                assert!((f64::from(*y) - right).abs() <= 1e-5 * size, "[{n}, {k}]: {y} {right}");
            }
        }
    }
}

#[test]
fn four_bits_are_the_same_on_every_level_of_processor() {
    let (k, n) = (96, 32);
    let (panels, _) = four_bits(n, k);
    let x = packed(WeightFormat::Q4, &values(11 * k, 1), k);
    let mut here = vec![0.0; 11 * n];
    panels.apply(&SpinPool::enter(), &x, 0..11, &mut here, Output::Replace);
    let others = [by_level::<Portable<false, 2>>(&panels, &x), by_level::<Portable<true, 8>>(&panels, &x)];
    for (here, other) in others.iter().flat_map(|other| here.iter().zip(other)) {
        assert!((here - other).abs() < 2e-5 * (1.0 + here.abs()), "{here} {other}");
    }
}

#[test]
fn what_is_not_in_four_bits_is_in_eight() {
    let w = values(40 * 64, 2);
    let of_blocks = |groups| {
        Panels::of_blocks(&mut Arena::default(), WeightFormat::Q4, (40, 64), &rows_of(&w, 64), groups).unwrap()
    };
    assert_eq!(of_blocks(None).format, WeightFormat::Q8);
    assert_eq!(of_blocks(Some(&|_, _| Ok(()))).format, WeightFormat::Q4);
}

#[test]
fn what_cannot_be_read_is_not_laid_out() {
    let refused = || Err(ModelError::batch("row 33", ""));
    let rows = |row: usize, _: &mut [f32]| if row == 33 { refused() } else { Ok(()) };
    let groups = |row: usize, _: &mut [Group]| if row == 33 { refused() } else { Ok(()) };
    for format in [WeightFormat::F32, WeightFormat::Bf16, WeightFormat::Q8, WeightFormat::Q4] {
        let laid = Panels::of_blocks(&mut Arena::default(), format, (40, 64), &rows, Some(&groups));
        assert!(laid.is_err_and(|error| error.to_string().contains("row 33")), "{format:?}");
    }
}

#[test]
fn what_is_not_finite_stays_so() {
    let w = values(4 * 64, 2);
    for format in FORMATS {
        let panels = panels(format, &w, (4, 64));
        for bad in [f32::NAN, f32::INFINITY] {
            let mut x = values(64, 1);
            x[40] = bad;
            assert!(product(&panels, &x, 64).iter().all(|y| !y.is_finite()), "{format:?} {bad}");
        }
    }
}

/// The sum of products in the order of tiles.
fn in_order_of_tiles(x: &[f32], w: &[f32]) -> f32 {
    let rounded = |v: &f32| f32::from_bits(bf16(*v) << 16);
    let products: Vec<(f32, f32)> = x.iter().map(rounded).zip(w.iter().map(rounded)).collect();
    products.chunks(32).fold(0.0, |sum, step| {
        let chain = |first: usize| step.iter().skip(first).step_by(2).fold(0.0_f32, |c, (a, b)| a.mul_add(*b, c));
        sum + (chain(0) + chain(1))
    })
}

/// The sum of products in one chain.
fn in_one_chain(x: &[f32], w: &[f32]) -> f32 {
    let rounded = |v: &f32| f32::from_bits(bf16(*v) << 16);
    x.iter().map(rounded).zip(w.iter().map(rounded)).fold(0.0, |sum, (a, b)| a.mul_add(b, sum))
}

#[test]
fn on_tiles_a_row_is_the_same_bits_in_any_company_whoever_multiplies() {
    use crate::backend::cpu::kernel::features::{Features, LanesLevel};
    let check = |units: &[Unit], sum: fn(&[f32], &[f32]) -> f32| {
        for (n, k) in [(70, 37), (33, 64), (1, 1), (200, 100)] {
            let (x, w) = (values(70 * k, 1), values(n * k, 2));
            let right: Vec<f32> =
                x.chunks(k).flat_map(|x| w.chunks(k).map(|w| sum(x, w)).collect::<Vec<_>>()).collect();
            for &unit in units {
                let panels = for_unit(Some(unit), WeightFormat::Bf16, &w, (n, k));
                for count in [1, 2, 3, 4, 7, 15, 16, 17, 32, 33, 70] {
                    let found = product(&panels, &x[..count * k], k);
                    let same = found.iter().zip(&right).all(|(a, b)| a.to_bits() == b.to_bits());
                    assert!(same, "{unit:?} {n} {k} {count}");
                }
                // Rows from the middle of the inputs.
                let mut some = vec![7.0; 70 * n];
                let inputs = packed(WeightFormat::Bf16, &x, k);
                panels.apply(&SpinPool::enter(), &inputs, 41..70, &mut some, Output::Add);
                assert!(some[41 * n..].iter().zip(&right[41 * n..]).all(|(a, b)| *a == 7.0 + b), "{unit:?} added");
                assert!(some[..41 * n].iter().all(|&value| value == 7.0));
            }
        }
    };
    check(&Unit::all_here(), in_order_of_tiles);
    // Up to three rows go through the loops: of a processor with pairs, whose order is another, those are not the same.
    if !matches!(Features::here().lanes, LanesLevel::Baseline) && !Features::here().bf16 {
        check(&Unit::all_chains_here(), in_one_chain);
    }
}

#[cfg(target_arch = "aarch64")]
#[test]
fn matrix_products_of_arm_have_the_bits_of_its_dot_products() {
    use crate::backend::cpu::kernel::features::{Features, LanesLevel};
    if Unit::here() != Some(Unit::Dots) || Features::here().lanes != LanesLevel::Neon {
        return;
    }
    for (n, k) in [(70, 37), (33, 64), (200, 100)] {
        let (x, w) = (values(70 * k, 1), values(n * k, 2));
        let [matrices, vectors] = [Some(Unit::Dots), None].map(|unit| for_unit(unit, WeightFormat::Bf16, &w, (n, k)));
        for count in [1, 2, 3, 7, 16, 33, 70] {
            let [a, b] = [&matrices, &vectors].map(|panels| product(panels, &x[..count * k], k));
            assert!(a.iter().zip(&b).all(|(a, b)| a.to_bits() == b.to_bits()), "{n} {k} {count}");
        }
    }
}

#[test]
fn on_tiles_outputs_are_gated_as_without() {
    let (k, rows) = (40, 9);
    let (x, w) = (values(rows * k, 1), values(64 * k, 2));
    let gated = |unit| {
        let panels = for_unit(unit, WeightFormat::Bf16, &w, (64, k));
        let mut y = vec![0.0; rows * 32];
        panels.apply(&SpinPool::enter(), &packed(WeightFormat::Bf16, &x, k), 0..rows, &mut y, Output::SwiGlu);
        y
    };
    let without = gated(None);
    for unit in Unit::all_here().into_iter().chain(Unit::all_chains_here()) {
        assert!(gated(Some(unit)).iter().zip(&without).all(|(a, b)| (a - b).abs() < 1e-4), "{unit:?}");
    }
}

#[test]
fn pairs_by_multiply_adds_are_the_same_bits_on_every_level() {
    let (k, n) = (96, 32);
    let (x, w) = (values(11 * k, 1), values(n * k, 2));
    for format in FORMATS {
        let panels = for_unit(None, format, &w, (n, k));
        let x = packed(format, &x, k);
        let right = by_level::<Portable<true, 2>>(&panels, &x);
        assert_eq!(by_level::<Portable<true, 8>>(&panels, &x), right, "{format:?}");
        #[cfg(target_arch = "x86_64")]
        if crate::backend::cpu::kernel::with_lanes::level() == crate::backend::cpu::kernel::with_lanes::Level::Native {
            // SAFETY: the level says that the processor has these instructions.
            assert_eq!(unsafe { by_native(&panels, &x) }, right, "{format:?}");
        }
    }
}

/// As [`by_level`], in the instructions of the highest level.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx512bf16,avx512vnni,avx2,fma,f16c")]
unsafe fn by_native(panels: &Panels, x: &PackedInputs) -> Vec<f32> {
    by_level::<crate::backend::cpu::kernel::lanes::Native<false>>(panels, x)
}
