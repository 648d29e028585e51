//! Questions to an endpoint: cached by content, repeated after failures that may pass, metered.
//!
//! Knows OpenAI's chat completions, and nothing of tasks and actions.

use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use lam_prompt::Message;
use lam_store::{hash_bytes, write_atomic};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::config::Api;
use super::ledger::{Ledger, Usage};
use crate::{PolicyError, RemoteConfig};

/// An endpoint's answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChatAnswer {
    /// What it said; "" when it refused.
    pub text: String,
    /// Seconds it took when it was asked (not when it came from the cache).
    pub seconds: f64,
}

/// A client of one endpoint; threads may share it.
pub struct ChatClient {
    config: RemoteConfig,
    /// The key's header; never shown, written or cached.
    key_header: Option<(&'static str, String)>,
    agent: ureq::Agent,
    ledger: Mutex<Ledger>,
}

/// What came of one call.
enum Reply {
    Answer { text: String, usage: Usage },
    Again { reason: String, after: Option<Duration> },
    Refused { reason: String, hint: &'static str },
}

impl ChatClient {
    /// A client with the key that the configured environment variable holds.
    ///
    /// # Errors
    /// When the variable is not set, or the cost file cannot be opened.
    pub fn new(config: RemoteConfig) -> Result<Self, PolicyError> {
        let key_header = key_header(&config)?;
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs_f64(config.timeout_s)))
            .http_status_as_error(false)
            .max_redirects(0)
            .build()
            .into();
        let ledger = Ledger::open(&config).map_err(|error| config_error(&config, error.to_string(), ""))?;
        Ok(Self { config, key_header, agent, ledger: Mutex::new(ledger) })
    }

    /// How the endpoint is asked.
    pub fn config(&self) -> &RemoteConfig {
        &self.config
    }

    /// Asks one question; the seed counts only at temperatures above 0.
    ///
    /// # Errors
    /// The money is spent, or the endpoint refuses or keeps failing.
    pub fn ask(&self, messages: &[Message], seed: u64) -> Result<ChatAnswer, PolicyError> {
        let body = self.body(messages, seed);
        let question = hash_bytes(format!("{}\n{body}", self.config.url()).as_bytes());
        if let Some(answer) = self.cached(&question) {
            return Ok(answer);
        }
        let answer = self.ask_until_answered(&question, &body)?;
        self.cache(&question, &answer)?;
        Ok(answer)
    }

    /// Asks every question, as many at once as configured; answers in the order of the questions.
    pub fn ask_all(&self, questions: &[(Vec<Message>, u64)]) -> Vec<Result<ChatAnswer, PolicyError>> {
        let share = questions.len().div_ceil(self.config.parallel.max(1)).max(1);
        let ask = |share: &[(Vec<Message>, u64)]| {
            share.iter().map(|(messages, seed)| self.ask(messages, *seed)).collect::<Vec<_>>()
        };
        thread::scope(|scope| {
            let threads: Vec<_> = questions.chunks(share).map(|share| scope.spawn(move || ask(share))).collect();
            threads.into_iter().flat_map(|thread| thread.join().expect("asking does not panic")).collect()
        })
    }

    fn body(&self, messages: &[Message], seed: u64) -> Value {
        let config = &self.config;
        let mut body = json!({
            "model": config.model,
            "messages": messages,
            "temperature": config.temperature,
            "max_tokens": config.max_tokens,
        });
        if config.temperature > 0.0 {
            // Servers read the seed as a signed number.
            body["seed"] = json!(seed >> 1);
        }
        body
    }

    fn ask_until_answered(&self, question: &str, body: &Value) -> Result<ChatAnswer, PolicyError> {
        let mut reason = String::new();
        for turn in 0..=self.config.retries {
            self.ledger().check()?;
            let started = Instant::now();
            match self.call(body) {
                Reply::Answer { text, usage } => {
                    self.ledger().record(question, usage).map_err(|error| self.failed(error.to_string()))?;
                    return Ok(ChatAnswer { text, seconds: started.elapsed().as_secs_f64() });
                }
                Reply::Refused { reason, hint } => {
                    let policy = self.config.display_name().into();
                    return Err(PolicyError::Failed { policy, reason, hint });
                }
                Reply::Again { reason: latest, after } => {
                    reason = latest;
                    if turn < self.config.retries {
                        thread::sleep(self.pause(turn, after));
                    }
                }
            }
        }
        Err(self.failed(format!("{reason}, {} times in a row", self.config.retries + 1)))
    }

