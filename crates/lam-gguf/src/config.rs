//! What a file's metadata says about the model, as a `config.json` of Hugging Face's would.

use serde_json::{Map, Value, json};

use crate::read::shortest;
use crate::rope::{FACTORS, usual_head_dim};
use crate::{Format, Gguf, GgufError, Tensor};

/// `general.architecture`, `model_type` and the model's class. llama.cpp calls a Mistral a llama, and computes it as one.
pub(crate) const ARCHITECTURES: [(&str, &str); 3] =
    [("llama", "LlamaForCausalLM"), ("qwen2", "Qwen2ForCausalLM"), ("qwen3", "Qwen3ForCausalLM")];
/// What to do about a model of another kind.
pub const OTHER_MODEL: &str = "models in GGUF are read where they are Llamas, Mistrals, Qwen2 or Qwen3 without experts";
const INCOMPLETE: &str = "the file is incomplete, or made by a program that leaves this key out: fetch another one";

/// Keys of a config that stand under the architecture's name, and whether they must be there.
pub(crate) const KEYS: [(&str, &str, bool); 6] = [
    ("embedding_length", "hidden_size", true),
    ("feed_forward_length", "intermediate_size", true),
    ("block_count", "num_hidden_layers", true),
    ("attention.head_count", "num_attention_heads", true),
    ("attention.head_count_kv", "num_key_value_heads", false),
    ("context_length", "max_position_embeddings", true),
];
/// Bytes of a vector that is looked into; those of models are far shorter.
const LONGEST_VECTOR: u64 = 1 << 24;
/// Further tokens that end an answer: of a turn in a conversation, of a message.
const FURTHER_ENDS: [&str; 2] = ["tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"];
/// Special tokens.
const TOKENS: [(&str, &str); 3] = [
    ("tokenizer.ggml.bos_token_id", "bos_token_id"),
    ("tokenizer.ggml.eos_token_id", "eos_token_id"),
    ("tokenizer.ggml.padding_token_id", "pad_token_id"),
];

impl Gguf {
    /// The name under which the model's keys stand, and its class.
    fn architecture(&self) -> Result<(&str, &'static str), GgufError> {
        let key = "general.architecture";
        let Some(name) = self.text(key)? else {
            return Err(GgufError::file(&self.path, format!("`{key}` is missing"), INCOMPLETE));
        };
        match ARCHITECTURES.iter().find(|(known, _)| *known == name) {
            Some((_, class)) => Ok((name, class)),
            None => Err(GgufError::file(&self.path, format!("`{key}` = {name}"), OTHER_MODEL)),
        }
    }

    /// Whether rows of queries and keys lie in llama.cpp's order: the two halves of a head interleaved.
    ///
    /// # Errors
    /// As [`Gguf::config`].
    pub fn interleaves_heads(&self) -> Result<bool, GgufError> {
        Ok(self.architecture()?.0 == "llama")
    }

    /// The config.
    ///
    /// # Errors
    /// An architecture that is not known, a key that is missing or means what is not there here.
    pub fn config(&self) -> Result<Map<String, Value>, GgufError> {
        let (name, class) = self.architecture()?;
        let mut config = Map::new();
        config.insert("architectures".into(), json!([class]));
        config.insert("model_type".into(), name.into());
        for (key, theirs, is_needed) in KEYS {
            let key = format!("{name}.{key}");
            match self.alike(&key)? {
                Some(value) => drop(config.insert(theirs.into(), value.into())),
                None if is_needed => {
                    return Err(GgufError::file(&self.path, format!("`{key}` is missing"), INCOMPLETE));
                }
                None => drop(config.insert(theirs.into(), config["num_attention_heads"].clone())),
            }
        }
        config.insert("vocab_size".into(), self.embedding()?.shape[0].into());
        config.insert("tie_word_embeddings".into(), self.tensor("output.weight").is_none().into());
        let epsilon = self.number(&format!("{name}.attention.layer_norm_rms_epsilon"))?;
        config.insert("rms_norm_eps".into(), epsilon.map(shortest).unwrap_or(1e-5).into());
        self.add_heads(name, &mut config)?;
        config.insert("rope_parameters".into(), self.rope(name, &config)?.into());
        self.refuse_experts(name)?;
        for (key, theirs) in TOKENS {
            config.extend(self.whole(key)?.map(|id| (theirs.to_owned(), Value::from(id))));
        }
        self.add_further_ends(&mut config)?;
        config.insert("torch_dtype".into(), self.dtype()?.into());
        Ok(config)
    }

