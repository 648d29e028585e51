//! Reads the fixtures, which `scripts/fixtures/make_mistral.py` makes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use lam_model::{PackedBatch, Target};

pub fn directory(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// What the reference computed.
pub struct Expected {
    tensors: BTreeMap<String, Tensor>,
}

impl Expected {
    pub fn of(name: &str) -> Self {
        let file = directory(name).join("expected.safetensors");
        let tensors = candle_core::safetensors::load(file, &Device::Cpu).unwrap();
        Self { tensors: tensors.into_iter().collect() }
    }

    pub fn get(&self, name: &str) -> &Tensor {
        self.tensors.get(name).unwrap_or_else(|| panic!("the fixture has no `{name}`"))
    }

    pub fn batch(&self) -> PackedBatch {
        let whole = |name: &str| self.get(name).to_vec1::<f32>().unwrap();
        PackedBatch {
            input_ids: whole("ids").into_iter().map(|id| id as u32).collect(),
            lengths: whole("lengths").into_iter().map(|length| length as usize).collect(),
            forks: Vec::new(),
        }
    }
}

/// Every next token of every document.
pub fn targets(batch: &PackedBatch) -> Vec<Target> {
    let mut start = 0;
    let mut targets = Vec::new();
    for &length in &batch.lengths {
        for position in start..start + length - 1 {
            targets.push(Target { position, token: batch.input_ids[position + 1], weight: 1.0 });
        }
        start += length;
    }
    targets
}

/// Largest difference, relative to the largest expected value.
pub fn difference(found: &Tensor, expected: &Tensor) -> f32 {
    assert_eq!(found.dims(), expected.dims());
    let largest = |t: Tensor| t.abs().unwrap().flatten_all().unwrap().max(0).unwrap().to_scalar::<f32>().unwrap();
    largest((found - expected).unwrap()) / largest(expected.clone()).max(1e-6)
}
