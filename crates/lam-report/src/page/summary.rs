//! The head of the page: the one sentence, the ladder of models, and what each phase added.

use lam_types::Estimate;
use maud::{Markup, html};

use super::interval::{self, Mark};
use crate::columns::Unit;
use crate::format;
use crate::run::Run;
use crate::seeds::are_apart;
use crate::tables::{CHAIN, is_of, models_in_order};

/// Title, verdict in a sentence, facts and the ladder.
pub fn header(run: &Run) -> Markup {
    html! {
        header {
            p.eyebrow { "Large Action Model · run report" }
            h1 { (run.name) }
            p.lead { (lead(run)) }
            (stale(run))
            (facts(run))
            (ladder(run))
            (gains(run))
        }
    }
}

fn online_tsr(run: &Run, model: &str) -> Option<Estimate> {
    run.tables.online.get(model)?.all.get("tsr").copied()
}

fn lead(run: &Run) -> Markup {
    // Where several rows are of the last model, the sentence has none to be about: an earlier one would be taken for it.
    let is_there = |model: &&str| run.tables.online.keys().any(|row| is_of(row, model));
    let last = CHAIN[1..].iter().rev().copied().find(is_there);
    let Some((model, figure)) = last.and_then(|model| Some((model, online_tsr(run, model)?))) else {
        return match run.tables.online.is_empty() {
            true => html! { "No online evaluation has completed yet; the parts that exist are below." },
            false => html! { "The models that were evaluated online stand below, each with its own name." },
        };
    };
    html! {
        (model) " completes " strong { (format::percent(figure.value)) " %" }
        @if let Some(ends) = Unit::Percent.ends(&figure) { span.muted { " (95 % interval " (ends) ")" } }
        " of held-out tasks, acting in the application by itself"
        @if let Some(base) = online_tsr(run, "base") { "; the model it started from completes " (format::percent(base.value)) " %" }
        "."
    }
}

/// What the page leaves out, and why.
fn stale(run: &Run) -> Markup {
    html! {
        @if !run.stale.is_empty() {
            p.absent {
                strong { "Left out: " }
                @for (index, stage) in run.stale.iter().enumerate() {
                    @if index > 0 { ", " } (stage.name) " (" (stage.input) " has changed since)"
                }
                ". " span.muted { "Run the pipeline to its end to have them made again." }
            }
        }
    }
}

fn facts(run: &Run) -> Markup {
    let tasks = run.tables.online.values().filter_map(|row| row.all.get("tasks")).map(|n| n.value).fold(0.0, f64::max);
    let seeds: Vec<String> = run.seeds.iter().map(u64::to_string).collect();
    html! {
        dl.facts {
            @if tasks > 0.0 { div { dt { "held-out tasks" } dd { (format::number(tasks)) } } }
            @if run.total_seconds() > 0.0 { div { dt { @if run.is_repeated() { "time of the first seed" @if !run.once.is_empty() { ", and of what ran once" } } @else { "time of all stages" } } dd { (format::seconds(run.total_seconds())) } } }
            div { dt { "stages" } dd { (run.stages.len()) } }
            @if !seeds.is_empty() { div { dt { @if run.is_repeated() { "seeds" } @else { "seed" } } dd { (seeds.join(", ")) } } }
        }
    }
}

fn ladder(run: &Run) -> Markup {
    let models = models_in_order(run.tables.online.keys().map(String::as_str));
    let rungs: Vec<_> = models.into_iter().filter_map(|name| Some((name, online_tsr(run, name)?))).collect();
    if rungs.is_empty() {
        return html! {};
    }
    html! {
        figure.ladder {
            figcaption { strong { "Online task success rate, %" } span.muted { " dot: rate, bar: 95 % interval" @if run.is_repeated() { " of the mean over seeds" } } }
            div.rungs {
                @for (name, figure) in &rungs {
                    div.rung {
                        span.name { (name) }
                        (interval::track(&marks(run, name, *figure)))
                        span.value { b { (format::percent(figure.value)) } @if let Some(ends) = Unit::Percent.ends(figure) { small { (ends) } } }
                    }
                }
                div.rung.axis { span {} (interval::scale()) span {} }
            }
        }
    }
}

fn marks<'a>(run: &Run, name: &'a str, figure: Estimate) -> Vec<Mark<'a>> {
    let class = if name.starts_with("LAM") { "one" } else { "reference" };
    let by_seed = run.tables_by_seed.iter().filter_map(|tables| tables.online.get(name)?.all.get("tsr"));
    let mut marks: Vec<Mark<'a>> = by_seed
        .map(|seed| Mark { class: "faint", name: "one seed", figure: Estimate { ci95: None, ..*seed } })
        .collect();
    marks.push(Mark { class, name, figure });
    marks
}

/// What each step of the method added, in points of online TSR.
fn gains(run: &Run) -> Markup {
    let known: Vec<_> = CHAIN.into_iter().filter_map(|name| Some((name, online_tsr(run, name)?))).collect();
    if known.len() < 2 {
        return html! {};
    }
    html! {
        ol.gains aria-label="What each phase added to online success" {
            @for pair in known.windows(2) {
                @let ((from, before), (to, after)) = (pair[0], pair[1]);
                li {
                    span.step { (from) " → " (to) }
                    b { (format::signed(after.value - before.value)) " points" }
                    small { @match are_apart(&after, &before) {
                        Some(true) => "intervals apart",
                        Some(false) => "intervals overlap",
                        None => "no interval",
                    } }
                }
            }
        }
    }
}
