//! The whole model, adapter merged, as one GGUF file for llama.cpp and what is made of it, with an Ollama Modelfile beside
//! it; read again and compared with the model that was evaluated.

use std::collections::BTreeMap;
use std::path::Path;

use lam_gguf::{FileType, Gguf, Value};
use lam_model::{Decoder, Finetuning, ModelSource};
use lam_prompt::{Renderer, gguf_tokenizer};

use crate::merged::merged_to_save;
use crate::modelfile::{Facts, MODELFILE, modelfile};
use crate::record::{Check, Probe, difference, relative_difference};
use crate::{ExportError, probe};

/// What the file says of the model beside its weights.
pub struct Named<'n> {
    /// Its name.
    pub model: &'n str,
    /// The base model's name on the hub.
    pub base: Option<&'n str>,
    /// Name of its licence.
    pub license: &'n str,
    /// Prompts that the model was asked, as text.
    pub prompts: &'n [String],
}

/// What was written.
pub struct Written {
    /// Logits of the file as it is read again.
    pub probes: Vec<Probe>,
    /// What was compared.
    pub checks: Vec<Check>,
    /// What whoever uses it should know.
    pub notes: Vec<String>,
    /// The file's name, and of each format how many tensors and bytes are in it.
    pub file: GgufFile,
}

/// A file and how its numbers are stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GgufFile {
    /// Its name.
    pub name: String,
    /// Tensors and bytes by format.
    pub formats: BTreeMap<&'static str, (usize, u64)>,
}

/// Largest root mean square of what the logits of a type of file are apart from the source's, over theirs.
fn tolerance(file_type: FileType) -> f32 {
    match file_type {
        FileType::F16 => 0.01,
        FileType::Q8_0 => 0.1,
        FileType::Q4K => 0.5,
    }
}

/// Writes the model of `source` into `output`.
pub fn write(
    source: &ModelSource,
    output: &Path,
    (file_type, named): (FileType, &Named<'_>),
    inputs: &[Vec<u32>],
) -> Result<Written, ExportError> {
    let before = probe::acting_logits(&source.load(&Finetuning::Frozen, 0)?, inputs)?;
    let written = merged_to_save(source)?;
    let config = written.config().clone();
    let tokenizer = gguf_tokenizer(source.tokenizer_directory(), config.vocab_size)?;
    let name = format!("{}-{}.gguf", lam_store::file_name_of(named.model), file_type.name());
    let path = output.join(&name);
    let more = tokenizer.metadata.clone().into_iter().chain(named.keys()).collect();
    written.save_gguf(&path, file_type, more)?;
    drop(written);

    let gguf = Gguf::open(&path).map_err(lam_model::ModelError::from)?;
    let after = probe::logits(&Decoder::load(&path, &Finetuning::Frozen, 0)?, inputs)?;
    let apart = relative_difference(&before, &after);
    if apart > tolerance(file_type) {
        let what = "logits of the GGUF file and of its source, over their size,";
        return Err(ExportError::Differs {
            path: output.to_owned(),
            what,
            difference: apart,
            tolerance: tolerance(file_type),
        });
    }
    let what = format!(
        "{} file, read again, against its source, as it acts (must agree but for its rounding)",
        file_type.name()
    );
    let checks = vec![Check { what, max_abs_difference: difference(&before, &after) }];
    let context = gguf.config().map_err(lam_model::ModelError::from)?["max_position_embeddings"].as_u64().unwrap_or(0);
    let facts = Facts {
        gguf: &name,
        context: usize::try_from(context).unwrap_or(usize::MAX),
        adds_bos: tokenizer.adds_bos(),
        license: named.license,
    };
    let renderer = Renderer::load(source.tokenizer_directory())?;
    lam_store::write_atomic(&output.join(MODELFILE), modelfile(&renderer, &facts)?.as_bytes())?;
    let prompts = inputs.iter().map(|input| renderer.tokenizer().decode(input));
    let prompts: Vec<String> = prompts.chain(named.prompts.iter().cloned()).collect();
    let mut notes = Vec::new();
    if let Some(others) = tokenizer.in_other_tokens(&prompts)? {
        notes.push(in_other_tokens(others, prompts.len()));
    }
    if config.window().is_some_and(|window| window < config.max_position_embeddings) {
        let window = config.window().unwrap_or_default();
        notes.push(format!(
            "the model sees {window} tokens back, which llama.cpp does not know: the file's context ends there"
        ));
    }
    let mut formats: BTreeMap<&'static str, (usize, u64)> = BTreeMap::new();
    for tensor in &gguf.tensors {
        let (tensors, bytes) = formats.entry(tensor.format.name()).or_default();
        (*tensors, *bytes) = (*tensors + 1, *bytes + tensor.bytes);
    }
    Ok(Written { probes: after, checks, notes, file: GgufFile { name, formats } })
}

fn in_other_tokens(others: usize, all: usize) -> String {
    format!(
        "llama.cpp has no name for how this model's tokenizer cuts texts into words: it has what is nearest, and writes \
         {others} of {all} prompts of this model in other tokens. Give it tokens, or ask the model in lam-train, which reads \
         the whole tokenizer from the file"
    )
}

impl Named<'_> {
    /// Keys of the file.
    fn keys(&self) -> BTreeMap<String, Value> {
        let text = |text: &str| Value::Text(text.to_owned());
        let mut keys = BTreeMap::from([
            ("general.name".to_owned(), text(self.model)),
            ("general.license".to_owned(), text(self.license)),
            ("general.tags".to_owned(), Value::Texts(vec!["large-action-model".into(), "gui-agent".into()])),
        ]);
        if let Some(base) = self.base {
            let (owner, name) = base.split_once('/').unwrap_or(("", base));
            keys.insert("general.base_model.count".into(), Value::Whole(1));
            keys.insert("general.base_model.0.name".into(), text(name));
            keys.insert("general.base_model.0.organization".into(), text(owner));
            keys.insert("general.base_model.0.repo_url".into(), text(&format!("https://huggingface.co/{base}")));
        }
        keys
    }
}
