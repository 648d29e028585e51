//! What a request asks, read out of OpenAI's JSON. Knows no model.

mod chat;
mod completion;
pub mod fields;
mod format;
mod reward;
mod tools;

use std::ops::RangeInclusive;

use lam_inference::Sampling;
use lam_prompt::{Message, OutputFormat};
use serde_json::{Value, json};

use self::fields::Fields;
use crate::refusal::Refusal;

pub use chat::{read_chat, unread_image};
pub use completion::read_completion;
pub use format::is_any_object;
pub use reward::{Answered, RewardPrompt, read_rewards};
pub use tools::{ToolChoice, Tools};

/// Below this temperature the best token is taken: scores divided by less may leave the numbers that f32 holds.
const GREEDY_BELOW: f32 = 1e-4;
/// Factors of scores with which none of them leaves those numbers.
const REPETITION_PENALTY: RangeInclusive<f64> = 0.01..=100.0;

/// Most answers to one request, most strings that end one, and most log-probabilities told beside a token.
const CHOICES: usize = 128;
const STOP_STRINGS: usize = 16;
const TOP_LOGPROBS: usize = 20;

/// Fields that other servers or OpenAI's own know, and that change nothing here.
const WITHOUT_EFFECT: [&str; 9] = [
    "user",
    "metadata",
    "store",
    "service_tier",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_retention",
    "reasoning_effort",
    "verbosity",
];

/// Fields by which other servers, OpenAI's own among them, give another answer: forms, choices of tokens, prompts.
const UNSUPPORTED: [&str; 24] = [
    "echo",
    "suffix",
    "logit_bias",
    "grammar",
    "json_schema",
    "guided_json",
    "guided_regex",
    "guided_choice",
    "guided_grammar",
    "structured_outputs",
    "stop_token_ids",
    "allowed_token_ids",
    "bad_words",
    "ignore_eos",
    "use_beam_search",
    "include_stop_str_in_output",
    "truncate_prompt_tokens",
    "prompt_logprobs",
    "continue_final_message",
    "chat_template",
    "chat_template_kwargs",
    "documents",
    "audio",
    "web_search_options",
];
/// The same, unless they are zero; and unless they are `true`.
const UNSUPPORTED_UNLESS_ZERO: [&str; 4] = ["frequency_penalty", "presence_penalty", "min_p", "min_tokens"];
const UNSUPPORTED_UNLESS_TRUE: [&str; 2] = ["skip_special_tokens", "add_generation_prompt"];

/// What is to be answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Asked {
    /// A conversation.
    Chat(Vec<Message>),
    /// Texts to be continued.
    Texts(Vec<OpenText>),
}

/// A text to be continued.
#[derive(Clone, Debug, PartialEq)]
pub enum OpenText {
    /// As text.
    Words(String),
    /// As tokens.
    Tokens(Vec<u32>),
}

/// One request.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// Name of the model.
    pub model: String,
    /// What is to be answered.
    pub asked: Asked,
    /// Answers to each.
    pub choices: usize,
    /// Whether the answer comes piece by piece.
    pub stream: bool,
    /// Whether a stream ends with the numbers of tokens.
    pub include_usage: bool,
    /// Strings that end an answer.
    pub stop: Vec<String>,
    /// How tokens are chosen; the seed is apart.
    pub sampling: Sampling,
    /// Seed of the random streams.
    pub seed: Option<u64>,
    /// Longest answer in tokens.
    pub max_tokens: Option<usize>,
    /// Name of the field that says it.
    pub max_tokens_field: &'static str,
    /// How many log-probabilities are told beside that of each token; none are told where this is `None`.
    pub logprobs: Option<usize>,
    /// What an answer must be.
    pub format: Option<OutputFormat>,
    /// The tools that are offered.
    pub tools: Option<Tools>,
    /// The first image that was passed over: no question but UFO's can be answered without it.
    pub image: Option<String>,
    /// Fields that are not known.
    pub unknown: Vec<String>,
}

