//! How this run came about: command, seeds, code, and every stage's inputs and outputs by content hash.

use maud::{Markup, html};

use super::{absent, scroll};
use crate::conditions;
use crate::format::{self, short_hash};
use crate::run::{Run, StageInput};

/// How to make it again, and what came from what.
pub fn section(run: &Run) -> Markup {
    let mut versions: Vec<&str> =
        run.stages.iter().map(|stage| stage.producer.as_str()).filter(|v| !v.is_empty()).collect();
    versions.sort_unstable();
    versions.dedup();
    let seeds: Vec<String> = run.seeds.iter().map(u64::to_string).collect();
    html! {
        h2 { "Provenance" }
        p { "The same command with the same seed and thread count gives the same bytes" @if conditions::asks_endpoints(run) { ", as far as the endpoints that were asked answer alike" } "." }
        @if !run.command.is_empty() { pre.command tabindex="0" { code { (run.command) } } }
        dl.facts {
            @if !seeds.is_empty() { div { dt { "seeds" } dd { (seeds.join(", ")) } } }
            @if !versions.is_empty() { div { dt { "code" } dd { (versions.join(", ")) } } }
            @if let Some(first) = run.stages.iter().map(|stage| stage.started_at).filter(|at| *at > 0).min() {
                div { dt { "begun" } dd { (format::date(first)) } }
            }
        }
        @if run.stages.is_empty() { (absent("a manifest", "")) }
        @else { (scroll("Lineage", table(run))) }
    }
}

fn table(run: &Run) -> Markup {
    html! {
        table.files {
            thead { tr { th scope="col" { "Stage" } th scope="col" { "Made from" } th scope="col" { "Config" } th scope="col" { "Output" } } }
            tbody { @for stage in &run.stages { tr {
                th scope="row" { (stage.name) small { (stage.kind) ", seed " (stage.seed) } }
                td.words {
                    @if stage.inputs.is_empty() { span.muted { "nothing" } }
                    @for input in &stage.inputs { div { (origin(input)) " " code title=(input.hash) { (short_hash(&input.hash)) } } }
                }
                td.words { code title=(stage.config_hash) { (short_hash(&stage.config_hash)) } }
                td.words { code title=(stage.output_hash) { (short_hash(&stage.output_hash)) } }
            } } }
        }
    }
}

fn origin(input: &StageInput) -> Markup {
    html! {
        span.muted { (input.role) " " }
        @if input.stage.is_empty() { (input.path) } @else { (input.stage) }
    }
}
