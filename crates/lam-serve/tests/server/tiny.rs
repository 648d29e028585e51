//! A tiny model on a free port, and a client that knows no more of HTTP than it needs.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lam_inference::{CachedDecoder, CachedModel, Generator, InferenceError, Scores};
use lam_model::{AdapterId, Decoder, DecoderConfig, Initialization, Read as ModelRead};
use lam_prompt::{Renderer, Tokenizer, TokenizerConfig};
use lam_serve::{Engine, Metrics, Models, ServedModel, Server, ServerSettings};
use serde_json::{Value, json};

/// Most tokens of a prompt and its answer, where nothing else is said.
pub const CONTEXT: usize = 400;
/// A template of our own around the contents.
const TEMPLATE: &str = "{{ bos_token }}{% for m in messages %}{{ '<' + m.role + '> ' + m.content }}\
{% if m.role == 'assistant' %}{{ eos_token }}{% endif %} {% endfor %}{% if add_generation_prompt %}<assistant> {% endif %}";

pub fn tokenizer() -> Tokenizer {
    let words = ["Bold", "Italic", "click_input"].map(str::to_owned).to_vec();
    Tokenizer::train(&["make the title bold"], &TokenizerConfig { vocab_size: 512, labels: 16, words }).unwrap()
}

/// Words in the compact template, or in a chat template.
pub fn renderer(is_compact: bool) -> Renderer {
    if is_compact { Renderer::new(tokenizer()).unwrap() } else { renderer_with(TEMPLATE) }
}

/// Words in a chat template.
fn renderer_with(template: &str) -> Renderer {
    let directory = tempfile::tempdir().unwrap();
    save_words(directory.path());
    std::fs::write(directory.path().join("chat_template.jinja"), template).unwrap();
    Renderer::load(directory.path()).unwrap()
}

/// Tokenizer and chat template as files.
pub fn save_words(directory: &Path) {
    tokenizer().save(directory).unwrap();
    std::fs::write(directory.join("chat_template.jinja"), TEMPLATE).unwrap();
}

/// Deviations large enough that the decoder has opinions.
pub fn config() -> DecoderConfig {
    serde_json::from_value(json!({
        "model_type": "mistral", "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": tokenizer().vocab_size(),
        "initializer_range": 0.5, "max_position_embeddings": 512,
    }))
    .unwrap()
}

pub fn decoder() -> Decoder {
    Decoder::init(config(), &Initialization::Normal, 5).unwrap()
}

/// How a tiny model is served.
#[derive(Clone)]
pub struct Tiny {
    pub slots: usize,
    pub queue: usize,
    /// How long each of its steps takes at least.
    pub pause: Duration,
    /// Held by whoever wants no step to be made.
    pub gate: Arc<Mutex<()>>,
    pub is_compact: bool,
    /// Another chat template.
    pub template: Option<String>,
    /// Most tokens of a prompt and its answer.
    pub context: usize,
    pub settings: ServerSettings,
}

impl Default for Tiny {
    fn default() -> Self {
        let settings = ServerSettings { port: 0, ..ServerSettings::default() };
        let (pause, gate) = (Duration::ZERO, Arc::default());
        Self { slots: 4, queue: 60, pause, gate, is_compact: false, template: None, context: CONTEXT, settings }
    }
}

impl Tiny {
    /// Serves it as `tiny`.
    pub fn serve(self) -> Server {
        let metrics = Arc::new(Metrics::default());
        let model = self.model("tiny", &metrics);
        Server::start(Models::of(vec![model], Vec::new(), metrics).unwrap(), self.settings).unwrap()
    }

    /// It under a name, on an engine of its own.
    pub fn model(&self, name: &str, metrics: &Arc<Metrics>) -> ServedModel {
        let (slots, pause, gate) = (self.slots, self.pause, Arc::clone(&self.gate));
        let load = move || {
            let model = Paused { model: CachedDecoder::new(&decoder(), slots)?, pause, gate };
            Ok((Generator::over(Box::new(model)), Vec::new()))
        };
        let (engine, _) = Engine::start(slots + self.queue, Arc::clone(metrics), load).unwrap();
        let renderer = self.template.as_deref().map_or_else(|| renderer(self.is_compact), renderer_with);
        let renderer = Arc::new(renderer);
        ServedModel::new(name.into(), renderer, engine, (self.context, config().vocab_size))
    }
}