    fn call(&self, body: &Value) -> Reply {
        let mut request = self.agent.post(self.config.url()).header("content-type", "application/json");
        if let Some((name, value)) = &self.key_header {
            request = request.header(*name, value);
        }
        let mut response = match request.send(body.to_string()) {
            Ok(response) => response,
            Err(error) => return Reply::Again { reason: error.to_string(), after: None },
        };
        let status = response.status().as_u16();
        let after = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
        let after = after.filter(|seconds| *seconds >= 0.0 && *seconds < 1e6).map(Duration::from_secs_f64);
        match response.body_mut().read_to_string() {
            Ok(text) => reply(status, &text, after),
            Err(error) => Reply::Again { reason: error.to_string(), after },
        }
    }

    fn pause(&self, turn: u32, after: Option<Duration>) -> Duration {
        let doubled = self.config.backoff_s * f64::from(2_u32.saturating_pow(turn));
        let seconds = after.map_or(doubled, |after| after.as_secs_f64());
        Duration::from_secs_f64(seconds.min(self.config.max_backoff_s).max(0.0))
    }

    fn cached(&self, question: &str) -> Option<ChatAnswer> {
        let path = self.config.cache_dir.as_ref()?.join(format!("{question}.json"));
        serde_json::from_slice(&std::fs::read(path).ok()?).ok()
    }

    fn cache(&self, question: &str, answer: &ChatAnswer) -> Result<(), PolicyError> {
        let Some(directory) = &self.config.cache_dir else { return Ok(()) };
        let bytes = serde_json::to_vec(answer).expect("answers have string keys and finite numbers");
        write_atomic(&directory.join(format!("{question}.json")), &bytes)
            .map_err(|error| self.failed(error.to_string()))
    }

    fn ledger(&self) -> std::sync::MutexGuard<'_, Ledger> {
        self.ledger.lock().expect("no holder of the ledger panics")
    }

    fn failed(&self, reason: String) -> PolicyError {
        PolicyError::failed(self.config.display_name(), reason)
    }
}

fn key_header(config: &RemoteConfig) -> Result<Option<(&'static str, String)>, PolicyError> {
    if config.key_env.is_empty() {
        return Ok(None);
    }
    let missing = || {
        let hint = "put the endpoint's key there, or set key_env = \"\" for an endpoint without one";
        config_error(config, format!("environment variable `{}` is not set", config.key_env), hint)
    };
    let key = std::env::var(&config.key_env).map_err(|_| missing())?;
    Ok(Some(match config.api {
        Api::OpenAi => ("authorization", format!("Bearer {key}")),
        Api::Azure => ("api-key", key),
    }))
}

fn config_error(config: &RemoteConfig, reason: String, hint: &'static str) -> PolicyError {
    PolicyError::Config { policy: config.display_name().into(), reason, hint }
}

/// Reads a response: which failures may pass, and where the text is.
fn reply(status: u16, body: &str, after: Option<Duration>) -> Reply {
    let excerpt: String = body.chars().take(300).collect();
    match status {
        200..=299 => answer(body).unwrap_or(Reply::Again { reason: format!("unreadable response: {excerpt}"), after }),
        408 | 409 | 425 | 429 | 500..=599 => Reply::Again { reason: format!("status {status}: {excerpt}"), after },
        // A filtered question is an answer without words: one step fails, not the run.
        400 if body.contains("content_filter") => Reply::Answer { text: String::new(), usage: Usage::default() },
        _ => {
            let hint = match status {
                401 | 403 => "check the key and `key_env`",
                404 => "check `base_url` and `model`",
                _ => "",
            };
            Reply::Refused { reason: format!("status {status}: {excerpt}"), hint }
        }
    }
}

fn answer(body: &str) -> Option<Reply> {
    let response: Value = serde_json::from_str(body).ok()?;
    let message = response.get("choices")?.get(0)?.get("message")?;
    let text = message.get("content").and_then(Value::as_str).unwrap_or_default().to_owned();
    let usage = response.get("usage").and_then(|usage| serde_json::from_value(usage.clone()).ok()).unwrap_or_default();
    Some(Reply::Answer { text, usage })
}
