//! What HTTP costs: tokens a second of clients that ask a server at the same time, beside those of the generator's own
//! continuous batch over the same prompts. Both run in this process, in turn, with as many slots, and write the same
//! tokens. With as many clients as slots, a slot is empty from an answer's end until its client has read it and asked
//! again; with more clients, a request waits for it. A client keeps its connection.
//!
//! ```text
//! cargo run --release -p lam-serve --example over_http -- MODEL [clients] [requests] [tokens] [rounds] [slots]
//! ```
//!
//! Prompts ask App. C's question on screens that differ; the goal is a ratio of 0.9 (`scripts/bench/README.md`).

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use lam_cuda::DeviceChoice;
use lam_inference::{CachedDecoder, GenerationRequest, Generator, Sampling, open_model};
use lam_model::{AdapterUse, Finetuning};
use lam_prompt::{Message, Question, Renderer, messages, read_question};
use lam_serve::{Capacity, ModelPlace, Models, Server, ServerSettings};
use lam_signal::NoProgress;
use lam_types::{ArgKind, ArgSpec, Control, ControlType, FunctionSpec, Observation, State, Target};
use serde_json::{Value, json};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Controls of a screen.
const CONTROLS: usize = 12;

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let directory = PathBuf::from(arguments.next().ok_or("name a model's directory")?);
    let mut number = |otherwise: usize| arguments.next().map_or(Ok(otherwise), |text| text.parse::<usize>());
    let (clients, requests, tokens, rounds) = (number(16)?, number(128)?, number(64)?, number(5)?);
    let slots = number(clients)?;
    let conversations: Vec<Vec<Message>> = (0..requests).map(conversation).collect();

    let source = open_model(&directory, None, &NoProgress).map_err(|failure| failure.to_string())?;
    let renderer = Renderer::load(source.tokenizer_directory())?;
    let decoder = source.load_to_ask(&Finetuning::Frozen, 0)?;
    let model = CachedDecoder::with(&decoder, slots, decoder.stored_options(AdapterUse::Merged))?;
    let mut generator = Generator::over(Box::new(model));
    let request = |(number, messages): (usize, &Vec<Message>)| request(&renderer, messages, (number, tokens));

    let place = ModelPlace { directory, name: Some("model".into()) };
    let capacity = Capacity { slots, queue: requests, ..Capacity::default() };
    let models = Models::load(&[place], capacity, &|_| None, (DeviceChoice::Cpu, &NoProgress));
    let models = models.map_err(|failure| failure.to_string())?;
    let server = Server::start(models, ServerSettings { port: 0, ..ServerSettings::default() })?;
    let bodies = |stream: bool| -> Vec<String> {
        let body = |(number, messages): (usize, &Vec<Message>)| body(number, messages, (tokens, stream)).to_string();
        conversations.iter().enumerate().map(body).collect()
    };
    let (whole, streams) = (bodies(false), bodies(true));

    let mut speeds = [const { Vec::new() }; 3];
    for _ in 0..rounds.max(1) {
        let asked = conversations.iter().enumerate().map(request).collect::<Result<Vec<_>, _>>()?;
        let started = Instant::now();
        let own: usize = generator.run(asked)?.iter().map(|completion| completion.tokens.len()).sum();
        speeds[0].push(own as f64 / started.elapsed().as_secs_f64());
        for (bodies, speeds) in [&whole, &streams].into_iter().zip(&mut speeds[1..]) {
            let started = Instant::now();
            let served = ask_all(server.address(), bodies, clients)?;
            speeds.push(served as f64 / started.elapsed().as_secs_f64());
            if served != own {
                return Err(format!("the generator wrote {own} tokens, the server {served}").into());
            }
        }
    }
    server.stop();
    let [own, whole, streams] = speeds.map(median);
    println!(
        "{clients} clients, {slots} slots, {requests} requests of at most {tokens} tokens, median of {} rounds",
        rounds.max(1)
    );
    println!("generator alone      {own:9.1} tokens/s");
    println!("server, whole        {whole:9.1} tokens/s, ratio {:.3}", whole / own);
    println!("server, as a stream  {streams:9.1} tokens/s, ratio {:.3} (goal 0.9)", streams / own);
    Ok(())
}

