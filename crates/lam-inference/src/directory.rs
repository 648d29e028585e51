//! Our own models by directory: checked, loaded, ready to be asked as policies and for plans.

use std::path::Path;

use lam_agent::{Planner, PolicyError};
use lam_cuda::DeviceChoice;
use lam_env::Application;
use lam_model::{AdapterUse, Decoder, Device, Finetuning, ModelSource};
use lam_prompt::Renderer;
use lam_signal::{Failure, Progress};
use lam_types::PolicyId;

use crate::{CachedDecoder, Dtype, GenerationRequest, Generator, InferenceError, ModelPolicy, PolicyOptions};

/// Longest plan, in tokens.
const PLAN_TOKENS: usize = 256;

/// A model directory, ready to be asked.
pub struct ModelDirectory {
    decoder: Decoder,
    dtype: Dtype,
    renderer: Renderer,
    id: PolicyId,
}

impl ModelDirectory {
    /// Loads the model in `directory`, with an adapter over it if one is given. `name_of` says what the model that a kind
    /// of stage makes is called; what of the files is used otherwise than they say is noted.
    ///
    /// # Errors
    /// As [`open_model`], or files that cannot be read.
    pub fn load(
        directory: &Path,
        adapter: Option<&Path>,
        name_of: &dyn Fn(&str) -> Option<&'static str>,
        (device, progress): (DeviceChoice, &dyn Progress),
    ) -> Result<Self, Failure> {
        let source = open_model(directory, adapter, progress)?;
        let device = Device::open_for(device, source.config())?;
        let mut decoder = source.load_to_ask(&Finetuning::Frozen, 0)?;
        if matches!(device, Device::Cuda(_)) {
            decoder.to_device(&device)?;
        }
        let renderer = Renderer::load(source.tokenizer_directory())?;
        let mut id = identity(source.directory(), name_of)?;
        if let Some(adapter) = source.adapter() {
            let over = identity(adapter, name_of)?;
            let hash = lam_store::hash_bytes(format!("{}{}", id.hash, over.hash).as_bytes());
            id = PolicyId { name: over.name, hash };
        }
        Ok(Self { decoder, dtype: Dtype::default(), renderer, id })
    }

    /// The same under another name.
    #[must_use]
    pub fn named(mut self, name: String) -> Self {
        self.id.name = name;
        self
    }

    /// The same, asked in other numbers than those in which it lies.
    #[must_use]
    pub fn asked_in(mut self, dtype: Dtype) -> Self {
        self.dtype = dtype;
        self
    }

    /// Who it is.
    pub fn id(&self) -> &PolicyId {
        &self.id
    }

    /// The model as a policy over the application's functions.
    ///
    /// # Errors
    /// When the generator cannot be made.
    pub fn policy(&self, app: &dyn Application, options: PolicyOptions) -> Result<ModelPolicy<'_>, InferenceError> {
        Ok(ModelPolicy::new(self.generator()?, &self.renderer, app.functions().to_vec(), options))
    }

    /// The model as a planner.
    ///
    /// # Errors
    /// When the generator cannot be made.
    pub fn planner(&self) -> Result<ModelPlanner<'_>, InferenceError> {
        Ok(ModelPlanner { model: self, generator: self.generator()? })
    }

    fn generator(&self) -> Result<Generator<'_>, InferenceError> {
        let options = self.dtype.options(&self.decoder, AdapterUse::Merged);
        Ok(Generator::over(Box::new(CachedDecoder::with(&self.decoder, Generator::SLOTS, options)?)))
    }
}

/// A directory was named that is not a model.
pub fn not_a_model(directory: &Path) -> Failure {
    let hint = "name a model directory in Hugging Face layout, or a GGUF file";
    Failure::data(format!("{}: holds no config.json", directory.display())).hint(hint)
}

/// Opens a model, with an adapter over it if one is given: refuses what is not a policy, or whose tokenizer belongs to
/// another one, before anything is loaded; notes what of its files is used otherwise than they say.
///
/// # Errors
/// Says what is missing, damaged or does not fit.
pub fn open_model(directory: &Path, adapter: Option<&Path>, progress: &dyn Progress) -> Result<ModelSource, Failure> {
    let is_adapter = directory.join("adapter_config.json").is_file();
    if !is_adapter && !directory.join("config.json").is_file() && lam_gguf::find(directory).is_ok_and(|f| f.is_none()) {
        return Err(not_a_model(directory));
    }
    let source = ModelSource::open(directory, adapter)?;
    let (renderer, rows) = (Renderer::load(source.tokenizer_directory())?, source.config().vocab_size);
    let place = source.tokenizer_directory().display();
    let (tokenizer, entries) = (renderer.tokenizer(), renderer.tokenizer().vocab_size());
    // Tokens that were added behind the vocabulary are of no harm while no text holds them.
    if (rows..entries).any(|id| !tokenizer.is_added(id as u32)) {
        let what = format!("{place}: the tokenizer has {entries} entries, the model's embedding {rows} rows");
        let hint = "the tokenizer belongs to another model; put the one beside it that the model was trained with";
        return Err(Failure::data(what).hint(hint));
    }
    let end = renderer.stop_tokens().first().copied().unwrap_or_default();
    if end as usize >= rows {
        let what = format!("{place}: answers end with token {end}, for which the embedding of {rows} rows has none");
        return Err(
            Failure::data(what).hint("use the tokenizer, and the chat template, that the model was trained with")
        );
    }
    for id in rows..entries {
        let token = String::from_utf8_lossy(tokenizer.token_bytes(id as u32)).into_owned();
        progress
            .note(&format!("{place}: the embedding has no row for token {id}, `{token}`; rows with it are refused"));
    }
    renderer.notes().iter().for_each(|note| progress.note(&format!("{place}: {note}")));
    Ok(source)
}

