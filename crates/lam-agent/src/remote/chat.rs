//! Questions to an endpoint: cached by content, repeated after failures that may pass, metered.
//!
//! Knows OpenAI's chat completions, and nothing of tasks and actions.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use lam_http::{Client, HttpError, Impatience, Patience, Request, Timeouts, Wait, asked_wait};
use lam_prompt::Message;
use lam_signal::{Monitor, Secret};
use lam_store::{hash_bytes, write_atomic};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::answer::{Said, after_thought, complaint, read};
use super::config::Api;
use super::dialect::Dialect;
use super::ledger::{Ledger, Usage};
use crate::{PolicyError, RemoteConfig};

/// Longest response, in bytes.
const LONGEST_RESPONSE: u64 = 32 << 20;
/// How often an answer that cannot be used is asked for again.
const SECOND_CHANCES: u32 = 2;

/// An endpoint's answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChatAnswer {
    /// What it said, without the thought before it.
    pub text: String,
    /// Seconds it took when it was asked (not when it came from the cache).
    pub seconds: f64,
    /// Why this is no whole answer: refused, cut off, empty. Such an answer is never cached.
    #[serde(skip)]
    pub fault: Option<String>,
}

/// A question: messages, and a seed that counts only at temperatures above 0.
pub type Question = (Vec<Message>, u64);

/// A client of one endpoint; threads may share it.
pub struct ChatClient<'a> {
    config: RemoteConfig,
    monitor: Monitor<'a>,
    /// The key with its header's name; never shown, written or cached.
    key: Option<(&'static str, Secret)>,
    http: Client,
    ledger: Mutex<Ledger>,
    dialect: Mutex<Dialect>,
    /// What was told already.
    said: Mutex<BTreeSet<String>>,
}

/// What came of one call.
enum Reply {
    Said(Said, Usage),
    Again { reason: String, wait: Option<Wait> },
    Refused { status: u16, reason: String, body: String },
}

impl<'a> ChatClient<'a> {
    /// A client with the key that the configured environment variable holds. Reports waits to `monitor`, and ends
    /// them when it says so.
    ///
    /// # Errors
    /// An address that is none, a variable that is not set or no key, or a cost file that cannot be opened.
    pub fn new(config: RemoteConfig, monitor: Monitor<'a>) -> Result<Self, PolicyError> {
        let refused =
            |reason: String, hint: String| PolicyError::Config { policy: config.display_name().into(), reason, hint };
        if let Some((key, value, fault)) = config.fault() {
            return Err(refused(format!("`{key}` = {value}: {}", fault.reason), fault.hint.into()));
        }
        let timeout = Duration::try_from_secs_f64(config.timeout_s);
        let timeout =
            timeout.map_err(|error| refused(format!("`timeout_s` = {}: {error}", config.timeout_s), String::new()))?;
        let key = key(&config)?;
        let ledger = Ledger::open(&config).map_err(|error| refused(error.to_string(), String::new()))?;
        let http = Client::new(Timeouts::whole(timeout));
        let (ledger, dialect, said) = (Mutex::new(ledger), Mutex::default(), Mutex::default());
        Ok(Self { config, monitor, key, http, ledger, dialect, said })
    }

    /// How the endpoint is asked.
    pub fn config(&self) -> &RemoteConfig {
        &self.config
    }

    /// Asks every question, as many at once as configured; answers in the order of the questions. An answer may be
    /// none: [`ChatAnswer::fault`].
    ///
    /// # Errors
    /// The money is spent, somebody asked to stop, or the endpoint refuses or keeps failing.
    pub fn ask_all(&self, questions: &[Question]) -> Result<Vec<ChatAnswer>, PolicyError> {
        self.ask_all_for(questions, &|_, answer: &ChatAnswer| Ok(answer.clone()))
    }

    /// The same for what `read` makes of the answers; one that it cannot use is asked for again, and not cached.
    ///
    /// # Errors
    /// As [`ChatClient::ask_all`], and when an answer still cannot be used.
    pub fn ask_all_for<T: Send>(
        &self,
        questions: &[Question],
        read: &(impl Fn(usize, &ChatAnswer) -> Result<T, String> + Sync),
    ) -> Result<Vec<T>, PolicyError> {
        let share = questions.len().div_ceil(self.config.parallel.max(1)).max(1);
        let has_failed = AtomicBool::new(false);
        let ask = |(index, question): (usize, &Question)| {
            if has_failed.load(Ordering::Acquire) {
                return None;
            }
            let answer = self.ask(question, &|answer| read(index, answer));
            has_failed.fetch_or(answer.is_err(), Ordering::AcqRel);
            Some(answer)
        };
        let ask_share = |(number, questions): (usize, &[Question])| {
            questions
                .iter()
                .enumerate()
                .map_while(|(index, question)| ask((number * share + index, question)))
                .collect::<Vec<_>>()
        };
        let answers: Vec<Result<T, PolicyError>> = thread::scope(|scope| {
            let shares = questions.chunks(share).enumerate();
            let threads: Vec<_> = shares.map(|share| scope.spawn(move || ask_share(share))).collect();
            threads.into_iter().flat_map(|thread| thread.join().expect("asking does not panic")).collect()
        });
        answers.into_iter().collect()
    }

