//! Measures the constraint and the renderer on a screen of 40 controls and a document of 400 words.

use std::time::Instant;

use lam_prompt::{Renderer, Tokenizer, TokenizerConfig};
use lam_types::{ArgKind, ArgSpec, Control, ControlType, FunctionSpec, Observation, State, Target};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = (0..1500).map(|n| format!("word{n}")).collect();
    let config = TokenizerConfig { vocab_size: 2048, words: words.clone(), ..TokenizerConfig::default() };
    let renderer = Renderer::new(Tokenizer::train(&words, &config)?)?;
    let control = |n: usize| Control {
        label: n.to_string(),
        control_text: words[n].clone(),
        control_type: ControlType::Button,
        enabled: true,
        selected: None,
        value: None,
        rectangle: None,
    };
    let observation = Observation {
        controls: (1..=40).map(control).collect(),
        document: words[100..500].chunks(20).map(|line| line.join(" ")).collect::<Vec<_>>().join("\n"),
        selection: String::new(),
    };
    let arg = |kind| vec![ArgSpec { name: "text".into(), kind, required: true, doc: String::new() }];
    let functions = [
        ("click_input", Target::Control(vec![ControlType::Button]), vec![]),
        ("select_text", Target::Application, arg(ArgKind::DocumentText)),
        ("insert_table", Target::Application, arg(ArgKind::Integer { min: 1, max: 64 })),
    ]
    .map(|(name, target, args)| FunctionSpec { name: name.into(), target, args, doc: String::new() });
    let answer = renderer.tokenizer();
    let marker = |name: &str| answer.token_id(name).ok_or("no marker");
    let mut ids = vec![marker("<|think|>")?];
    ids.extend(answer.encode(" word1 word2 word3"));
    ids.extend([marker("<|plan|>")?, marker("<|do|>")?]);
    ids.extend(answer.encode(" select_text"));
    ids.extend([marker("<|on|>")?, marker("<|args|>")?]);
    ids.extend(answer.encode(" text word110 word111"));
    ids.push(marker("<|status|>")?);
    ids.extend(answer.encode(" FINISH"));
    let (rounds, mut longest) = (500_u32, 0.0_f64);
    let (mut making, mut asking) = (0.0, 0.0);
    for _ in 0..rounds {
        let start = Instant::now();
        let mut constraint = renderer.action_constraint(&observation, &functions);
        making += start.elapsed().as_secs_f64();
        for id in &ids {
            let start = Instant::now();
            assert!(constraint.allowed().contains(id), "{}", answer.decode(&[*id]));
            let seconds = start.elapsed().as_secs_f64();
            (asking, longest) = (asking + seconds, longest.max(seconds));
            constraint.advance(*id);
        }
    }
    let state =
        State { request: "select the text".into(), observation, previous_actions: vec![], previous_plan: vec![] };
    let start = Instant::now();
    for _ in 0..rounds {
        renderer.action_prompt(&state, &functions);
    }
    let prompt = start.elapsed().as_secs_f64() / f64::from(rounds);
    let asked = f64::from(rounds) * ids.len() as f64;
    println!("making a constraint {:.1} µs", 1e6 * making / f64::from(rounds));
    println!("allowed() {:.2} µs on average, {:.1} µs at most", 1e6 * asking / asked, 1e6 * longest);
    println!("a prompt of 40 controls {:.1} µs", 1e6 * prompt);
    Ok(())
}
