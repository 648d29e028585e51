//! Each operation against the processor's, over numbers that bf16 holds exactly: on the emulation of `lam-cuda`, or on a
//! card where LAM_TEST_CUDA is `device`.
//!
//! Memory is full of NaN before it is written, inputs have NaN behind their rows, and what lies behind an output's rows
//! must still be NaN afterwards.

mod attention;
mod cached;
mod continued;
mod decode;
mod few;
mod losses;
pub(crate) mod norms;
mod parameters;
mod single;
pub(crate) mod values;

use std::path::Path;
use std::sync::OnceLock;

use half::bf16;
use lam_cuda::{Buffer, Device, Libraries, Settings, emulation};

use super::{Ops, Place, PlaceMut};
use crate::backend::cpu::kernel::element::Element;
use crate::backend::cpu::storage::activation::rounded;
use crate::finite_difference;
use crate::not_run::not_run;

const MEMORY: usize = 256 << 20;

/// The operations on the device of the tests; none where the emulation cannot be built, which counts the test as not run.
#[track_caller]
pub(crate) fn test_ops() -> Option<Ops> {
    static OPS: OnceLock<Option<Ops>> = OnceLock::new();
    let ops = OPS.get_or_init(|| Some(Ops::new(test_device()?).unwrap())).clone();
    if ops.is_none() {
        not_run(&format!("the emulation needs {}", emulation::missing().unwrap_or_default()));
    }
    ops
}

/// The device of the tests: a card where LAM_TEST_CUDA is `device`, else the emulation.
fn test_device() -> Option<Device> {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/emulation");
    let libraries = if std::env::var_os("LAM_TEST_CUDA").is_some_and(|place| place == "device") {
        Libraries::find().unwrap()
    } else {
        if emulation::missing().is_some() {
            return None;
        }
        Libraries::in_folder(&emulation::build(&kept).unwrap()).unwrap()
    };
    let cache = Some(kept.join("cache"));
    let settings = Settings { ordinal: 0, memory_bytes: MEMORY, cache, poison: true, synchronous: true };
    Some(Device::open_with(&libraries, &settings).unwrap())
}

/// Values in -1..1 that bf16 holds exactly.
pub(crate) fn exact(n: usize, seed: u64) -> Vec<f32> {
    narrowed(&finite_difference::values(n, seed))
}

/// What bf16 makes of values.
pub(crate) fn narrowed(values: &[f32]) -> Vec<f32> {
    rounded(values).into_iter().map(Element::wide).collect()
}

/// A matrix on the device, whose rows have room behind them.
pub(crate) struct Matrix {
    pub(crate) values: Buffer<bf16>,
    rows: usize,
    columns: usize,
    stride: usize,
}

impl Matrix {
    /// With these values, and NaN behind the rows.
    pub(crate) fn of(ops: &Ops, values: &[f32], columns: usize, stride: usize) -> Self {
        let rows = values.len() / columns;
        let mut all = vec![bf16::NAN; rows * stride];
        for (to, from) in all.chunks_mut(stride).zip(values.chunks(columns)) {
            to[..columns].copy_from_slice(&rounded(from));
        }
        Self { values: ops.device().upload(&all).unwrap(), rows, columns, stride }
    }

    /// Full of NaN.
    fn empty(ops: &Ops, rows: usize, columns: usize, stride: usize) -> Self {
        Self::of(ops, &vec![f32::NAN; rows * columns], columns, stride)
    }

    fn place(&self) -> Place<'_> {
        Place { values: self.values.all(), stride: self.stride }
    }

    fn place_mut(&mut self) -> PlaceMut<'_> {
        PlaceMut { values: self.values.all_mut(), stride: self.stride }
    }

    /// The values; panics if anything was written behind the rows.
    fn read(&self, ops: &Ops) -> Vec<f32> {
        let all = ops.device.read(&self.values).unwrap();
        assert!(
            all.chunks(self.stride).all(|row| row[self.columns..].iter().all(|value| value.is_nan())),
            "behind rows"
        );
        let rows = all.chunks(self.stride).take(self.rows);
        rows.flat_map(|row| row[..self.columns].iter().map(|value| value.wide())).collect()
    }
}

/// Panics unless the values are those wanted, up to an error relative to their norm.
pub(crate) fn near(what: &str, found: &[f32], wanted: &[f32], limit: f64) {
    assert_eq!(found.len(), wanted.len(), "{what}");
    assert!(found.iter().all(|value| value.is_finite()), "{what}: not all values are finite");
    let squares = |values: &mut dyn Iterator<Item = f64>| values.map(|value| value * value).sum::<f64>();
    let off = squares(&mut found.iter().zip(wanted).map(|(a, b)| f64::from(*a) - f64::from(*b)));
    let norm = squares(&mut wanted.iter().map(|value| f64::from(*value))).max(1e-30);
    let error = (off / norm).sqrt();
    assert!(error <= limit, "{what}: error {error:.2e}, at most {limit:.1e}");
}

/// Integers of the kernels' width.
fn integers(values: impl IntoIterator<Item = usize>) -> Vec<i32> {
    values.into_iter().map(|value| value as i32).collect()
}
