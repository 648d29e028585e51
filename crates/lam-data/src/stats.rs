//! What is in the files: rows, families, sources, lengths, tokens.

use std::collections::BTreeMap;
use std::fmt;

use lam_prompt::Renderer;
use lam_types::FunctionSpec;
use serde::Serialize;

use crate::{Example, Row, plan_example, step_example};

/// How often each word of a field occurs.
pub type Counts = BTreeMap<String, usize>;

/// Smallest, mean and largest of some lengths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Lengths {
    /// How many were measured.
    pub count: usize,
    /// Smallest.
    pub min: usize,
    /// Their sum.
    pub total: usize,
    /// Largest.
    pub max: usize,
}

impl Lengths {
    fn add(&mut self, length: usize) {
        self.min = if self.count == 0 { length } else { self.min.min(length) };
        self.max = self.max.max(length);
        self.total += length;
        self.count += 1;
    }

    /// Their mean, 0 when there are none.
    pub fn mean(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.total as f64 / self.count as f64 }
    }
}

/// What is in the files.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DataStats {
    /// Task-plan pairs.
    pub pairs: usize,
    /// Trajectories.
    pub trajectories: usize,
    /// Trajectories that succeeded.
    pub successes: usize,
    /// Rows by split.
    pub splits: Counts,
    /// Rows by family.
    pub families: Counts,
    /// Pairs by source, trajectories by policy.
    pub sources: Counts,
    /// Steps by function.
    pub functions: Counts,
    /// Steps of a plan or trajectory.
    pub steps: Lengths,
    /// Tokens of an example; only with a renderer.
    pub tokens: Lengths,
    /// Tokens that the loss counts.
    pub trained_tokens: usize,
    /// Rows that make no example.
    pub without_example: usize,
}

impl DataStats {
    /// Counts a row; with a renderer also its tokens.
    pub fn add(&mut self, row: Row<'_>, renderer: Option<&Renderer>, functions: &[FunctionSpec]) {
        match row {
            Row::Pair(pair) => {
                self.pairs += 1;
                self.row(pair.split.as_str(), &pair.family, pair.source.as_str(), pair.plan.len());
                self.example(renderer.map(|renderer| plan_example(renderer, pair).ok()));
            }
            Row::Trajectory(trajectory) => {
                let task = &trajectory.task;
                self.trajectories += 1;
                self.successes += usize::from(trajectory.succeeded());
                self.row(task.split.as_str(), &task.family, &trajectory.policy.name, trajectory.steps.len());
                for step in &trajectory.steps {
                    count(&mut self.functions, &step.action.function);
                    let example = |renderer| step_example(renderer, trajectory, step, functions).ok();
                    self.example(renderer.map(example));
                }
            }
        }
    }

    fn row(&mut self, split: &str, family: &str, source: &str, steps: usize) {
        count(&mut self.splits, split);
        count(&mut self.families, family);
        count(&mut self.sources, source);
        self.steps.add(steps);
    }

    /// `None` without a renderer, `Some(None)` for a row that makes no example.
    fn example(&mut self, example: Option<Option<Example>>) {
        match example {
            None => {}
            Some(None) => self.without_example += 1,
            Some(Some(example)) => {
                self.tokens.add(example.input_ids.len());
                self.trained_tokens += example.trained();
            }
        }
    }
}

fn count(counts: &mut Counts, word: &str) {
    *counts.entry(word.to_owned()).or_insert(0) += 1;
}

impl fmt::Display for DataStats {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{} pairs, {} trajectories ({} successes)", self.pairs, self.trajectories, self.successes)?;
        let steps = &self.steps;
        writeln!(out, "steps: {} in all, {:.1} on average, {} to {}", steps.total, steps.mean(), steps.min, steps.max)?;
        if self.tokens.count > 0 {
            let (tokens, trained) = (&self.tokens, self.trained_tokens);
            writeln!(
                out,
                "tokens: {trained} trained of {} in {} examples, {:.1} on average, {} to {}",
                tokens.total,
                tokens.count,
                tokens.mean(),
                tokens.min,
                tokens.max
            )?;
        }
        if self.without_example > 0 {
            writeln!(out, "rows that make no example: {}", self.without_example)?;
        }
        for (name, counts) in [
            ("split", &self.splits),
            ("source", &self.sources),
            ("function", &self.functions),
            ("family", &self.families),
        ] {
            let parts: Vec<String> = counts.iter().map(|(word, count)| format!("{word} {count}")).collect();
            if !parts.is_empty() {
                writeln!(out, "{name}: {}", parts.join(", "))?;
            }
        }
        Ok(())
    }
}
