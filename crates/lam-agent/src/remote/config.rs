//! Where an endpoint is, how it is asked, and what it may cost.

use std::path::PathBuf;

use lam_config::ConfigError;
use lam_http::{AddressFault, address};
use lam_signal::Secret;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whose address scheme and key header an endpoint uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Api {
    /// `{base_url}/chat/completions`, key as bearer token: OpenAI, vLLM, llama.cpp, our own server.
    OpenAi,
    /// `{base_url}/openai/deployments/{model}/chat/completions`, key in `api-key`.
    Azure,
}

/// An endpoint that speaks OpenAI's chat completions. The key is never part of it, only where to find it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RemoteConfig {
    /// Name in reports; "" for the model's name.
    pub name: String,
    /// Model, or Azure's deployment.
    pub model: String,
    /// Address up to and without `/chat/completions`.
    pub base_url: String,
    /// Address scheme.
    pub api: Api,
    /// Azure's API version.
    pub api_version: String,
    /// Environment variable that holds the key; "" for an endpoint that asks for none.
    pub key_env: String,
    /// Sampling temperature; 0 in the paper's evaluations (§7).
    #[schemars(range(min = 0.0, max = 100.0))]
    pub temperature: f64,
    /// Longest answer, in tokens.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub max_tokens: u32,
    /// Longest wait for one answer, in seconds.
    #[schemars(range(max = 86_400.0), extend("exclusiveMinimum" = 0.0))]
    pub timeout_s: f64,
    /// How often a call is repeated after a failure that may pass.
    #[schemars(range(min = 0, max = 1_000))]
    pub retries: u32,
    /// Wait before the first repetition, in seconds; doubled each time.
    #[schemars(range(min = 0.0, max = 86_400.0))]
    pub backoff_s: f64,
    /// Longest such wait, in seconds, where the server names none.
    #[schemars(range(min = 0.0, max = 86_400.0))]
    pub max_backoff_s: f64,
    /// Longest time in all that one question waits because the server names a time, in seconds; if it asks for more,
    /// the run stops and says when to come back.
    #[schemars(range(min = 0.0, max = 604_800.0))]
    pub max_wait_s: f64,
    /// Calls at once.
    #[schemars(range(min = 1, max = 1_024))]
    pub parallel: usize,
    /// USD for a million prompt tokens.
    #[schemars(range(min = 0.0, max = 1e9))]
    pub usd_per_million_prompt_tokens: f64,
    /// USD for a million answer tokens.
    #[schemars(range(min = 0.0, max = 1e9))]
    pub usd_per_million_answer_tokens: f64,
    /// No call is begun once this much is spent, in USD; calls under way may exceed it by their own cost.
    #[schemars(range(min = 0.0, max = 1e9))]
    pub max_usd: Option<f64>,
    /// Directory of answers by content of the question; none: every question is asked.
    pub cache_dir: Option<PathBuf>,
    /// File that gets one JSON line a call, tokens and USD; read at the start, so that a resumed run continues to
    /// count.
    pub cost_file: Option<PathBuf>,
}

impl Default for RemoteConfig {
    fn default() -> Self {
        Self {
            name: String::new(),
            model: "gpt-4o".into(),
            base_url: "https://api.openai.com/v1".into(),
            api: Api::OpenAi,
            api_version: "2024-10-21".into(),
            key_env: "OPENAI_API_KEY".into(),
            temperature: 0.0,
            max_tokens: 1024,
            timeout_s: 120.0,
            retries: 5,
            backoff_s: 1.0,
            max_backoff_s: 60.0,
            max_wait_s: 600.0,
            parallel: 4,
            usd_per_million_prompt_tokens: 0.0,
            usd_per_million_answer_tokens: 0.0,
            max_usd: None,
            cache_dir: None,
            cost_file: None,
        }
    }
}

impl RemoteConfig {
    /// Name in reports and errors.
    pub fn display_name(&self) -> &str {
        if self.name.is_empty() { &self.model } else { &self.name }
    }

    /// Refuses an address or a variable's name that cannot be right; `table` is where they stand in the settings.
    ///
    /// # Errors
    /// Names the key and its value; never a key that was put in the place of its variable.
    pub fn check(&self, table: &str) -> Result<(), ConfigError> {
        match self.fault() {
            None => Ok(()),
            Some((key, value, fault)) => {
                Err(ConfigError::value(&format!("{table}.{key}"), value, fault.reason, fault.hint))
            }
        }
    }

    /// The first setting that cannot be right, its value, and why.
    pub(crate) fn fault(&self) -> Option<(&'static str, String, AddressFault)> {
        let fault = |key, value: &str, reason: &str, hint| {
            Some((key, value.to_owned(), AddressFault { reason: reason.to_owned(), hint }))
        };
        let is_name = |character: char| character.is_ascii_alphanumeric() || character == '_';
        if !self.key_env.chars().all(is_name) || self.key_env.starts_with(|first: char| first.is_ascii_digit()) {
            // Whoever puts the key here does not want to see it in a log.
            Secret::new(&self.key_env);
            let hint = "name the environment variable that holds the key, such as OPENAI_API_KEY; never the key itself";
            return fault("key_env", &self.key_env, "is no name of an environment variable", hint);
        }
        match address(&self.base_url) {
            Err(found) => return Some(("base_url", self.base_url.clone(), found)),
            Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                let hint =
                    "settings are written to files; put a key into an environment variable and name it in `key_env`";
                return fault("base_url", &self.base_url, "has a name or a password in it", hint);
            }
            Ok(_) => {}
        }
        if self.base_url.trim_end_matches('/').ends_with("/chat/completions") {
            return fault("base_url", &self.base_url, "names the questions' place", "leave out `/chat/completions`");
        }
        if self.model.trim().is_empty() {
            return fault("model", "\"\"", "is empty", "name the model that the endpoint shall ask");
        }
        None
    }

    /// Where questions are posted.
    pub(crate) fn url(&self) -> String {
        let base = self.base_url.trim_end_matches('/');
        match self.api {
            Api::OpenAi => format!("{base}/chat/completions"),
            Api::Azure => {
                format!("{base}/openai/deployments/{}/chat/completions?api-version={}", self.model, self.api_version)
            }
        }
    }
}
