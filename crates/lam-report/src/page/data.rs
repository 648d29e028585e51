//! What each model was trained on (the paper's Table 1 beside ours) and what the data files hold.

use maud::{Markup, html};

use super::scroll;
use crate::figures::{TrainingSize, training_sizes};
use crate::format;
use crate::paper::{self, TrainingData};
use crate::run::Run;

/// Table 1 and the files.
pub fn section(run: &Run) -> Markup {
    let sizes = training_sizes(run);
    html! {
        h2 { "Training data (Table 1)" }
        (scroll("Training data", html! {
            table.results {
                thead { tr {
                    th scope="col" { "Model" } th scope="col" { "Data" } th scope="col" { "Learns" }
                    th scope="col" { "This run" span.direction { "items" } } th scope="col" { "Paper" span.direction { "items" } }
                } }
                tbody { @for row in &paper::TRAINING_DATA { (model(row, &sizes)) } }
            }
        }))
        @if !run.data.is_empty() {
            details open {
                summary { "Data files of this run" }
                (scroll("Data files", html! {
                    table.files {
                        thead { tr { th scope="col" { "Stage" } th scope="col" { "File" } th scope="col" { "Holds" } } }
                        tbody { @for file in &run.data { tr {
                            th scope="row" { (file.stage) }
                            td.words { code { (file.name) } }
                            td.words { @if file.counts.is_empty() { span.muted { "another table, or not readable" } } @for (index, (what, count)) in file.counts.iter().enumerate() {
                                @if index > 0 { ", " } b { (format::thousands(*count as i64)) } " " (what)
                            } }
                        } } }
                    }
                }))
            }
        }
    }
}

/// The rows of one model: one for each stage of this run that makes it, the paper's figure beside the first.
fn model(row: &TrainingData, sizes: &[TrainingSize]) -> Markup {
    let own: Vec<&TrainingSize> = sizes.iter().filter(|size| size.model == row.model).collect();
    html! {
        @if own.is_empty() { (line(row, None, true)) }
        @for (index, size) in own.iter().enumerate() { (line(row, Some(size), index == 0)) }
    }
}

fn line(row: &TrainingData, size: Option<&TrainingSize>, is_first: bool) -> Markup {
    let (data, mapping) = size.and_then(words).unwrap_or((row.data, row.mapping));
    html! {
        tr.ours {
            th scope="row" { @match size { Some(size) => (size.name()), None => (row.model) } }
            td.words { (data) @if is_first { small { "paper: " @if data != row.data { (row.data) ", " } "from " (row.source) } } }
            td.words { (mapping) }
            td { @match size {
                Some(size) => { b { (format::thousands(size.count as i64)) } small { (size.unit) } },
                None => span.muted { "–" },
            } }
            td.from-paper { @if is_first { (format::thousands(row.size as i64)) small { (row.unit) } } }
        }
    }
}

/// Data and mapping of a method that is not the paper's.
fn words(size: &TrainingSize) -> Option<(&'static str, &'static str)> {
    match size.method.as_str() {
        "rft" => Some(("LAM3’s own successes, of tasks that some tries solved", "state → action")),
        "dpo" => Some(("LAM3’s own tries, of which some went better than others", "state → the better of two actions")),
        _ => None,
    }
}
