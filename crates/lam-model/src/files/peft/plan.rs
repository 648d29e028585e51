//! From an adapter's config and the names in its files to what becomes of each of the model's tensors.

use std::collections::BTreeMap;

use lam_weights::WeightFiles;

use super::{PREFIX, PeftConfig};
use crate::layout::{self, EMBEDDING, HEAD};
use crate::{DecoderConfig, ModelError};

/// What an adapter does to one tensor of the model.
pub(crate) struct Change {
    /// The module that the tensor is the weight of.
    pub(crate) module: String,
    /// What is done.
    pub(crate) part: Part,
}

/// Kinds of changes; names are those in the adapter's file.
pub(crate) enum Part {
    /// The tensor is replaced; `saved` where `modules_to_save` says so.
    Whole { name: String, saved: bool },
    /// Some of its rows are replaced.
    Rows { name: String, rows: Vec<usize> },
    /// A product of low rank is added; with `magnitude`, its rows then get these lengths (DoRA).
    LowRank { a: String, b: String, rank: usize, alpha: f64, magnitude: Option<String> },
}

impl Change {
    /// The key of a form that is no pair beside a linear layer of a block.
    pub(crate) fn folded(&self) -> Option<&'static str> {
        match &self.part {
            Part::LowRank { magnitude: Some(_), .. } => Some("use_dora"),
            Part::LowRank { .. } if [EMBEDDING, HEAD].contains(&self.module.as_str()) => Some("target_modules"),
            Part::LowRank { .. } => None,
            Part::Rows { .. } => Some("trainable_token_indices"),
            Part::Whole { saved: true, .. } => Some("modules_to_save"),
            Part::Whole { .. } => Some("save_embedding_layers"),
        }
    }

    /// Whether it gives an embedding or an output layer that share a tensor one each: all but rows, and a tensor that the
    /// config does not tell of.
    pub(crate) fn parts_a_tie(&self) -> bool {
        match &self.part {
            Part::Whole { saved, .. } => *saved,
            Part::Rows { .. } => false,
            Part::LowRank { .. } => true,
        }
    }
}

/// Names and shapes that a plan needs of the file.
struct Planner<'a> {
    config: &'a PeftConfig,
    is_tied: bool,
    found: BTreeMap<&'a str, &'a [usize]>,
    expected: BTreeMap<String, Vec<usize>>,
    changes: Vec<Change>,
}

/// Plans what an adapter changes; every tensor of the file is part of the plan, and the other way round.
pub(super) fn plan(config: &PeftConfig, files: &WeightFiles, model: &DecoderConfig) -> Result<Vec<Change>, ModelError> {
    let found = files.tensors().map(|(name, info, _)| (name, info.shape.as_slice())).collect();
    let mut planner =
        Planner { config, is_tied: model.tie_word_embeddings, found, expected: BTreeMap::new(), changes: Vec::new() };
    for (module, shape) in layout::modules(model) {
        planner.module(&module, &shape)?;
    }
    let path = &files.path;
    let tables = [EMBEDDING, HEAD];
    if let Some((table, _)) = config.rows.iter().find(|(table, _)| !tables.iter().any(|each| each.ends_with(&**table)))
    {
        return Err(config.fault(format!("`trainable_token_indices`: `{table}` is no embedding and no output layer")));
    }
    if let Some((name, _)) = planner.expected.iter().find(|(name, _)| !planner.found.contains_key(name.as_str())) {
        return Err(ModelError::MissingTensor { path: path.clone(), name: name.clone() });
    }
    for (name, found) in &planner.found {
        let Some(expected) = planner.expected.get(*name) else {
            return Err(ModelError::file_with_hint(
                path,
                format!("tensor `{name}` matches no module that the adapter's config adapts in this model"),
                "the adapter was made for another model, or in a form that is not known here",
            ));
        };
        if expected.as_slice() != *found {
            let (expected, found) = (expected.clone(), found.to_vec());
            return Err(ModelError::Shape { path: path.clone(), name: (*name).to_owned(), expected, found });
        }
    }
    if planner.changes.is_empty() {
        return Err(ModelError::file(path, "the adapter's config names no module of this model"));
    }
    Ok(planner.changes)
}

impl Planner<'_> {
    fn module(&mut self, module: &str, shape: &[usize]) -> Result<(), ModelError> {
        let is_table = [EMBEDDING, HEAD].contains(&module);
        if self.config.saves(module) {
            self.whole(module, format!("{PREFIX}{module}.weight"), shape, true);
        } else if shape.len() == 2 && self.config.adapts(module)? {
            self.saved_table(is_table, module, "base_layer.weight", shape);
            self.low_rank(module, shape)?;
        } else {
            // As `save_embedding_layers` leaves them, which the config does not tell.
            self.saved_table(is_table, module, "weight", shape);
        }
        for (table, rows) in &self.config.rows {
            if is_table && module.ends_with(table.as_str()) {
                let name = format!("{PREFIX}{module}.token_adapter.trainable_tokens_delta");
                if module == HEAD && self.is_tied && self.shares_rows(rows) && !self.found.contains_key(&*name) {
                    continue;
                }
                self.expected.insert(name.clone(), vec![rows.len(), shape[1]]);
                self.changes.push(Change { module: module.into(), part: Part::Rows { name, rows: rows.clone() } });
            }
        }
        Ok(())
    }

    /// Whether the embedding has these rows too, so that the tied output layer has them from there.
    fn shares_rows(&self, rows: &[usize]) -> bool {
        self.config.rows.iter().any(|(table, other)| EMBEDDING.ends_with(table.as_str()) && other == rows)
    }

    fn whole(&mut self, module: &str, name: String, shape: &[usize], saved: bool) {
        self.expected.insert(name.clone(), shape.to_vec());
        self.changes.push(Change { module: module.into(), part: Part::Whole { name, saved } });
    }

    /// An embedding or an output layer that the file holds as a whole.
    fn saved_table(&mut self, is_table: bool, module: &str, tensor: &str, shape: &[usize]) {
        let name = format!("{PREFIX}{module}.{tensor}");
        if is_table && self.found.contains_key(name.as_str()) {
            self.whole(module, name, shape, false);
        }
    }

    fn low_rank(&mut self, module: &str, shape: &[usize]) -> Result<(), ModelError> {
        let (rank, alpha) = self.config.rank_and_alpha(module)?;
        let (rows, columns) = (shape[0], shape[1]);
        let is_embedding = module == EMBEDDING;
        let (a, b) =
            if is_embedding { ("lora_embedding_A", "lora_embedding_B") } else { ("lora_A.weight", "lora_B.weight") };
        let [a, b] = [a, b].map(|part| format!("{PREFIX}{module}.{part}"));
        let (inner, outer) = if is_embedding { (rows, columns) } else { (columns, rows) };
        self.expected.insert(a.clone(), vec![rank, inner]);
        self.expected.insert(b.clone(), vec![outer, rank]);
        let magnitude = (self.config.dora && !is_embedding).then(|| {
            let plain = format!("{PREFIX}{module}.lora_magnitude_vector");
            let older = format!("{plain}.weight");
            if self.found.contains_key(older.as_str()) { older } else { plain }
        });
        if let Some(name) = &magnitude {
            self.expected.insert(name.clone(), vec![outer]);
        }
        self.changes.push(Change { module: module.into(), part: Part::LowRank { a, b, rank, alpha, magnitude } });
        Ok(())
    }
}
