//! The run: an application's words in, a base model directory out.

use std::path::Path;

use lam_data::write_examples;
use lam_env::Application;
use lam_model::{Architecture, Decoder, ModelSource};
use lam_prompt::{Renderer, Tokenizer, TokenizerConfig};
use lam_signal::{Cancel, Progress};
use lam_store::StoreError;
use lam_trainer::{
    Identity, SaveDtype, SupervisedModule, TRAINING_DIRECTORY, TrainRun, TrainingArguments, copy_companions,
    note_adapter, settings_identity, train, write_model,
};
use lam_types::Call;
use serde_json::{Value, json};

use crate::corpus::Corpus;
use crate::shapes::{model_config, with_special_tokens};
use crate::synthetic::Material;
use crate::{BaseConfig, BaseError, SyntheticLoader};

/// Synthetic examples that later stages may mix in.
pub const REPLAY_FILE: &str = "replay.jsonl";
/// Words in a window of documentation text.
const WINDOW_WORDS: usize = 60;

/// What the stage reads and writes, and who watches it.
#[derive(Clone, Copy)]
pub struct BaseIo<'a> {
    /// The application whose words are learned.
    pub app: &'a dyn Application,
    /// Directory of the base model.
    pub output: &'a Path,
    /// Seed of the weights and of the synthetic examples.
    pub seed: u64,
    /// Progress sink.
    pub progress: &'a dyn Progress,
    /// Asks for a stop.
    pub cancel: &'a Cancel,
}

/// Makes the base model, or takes the pretrained one that is named. Returns the stage's metrics.
///
/// # Errors
/// A setting that makes no sense, a tokenizer or model that cannot be made, or training that stops.
pub fn run(config: &BaseConfig, io: &BaseIo<'_>) -> Result<Value, BaseError> {
    match &config.model_name_or_path {
        Some(path) => {
            let adapter = config.adapter_name_or_path.as_deref().map(Path::new);
            take((Path::new(path), adapter), config.train.save_dtype, io)
        }
        None => make(config, io),
    }
}

/// Takes a pretrained model as it is, an adapter over it merged, after proving that it can be read and asked.
fn take((model, adapter): (&Path, Option<&Path>), save_dtype: SaveDtype, io: &BaseIo<'_>) -> Result<Value, BaseError> {
    let source = ModelSource::open(model, adapter)?;
    let mut decoder = source.load_to_save()?;
    note_adapter(&source, &decoder, io.progress);
    if decoder.lora().is_some() {
        decoder.merge_adapter()?;
    }
    Renderer::load(source.tokenizer_directory())?;
    let parameters = decoder.config().parameters();
    decoder.save_in(save_dtype.precision(&decoder), io.output)?;
    copy_companions(source.tokenizer_directory(), io.output)?;
    io.progress.note(&format!("took the pretrained model {}", model.display()));
    Ok(json!({ "pretrained": model.display().to_string(), "parameters": parameters }))
}

fn make(config: &BaseConfig, io: &BaseIo<'_>) -> Result<Value, BaseError> {
    let corpus = Corpus::of(io.app, config.documentation_entries, io.seed);
    if corpus.lexicon.is_empty() {
        return Err(BaseError::Config {
            key: "environment",
            value: config.environment.clone(),
            reason: "it tells no words of which a tokenizer could be made".into(),
            hint: "name a pretrained model in `model_name_or_path`; one that is served can tell a `vocabulary`".into(),
        });
    }
    let renderer = tokenizer(config, io, &corpus)?;
    let mut shape = model_config(&config.model_config)?;
    shape.vocab_size = renderer.tokenizer().vocab_size();
    let shape = with_special_tokens(shape, renderer.tokenizer())?;
    if shape.model_type == Architecture::Qwen2 {
        io.progress.note(
            "transformers' AutoTokenizer puts Qwen2's own tokenizer in the place of this one: load it with PreTrainedTokenizerFast",
        );
    }
    let decoder = Decoder::init(shape, &config.initialization, io.seed)?;
    let parameters = decoder.config().parameters();
    io.progress.note(&format!(
        "{parameters} parameters, {} tokens, {} words",
        renderer.tokenizer().vocab_size(),
        corpus.lexicon.len()
    ));

    let words = |call: &Call| io.app.step_text(call);
    let material = Material {
        functions: io.app.functions(),
        lexicon: &corpus.lexicon,
        step_text: &words,
        controls: (config.min_controls, config.max_controls),
        max_steps: config.max_steps,
    };
    let texts = corpus.windows(WINDOW_WORDS).iter().map(|window| renderer.text(window)).collect();
    let budget = config.train.max_tokens_per_batch;
    let mut source =
        SyntheticLoader::new(&renderer, material, texts, config.mixture, budget, config.train.max_length, io.seed);
    let mut identity = Identity::from([("tokenizer".into(), renderer.tokenizer().hash().to_owned())]);
    identity.extend(settings_identity("base", &BaseConfig { train: TrainingArguments::default(), ..config.clone() }));
    let training = io.output.join(TRAINING_DIRECTORY);
    let run = TrainRun {
        arguments: &config.train,
        output: &training,
        identity: &identity,
        progress: io.progress,
        cancel: io.cancel,
    };
    let mut module = SupervisedModule::new(decoder);
    let outcome = train(&mut module, &mut source, &[], &run)?;
    write_examples(&io.output.join(REPLAY_FILE), &source.examples(config.replay_examples, "replay"))?;
    write_model(module.into_decoder(), config.train.save_dtype, (io.output, io.output))?;
    Ok(json!({
        "parameters": parameters,
        "vocab_size": renderer.tokenizer().vocab_size(),
        "global_step": outcome.global_step,
        "num_tokens": outcome.num_tokens,
        "loss": outcome.last("loss"),
        "mean_token_accuracy": outcome.last("mean_token_accuracy"),
    }))
}

/// The tokenizer on disk, if an earlier try made it, else a new one. Both are the same bytes.
fn tokenizer(config: &BaseConfig, io: &BaseIo<'_>, corpus: &Corpus) -> Result<Renderer, BaseError> {
    if !io.output.join("tokenizer.json").exists() {
        std::fs::create_dir_all(io.output).map_err(StoreError::io("create directory", io.output))?;
        let mut wanted: TokenizerConfig = config.tokenizer.clone();
        wanted.words.extend(corpus.single_tokens(io.app));
        Tokenizer::train(&corpus.texts, &wanted)?.save(io.output)?;
    }
    Ok(Renderer::load(io.output)?)
}
