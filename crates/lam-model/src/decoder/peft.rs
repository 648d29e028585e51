//! Adapters of others on a decoder: pairs beside linear layers stay pairs, everything else goes into the weights.

use std::collections::BTreeSet;
use std::sync::Arc;

use candle_core::Tensor;

use super::{Decoder, Linear, LoraPair};
use crate::backend::storage;
use crate::backend::storage::weight::Weight;
use crate::files::{Change, Part, PeftAdapter, Tensors};
use crate::layout::{EMBEDDING, HEAD, HEAD_WEIGHT, MODULES, linear_name};
use crate::{LoraConfig, ModelError, TargetModules};

/// Where a module's weight stands in the decoder.
enum Slot<'a> {
    Linear(&'a mut Linear),
    Weight(&'a mut Weight),
}

impl Decoder {
    /// Puts an adapter on the model; it is trained if `trained`.
    pub(crate) fn put_peft(&mut self, adapter: &PeftAdapter, trained: bool) -> Result<(), ModelError> {
        let plan = adapter.plan(&self.config)?;
        self.folded = plan.iter().find_map(Change::folded);
        if let Some(form) = self.folded.filter(|_| trained) {
            return Err(ModelError::adapter(
                format!("{}: an adapter with `{form}` cannot be trained on", adapter.directory.display()),
                "set `lora.create_new_adapter = true`: it is merged and a new one is trained",
            ));
        }
        let mut tensors = adapter.tensors()?;
        self.untie(&plan)?;
        let mut modules = BTreeSet::new();
        for change in plan {
            if self.apply(&change, adapter, &mut tensors)? {
                modules.insert(change.module.rsplit('.').next().unwrap_or_default().to_owned());
            }
        }
        let config = &adapter.config;
        self.lora = (!modules.is_empty()).then(|| LoraConfig {
            lora_r: config.rank,
            lora_alpha: config.alpha,
            lora_dropout: config.dropout,
            lora_target_modules: TargetModules::List(modules.into_iter().collect()),
            use_rslora: config.rslora,
            create_new_adapter: false,
        });
        self.train(|name| trained && name.contains(".lora_"))
    }

    /// Makes one change; says whether it left a pair.
    fn apply(&mut self, change: &Change, adapter: &PeftAdapter, tensors: &mut Tensors) -> Result<bool, ModelError> {
        match &change.part {
            Part::Whole { name, .. } if change.module == HEAD && self.head.is_none() => {
                // Saved twice for the size of its vocabulary: embedding and output layer are one tensor.
                let (again, embedding) = (tensors.take_any(name)?, self.stack.embedding.to_tensor()?);
                if *storage::values(&again)? == *storage::values(&embedding)? {
                    return Ok(false);
                }
                let what = format!(
                    "{}: `{name}` is another than the embedding, although the base ties them",
                    adapter.directory.display()
                );
                Err(ModelError::adapter(
                    what,
                    "merge the adapter with PEFT's merge_and_unload() and name the merged model",
                ))
            }
            Part::Whole { name, .. } => {
                self.replace(&change.module, |weight| tensors.take(name, &weight.shape()))?;
                Ok(false)
            }
            Part::Rows { name, rows } => {
                self.replace(&change.module, |weight| with_rows(weight, name, rows, tensors))?;
                Ok(false)
            }
            Part::LowRank { a, b, rank, alpha, magnitude } => {
                let scale = adapter.config.scale(*rank, *alpha) as f32;
                let (a, b) = (tensors.take_any(a)?, tensors.take_any(b)?);
                // The embedding's product is the transpose of a linear layer's.
                let (a, b) = if change.module == EMBEDDING { (b.t()?, a.t()?) } else { (a, b) };
                let pair = LoraPair {
                    a: Weight::frozen(lora_name(&change.module, "A"), a)?,
                    b: Weight::frozen(lora_name(&change.module, "B"), b)?,
                    rank: *rank,
                    alpha: *alpha,
                    scale,
                    dropout: adapter.config.dropout,
                };
                let lengths = magnitude.as_ref().map(|name| tensors.take_any(name)).transpose()?;
                if let (Slot::Linear(linear), None) = (self.slot(&change.module)?, &lengths) {
                    linear.adapter = Some(pair);
                    return Ok(true);
                }
                self.replace(&change.module, |weight| with_product(weight, pair, lengths))?;
                Ok(false)
            }
        }
    }

    /// Puts another tensor in a module's place.
    fn replace(
        &mut self,
        module: &str,
        make: impl FnOnce(&Weight) -> Result<Tensor, ModelError>,
    ) -> Result<(), ModelError> {
        let weight = match self.slot(module)? {
            Slot::Linear(linear) => &mut linear.weight,
            Slot::Weight(weight) => weight,
        };
        *weight = Weight::frozen(weight.name.clone(), make(weight)?)?;
        Ok(())
    }

    fn slot(&mut self, module: &str) -> Result<Slot<'_>, ModelError> {
        let unknown = || ModelError::adapter(format!("the model has no `{module}`"), "");
        let stack = Arc::make_mut(&mut self.stack);
        if module == HEAD {
            return self.head.as_mut().map(Slot::Weight).ok_or_else(unknown);
        }
        if module == EMBEDDING {
            return Ok(Slot::Weight(&mut stack.embedding));
        }
        let name = format!("{module}.weight");
        if stack.norm.name == name {
            return Ok(Slot::Weight(&mut stack.norm));
        }
        for (layer, block) in stack.blocks.iter_mut().enumerate() {
            if let Some(at) = MODULES.iter().position(|each| linear_name(layer, each) == module) {
                return Ok(Slot::Linear(&mut block.linears[at]));
            }
            let norms = [&mut block.input_norm, &mut block.post_norm];
            let mut norms = norms.into_iter().chain(block.head_norms.iter_mut().flatten());
            if let Some(norm) = norms.find(|norm| norm.name == name) {
                return Ok(Slot::Weight(norm));
            }
        }
        Err(unknown())
    }

    /// Gives the output layer weights of its own where the adapter changes it or the embedding alone. Rows of tokens and
    /// an embedding that was stored for its size stay tied, as in PEFT.
    fn untie(&mut self, plan: &[Change]) -> Result<(), ModelError> {
        let changes = |module: &str| plan.iter().any(|change| change.module == module && change.parts_a_tie());
        if self.head.is_some() || !(changes(HEAD) || changes(EMBEDDING)) {
            return Ok(());
        }
        self.head = Some(Weight::frozen(HEAD_WEIGHT.into(), self.stack.embedding.to_tensor()?)?);
        self.config.tie_word_embeddings = false;
        Ok(())
    }
}

