//! `model`: made from nothing, fetched, or looked into.

use std::path::Path;

use lam_cuda::DeviceChoice;
use lam_hub::{Hub, HubSettings, ModelId};
use lam_model::Precision;
use lam_prompt::Renderer;
use lam_signal::Failure;
use serde_json::json;

use super::inspect::inspect;
use super::memory::memory;
use super::next;
use super::room::make_room;
use crate::args::ModelCommand;
use crate::hub::watched;
use crate::output::Output;

/// Does what was typed.
pub fn run(command: &ModelCommand, device: Option<DeviceChoice>, output: &Output) -> Result<(), Failure> {
    match command {
        ModelCommand::Init { config, output_dir, tokenizer, seed, force } => {
            make_room(output_dir, None, *force)?;
            init(config, tokenizer.as_deref(), output_dir, *seed, output)
        }
        ModelCommand::Memory { config, settings } => memory(config, settings, device, output),
        ModelCommand::Fetch { model, output_dir } => fetch(model, output_dir.as_deref(), output),
        ModelCommand::Inspect { model, adapter, tokens } => {
            inspect(model, adapter.as_deref(), *tokens, output)?;
            output.next(&next::run_from(model));
            Ok(())
        }
    }
}

fn init(config: &str, tokenizer: Option<&Path>, directory: &Path, seed: u64, output: &Output) -> Result<(), Failure> {
    let mut config = lam_base::model_config(config)?;
    if let Some(tokenizer) = tokenizer {
        config = lam_base::with_special_tokens(config, Renderer::load(tokenizer)?.tokenizer())?;
    }
    lam_store::claim(directory)?;
    let dtype = match lam_model::write_fresh(&config, seed, directory)? {
        Precision::F32 => "f32",
        Precision::Bf16 => "bf16",
    };
    if let Some(tokenizer) = tokenizer {
        lam_trainer::copy_companions(tokenizer, directory)?;
    }
    let parameters = config.parameters();
    output.line(&format!("{}: {parameters} parameters in {dtype}, seed {seed}", directory.display()));
    output.next(&next::inspect(directory));
    output.value(&json!({ "model": directory, "parameters": parameters, "dtype": dtype, "seed": seed }))
}

fn fetch(model: &str, directory: Option<&Path>, output: &Output) -> Result<(), Failure> {
    let id: ModelId = model.parse()?;
    let hub = Hub::new(HubSettings::from_env()?);
    directory.map_or(Ok(()), lam_store::claim)?;
    let snapshot = watched("fetch", model, output, |monitor| hub.fetch(&id, directory, monitor))?;
    let mib = snapshot.downloaded_bytes.div_ceil(1 << 20);
    output.line(&format!("{}: commit {}, {mib} MiB downloaded", snapshot.directory.display(), snapshot.commit));
    output.next(&next::inspect(&snapshot.directory));
    output.value(&snapshot)
}
