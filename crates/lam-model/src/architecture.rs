//! The architectures that the decoder knows: one stack of blocks with a line or two of difference each, under Hugging
//! Face's names and with its defaults. Knows no sizes and no weights.
//!
//! | architecture | beside Mistral's stack |
//! |---|---|
//! | Mistral | |
//! | Llama | no sliding window |
//! | Qwen2 | a bias beside queries, keys and values; a window only where the config asks for one |
//! | Qwen3 | a norm over each head of queries and keys before their rotation; a window as in Qwen2 |

use serde::{Deserialize, Serialize};

/// Which decoder a config describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Architecture {
    /// Mistral 7B and its like.
    Mistral,
    /// Llama 2 and 3, and the many models of their form.
    Llama,
    /// Qwen 2 and 2.5.
    Qwen2,
    /// Qwen 3, without experts.
    Qwen3,
}

impl Architecture {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Mistral, Self::Llama, Self::Qwen2, Self::Qwen3];

    /// Its `model_type`.
    pub fn model_type(self) -> &'static str {
        match self {
            Self::Mistral => "mistral",
            Self::Llama => "llama",
            Self::Qwen2 => "qwen2",
            Self::Qwen3 => "qwen3",
        }
    }

    /// The class of a model that continues a text.
    pub fn causal(self) -> &'static str {
        match self {
            Self::Mistral => "MistralForCausalLM",
            Self::Llama => "LlamaForCausalLM",
            Self::Qwen2 => "Qwen2ForCausalLM",
            Self::Qwen3 => "Qwen3ForCausalLM",
        }
    }

    /// The class of a model that scores a sequence.
    pub fn classifier(self) -> &'static str {
        match self {
            Self::Mistral => "MistralForSequenceClassification",
            Self::Llama => "LlamaForSequenceClassification",
            Self::Qwen2 => "Qwen2ForSequenceClassification",
            Self::Qwen3 => "Qwen3ForSequenceClassification",
        }
    }

    /// Whether queries, keys and values have a bias.
    pub fn has_biases(self) -> bool {
        self == Self::Qwen2
    }

    /// Whether each head of queries and keys is normed before its rotation.
    pub fn has_head_norms(self) -> bool {
        self == Self::Qwen3
    }

    /// What is known, for people.
    pub(crate) fn known() -> String {
        let [first @ .., last] = Self::ALL.map(|each| format!("`{}`", each.model_type()));
        format!("known are {} and {last}", first.join(", "))
    }

    /// The keys that a config leaves out, with the values that transformers then takes. A null stands for what follows
    /// from other keys.
    pub(crate) fn defaults(self) -> [(&'static str, Option<u64>); 4] {
        let (heads, head_dim, positions, window) = match self {
            Self::Mistral => (Some(8), None, 4096 * 32, Some(4096)),
            Self::Llama => (None, None, 2048, None),
            Self::Qwen2 => (Some(32), None, 32_768, Some(4096)),
            Self::Qwen3 => (Some(32), Some(128), 32_768, Some(4096)),
        };
        [
            ("num_key_value_heads", heads),
            ("head_dim", head_dim),
            ("max_position_embeddings", Some(positions)),
            ("sliding_window", window),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_in_the_files() {
        for each in Architecture::ALL {
            let name = each.model_type();
            assert_eq!(serde_json::to_value(each).unwrap(), name);
            assert_eq!(each.causal().to_lowercase(), format!("{name}forcausallm"));
            assert_eq!(each.classifier().to_lowercase(), format!("{name}forsequenceclassification"));
        }
        assert_eq!(Architecture::known(), "known are `mistral`, `llama`, `qwen2` and `qwen3`");
    }
}