/// A model that takes its time.
struct Paused {
    model: CachedDecoder,
    pause: Duration,
    gate: Arc<Mutex<()>>,
}

impl CachedModel for Paused {
    fn slots(&self) -> usize {
        self.model.slots()
    }

    fn read(&mut self, reads: &[ModelRead<'_>]) -> Result<Scores, InferenceError> {
        std::thread::sleep(self.pause);
        drop(self.gate.lock());
        self.model.read(reads)
    }

    fn truncate(&mut self, slot: usize, length: usize) {
        self.model.truncate(slot, length);
    }

    fn copy_prefix(&mut self, from: usize, to: usize, length: usize) {
        self.model.copy_prefix(from, to, length);
    }

    fn set_adapter(&mut self, slot: usize, adapter: Option<AdapterId>) -> Result<(), InferenceError> {
        self.model.set_adapter(slot, adapter)
    }
}

/// What a server answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub text: String,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error} in {}", self.text))
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The values of a stream of events, its end left out, which must be there.
    pub fn events(&self) -> Vec<Value> {
        let events: Vec<&str> = self.text.split("\n\n").filter_map(|part| part.strip_prefix("data: ")).collect();
        let (last, values) = events.split_last().expect("events");
        assert_eq!(*last, "[DONE]", "{}", self.text);
        values.iter().map(|value| serde_json::from_str(value).unwrap()).collect()
    }
}

/// Sends bytes and reads until the server ends the connection.
pub fn exchange(address: SocketAddr, bytes: &[u8]) -> Reply {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(bytes).unwrap();
    read(stream)
}

/// Reads until the server ends the connection.
pub fn read(mut stream: TcpStream) -> Reply {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    reply(&bytes)
}

fn reply(bytes: &[u8]) -> Reply {
    let place = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8(bytes[..place].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let body = &bytes[place + 4..];
    let is_chunked = head.to_lowercase().contains("transfer-encoding: chunked");
    let body = if is_chunked { unchunked(body) } else { body.to_vec() };
    Reply { status, head, text: String::from_utf8(body).expect("UTF-8") }
}

/// The chunks' contents, as far as they came.
fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(place) = rest.windows(2).position(|window| window == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..place]).unwrap(), 16).unwrap();
        let end = (place + 2 + size).min(rest.len());
        whole.extend(&rest[place + 2..end]);
        rest = rest.get(end + 2..).unwrap_or_default();
    }
    whole
}

/// The bytes of a request.
pub fn request(method: &str, path: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )
    .into_bytes()
}

pub fn get(address: SocketAddr, path: &str) -> Reply {
    exchange(address, &request("GET", path, "", ""))
}

pub fn post(address: SocketAddr, path: &str, body: &Value) -> Reply {
    exchange(address, &request("POST", path, "Content-Type: application/json\r\n", &body.to_string()))
}

/// A conversation with one message.
pub fn chat(content: &str, more: Value) -> Value {
    let mut body = json!({"model": "tiny", "messages": [{"role": "user", "content": content}], "max_tokens": 24});
    for (key, value) in more.as_object().expect("an object") {
        body[key] = value.clone();
    }
    body
}

/// The answer to a conversation, which must be one.
#[track_caller]
pub fn answer(address: SocketAddr, body: &Value) -> Value {
    let reply = post(address, "/v1/chat/completions", body);
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json()
}

/// The text that the events of a stream tell of one of its answers.
pub fn streamed_text(events: &[Value], number: usize) -> String {
    let own = events.iter().map(|event| &event["choices"][0]).filter(|choice| choice["index"] == number);
    own.filter_map(|choice| choice["delta"]["content"].as_str().or(choice["text"].as_str())).collect()
}

/// The text of the first answer.
pub fn text(answer: &Value) -> &str {
    answer["choices"][0]["message"]["content"].as_str().expect("a text")
}
