//! The decoder's network on its device, for reading only, with the adapter that it has there or without. Shared by all
//! caches over it.

use std::sync::Arc;

use lam_cuda::{Buffer, CudaError, Device};

use crate::backend::cpu::ops::rope::Rope;
use crate::backend::cuda::ops::Ops;
use crate::backend::cuda::ops::cached::page_numbers;
use crate::backend::cuda::{Cuda, Group, Rows, Wide};
use crate::backend::run::{Heads, Run};
use crate::decoder::OnCuda;
use crate::decoder::network::{Block, Network};
use crate::{AdapterUse, Decoder, ModelError};

/// The network as generation reads it.
pub(crate) struct Model {
    pub(crate) on: Arc<OnCuda>,
    pub(crate) vocabulary: usize,
    /// A run of no tokens: what is the same in all.
    pub(crate) run: Run,
    /// Whether the decoder's own adapter takes part in every row.
    pub(crate) has_merged: bool,
    /// Whether the decoder's own adapter, if it has one, is left out.
    apart: bool,
    /// Whether a token that comes alone goes through `single.rs`.
    pub(crate) single: bool,
}

impl Model {
    pub(crate) fn of(decoder: &Decoder, on: &Arc<OnCuda>, adapter: AdapterUse) -> Result<Self, ModelError> {
        let (config, heads) = (&decoder.config, decoder.heads());
        let apart = adapter == AdapterUse::Apart;
        let mut model = Self {
            on: on.clone(),
            vocabulary: config.vocab_size,
            run: Run {
                tokens: Vec::new(),
                spans: Vec::new(),
                positions: Vec::new(),
                rope: Arc::new(Rope::new(config.rotary().expect("the decoder was made with it"), 0)),
                heads,
                eps: config.rms_norm_eps as f32,
                precision: decoder.precision(),
                dropout_seed: None,
            },
            has_merged: decoder.lora.is_some() && !apart,
            apart,
            single: false,
        };
        model.single = model.takes_single_rows();
        Ok(model)
    }

    pub(crate) fn heads(&self) -> Heads {
        self.run.heads
    }

    pub(crate) fn network(&self) -> &Network<Cuda> {
        &self.on.network
    }

    pub(crate) fn ops(&self) -> &Ops {
        &self.network().on.ops
    }

    pub(crate) fn device(&self) -> &Device {
        self.ops().device()
    }

    pub(crate) fn blocks(&self) -> &[Block<Cuda>] {
        &self.network().blocks
    }

    /// Numbers of a page of keys and values.
    pub(crate) fn page_numbers(&self) -> usize {
        page_numbers(self.heads(), self.blocks().len())
    }

    /// A group of layers with the same inputs, see [`crate::layout::GROUPS`].
    pub(crate) fn group(&self, (layer, group): (usize, usize)) -> &Group {
        let block = &self.blocks()[layer];
        [&block.qkv, &block.o, &block.gate_up, &block.down][group]
    }

    /// Values for which there must be room behind what a group reads.
    pub(crate) fn room(&self, place: (usize, usize)) -> usize {
        if self.apart { 0 } else { self.group(place).size.2 }
    }

    /// What a group gives, without the adapters that requests have. Shape: [T, N].
    pub(crate) fn forward(&self, place: (usize, usize), x: &Rows) -> Result<Rows, CudaError> {
        let group = self.group(place);
        if !self.apart {
            return group.forward(self.ops(), (&self.run, place.0), x);
        }
        let mut y = Rows::new(self.device(), x.count, group.size.0, 0)?;
        group.times(self.ops(), (x, group.size.1), &mut y)?;
        if let Some(bias) = &group.bias {
            self.ops().add_bias(y.place_mut(), bias.all(), (x.count, group.size.0))?;
        }
        Ok(y)
    }

    /// The same, added to `onto`. Shape: [T, N].
    pub(crate) fn forward_onto(&self, place: (usize, usize), x: &Rows, onto: &Wide) -> Result<Wide, CudaError> {
        let group = self.group(place);
        if !self.apart {
            return group.forward_onto(self.ops(), (&self.run, place.0), x, onto);
        }
        let n = group.size.0;
        let mut y = self.device().alloc::<f32>(x.count * n)?;
        group.times_onto(self.ops(), (x, group.size.1), onto.values.all(), y.all_mut())?;
        Ok(Wide { values: y, narrow: None })
    }
}

/// As many numbers are read through pinned memory, which stays: at full speed, with one wait.
const PINNED: usize = 1 << 21;

/// Logits of the device, when they are there.
pub(crate) fn fetched(device: &Device, logits: &Buffer<f32>) -> Result<Vec<f32>, CudaError> {
    if logits.len() <= PINNED { device.read_late(logits)?.wait() } else { device.read(logits) }
}
