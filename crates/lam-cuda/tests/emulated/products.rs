//! Products against sums in f64.

use half::bf16;
use lam_cuda::{Addend, Buffer, Device, Matrix, Output, Product, Settings};

use crate::{device, libraries, random, settings, with};

/// A matrix of the device, whose rows are longer than they need be, and what it holds.
struct Operand {
    buffer: Buffer<bf16>,
    values: Vec<bf16>,
    stride: usize,
    transposed: bool,
}

impl Operand {
    fn new(device: &Device, rows: usize, columns: usize, transposed: bool, seed: u64) -> Self {
        let (rows, columns) = if transposed { (columns, rows) } else { (rows, columns) };
        let stride = columns + seed as usize % 3;
        let values: Vec<_> = random((rows - 1) * stride + columns, seed).into_iter().map(bf16::from_f32).collect();
        Self { buffer: device.upload(&values).unwrap(), values, stride, transposed }
    }

    fn matrix(&self) -> Matrix<'_> {
        let matrix = Matrix::new(&self.buffer, self.stride);
        if self.transposed { matrix.transposed() } else { matrix }
    }

    fn at(&self, row: usize, column: usize) -> f64 {
        let (row, column) = if self.transposed { (column, row) } else { (row, column) };
        self.values[row * self.stride + column].to_f64()
    }
}

/// Numbers that a product may be written as, compared in f64.
trait Number: Output {
    /// How far the nearest number may be, of one.
    const STEP: f64;
    fn of(value: f32) -> Self;
    fn to_f64(self) -> f64;
}

impl Number for f32 {
    const STEP: f64 = 1e-6;
    fn of(value: f32) -> Self {
        value
    }
    fn to_f64(self) -> f64 {
        self.into()
    }
}

impl Number for bf16 {
    const STEP: f64 = 1.0 / 256.0;
    fn of(value: f32) -> Self {
        bf16::from_f32(value)
    }
    fn to_f64(self) -> f64 {
        self.to_f64()
    }
}

#[derive(Clone, Copy, Debug)]
enum Adds {
    Nothing,
    Output,
    Other,
}

fn compare<O: Number>(
    device: &Device,
    (m, n, k): (usize, usize, usize),
    (ta, tb): (bool, bool),
    adds: Adds,
    seed: u64,
) {
    let a = Operand::new(device, m, k, ta, seed);
    let b = Operand::new(device, k, n, tb, seed + 1);
    let stride = n + seed as usize % 4;
    let numbers = |seed| random(m * stride, seed).into_iter().map(O::of).collect::<Vec<O>>();
    let (before, other) = (numbers(seed + 2), numbers(seed + 3));
    let addend = device.upload(&other).unwrap();
    // Nothing that is not added is read.
    let mut d = if matches!(adds, Adds::Output) { device.upload(&before) } else { device.alloc(m * stride) }.unwrap();
    let (alpha, beta) = (0.75, -1.5);
    let product = Product { m, n, k, a: a.matrix(), b: b.matrix(), alpha };
    let (adding, added): (_, &[O]) = match adds {
        Adds::Nothing => (Addend::Nothing, &[]),
        Adds::Output => (Addend::Output(beta), &before),
        Adds::Other => (Addend::Other(beta, addend.all()), &other),
    };
    device.product(&product, adding, &mut d, stride).unwrap();
    let found = device.read(&d).unwrap();
    for row in 0..m {
        for column in 0..n {
            let sum: f64 = (0..k).map(|l| a.at(row, l) * b.at(l, column)).sum();
            let added = added.get(row * stride + column).map_or(0.0, |number| number.to_f64());
            let expected = f64::from(alpha) * sum + f64::from(beta) * added;
            let difference = (found[row * stride + column].to_f64() - expected).abs();
            let size = expected.abs().max((k as f64).sqrt());
            assert!(
                difference <= O::STEP * size,
                "{m} {n} {k} {ta} {tb} {adds:?} at {row},{column}: {difference} from {expected}"
            );
        }
    }
}

const SIZES: [(usize, usize, usize); 7] =
    [(1, 1, 1), (1, 7, 3), (5, 1, 64), (33, 31, 17), (64, 96, 32), (70, 130, 257), (200, 40, 129)];

