//! Fixed inputs whose logits tell whether two models are the same. The inputs come from the model's own renderer.

use std::path::Path;

use lam_model::{CacheOptions, Decoder, Mode, PackedBatch};
use lam_prompt::Renderer;

use crate::ExportError;
use crate::files::need_tokenizer;
use crate::record::Probe;

/// A text that every tokenizer check reads.
pub const TEXT: &str = " Make the heading “Quarterly review” bold, then insert a table with 3 rows.";

/// What the probes ask.
const REQUESTS: [&str; 3] = [
    "Make the heading bold",
    "Insert a table with 3 rows and 4 columns",
    "Change the page orientation to landscape and save the document",
];

/// The tokens of each probe, as the model of this directory is asked for a plan.
pub fn inputs(model: &Path) -> Result<(Vec<Vec<u32>>, Vec<u32>), ExportError> {
    need_tokenizer(model)?;
    let renderer = Renderer::load(model)?;
    let prompts = REQUESTS.iter().map(|request| renderer.plan_prompt(request)).collect::<Result<_, _>>()?;
    Ok((prompts, renderer.tokenizer().encode(TEXT)))
}

/// The logits of each input's last position.
pub fn logits(decoder: &Decoder, inputs: &[Vec<u32>]) -> Result<Vec<Probe>, ExportError> {
    let mut probes = Vec::with_capacity(inputs.len());
    for input in inputs {
        let hidden_td = decoder.forward(&PackedBatch::from_documents([input]), Mode::Evaluate)?;
        let logits_1v = decoder.logits(&hidden_td, &[input.len() - 1])?;
        probes.push(Probe { input_ids: input.clone(), logits: logits_1v.flatten_all()?.to_vec1()? });
    }
    Ok(probes)
}

/// The same logits as the model gives when it acts: by the engine of generation, an adapter's product in the weights.
pub fn acting_logits(decoder: &Decoder, inputs: &[Vec<u32>]) -> Result<Vec<Probe>, ExportError> {
    let mut probes = Vec::with_capacity(inputs.len());
    for input in inputs {
        let logits = decoder.new_cache_with(1, CacheOptions::default())?.decode(&[(0, input)])?;
        probes.push(Probe { input_ids: input.clone(), logits });
    }
    Ok(probes)
}
