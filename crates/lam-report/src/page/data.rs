//! What each model was trained on (the paper's Table 1 beside ours) and what the data files hold.

use maud::{Markup, html};

use super::scroll;
use crate::figures::training_sizes;
use crate::format;
use crate::paper;
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
                tbody { @for row in &paper::TRAINING_DATA {
                    tr.ours {
                        th scope="row" { (row.model) }
                        td.words { (row.data) small { "paper: from " (row.source) } }
                        td.words { (row.mapping) }
                        td { @match sizes.iter().find(|size| size.model == row.model) {
                            Some(size) => { b { (format::thousands(size.count as i64)) } small { (size.unit) } },
                            None => span.muted { "–" },
                        } }
                        td.from-paper { (format::thousands(row.size as i64)) small { (row.unit) } }
                    }
                } }
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
