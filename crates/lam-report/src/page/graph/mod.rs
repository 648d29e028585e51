//! The pipeline: its graph, and how long each stage took.

mod layout;

use std::fmt::Write as _;

use maud::{Markup, html};

use self::layout::{Layout, NODE, layout};
use super::{absent, scroll};
use crate::format;
use crate::run::{Run, StageRecord};

/// Graph and durations.
pub fn section(run: &Run) -> Markup {
    html! {
        h2 { "Pipeline" }
        @if run.stages.is_empty() { (absent("a completed stage", "")) }
        @else {
            p {
                (run.stages.len()) " stages, " (format::seconds(run.total_seconds())) " in all"
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
    let layout = layout(&parents);
    let (width, height) = (layout.size.0 + 4.0, layout.size.1 + 4.0);
    html! {
        svg.graph width=(width) height=(height) viewBox={ "-2 -2 " (width) " " (height) } role="img" aria-label=(describe(stages, &parents)) {
            @for edge in &layout.edges { path.edge d=(curve(edge)) {} }
            @for (index, stage) in stages.iter().enumerate() { (node(&layout, index, stage)) }
        }
    }
}

fn node(layout: &Layout, index: usize, stage: &StageRecord) -> Markup {
    let (x, y) = layout.nodes[index];
    let name: String = stage.name.chars().take(20).collect();
    html! {
        g transform={ "translate(" (format!("{x:.1}")) " " (format!("{y:.1}")) ")" } {
            rect.node width=(NODE.0) height=(NODE.1) rx="7" {}
            text.node-name x="12" y="20" { (name) }
            text.node-note x="12" y="36" { (stage.kind) " · " (format::seconds(stage.duration_s)) }
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
                        td.time { (format::seconds(stage.duration_s)) }
                    }
                }
            }
        }
    }
}