/// What both endpoints know, but for what is asked, the longest answer and log-probabilities.
fn read_common(fields: &Fields<'_>, asked: Asked) -> Result<Ask, Refusal> {
    fields.pass_over(&WITHOUT_EFFECT);
    let mut unknown = Vec::new();
    let stream = fields.flag("stream")?;
    let include_usage = match fields.get("stream_options") {
        Some(_) if !stream => {
            return Err(Refusal::of_field("stream_options", "`stream_options` belongs to `stream` = true"));
        }
        Some(options) => {
            let options = Fields::of(options, "stream_options")?;
            let include_usage = options.flag("include_usage")?;
            options.pass_over(&["include_obfuscation"]);
            unknown.extend(options.unknown());
            include_usage
        }
        None => false,
    };
    let stop = fields.texts("stop")?;
    if stop.len() > STOP_STRINGS || stop.iter().any(String::is_empty) {
        let message = format!("`stop` takes up to {STOP_STRINGS} strings, none of them empty");
        return Err(Refusal::of_field("stop", message));
    }
    refuse_unsupported(fields)?;
    let choices = fields.count("n", 1..=CHOICES)?.unwrap_or(1);
    if fields.count("best_of", 1..=usize::MAX)?.is_some_and(|best_of| best_of != choices) {
        return Err(unsupported("best_of", "`best_of` is not supported beyond `n`"));
    }
    Ok(Ask {
        model: fields.needed_text("model")?.to_owned(),
        asked,
        choices,
        stream,
        include_usage,
        stop,
        sampling: read_sampling(fields)?,
        seed: fields.integer("seed", i64::MIN..=i64::MAX)?.map(i64::cast_unsigned),
        max_tokens: None,
        max_tokens_field: "max_tokens",
        logprobs: None,
        format: format::read_format(fields, &mut unknown)?,
        tools: None,
        image: None,
        unknown,
    })
}

/// Refuses what would change the answer and is not supported, unless its value says that nothing is to be changed: an
/// answer without it would be taken for one with it.
fn refuse_unsupported(fields: &Fields<'_>) -> Result<(), Refusal> {
    for name in UNSUPPORTED {
        refuse_unless_empty(fields, name)?;
    }
    for name in UNSUPPORTED_UNLESS_ZERO {
        if fields.number(name, f64::MIN..=f64::MAX)?.is_some_and(|value| value != 0.0) {
            let instead = if name.ends_with("_penalty") { "; `repetition_penalty` is" } else { "" };
            return Err(unsupported(name, &format!("`{name}` is not supported{instead}")));
        }
    }
    for name in UNSUPPORTED_UNLESS_TRUE {
        if fields.get(name).is_some() && !fields.flag(name)? {
            return Err(unsupported(name, &format!("`{name}` = false is not supported")));
        }
    }
    let is_text = |kinds: &Value| *kinds == json!(["text"]) || *kinds == json!([]);
    if fields.get("modalities").is_some_and(|kinds| !is_text(kinds)) {
        return Err(unsupported("modalities", "`modalities` must be [\"text\"]: the model writes text alone"));
    }
    Ok(())
}

/// The refusal of a field at this path that is read nowhere.
fn unsupported(path: &str, message: &str) -> Refusal {
    Refusal::of_field(path, message).code("unsupported_parameter")
}

fn read_sampling(fields: &Fields<'_>) -> Result<Sampling, Refusal> {
    let temperature = fields.number("temperature", 0.0..=2.0)?.unwrap_or(1.0);
    Ok(Sampling {
        temperature: if temperature < GREEDY_BELOW { 0.0 } else { temperature },
        top_p: match fields.number("top_p", 0.0..=1.0)? {
            // The smallest nucleus holds the best token alone.
            Some(top_p) => top_p.max(f32::MIN_POSITIVE),
            None => 1.0,
        },
        // Others write -1 where all are kept.
        top_k: fields
            .integer("top_k", -1..=i64::from(i32::MAX))?
            .map_or(0, |top_k| usize::try_from(top_k).unwrap_or(0)),
        repetition_penalty: fields.number("repetition_penalty", REPETITION_PENALTY)?.unwrap_or(1.0),
        seed: 0,
    })
}

/// Refuses a field that would change the answer and is not supported, unless it is empty.
fn refuse_unless_empty(fields: &Fields<'_>, name: &'static str) -> Result<(), Refusal> {
    let is_empty = |value: &Value| match value {
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(on) => !on,
        Value::String(text) => text.is_empty() || text == "none",
        _ => false,
    };
    if fields.get(name).is_none_or(is_empty) {
        return Ok(());
    }
    let path = fields.path(name);
    Err(unsupported(&path, &format!("`{path}` is not supported")))
}
