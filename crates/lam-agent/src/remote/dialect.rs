//! What an endpoint does not understand, learned from its refusals: newer models of OpenAI's want the length of an
//! answer under another name, and some know no temperature but their own.

use serde_json::{Value, json};

/// How an endpoint wants to be asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Dialect {
    /// `max_completion_tokens` instead of `max_tokens`.
    completion_tokens: bool,
    /// No `temperature`.
    own_temperature: bool,
    /// No `seed`.
    no_seed: bool,
}

impl Dialect {
    /// The question in this dialect.
    pub(super) fn speak(self, body: &Value) -> Value {
        let mut body = body.clone();
        if let Some(keys) = body.as_object_mut() {
            if self.completion_tokens
                && let Some(most) = keys.remove("max_tokens")
            {
                keys.insert("max_completion_tokens".into(), json!(most));
            }
            if self.own_temperature {
                keys.remove("temperature");
            }
            if self.no_seed {
                keys.remove("seed");
            }
        }
        body
    }

    /// The dialect that a refusal asks for, with what to tell of it; none when it is about something else.
    pub(super) fn corrected(self, status: u16, refusal: &str) -> Option<(Self, &'static str)> {
        if !matches!(status, 400 | 422) {
            return None;
        }
        let refusal = refusal.to_ascii_lowercase();
        let about = |key: &str| refusal.contains(key) && UNSUPPORTED.iter().any(|word| refusal.contains(word));
        if !self.completion_tokens && (about("max_tokens") || refusal.contains("max_completion_tokens")) {
            return Some((
                Self { completion_tokens: true, ..self },
                "is told the longest answer as `max_completion_tokens`",
            ));
        }
        if !self.own_temperature && about("temperature") {
            return Some((Self { own_temperature: true, ..self }, "takes no temperature but its own: none is sent"));
        }
        let no_seed = !self.no_seed && about("seed");
        no_seed.then_some((Self { no_seed: true, ..self }, "takes no seed: none is sent"))
    }
}

/// Words of a refusal that is about a key itself, not about its value.
const UNSUPPORTED: [&str; 13] = [
    "unsupported",
    "not supported",
    "n't supported",
    "not support",
    "n't support",
    "unknown",
    "unrecognized",
    "unexpected",
    "not permitted",
    "not allowed",
    "deprecated",
    "only the default",
    "must be 1",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_teaches_one_thing_at_a_time() {
        let body = json!({"model": "m", "temperature": 0.0, "max_tokens": 9, "seed": 1});
        let learned = |dialect: Dialect, refusal: &str| dialect.corrected(400, refusal).unwrap().0;
        let one = learned(
            Dialect::default(),
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        );
        assert_eq!(one.speak(&body), json!({"model": "m", "temperature": 0.0, "seed": 1, "max_completion_tokens": 9}));
        let two =
            learned(one, "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1)");
        assert_eq!(two.speak(&body), json!({"model": "m", "seed": 1, "max_completion_tokens": 9}));
        let three = learned(two, r#"{"detail":[{"loc":["body","seed"],"msg":"Extra inputs are not permitted"}]}"#);
        assert_eq!(three.speak(&body), json!({"model": "m", "max_completion_tokens": 9}));
        assert_eq!(
            three.corrected(400, "temperature and max_tokens and seed are not supported"),
            None,
            "known already"
        );
    }

    #[test]
    fn refusals_about_something_else_teach_nothing() {
        let nothing =
            |status, refusal: &str| assert_eq!(Dialect::default().corrected(status, refusal), None, "{refusal}");
        nothing(400, "max_tokens is too large: 9000. This model supports at most 4096");
        nothing(400, "the messages are too long");
        nothing(400, "temperature must be at most 2");
        nothing(401, "unsupported max_tokens");
        nothing(500, "unsupported max_tokens");
    }
}