    fn ask<T>(
        &self,
        (messages, seed): &Question,
        read: &impl Fn(&ChatAnswer) -> Result<T, String>,
    ) -> Result<T, PolicyError> {
        let body = self.body(messages, *seed);
        let question = hash_bytes(format!("{}\n{body}", self.config.url()).as_bytes());
        if let Some(Ok(known)) = self.cached(&question).map(|answer| read(&answer)) {
            return Ok(known);
        }
        let mut chances = SECOND_CHANCES.min(self.config.retries);
        loop {
            let answer = self.ask_until_answered(&question, &body)?;
            if let Some(fault) = &answer.fault {
                self.tell(fault);
            }
            match read(&answer) {
                Ok(useful) => {
                    if answer.fault.is_none() {
                        self.cache(&question, &answer)?;
                    }
                    return Ok(useful);
                }
                Err(reason) if chances == 0 => return Err(self.failed(reason)),
                Err(reason) => {
                    chances -= 1;
                    self.tell(&format!("{reason}; asked again"));
                }
            }
        }
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
        let mut patience = Patience::new(Duration::try_from_secs_f64(self.config.max_wait_s).unwrap_or(Duration::MAX));
        let mut failures = 0;
        loop {
            lock(&self.ledger).check()?;
            let (started, dialect) = (Instant::now(), *lock(&self.dialect));
            match self.call(&dialect.speak(body))? {
                Reply::Said(Said { text, fault }, usage) => {
                    lock(&self.ledger).record(question, usage).map_err(|error| self.failed(error.to_string()))?;
                    return Ok(ChatAnswer { text, fault, seconds: started.elapsed().as_secs_f64() });
                }
                Reply::Refused { status, reason, body } => match dialect.corrected(status, &body) {
                    Some((learned, what)) => {
                        *lock(&self.dialect) = learned;
                        self.tell(what);
                    }
                    None => return Err(self.refused(status, reason)),
                },
                Reply::Again { reason, wait } => {
                    failures += 1;
                    if failures > self.config.retries {
                        return Err(self.failed(format!("{reason}, {failures} times in a row")));
                    }
                    self.wait(&mut patience, wait, failures, &reason)?;
                }
            }
        }
    }

    /// Waits as the server asks, else longer after each failure.
    fn wait(
        &self,
        patience: &mut Patience,
        asked: Option<Wait>,
        failures: u32,
        reason: &str,
    ) -> Result<(), PolicyError> {
        let name = self.config.display_name();
        let waited = match asked.filter(|wait| !wait.time.is_zero()) {
            Some(wait) => patience.wait(&format!("{name}: the endpoint"), &wait, self.monitor),
            None if self.monitor.cancel.wait(self.pause(failures)) => Err(Impatience::Cancelled),
            None => Ok(()),
        };
        waited.map_err(|impatience| match impatience {
            Impatience::Cancelled => PolicyError::Cancelled { policy: name.into() },
            Impatience::TooLong(asked) => PolicyError::Failed {
                policy: name.into(),
                reason: format!("{reason}; {asked} (`max_wait_s`)"),
                hint: "come back then, or raise `max_wait_s`; answers so far are kept where there is a `cache_dir`",
            },
        })
    }

    fn pause(&self, failures: u32) -> Duration {
        let doubled = self.config.backoff_s * f64::from(2_u32.saturating_pow(failures.saturating_sub(1)));
        Duration::try_from_secs_f64(doubled.min(self.config.max_backoff_s)).unwrap_or_default()
    }