/// Name of a model: LAM1 to LAM4 and base by the stage that made it, else the directory's name.
///
/// # Errors
/// A directory whose manifest cannot be read.
pub fn model_name(directory: &Path, name_of: &dyn Fn(&str) -> Option<&'static str>) -> Result<String, Failure> {
    let manifest = lam_store::read_manifest(directory)?;
    Ok(manifest.and_then(|manifest| name_of(&manifest.kind)).map_or_else(|| directory_name(directory), str::to_owned))
}

fn directory_name(directory: &Path) -> String {
    let whole = directory.canonicalize().unwrap_or_else(|_| directory.to_owned());
    whole.file_name().map_or_else(|| "model".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// Name and hash of a model.
fn identity(directory: &Path, name_of: &dyn Fn(&str) -> Option<&'static str>) -> Result<PolicyId, Failure> {
    let files = match lam_store::read_manifest(directory)? {
        Some(manifest) => manifest.files,
        None if directory.is_file() => {
            let hash = lam_store::hash_path(directory)?;
            return Ok(PolicyId { name: model_name(directory, name_of)?, hash });
        }
        None => lam_store::record_files(directory)?.0,
    };
    let answering = files.iter().filter(|file| decides_answers(&file.path));
    let hash = lam_store::hash_tree(answering.map(|file| (file.path.as_path(), file.hash.as_str())));
    Ok(PolicyId { name: model_name(directory, name_of)?, hash })
}

/// Whether a file of a model's directory has a part in its answers. What is beside them, checkpoints among it, tells of
/// the training, and a model stays the same one when that is told otherwise.
fn decides_answers(file: &Path) -> bool {
    const BEGINNINGS: [&str; 8] = [
        "config.json",
        "generation_config.json",
        "adapter_config.json",
        "tokenizer",
        "special_tokens_map.json",
        "added_tokens.json",
        "chat_template",
        "additional_chat_templates",
    ];
    let name = file.to_string_lossy();
    let is_weights = (name.contains(".safetensors") || name.ends_with(".gguf")) && file.components().count() == 1;
    is_weights || BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
}

/// Our own model as a planner: greedy, one plan a task.
pub struct ModelPlanner<'a> {
    model: &'a ModelDirectory,
    generator: Generator<'a>,
}

impl Planner for ModelPlanner<'_> {
    fn name(&self) -> String {
        self.model.id.name.clone()
    }

    fn plan(&mut self, tasks: &[&str]) -> Result<Vec<Vec<String>>, PolicyError> {
        let renderer = &self.model.renderer;
        let request = |task: &&str| -> Result<GenerationRequest, InferenceError> {
            let (prompt, stop_tokens) = (renderer.plan_prompt(task)?, renderer.stop_tokens().to_vec());
            let greedy = GenerationRequest::greedy(prompt, renderer.tokenizer().eos(), PLAN_TOKENS);
            Ok(GenerationRequest { logprobs: false, stop_tokens, ..greedy })
        };
        let failed = |error: InferenceError| PolicyError::failed(&self.model.id.name, error);
        let requests = tasks.iter().map(request).collect::<Result<Vec<_>, _>>().map_err(failed)?;
        let completions = self.generator.run(requests).map_err(failed)?;
        Ok(completions.iter().map(|completion| renderer.parse_plan(&completion.tokens).unwrap_or_default()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_known_by_what_decides_its_answers() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
        let hash = || identity(directory.path(), &|_| None).unwrap().hash;
        write("config.json", "{}");
        write("model.safetensors", "weights");
        let mut known = vec![hash()];
        write("trainer_state.json", "{}");
        std::fs::create_dir_all(directory.path().join("training/checkpoint-2")).unwrap();
        write("training/checkpoint-2/optimizer.safetensors", "moments");
        assert_eq!(known, [hash()]);
        for name in ["config.json", "model.safetensors", "tokenizer.json", "chat_template.jinja"] {
            write(name, "other");
            assert!(!known.contains(&hash()), "{name}");
            known.push(hash());
        }
    }
}
