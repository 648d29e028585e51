//! Our own models as policies and planners, by model directory.

use std::path::Path;

use lam_agent::PolicyError;
use lam_env::Application;
use lam_eval::Planner;
use lam_inference::{GenerationRequest, Generator, InferenceError, ModelPolicy, PolicyOptions};
use lam_model::{Decoder, Finetuning, MistralConfig};
use lam_prompt::Renderer;
use lam_signal::Failure;
use lam_types::PolicyId;

/// Episodes or questions answered at once.
const SLOTS: usize = 64;
/// Longest plan, in tokens.
const PLAN_TOKENS: usize = 256;

/// A model directory, ready to be asked.
pub struct Model {
    decoder: Decoder,
    renderer: Renderer,
    id: PolicyId,
}

impl Model {
    /// Loads the model in `directory`.
    pub fn load(directory: &Path) -> Result<Self, Failure> {
        check_directory(directory)?;
        let decoder = Decoder::load(directory, &Finetuning::Frozen, 0)?;
        let renderer = Renderer::load(directory)?;
        Ok(Self { decoder, renderer, id: identity(directory)? })
    }

    /// Who it is.
    pub fn id(&self) -> &PolicyId {
        &self.id
    }

    /// The model as a policy over the application's functions.
    pub fn policy(&self, app: &dyn Application, options: PolicyOptions) -> Result<ModelPolicy<'_>, InferenceError> {
        Ok(ModelPolicy::new(self.generator()?, &self.renderer, app.functions().to_vec(), options))
    }

    /// The model as a planner.
    pub fn planner(&self) -> Result<ModelPlanner<'_>, InferenceError> {
        Ok(ModelPlanner { model: self, generator: self.generator()? })
    }

    fn generator(&self) -> Result<Generator<'_>, InferenceError> {
        Generator::new(&self.decoder, SLOTS)
    }
}

/// A directory was named that is no model.
pub fn not_a_model(directory: &Path) -> Failure {
    let hint = "name a model directory in Hugging Face layout";
    Failure::data(format!("{}: holds no config.json", directory.display())).hint(hint)
}

/// Refuses a directory that is no model, or whose tokenizer belongs to another one, before anything is loaded.
pub fn check_directory(directory: &Path) -> Result<(), Failure> {
    let place = directory.display();
    let config = directory.join("config.json");
    let Ok(text) = std::fs::read_to_string(&config) else {
        return Err(not_a_model(directory));
    };
    let config: MistralConfig = serde_json::from_str(&text).map_err(|error| {
        Failure::data(format!("{}: no configuration of a Mistral model: {error}", config.display()))
    })?;
    let (entries, rows) = (Renderer::load(directory)?.tokenizer().vocab_size(), config.vocab_size);
    if entries > rows {
        let what = format!("{place}: the tokenizer has {entries} entries, the model's embedding {rows} rows");
        let hint = "the tokenizer belongs to another model; put the one beside it that the model was trained with";
        return Err(Failure::data(what).hint(hint));
    }
    Ok(())
}

/// Name and hash of a model: LAM1 to LAM4 and base by the stage that made it, else the directory's name.
fn identity(directory: &Path) -> Result<PolicyId, Failure> {
    let directory_name = || {
        let whole = directory.canonicalize().unwrap_or_else(|_| directory.to_owned());
        whole.file_name().map_or_else(|| "model".to_owned(), |name| name.to_string_lossy().into_owned())
    };
    let Some(manifest) = lam_store::read_manifest(directory)? else {
        return Ok(PolicyId { name: directory_name(), hash: lam_store::hash_path(directory)? });
    };
    let name = match manifest.kind.as_str() {
        "base" => "base".to_owned(),
        "phase1" => "LAM1".to_owned(),
        "phase2" => "LAM2".to_owned(),
        "phase3.train" => "LAM3".to_owned(),
        "phase4.ppo" => "LAM4".to_owned(),
        _ => directory_name(),
    };
    Ok(PolicyId { name, hash: manifest.output_hash })
}

/// Our own model as a planner: greedy, one plan a task.
pub struct ModelPlanner<'a> {
    model: &'a Model,
    generator: Generator<'a>,
}

impl Planner for ModelPlanner<'_> {
    fn name(&self) -> String {
        self.model.id.name.clone()
    }

    fn plan(&mut self, tasks: &[&str]) -> Result<Vec<Vec<String>>, PolicyError> {
        let renderer = &self.model.renderer;
        let eos = renderer.tokenizer().eos();
        let request = |task: &&str| GenerationRequest {
            logprobs: false,
            ..GenerationRequest::greedy(renderer.plan_prompt(task), eos, PLAN_TOKENS)
        };
        let failed = |error: InferenceError| PolicyError::failed(&self.model.id.name, error);
        let completions = self.generator.run(tasks.iter().map(request).collect()).map_err(failed)?;
        Ok(completions.iter().map(|completion| renderer.parse_plan(&completion.tokens).unwrap_or_default()).collect())
    }
}