    fn embedding(&self) -> Result<&Tensor, GgufError> {
        let name = "token_embd.weight";
        let found = self.tensor(name).filter(|tensor| tensor.shape.len() == 2);
        found.ok_or_else(|| GgufError::file(&self.path, format!("has no matrix `{name}`"), INCOMPLETE))
    }

    /// `head_dim`, where it does not follow from the width.
    fn add_heads(&self, name: &str, config: &mut Map<String, Value>) -> Result<(), GgufError> {
        let usual = usual_head_dim(config);
        let key = self.whole(&format!("{name}.attention.key_length"))?;
        let rotated = self.whole(&format!("{name}.rope.dimension_count"))?;
        let dim = key.or(rotated).unwrap_or(usual);
        if let Some(value) = self.whole(&format!("{name}.attention.value_length"))?.filter(|value| *value != dim) {
            let reason = format!("`{name}.attention.value_length` = {value}, but keys are {dim} wide");
            return Err(GgufError::file(&self.path, reason, OTHER_MODEL));
        }
        if let Some(rotated) = rotated.filter(|rotated| *rotated != dim) {
            let reason = format!("`{name}.rope.dimension_count` = {rotated}, but heads are {dim} wide");
            return Err(GgufError::file(&self.path, reason, OTHER_MODEL));
        }
        // A Qwen3's usual width is another than other models'.
        if dim != usual || name == "qwen3" {
            config.insert("head_dim".into(), dim.into());
        }
        Ok(())
    }

    fn refuse_experts(&self, name: &str) -> Result<(), GgufError> {
        let key = format!("{name}.expert_count");
        match self.whole(&key)? {
            Some(experts) if experts > 0 => {
                Err(GgufError::file(&self.path, format!("`{key}` = {experts}"), OTHER_MODEL))
            }
            _ => Ok(()),
        }
    }

    /// The tokens that end a turn of a conversation, or a message, end an answer as well.
    fn add_further_ends(&self, config: &mut Map<String, Value>) -> Result<(), GgufError> {
        let Some(end) = config.get("eos_token_id").cloned() else { return Ok(()) };
        let mut ends = vec![end];
        for key in FURTHER_ENDS {
            let further = self.whole(key)?.map(Value::from).filter(|id| !ends.contains(id));
            ends.extend(further);
        }
        if ends.len() > 1 {
            config.insert("eos_token_id".into(), Value::Array(ends));
        }
        Ok(())
    }

    /// The type in which the whole model is written without loss: that of its matrices, of which quantised ones are
    /// computed with in bf16, if its vectors, which stand there in f32, were bf16 too.
    fn dtype(&self) -> Result<&'static str, GgufError> {
        let matrices = self.tensors.iter().filter(|tensor| tensor.shape.len() > 1);
        Ok(match matrices.max_by_key(|tensor| tensor.count()).map(|tensor| tensor.format) {
            Some(Format::F32) | None => "float32",
            Some(Format::F16) => "float16",
            Some(_) if self.vectors_are_bf16()? => "bfloat16",
            Some(_) => "float32",
        })
    }

    fn vectors_are_bf16(&self) -> Result<bool, GgufError> {
        for vector in self.tensors.iter().filter(|tensor| tensor.shape.len() == 1 && tensor.name != FACTORS) {
            let is_bf16 = match vector.format {
                Format::BF16 => true,
                Format::F32 if vector.bytes <= LONGEST_VECTOR => {
                    vector.read_bytes(&self.path)?.chunks_exact(4).all(|number| number[..2] == [0, 0])
                }
                _ => false,
            };
            if !is_bf16 {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
