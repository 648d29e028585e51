//! What exploration solved of the tasks at which the expert failed: by way, by family, with examples.

use maud::{Markup, html};

use super::{absent, scroll};
use crate::coverage::{Coverage, Example, Family, Round};
use crate::format;
use crate::run::Run;

/// Every exploration of the run.
pub fn section(run: &Run) -> Markup {
    html! {
        h2 { "Exploration" }
        p { "Phase 3 explores the tasks at which the expert failed, way by way over those that are still unsolved: the model’s own tries; LAM1’s plans, carried out step by step without the model; procedures of the documentation with the request’s values, carried out likewise. The application judges each." }
        @if run.coverage.is_empty() { (absent("exploration", "A stage of kind phase3.explore writes its coverage.")) }
        @for coverage in &run.coverage { (one(coverage)) }
        @for (stage, note) in notes(run) { p.note { b { (stage) } ": " (note) } }
    }
}

fn one(coverage: &Coverage) -> Markup {
    html! {
        h3 { (coverage.stage) ": " (count(coverage.solved)) " of " (count(coverage.tasks)) " tasks solved (" (share(coverage.solved, coverage.tasks)) " %)" @if coverage.earlier > 0 { ", " (count(coverage.earlier)) " of them before" } }
        @if coverage.rounds.len() > 1 || coverage.rounds.iter().any(|round| round.is_fruitless) { (rounds(coverage)) }
        (scroll("Coverage by way", html! {
            table.results {
                thead { tr {
                    th scope="col" { "Way" } th.words scope="col" { "By" } th scope="col" { "Tasks attempted" }
                    th scope="col" { "Solved" } th scope="col" { "Of all tasks, %" }
                } }
                tbody { @for round in &coverage.ways { (row(round, coverage.tasks)) } }
            }
        }))
        @if !coverage.controls.is_empty() {
            p.note { "Controls of followed plans were found on the screen by: "
                @for (index, (way, number)) in coverage.controls.iter().enumerate() {
                    @if index > 0 { ", " } b { (count(*number)) } " " (way)
                } "."
            }
        }
        @if coverage.ways.len() > 1 || coverage.earlier > 0 { (families(coverage)) }
        @if !coverage.examples.is_empty() { (examples(&coverage.examples)) }
    }
}

/// What stages of phase 3 say of themselves: nothing explored, a model passed on.
fn notes(run: &Run) -> impl Iterator<Item = (&str, &str)> {
    let stages = run.stages.iter().filter(|stage| stage.kind.starts_with("phase3"));
    stages.filter_map(|stage| Some((stage.name.as_str(), stage.metrics["note"].as_str()?)))
}

/// The rounds of exploration up to this one: what each brought, and for how much.
fn rounds(coverage: &Coverage) -> Markup {
    html! {
        (scroll("Rounds of exploration", html! {
            table.results {
                thead { tr {
                    th scope="col" { "Round" } th.words scope="col" { "Model" } th scope="col" { "Open tasks" }
                    th scope="col" { "Solved anew" } th scope="col" { "Of the open, %" }
                    th scope="col" { "Episodes each" } th scope="col" { "Model tokens each" } th.words scope="col" { "Worth its cost" }
                } }
                tbody { @for round in &coverage.rounds { tr.ours {
                    th scope="row" { (round.round) }
                    td.words { (round.model) }
                    td { (count(round.open)) }
                    td { b { (count(round.solved)) } }
                    td { (share(round.solved, round.open)) }
                    td { (each(round.episodes as f64, round.solved)) }
                    td { (each(round.model_tokens as f64, round.solved)) }
                    td.words { @if round.is_fruitless { "no: below " (format::percent(100.0 * round.min_new_share)) " %" } @else { "yes" } }
                } } }
            }
        }))
    }
}

/// A cost for each task that was solved anew.
fn each(cost: f64, solved: usize) -> String {
    if solved == 0 { "–".to_owned() } else { format::number((cost / solved as f64 * 10.0).round() / 10.0) }
}

fn row(round: &Round, tasks: usize) -> Markup {
    html! {
        tr.ours {
            th scope="row" { (round.way) @if round.by_parts { " by parts" } }
            td.words { (round.source) }
            td { (count(round.attempted)) }
            td { b { (count(round.solved)) } }
            td { (share(round.solved, tasks)) }
        }
    }
}

fn families(coverage: &Coverage) -> Markup {
    let mut ways: Vec<&str> = Vec::new();
    for round in &coverage.ways {
        if !ways.contains(&round.way.as_str()) {
            ways.push(&round.way);
        }
    }
    let mut families: Vec<(&String, &Family)> = coverage.families.iter().collect();
    families.sort_by_key(|(_, family)| std::cmp::Reverse(family.unsolved()));
    html! {
        details {
            summary { "By family" }
            (scroll("Coverage by family", html! {
                table.files {
                    thead { tr {
                        th scope="col" { "Family" } th scope="col" { "Tasks" }
                        @if coverage.earlier > 0 { th scope="col" { "before" } }
                        @for way in &ways { th scope="col" { (way) } }
                        th scope="col" { "unsolved" }
                    } }
                    tbody { @for (name, family) in families { tr {
                        th scope="row" { (name) }
                        td { (count(family.tasks)) }
                        @if coverage.earlier > 0 { td { (count(family.earlier)) } }
                        @for way in &ways { td { (count(family.by(way))) } }
                        td { @if family.unsolved() > 0 { b { (count(family.unsolved())) } } @else { "0" } }
                    } } }
                }
            }))
        }
    }
}

fn examples(examples: &[Example]) -> Markup {
    html! {
        details {
            summary { "Plans that solved a task" }
            (scroll("Plans that solved a task", html! {
                table.files {
                    thead { tr { th scope="col" { "Way" } th scope="col" { "Family" } th scope="col" { "Request" } th scope="col" { "Plan" } } }
                    tbody { @for example in examples { tr {
                        th scope="row" { (example.way) " of " (example.source) @if example.by_parts { ", by parts" } }
                        td.words { (example.family) }
                        td.words { (example.request) }
                        td.words { (example.plan.join("; ")) }
                    } } }
                }
            }))
        }
    }
}

fn count(number: usize) -> String {
    format::thousands(number as i64)
}

fn share(part: usize, whole: usize) -> String {
    format::percent(100.0 * part as f64 / whole.max(1) as f64)
}
