//! How far back tokens see, as each architecture's config says it: `sliding_window` alone, or with `use_sliding_window`,
//! `max_window_layers` and `layer_types`. All layers see alike here. Knows no batches.

use serde_json::Value;

use crate::config::refuse_unless;
use crate::{Architecture, DecoderConfig, ModelError};

/// Layers of a Qwen below which all is seen, where its config does not say how many.
const FULL_LAYERS: u64 = 28;

impl DecoderConfig {
    /// How many positions back a token sees, itself included; all where there is none.
    pub fn window(&self) -> Option<usize> {
        match self.model_type {
            Architecture::Mistral => self.sliding_window,
            Architecture::Llama => None,
            Architecture::Qwen2 | Architecture::Qwen3 => self.sliding_window.filter(|_| self.layers_with_window() > 0),
        }
    }

    /// Refuses layers of which only some have the window.
    pub(crate) fn check_window(&self) -> Result<(), ModelError> {
        let usual = if self.window().is_some() { "sliding_attention" } else { "full_attention" };
        let (key, types) = ("layer_types", self.further("layer_types"));
        if let Some(named) = types.as_array() {
            let alike = named.iter().all(|each| each == usual);
            let reason = format!("every layer is a `{usual}` here, as the keys of the window say");
            return refuse_unless(alike, key, types, &reason);
        }
        let (with, all) = (self.layers_with_window(), self.num_hidden_layers);
        let alike = self.window().is_none() || !self.chooses_window() || with == all;
        let key = "max_window_layers";
        let reason = format!("{with} of {all} layers would have the window; all see alike here");
        refuse_unless(alike, key, self.further(key), &reason)
    }

    /// Whether `use_sliding_window` says whether there is one.
    fn chooses_window(&self) -> bool {
        matches!(self.model_type, Architecture::Qwen2 | Architecture::Qwen3)
    }

    fn uses_window(&self) -> bool {
        *self.further("use_sliding_window") == Value::Bool(true)
    }

    fn layers_with_window(&self) -> usize {
        if !self.uses_window() {
            return 0;
        }
        if let Some(types) = self.further("layer_types").as_array() {
            return types.iter().filter(|each| **each == "sliding_attention").count();
        }
        let full = self.further("max_window_layers").as_u64().unwrap_or(FULL_LAYERS);
        self.num_hidden_layers.saturating_sub(usize::try_from(full).unwrap_or(usize::MAX))
    }

    /// A key beyond the usual ones.
    fn further(&self, key: &str) -> &Value {
        self.other.get(key).unwrap_or(&Value::Null)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Of a Qwen2, unless the keys say another model.
    fn config(more: Value) -> Result<DecoderConfig, String> {
        let mut keys = json!({ "model_type": "qwen2" });
        keys.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        crate::config::tests::config(keys)
    }

    #[test]
    fn each_architecture_says_it_in_its_way() {
        let (full, sliding) = ("full_attention", "sliding_attention");
        for (more, window) in [
            (json!({ "model_type": "mistral" }), Some(4096)),
            (json!({ "model_type": "mistral", "sliding_window": null }), None),
            (json!({ "model_type": "llama" }), None),
            (json!({ "model_type": "llama", "sliding_window": 8 }), None),
            (json!({}), None),
            (json!({ "sliding_window": 8, "max_window_layers": 0 }), None),
            (json!({ "use_sliding_window": false, "sliding_window": 8, "layer_types": [full, full] }), None),
            (json!({ "use_sliding_window": true, "sliding_window": 8 }), None),
            (json!({ "use_sliding_window": true, "sliding_window": 8, "max_window_layers": 0 }), Some(8)),
            (json!({ "use_sliding_window": true, "sliding_window": null, "max_window_layers": 1 }), None),
            (json!({ "use_sliding_window": true, "layer_types": [sliding, sliding] }), Some(4096)),
            (json!({ "model_type": "qwen3", "use_sliding_window": true, "max_window_layers": 0 }), Some(4096)),
        ] {
            assert_eq!(config(more.clone()).unwrap().window(), window, "{more}");
        }
    }

    #[test]
    fn layers_that_see_differently_are_refused_by_key() {
        let (full, sliding) = ("full_attention", "sliding_attention");
        for (more, words) in [
            (json!({ "use_sliding_window": true, "max_window_layers": 1 }), "`max_window_layers` = 1: 1 of 2 layers"),
            (json!({ "use_sliding_window": true, "layer_types": [full, sliding] }), "`layer_types`"),
            (json!({ "layer_types": [sliding, sliding] }), "every layer is a `full_attention` here"),
            (json!({ "model_type": "llama", "layer_types": [full, sliding] }), "`layer_types`"),
            (json!({ "layer_types": "full_attention" }), "must be a list of texts"),
            (json!({ "layer_types": [full, "chunked_attention"] }), "every layer is a `full_attention` here"),
            (json!({ "use_sliding_window": "yes" }), "`use_sliding_window` = \"yes\": must be true or false"),
            (json!({ "max_window_layers": -1 }), "`max_window_layers` = -1: must be a whole number"),
        ] {
            let error = config(more).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }
}
