//! In which numbers a model is asked, as a person writes it.

use lam_model::{AdapterUse, CacheOptions, Decoder, WeightFormat};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Numbers of weights, keys and values while a model answers, in the words of vLLM's `dtype`: `auto`, `float32` or
/// `bfloat16`. On a GPU it is always `bfloat16`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Dtype {
    /// As the weights lie in their file: in blocks of 8 or 4 bits, or in bf16, where no adapter is added to them; else
    /// f32.
    #[default]
    Auto,
    /// f32: log-probabilities are those of a forward pass in f32.
    Float32,
    /// bf16: half the memory, and about half the time where the processor multiplies bf16. Answers may differ from f32's
    /// where two tokens are almost equally probable.
    Bfloat16,
}

impl Dtype {
    /// What a decoder's cache is made with.
    pub fn options(self, decoder: &Decoder, adapter: AdapterUse) -> CacheOptions {
        let options = match self {
            Self::Auto => decoder.stored_options(adapter),
            Self::Float32 => CacheOptions::of(WeightFormat::F32),
            Self::Bfloat16 => CacheOptions::of(WeightFormat::Bf16),
        };
        CacheOptions { adapter, ..options }
    }
}

lam_signal::words!(Dtype, "a dtype", Auto => "auto", Float32 => "float32", Bfloat16 => "bfloat16");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dtypes_are_read_and_written() {
        for (text, dtype) in [("auto", Dtype::Auto), ("float32", Dtype::Float32), ("bfloat16", Dtype::Bfloat16)] {
            assert_eq!((text.parse(), dtype.to_string().as_str()), (Ok(dtype), text));
            assert_eq!(serde_json::to_value(dtype).unwrap(), text);
        }
        let error = "bf16".parse::<Dtype>().unwrap_err().to_string();
        assert_eq!(error, "`bf16` is not a dtype: write `auto`, `float32` or `bfloat16`");
    }
}
