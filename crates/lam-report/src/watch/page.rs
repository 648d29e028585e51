//! The part of a watched page that tells what goes on now.

use maud::{Markup, html};

use super::live::{Event, Now, NowStage};
use crate::format;
use crate::page::chart::{Line, chart};
use crate::page::training::training_loop;

/// Silence of a stage's files after which it is told, in seconds.
const QUIET: f64 = 30.0;

/// What is known of the report that stands below.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// What the finished stages left is being read for the first time.
    UnderWay,
    /// It is that of the run.
    Done,
    /// It could not be made.
    Failed {
        /// Why.
        reason: String,
        /// Whether an earlier one stands there.
        has_earlier: bool,
    },
}

/// The stage under way and what happened last, and what is to be known of the report.
pub fn now(now: &Now, reading: &Reading) -> Markup {
    html! {
        h2 { "Now" }
        @match (&now.stage, now.is_running) {
            (Some(stage), running) => (under_way(stage, running)),
            (None, true) => p { "The run goes on: the next stage begins." },
            (None, false) => p { "No stage is under way." },
        }
        @match reading {
            Reading::Done => {},
            Reading::UnderWay => p.absent { "What the finished stages left is being read; the report comes when it is." },
            Reading::Failed { reason, has_earlier } => p.absent {
                strong { @if *has_earlier { "The report below is an earlier one: " } @else { "There is no report: " } }
                (reason)
            },
        }
        @if !now.events.is_empty() {
            details {
                summary { "What happened last" }
                ol.events { @for event in &now.events { (happened(event)) } }
            }
        }
    }
}

/// The title of the page's tab: how far the stage is.
pub fn title(now: &Now, run: &str) -> String {
    let Some(stage) = &now.stage else { return format!("{run} · lam-train") };
    let share = stage.progress.as_ref().and_then(|progress| progress.share());
    let share = share.map(|share| format!("{} ", percent(share))).unwrap_or_default();
    format!("{share}{} · {run}", stage.name)
}

fn percent(share: f64) -> String {
    format!("{:.0} %", (100.0 * share).floor())
}

fn under_way(stage: &NowStage, running: bool) -> Markup {
    let quiet = stage.quiet.as_secs_f64();
    html! {
        p.lead {
            strong { (stage.name) } span.muted { " (" (stage.kind) ")" }
            @match (&stage.error, running) {
                (Some(error), _) => { " failed: " (error) },
                (None, false) => { " is unfinished, and its run has stopped. The same command goes on with it." },
                (None, true) => { " is under way." },
            }
        }
        @if let Some(share) = stage.progress.as_ref().and_then(|progress| progress.share()) {
            div.progress role="progressbar" aria-valuenow=(format!("{:.0}", 100.0 * share)) aria-valuemin="0" aria-valuemax="100" {
                i style={ "width:" (format!("{:.2}", 100.0 * share)) "%" } {}
            }
        }
        dl.facts {
            @if let Some(progress) = &stage.progress {
                @if let Some(share) = progress.share() { (fact("done", &percent(share))) }
                (fact(&progress.unit, &match progress.total {
                    Some(total) => format!("{} of {}", format::number(progress.done), format::number(total)),
                    None => format::number(progress.done),
                }))
            }
            @if stage.error.is_none() && running {
                @if let Some(left) = stage.left { (fact("left of this stage", &format::seconds(left))) }
                @if let Some(rate) = stage.tokens_per_second { (fact("tokens/s", &format::number(rate))) }
                @else if let (Some(rate), Some(progress)) = (stage.rate, &stage.progress) { (fact(&format!("{} a second", progress.unit), &format::number(rate))) }
            }
            @if let Some(loss) = last(stage, "loss") { (fact("loss", &format::number(loss))) }
            @if let Some(loss) = last(stage, "eval_loss") { (fact("held-out loss", &format::number(loss))) }
            (fact("begun", &format::date(stage.started_at)))
            @if quiet > QUIET { (fact("its files last changed", &format!("{} ago", format::seconds(quiet)))) }
        }
        @if let Some(curves) = &stage.curves { (training_loop(curves)) }
        @if stage.speed.len() > 1 {
            div.charts { (chart("Tokens a second", "minutes since this page's server began", &[Line { name: "tokens/s", points: &stage.speed }])) }
        }
    }
}

fn fact(name: &str, value: &str) -> Markup {
    html! { div { dt { (name) } dd { (value) } } }
}

fn last(stage: &NowStage, key: &str) -> Option<f64> {
    let (_, points) = stage.curves.as_ref()?.series.iter().find(|(name, _)| name == key)?;
    points.last().map(|(_, value)| *value)
}

fn happened(event: &Event) -> Markup {
    html! {
        li {
            span.muted { (format::date(event.at)) } " " b { (event.stage) } " " (event.event)
            @if event.event == "reused" {
                ", " (event.why) ", which took " (format::seconds(event.duration_s.unwrap_or(0.0)))
            } @else if let Some(seconds) = event.duration_s.filter(|seconds| *seconds > 0.0) { " in " (format::seconds(seconds)) }
            @if let Some(error) = &event.error { ": " (error) }
        }
    }
}
