//! Memory that a cache keeps from one call to the next.

use super::panels::PackedInputs;
use crate::WeightFormat;

/// Buffers that are kept from call to call.
pub(crate) struct Workspace {
    pub(crate) x: Vec<f32>,
    pub(crate) packed: PackedInputs,
    pub(crate) qkv: Vec<f32>,
    pub(crate) o: Vec<f32>,
    pub(crate) gate_up: Vec<f32>,
    pub(crate) product: Vec<f32>,
}

impl Workspace {
    pub(crate) fn new(format: WeightFormat) -> Self {
        let [x, qkv, o, gate_up, product] = [const { Vec::new() }; 5];
        Self { x, packed: PackedInputs::new(format), qkv, o, gate_up, product }
    }
}
