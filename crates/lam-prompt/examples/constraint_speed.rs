//! What constraints cost on the same answers: our compact machine, and llguidance for both templates.
//!
//! `cargo run --release -p lam-prompt --example constraint_speed -- [ROUNDS]`
//!
//! A screen of 40 controls, documents of 40 and of 400 words, functions of every kind; vocabularies of 2,816 and 32,768
//! entries.
//! Both are asked in turn, round by round, and processor time is counted, so that other programs matter little.
//! The machine allows exactly what the grammar does (`tests/prompts/same_masks.rs`).

#[path = "../tests/prompts/guidance.rs"]
mod guidance;

use lam_prompt::{
    AnswerLimits, OutputFormat, Renderer, StructuredOutputs, TokenConstraint, Tokenizer, TokenizerConfig,
};
use lam_types::{Action, ArgKind, ArgSpec, Args, Control, ControlType, FunctionSpec, Observation, Status, Target};

type Failure = Box<dyn std::error::Error>;

/// The layout of Mistral's third tokenizer, cut to what an answer needs.
const CHAT: &str = "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}\
{{ '[INST] ' + message['content'] + '[/INST]' }}{% elif message['role'] == 'assistant' %}\
{{ ' ' + message['content'] + eos_token }}{% endif %}{% endfor %}";

/// Seconds spent on one constraint.
#[derive(Default)]
struct Spent {
    making: f64,
    asking: f64,
    advancing: f64,
}

fn main() -> Result<(), Failure> {
    let rounds = std::env::args().nth(1).map_or(Ok(40), |rounds| rounds.parse())?;
    println!("microseconds of processor time: to make a constraint; for a token, its mask and its commit");
    println!("| template | entries | words | who | make | mask | commit | tokens |\n|---|---|---|---|---|---|---|---|");
    for entries in [2816, 32_768] {
        let compact = vocabulary(entries)?;
        for (name, renderer) in [("compact", Renderer::new(compact.clone())?), ("JSON", chat(&compact)?)] {
            for words in [40, 400] {
                compare(name, &renderer, words, rounds)?;
            }
        }
    }
    Ok(())
}

/// Measures one renderer's own constraint and, where that is our machine, llguidance; prints a row for each.
fn compare(name: &str, renderer: &Renderer, words: usize, rounds: u32) -> Result<(), Failure> {
    let (observation, functions) = (observation(words), functions());
    let outputs = StructuredOutputs::new(renderer.tokenizer())?;
    let answers: Vec<Vec<u32>> =
        actions().iter().map(|action| renderer.action_answer(action).expect("the template takes it")).collect();
    let (mut own, mut other) = (Spent::default(), Spent::default());
    for _ in 0..rounds {
        for answer in &answers {
            walk(|| Ok(renderer.action_constraint(&observation, &functions)), answer, &mut own)?;
            if renderer.is_compact() {
                let make = || {
                    let limits = AnswerLimits::default();
                    let grammar = guidance::grammar(renderer.tokenizer(), &observation, &functions, limits);
                    Ok(Box::new(outputs.constraint(&OutputFormat::Lark(grammar))?) as Box<dyn TokenConstraint>)
                };
                walk(make, answer, &mut other)?;
            }
        }
    }
    let rows =
        if renderer.is_compact() { vec![("ours", own), ("llguidance", other)] } else { vec![("llguidance", own)] };
    let tokens: usize = answers.iter().map(Vec::len).sum();
    for (who, spent) in rows {
        let each = |seconds: f64, count: usize| 1e6 * seconds / (f64::from(rounds) * count as f64);
        println!(
            "| {name} | {} | {words} | {who} | {:.0} | {:.1} | {:.1} | {} |",
            renderer.tokenizer().vocab_size(),
            each(spent.making, answers.len()),
            each(spent.asking, tokens),
            each(spent.advancing, tokens),
            tokens / answers.len()
        );
    }
    Ok(())
}

/// Makes a constraint and leads it along an answer.
fn walk(
    make: impl FnOnce() -> Result<Box<dyn TokenConstraint>, Failure>,
    answer: &[u32],
    spent: &mut Spent,
) -> Result<(), Failure> {
    let start = processor_seconds();
    let mut constraint = make()?;
    spent.making += processor_seconds() - start;
    for id in answer {
        let start = processor_seconds();
        let is_allowed = constraint.allowed().binary_search(id).is_ok();
        let asked = processor_seconds();
        constraint.advance(*id);
        spent.asking += asked - start;
        spent.advancing += processor_seconds() - asked;
        if !is_allowed {
            return Err(format!("token {id} is not allowed: {:?}", constraint.failure()).into());
        }
    }
    Ok(())
}

