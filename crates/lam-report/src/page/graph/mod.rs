//! The pipeline: its graph, and how long each stage took.

mod layout;

use std::fmt::Write as _;

use maud::{Markup, html};

use self::layout::{HEIGHT, Layout, layout};
use super::{absent, scroll};
use crate::format;
use crate::run::{Run, StageRecord};

/// Widest letters of a name and of what stands below it, on average, in the fonts that the page may get.
const NAME_LETTER: f64 = 8.0;
const NOTE_LETTER: f64 = 6.2;
/// Room before and behind a text, narrowest node, and most characters of a name.
const SIDE: f64 = 12.0;
const NARROWEST: f64 = 150.0;
const LONGEST_NAME: usize = 28;

/// Graph and durations.
pub fn section(run: &Run) -> Markup {
    html! {
        h2 { "Pipeline" }
        @if run.stages.is_empty() { (absent("a completed stage", "")) }
        @else {
            p {
                (run.stages.len()) @if run.stages.len() == 1 { " stage, " } @else { " stages, " } (format::seconds(run.total_seconds())) " in all"
                @if run.is_repeated() { ", shown for the first of " (run.seeds.len()) " seeds" }
                ". Arrows show what was made from what; those implied by a longer path are left out."
            }
            div.pipeline {
                (scroll("Pipeline graph", drawing(&run.stages)))
                (durations(run))
            }
        }
    }
}

fn drawing(stages: &[StageRecord]) -> Markup {
    let number = |name: &str, before: usize| stages[..before].iter().position(|stage| stage.name == name);
    let parents: Vec<Vec<usize>> = stages
        .iter()
        .enumerate()
        .map(|(index, stage)| {
            let mut own: Vec<usize> = stage.inputs.iter().filter_map(|input| number(&input.stage, index)).collect();
            own.sort_unstable();
            own.dedup();
            own
        })
        .collect();
    let node_width = node_width(stages);
    let layout = layout(&parents, node_width);
    let (width, height) = (layout.size.0 + 4.0, layout.size.1 + 4.0);
    html! {
        svg.graph width=(width) height=(height) viewBox={ "-2 -2 " (width) " " (height) } role="img" aria-label=(describe(stages, &parents)) {
            @for edge in &layout.edges { path.edge d=(curve(edge)) {} }
            @for (index, stage) in stages.iter().enumerate() { (node(&layout, node_width, index, stage)) }
        }
    }
}

/// Width of the nodes: that of the longest text in one, and room on both sides.
fn node_width(stages: &[StageRecord]) -> f64 {
    let longest = |letter: f64, text: fn(&StageRecord) -> String| {
        stages.iter().map(|stage| letter * text(stage).chars().count() as f64).fold(0.0, f64::max)
    };
    (longest(NAME_LETTER, shown_name).max(longest(NOTE_LETTER, note)) + 2.0 * SIDE).max(NARROWEST)
}

/// A stage's name, cut where it is long.
fn shown_name(stage: &StageRecord) -> String {
    match stage.name.char_indices().nth(LONGEST_NAME) {
        Some((end, _)) => format!("{}…", &stage.name[..end]),
        None => stage.name.clone(),
    }
}

fn note(stage: &StageRecord) -> String {
    format!("{} · {}", stage.kind, format::seconds(stage.duration_s))
}

fn node(layout: &Layout, width: f64, index: usize, stage: &StageRecord) -> Markup {
    let (x, y) = layout.nodes[index];
    html! {
        g transform={ "translate(" (format!("{x:.1}")) " " (format!("{y:.1}")) ")" } {
            title { (stage.name) }
            rect.node width=(width) height=(HEIGHT) rx="7" {}
            text.node-name x=(SIDE) y="20" { (shown_name(stage)) }
            text.node-note x=(SIDE) y="36" { (note(stage)) }
        }
    }
}

/// A smooth line through the points of an edge.
fn curve(points: &[(f64, f64)]) -> String {
    let mut d = String::new();
    for (index, &(x, y)) in points.iter().enumerate() {
        let written = match index.checked_sub(1).map(|before| points[before]) {
            None => write!(d, "M{x:.1} {y:.1}"),
            Some((from_x, _)) if from_x == x => write!(d, "L{x:.1} {y:.1}"),
            Some((from_x, from_y)) => {
                let middle = (from_y + y) / 2.0;
                write!(d, "C{from_x:.1} {middle:.1} {x:.1} {middle:.1} {x:.1} {y:.1}")
            }
        };
        written.expect("writing to a string cannot fail");
    }
    d
}

fn describe(stages: &[StageRecord], parents: &[Vec<usize>]) -> String {
    let line = |index: usize| {
        let from: Vec<&str> = parents[index].iter().map(|&parent| stages[parent].name.as_str()).collect();
        if from.is_empty() {
            stages[index].name.clone()
        } else {
            format!("{} from {}", stages[index].name, from.join(" and "))
        }
    };
    format!("pipeline: {}", (0..stages.len()).map(line).collect::<Vec<_>>().join("; "))
}

fn durations(run: &Run) -> Markup {
    let longest = run.stages.iter().map(|stage| stage.duration_s).fold(1e-9, f64::max);
    html! {
        table.durations {
            caption { "Time of each stage" }
            thead.hidden { tr { th scope="col" { "Stage" } th scope="col" { "Share" } th scope="col" { "Time" } } }
            tbody {
                @for stage in &run.stages {
                    tr {
                        th scope="row" { (stage.name) }
                        td.bar aria-hidden="true" { i style={ "width:" (format!("{:.2}", stage.duration_s / longest * 100.0)) "%" } {} }
                        td.time {
                            (format::seconds(stage.duration_s))
                            @if let Some(made_by) = &stage.reused_from { span.muted { ", reused: made by " (made_by) } }
                        }
                    }
                }
            }
        }
    }
}