/// App. C's question on a screen of its own.
fn conversation(number: usize) -> Vec<Message> {
    let names =
        ["Bold", "Italic", "Insert", "Design", "Layout", "Font Size", "Table", "Review", "Zoom", "Find", "Save"];
    let control = |place: usize| Control {
        label: (place + 1).to_string(),
        control_text: names[(place * 7 + number * 3) % names.len()].to_owned(),
        control_type: ControlType::Button,
        enabled: true,
        selected: None,
        value: None,
        rectangle: None,
    };
    let state = State {
        request: format!("make paragraph {} bold and save the document", number + 1),
        observation: Observation { controls: (0..CONTROLS).map(control).collect(), ..Observation::default() },
        previous_actions: Vec::new(),
        previous_plan: Vec::new(),
    };
    let words = ["left", "right"].map(str::to_owned).to_vec();
    let button =
        ArgSpec { name: "button".into(), kind: ArgKind::OneOf(words), required: false, doc: "Which button.".into() };
    let click = FunctionSpec {
        name: "click_input".into(),
        target: Target::Control(vec![ControlType::Button]),
        args: vec![button],
        doc: "Click the control.".into(),
    };
    messages(&state, &[click])
}

/// What the server makes of [`body`].
fn request(
    renderer: &Renderer,
    conversation: &[Message],
    (seed, max_new_tokens): (usize, usize),
) -> Result<GenerationRequest, Failure> {
    let question = read_question(conversation)?.filter(|_| renderer.is_compact());
    let prompt = match question {
        Some(Question::Action { state, functions }) => renderer.action_prompt(&state, &functions)?,
        _ => renderer.chat_prompt(conversation)?,
    };
    Ok(GenerationRequest {
        sampling: Sampling { temperature: 1.0, seed: seed as u64, ..Sampling::default() },
        stop_tokens: renderer.stop_tokens().to_vec(),
        logprobs: false,
        ..GenerationRequest::greedy(prompt, renderer.tokenizer().eos(), max_new_tokens)
    })
}

fn body(seed: usize, messages: &[Message], (max_tokens, stream): (usize, bool)) -> Value {
    let mut body = json!({"model": "model", "messages": messages, "seed": seed, "temperature": 1.0});
    (body["max_tokens"], body["stream"]) = (max_tokens.into(), stream.into());
    if stream {
        body["stream_options"] = json!({"include_usage": true});
    }
    body
}

/// Asks all, so many at a time; the tokens of the answers.
fn ask_all(address: SocketAddr, bodies: &[String], clients: usize) -> Result<usize, Failure> {
    let next = AtomicUsize::new(0);
    let client = || -> Result<usize, Failure> {
        let mut connection = BufReader::new(TcpStream::connect(address)?);
        connection.get_ref().set_nodelay(true)?;
        let mut tokens = 0;
        while let Some(body) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
            tokens += ask(&mut connection, body)?;
        }
        Ok(tokens)
    };
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..clients).map(|_| scope.spawn(client)).collect();
        clients.into_iter().map(|client| client.join().map_err(|_| "a client ended")?).sum()
    })
}

/// Asks on a connection that goes on to be used, as clients of OpenAI's do; the number of the answer's tokens.
fn ask(connection: &mut BufReader<TcpStream>, body: &str) -> Result<usize, Failure> {
    let head = "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length:";
    connection.get_mut().write_all(format!("{head} {}\r\n\r\n{body}", body.len()).as_bytes())?;
    let reply = read_answer(connection)?;
    let key = "\"completion_tokens\":";
    let Some((_, rest)) = reply.rsplit_once(key) else { return Err(reply.into()) };
    let digits = rest.find(|character: char| !character.is_ascii_digit()).unwrap_or(rest.len());
    Ok(rest[..digits].parse()?)
}

/// The body of the next answer: of the length that its head says, or in pieces.
fn read_answer(connection: &mut BufReader<TcpStream>) -> Result<String, Failure> {
    let (mut line, mut length) = (String::new(), None);
    while line != "\r\n" {
        line.clear();
        if connection.read_line(&mut line)? == 0 {
            return Err("the server closed the connection".into());
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = Some(value.trim().parse::<usize>()?);
        }
    }
    let mut body = Vec::new();
    if let Some(length) = length {
        body.resize(length, 0);
        connection.read_exact(&mut body)?;
        return Ok(String::from_utf8(body)?);
    }
    loop {
        line.clear();
        connection.read_line(&mut line)?;
        let size = usize::from_str_radix(line.trim(), 16)?;
        let start = body.len();
        // With the end of its line.
        body.resize(start + size + 2, 0);
        connection.read_exact(&mut body[start..])?;
        body.truncate(start + size);
        if size == 0 {
            return Ok(String::from_utf8(body)?);
        }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