/// Processor time of this process so far, in seconds.
fn processor_seconds() -> f64 {
    // SAFETY: `clock_gettime` fills the structure that it is given.
    let time = unsafe {
        let mut time: libc::timespec = std::mem::zeroed();
        libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time);
        time
    };
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// A word of two or three syllables, the same for the same number.
fn word(number: usize) -> String {
    let syllable = |n: usize| format!("{}{}", char::from(b"bdfgklmnprstvz"[n % 14]), char::from(b"aeiou"[n / 14 % 5]));
    let tail = if number < 4900 { String::new() } else { syllable(number / 4900) };
    format!("{}{}{tail}", syllable(number % 70), syllable(number / 70 % 70))
}

/// A compact vocabulary of whole words.
fn vocabulary(entries: usize) -> Result<Tokenizer, Failure> {
    let names = functions().into_iter().map(|function| function.name);
    let words: Vec<String> = (0..entries - 600).map(word).chain(names).collect();
    let corpus: Vec<String> = words.iter().map(|word| format!("{word}ing un{word}s")).collect();
    let config = TokenizerConfig { vocab_size: entries, words, ..TokenizerConfig::default() };
    Ok(Tokenizer::train(&corpus, &config)?)
}

/// The same vocabulary under Mistral's names of special tokens.
fn chat(compact: &Tokenizer) -> Result<Renderer, Failure> {
    let directory = tempfile::tempdir()?;
    compact.save(directory.path())?;
    let path = directory.path().join("tokenizer.json");
    let renamed = std::fs::read_to_string(&path)?.replace("<|controls|>", "[INST]").replace("<|request|>", "[/INST]");
    std::fs::write(&path, renamed)?;
    std::fs::write(directory.path().join("chat_template.jinja"), CHAT)?;
    Ok(Renderer::load(directory.path())?)
}

fn observation(words: usize) -> Observation {
    let control = |n: usize| Control {
        label: n.to_string(),
        control_text: word(7 * n),
        control_type: [ControlType::Button, ControlType::Edit, ControlType::ListItem, ControlType::Group][n % 4],
        enabled: true,
        selected: None,
        value: None,
        rectangle: None,
    };
    let words: Vec<String> = (100..100 + words).map(word).collect();
    Observation {
        controls: (1..=40).map(control).collect(),
        document: words.chunks(20).map(|line| line.join(" ")).collect::<Vec<_>>().join("\n"),
        selection: String::new(),
    }
}

fn functions() -> Vec<FunctionSpec> {
    let arg = |name: &str, kind, required| ArgSpec { name: name.into(), kind, required, doc: String::new() };
    let words = |words: &[&str]| ArgKind::OneOf(words.iter().map(|word| (*word).to_owned()).collect());
    let click = vec![arg("button", words(&["left", "right"]), false), arg("double", ArgKind::Boolean, false)];
    let size = |name: &str| arg(name, ArgKind::Integer { min: 1, max: 64 }, true);
    [
        ("click_input", Target::Control(ControlType::ALL.to_vec()), click),
        ("set_edit_text", Target::Control(vec![ControlType::Edit]), vec![arg("text", ArgKind::Text, true)]),
        ("select_text", Target::Application, vec![arg("text", ArgKind::DocumentText, true)]),
        ("insert_table", Target::Application, vec![size("rows"), size("columns")]),
        ("select_paragraph", Target::Application, vec![arg("start_index", ArgKind::Paragraph, true)]),
    ]
    .map(|(name, target, args)| FunctionSpec { name: name.into(), target, args, doc: String::new() })
    .into()
}

/// One answer for every kind of argument.
fn actions() -> Vec<Action> {
    let action = |function: &str, control: usize, args: serde_json::Value| Action {
        thought: format!("{function} {}", word(3)),
        control_label: if control > 0 { control.to_string() } else { String::new() },
        control_name: if control > 0 { word(7 * control) } else { String::new() },
        function: function.into(),
        args: args.as_object().cloned().unwrap_or_else(Args::new),
        status: Status::Continue,
        plan: vec![format!("click {}", word(70)), format!("select {} {}", word(5), word(6))],
    };
    vec![
        action("click_input", 5, serde_json::json!({})),
        action("set_edit_text", 9, serde_json::json!({"text": format!("{} {}", word(40), word(41))})),
        action("select_text", 0, serde_json::json!({"text": format!("{} {} {}", word(105), word(106), word(107))})),
        action("insert_table", 0, serde_json::json!({"rows": 12, "columns": 7})),
    ]
}