pub fn every_orientation_and_odd_size() {
    let device = device();
    for (index, size) in SIZES.into_iter().enumerate() {
        for orientation in [(false, false), (false, true), (true, false), (true, true)] {
            let seed = 10 * index as u64 + u64::from(orientation.0);
            compare::<f32>(&device, size, orientation, Adds::Nothing, seed);
            compare::<bf16>(&device, size, orientation, Adds::Nothing, seed + 1);
        }
    }
}

pub fn what_is_added_and_what_is_not() {
    let device = device();
    for (index, size) in SIZES.into_iter().enumerate() {
        for adds in [Adds::Nothing, Adds::Output, Adds::Other] {
            compare::<f32>(&device, size, (false, true), adds, 100 + index as u64);
            compare::<bf16>(&device, size, (true, false), adds, 200 + index as u64);
        }
    }
    // Nothing to be written is nothing to do.
    let empty = device.upload(&[bf16::ONE]).unwrap();
    let matrix = Matrix::new(&empty, 1);
    let product = Product { m: 0, n: 5, k: 1, a: matrix, b: matrix, alpha: 1.0 };
    device.product(&product, Addend::Nothing, &mut device.zeros::<f32>(1).unwrap(), 5).unwrap();
}

pub fn rows_beyond_the_product_stay() {
    let device = device();
    let ones = device.upload(&[bf16::ONE; 64]).unwrap();
    let mut d = device.upload(&[-1f32; 40]).unwrap();
    let (a, b) = (Matrix::new(&ones, 8), Matrix::new(&ones, 4));
    let product = Product { m: 3, n: 4, k: 8, a, b, alpha: 1.0 };
    device.product(&product, Addend::Nothing, d.view_mut(10..), 6).unwrap();
    let expected = (0..40).map(|i| if (10..26).contains(&i) && (i - 10) % 6 < 4 { 8.0 } else { -1.0 });
    assert_eq!(device.read(&d).unwrap(), expected.collect::<Vec<_>>());
}

pub fn the_fastest_algorithm_is_kept_for_later_processes() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { cache: Some(folder.path().to_path_buf()), ..settings() };
    let file = folder.path().join("products/Emulated-device-cublaslt-12.8.4.txt");
    let run = |candidates, m, adds| {
        with(&[("EMULATED_CANDIDATES", candidates)], || {
            let device = Device::open_with(&libraries(), &settings).unwrap();
            compare::<f32>(&device, (m, 31, 17), (false, true), adds, 7);
        });
        std::fs::read_to_string(&file).unwrap()
    };
    let text = run("3", 33, Adds::Nothing);
    let words: Vec<_> = text.split_whitespace().collect();
    assert!(words[0].starts_with("m36/n32/k18/nt/f32/strides"), "{text}");
    // The last that the emulation offers is its fastest.
    assert!(words[1].starts_with("0000000000000002"), "{text}");
    // A choice is not measured again, nor for about the same size.
    assert_eq!(run("8", 33, Adds::Nothing), text);
    assert_eq!(run("8", 35, Adds::Nothing), text);
    // What adds to its output is measured elsewhere, and right.
    assert_eq!(run("2", 33, Adds::Output).lines().count(), 2);
    // One that the library no longer takes is measured anew, and then stands for this size alone.
    let anew = run("2", 33, Adds::Nothing);
    let own = anew.lines().find(|line| line.starts_with("m33/n31/k17/nt/f32/")).unwrap();
    assert!(own.contains(" 0000000000000001") && anew.lines().count() == 3, "{anew}");
    assert_eq!(run("2", 33, Adds::Nothing), anew);
}

pub fn an_operand_that_is_too_short_panics() {
    let device = device();
    let ones = device.upload(&[bf16::ONE; 63]).unwrap();
    let mut d = device.zeros::<f32>(64).unwrap();
    let (a, b) = (Matrix::new(&ones, 8), Matrix::new(ones.view(..8), 1));
    let product = Product { m: 8, n: 1, k: 8, a, b, alpha: 1.0 };
    let run = std::panic::AssertUnwindSafe(|| device.product(&product, Addend::Nothing, &mut d, 1));
    let message = *std::panic::catch_unwind(run).unwrap_err().downcast::<String>().unwrap();
    assert_eq!(message, "A of a product: 8 rows of 8, 8 apart, in 63 numbers");
}
