//! Prints what the renderer makes of texts and conversations, for `scripts/parity.sh` to compare.
//!
//! `tokenize DIR` reads lines of text from standard input and prints a JSON line for each. `tokenize DIR train` first
//! makes a compact tokenizer from those lines and writes it to DIR.

use std::io::{self, BufRead, Write};
use std::path::Path;

use lam_prompt::{Renderer, Tokenizer, TokenizerConfig, action_json, messages};
use lam_types::{Action, Args, Observation, State, Status};
use serde_json::json;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let dir = Path::new(arguments.first().ok_or("usage: tokenize DIR [train] < LINES")?);
    let lines: Vec<String> = io::stdin().lock().lines().collect::<Result<_, _>>()?;
    if arguments.get(1).is_some_and(|word| word == "train") {
        let config = TokenizerConfig { vocab_size: 1024, ..TokenizerConfig::default() };
        Tokenizer::train(&lines, &config)?.save(dir)?;
    }
    let renderer = Renderer::load(dir)?;
    let mut out = io::stdout().lock();
    for line in &lines {
        writeln!(out, "{}", json!({"text": line, "ids": renderer.tokenizer().encode(line)}))?;
        let state = State {
            request: line.clone(),
            observation: Observation::default(),
            previous_actions: Vec::new(),
            previous_plan: Vec::new(),
        };
        let ids = renderer.action_prompt(&state, &[])?;
        let answer = renderer.action_answer(&action(line))?;
        let text = renderer.tokenizer().decode(&ids);
        let messages = if renderer.is_compact() {
            json!([{"role": "user", "content": text.trim_start_matches("<s>")}])
        } else {
            json!(messages(&state, &[]))
        };
        let content = match renderer.is_compact() {
            true => renderer.tokenizer().decode(&answer).trim_end_matches("</s>").to_owned(),
            false => action_json(&action(line)),
        };
        writeln!(out, "{}", json!({"messages": messages, "ids": ids, "answer": content, "answer_ids": answer}))?;
    }
    Ok(())
}

fn action(thought: &str) -> Action {
    Action {
        thought: thought.to_owned(),
        control_label: "3".into(),
        control_name: "Bold".into(),
        function: "click_input".into(),
        args: Args::new(),
        status: Status::Finish,
        plan: Vec::new(),
    }
}