    fn call(&self, body: &Value) -> Result<Reply, PolicyError> {
        let mut request = Request::post(&self.config.url(), body.to_string());
        if let Some((name, secret)) = &self.key {
            let value = if *name == "authorization" { secret.bearer() } else { secret.expose().to_owned() };
            request = request.key(name, value);
        }
        let asked = self.http.send(&request, self.monitor.cancel).and_then(|response| {
            let (status, place) = (response.status, response.header("location").to_owned());
            let wait = asked_wait(&response.headers, SystemTime::now());
            Ok(reply(status, &response.text(LONGEST_RESPONSE)?, &place, wait))
        });
        let policy = || self.config.display_name().to_owned();
        match asked {
            Ok(reply) => Ok(reply),
            Err(HttpError::Network { reason, .. }) => Ok(Reply::Again { reason, wait: None }),
            Err(HttpError::Cancelled) => Err(PolicyError::Cancelled { policy: policy() }),
            Err(error) => Err(PolicyError::Http { policy: policy(), error: Box::new(error) }),
        }
    }

    fn cached(&self, question: &str) -> Option<ChatAnswer> {
        let path = self.config.cache_dir.as_ref()?.join(format!("{question}.json"));
        let answer: ChatAnswer = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
        // Earlier versions kept empty answers, and thoughts with the answer.
        let text = after_thought(&answer.text)?.to_owned();
        Some(ChatAnswer { text, ..answer })
    }

    fn cache(&self, question: &str, answer: &ChatAnswer) -> Result<(), PolicyError> {
        let Some(directory) = &self.config.cache_dir else { return Ok(()) };
        let bytes = serde_json::to_vec(answer).expect("answers have string keys and finite numbers");
        write_atomic(&directory.join(format!("{question}.json")), &bytes)
            .map_err(|error| self.failed(error.to_string()))
    }

    /// Tells it, once.
    fn tell(&self, what: &str) {
        let line = format!("{}: {what}", self.config.display_name());
        if lock(&self.said).insert(line.clone()) {
            self.monitor.progress.note(&line);
        }
    }

    fn failed(&self, reason: String) -> PolicyError {
        PolicyError::failed(self.config.display_name(), reason)
    }

    fn refused(&self, status: u16, reason: String) -> PolicyError {
        let hint = match status {
            300..=399 => "if that is right, put its address into `base_url`; a key is not sent elsewhere",
            401 | 403 => "check the key and `key_env`",
            402 | 429 => "the account has no credit left",
            404 => "check `base_url` and `model`",
            _ => "",
        };
        PolicyError::Failed { policy: self.config.display_name().into(), reason, hint }
    }
}

/// A lock whose holders leave it whole even when they panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The key, looked at before anything is sent.
fn key(config: &RemoteConfig) -> Result<Option<(&'static str, Secret)>, PolicyError> {
    if config.key_env.is_empty() {
        return Ok(None);
    }
    let refused = |what: &str| {
        let hint = "put the endpoint's key there, or set key_env = \"\" for an endpoint without one";
        let (policy, reason) =
            (config.display_name().into(), format!("environment variable `{}` {what}", config.key_env));
        Err(PolicyError::Config { policy, reason, hint: hint.into() })
    };
    let value = match std::env::var(&config.key_env) {
        Ok(value) => value,
        Err(std::env::VarError::NotPresent) => return refused("is not set"),
        Err(std::env::VarError::NotUnicode(_)) => return refused("holds no text"),
    };
    let Some(secret) = Secret::new(&value) else { return refused("is empty") };
    if let Some(fault) = secret.unfit_for_header() {
        return refused(&format!("holds no key: it {fault}"));
    }
    if secret.expose() != value {
        return refused("holds no key: it has a line end or white space around it");
    }
    let header = match config.api {
        Api::OpenAi => "authorization",
        Api::Azure => "api-key",
    };
    Ok(Some((header, secret)))
}

/// What a response means: which failures may pass, and where the answer is.
fn reply(status: u16, body: &str, place: &str, wait: Option<Wait>) -> Reply {
    let told = || format!("status {status}: {}", complaint(body));
    match status {
        200..=299 => match read(body) {
            Ok((said, usage)) => Reply::Said(said, usage),
            Err(reason) => Reply::Again { reason, wait },
        },
        300..=399 => {
            let reason = format!("status {status}: the endpoint sends its askers to `{place}`");
            Reply::Refused { status, reason, body: String::new() }
        }
        // Waiting brings no credit.
        429 if body.contains("insufficient_quota") => Reply::Refused { status, reason: told(), body: body.into() },
        408 | 409 | 425 | 429 | 500 | 502..=504 | 506..=599 => Reply::Again { reason: told(), wait },
        // A filtered question fails one step, not the run.
        400 if body.contains("content_filter") => {
            Reply::Said(Said::nothing(format!("the question was withheld: {}", complaint(body))), Usage::default())
        }
        _ => Reply::Refused { status, reason: told(), body: body.into() },
    }
}
