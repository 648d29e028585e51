//! What is measured on a GPU, as the command line names it. Knows no measurement.

use std::str::FromStr;

use lam_model::{Finetuning, LoraConfig, TargetModules};

use crate::Failure;

const HINT: &str = "hint: lora:1x4096, qlora-4bit:1x2048:recompute, lora:shared:11x872+100, bf16:decode:8x256+64, \
                    q4:decode:1x256+64:plain";

/// A measurement: over which model, and of what.
pub struct Work {
    pub name: String,
    /// The model and what is trained of it: works that have the same share a load.
    pub kind: String,
    pub task: Task,
}

/// What is done with it.
pub enum Task {
    /// Steps over documents of one length.
    Documents { count: usize, length: usize, recompute: bool },
    /// Steps over texts that begin with the same `screen` tokens and have `rest` of their own.
    Shared { count: usize, screen: usize, rest: usize },
    /// Greedy tokens of some requests after their prompts, with CUDA graphs or without.
    Decode { batch: usize, prompt: usize, tokens: usize, graphs: bool },
}

impl FromStr for Work {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        let wrong = || format!("`{text}` is no work; {HINT}");
        let parts: Vec<&str> = text.split(':').collect();
        let pair = |text: &str, by: char| -> Option<(usize, usize)> {
            let (one, two) = text.split_once(by)?;
            Some((one.parse().ok()?, two.parse().ok()?))
        };
        let triple = |text: &str| -> Option<(usize, usize, usize)> {
            let (count, rest) = text.split_once('x')?;
            let (first, second) = pair(rest, '+')?;
            Some((count.parse().ok()?, first, second))
        };
        let task = match parts[1..] {
            ["shared", size] => triple(size).map(|(count, screen, rest)| Task::Shared { count, screen, rest }),
            ["decode", size] | ["decode", size, "plain"] => triple(size).map(|(batch, prompt, tokens)| {
                let graphs = parts.len() == 3;
                Task::Decode { batch, prompt, tokens, graphs }
            }),
            [size] | [size, "recompute"] => pair(size, 'x').map(|(count, length)| {
                let recompute = parts.len() == 3;
                Task::Documents { count, length, recompute }
            }),
            _ => None,
        };
        Ok(Self { name: text.to_owned(), kind: parts[0].to_owned(), task: task.ok_or_else(wrong)? })
    }
}

/// What is trained: adapters, all weights, or, of what only generates, nothing.
pub fn finetuning(kind: &str) -> Result<Finetuning, Failure> {
    // Weights are quantised under an adapter alone: the smallest that there is, which generation leaves out.
    let least = || LoraConfig {
        lora_r: 1,
        lora_target_modules: TargetModules::Keyword("q_proj".into()),
        ..LoraConfig::default()
    };
    Ok(match kind {
        "full" => Finetuning::Full,
        "lora" => Finetuning::Lora(LoraConfig::default()),
        "qlora-8bit" => Finetuning::Qlora { lora: LoraConfig::default(), bits: 8 },
        "qlora-4bit" => Finetuning::Qlora { lora: LoraConfig::default(), bits: 4 },
        "bf16" => Finetuning::Frozen,
        "q8_0" => Finetuning::Qlora { lora: least(), bits: 8 },
        "q4" => Finetuning::Qlora { lora: least(), bits: 4 },
        other => {
            let known = "lora, qlora-8bit, qlora-4bit, full; bf16, q8_0, q4 for decoding";
            return Err(format!("`{other}` is no model; hint: {known}").into());
        }
    })
}