fn lora_name(module: &str, part: &str) -> String {
    format!("base_model.model.{module}.lora_{part}.weight")
}

/// A table with some of its rows replaced.
fn with_rows(weight: &Weight, name: &str, rows: &[usize], tensors: &mut Tensors) -> Result<Tensor, ModelError> {
    let shape = weight.shape();
    let (count, width) = (shape[0], shape[1]);
    let new = storage::values(&tensors.take(name, &[rows.len(), width])?)?.to_vec();
    let mut values = storage::values(&weight.to_tensor()?)?.to_vec();
    for (row, new) in rows.iter().zip(new.chunks_exact(width)) {
        let Some(old) = values.get_mut(row * width..(row + 1) * width) else {
            return Err(ModelError::adapter(
                format!("`trainable_token_indices` names row {row}, the table has {count}"),
                "the adapter was made for another vocabulary",
            ));
        };
        old.copy_from_slice(new);
    }
    Ok(storage::tensor(values, (count, width))?)
}

/// w + s B A; with `lengths`, every row gets its length (DoRA).
fn with_product(weight: &Weight, pair: LoraPair, lengths: Option<Tensor>) -> Result<Tensor, ModelError> {
    let shape = weight.shape();
    let size = (shape[0], shape[1]);
    let merged = pair.product()?.added_to(weight.held()?.numbers(), &(0..size.0), size.1)?;
    let merged = storage::tensor(merged, size)?;
    let Some(lengths) = lengths else { return Ok(merged) };
    let mut values = storage::values(&merged)?.to_vec();
    for (row, length) in values.chunks_exact_mut(size.1).zip(storage::values(&lengths)?.iter()) {
        let norm = row.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
        row.iter_mut().for_each(|value| *value = (f64::from(*value) * f64::from(*length) / norm) as f32);
    }
    Ok(storage::tensor(values, size)?)
}
