//! The paper's Tables 2, 3 and 4 beside ours.

use std::collections::BTreeSet;

use lam_types::Estimate;
use maud::{Markup, html};

use super::{absent, interval, scroll, viewer};
use crate::columns::{DECISION_MAKING, Metric, ONLINE, PLANNING, Table, Unit};
use crate::paper;
use crate::run::Run;
use crate::tables::{Rows, models_in_order};

/// Table 2.
pub fn planning(run: &Run) -> Markup {
    table(&PLANNING, &run.tables.planning, &BTreeSet::new())
}

/// Table 3.
pub fn decision_making(run: &Run) -> Markup {
    table(&DECISION_MAKING, &run.tables.decision_making, &BTreeSet::new())
}

/// Table 4.
pub fn online(run: &Run) -> Markup {
    table(&ONLINE, &run.tables.online, &viewer::models(run))
}

/// A table; the models in `shown` lead to their trajectories.
fn table(table: &Table, rows: &Rows, shown: &BTreeSet<&str>) -> Markup {
    html! {
        h2 { (table.title) }
        p { (table.intro) }
        @if rows.is_empty() { (absent("this evaluation", "The paper’s figures stand below; run the evaluation stage to fill ours in.")) }
        (scroll(table.title, html! {
            table.results {
                thead { tr { th scope="col" { "Model" } @for metric in table.columns(rows) { (head(metric)) } } }
                tbody { @for name in row_names(table, rows) { (model(table, rows, name, shown.contains(name))) } }
            }
        }))
        p.note { "Figures marked “paper” are those of " (paper::CITATION) ": a 7B model on Word, judged by GPT-4o. They are a reference for the shape of the result, not a like-for-like comparison." }
    }
}

fn row_names<'a>(table: &'a Table, rows: &'a Rows) -> Vec<&'a str> {
    let ours = rows.keys().map(String::as_str);
    let mut names = models_in_order(ours.chain(table.paper.iter().map(|row| row.0)));
    names.sort_by_key(|name| !name.starts_with("LAM") && *name != "base" && *name != "expert");
    names
}

fn head(metric: &Metric) -> Markup {
    html! {
        th scope="col" {
            (metric.name) @if matches!(metric.unit, Unit::Percent) { ", %" }
            span.direction {
                @match metric.higher {
                    Some(true) => { span aria-hidden="true" { "↑ " } "higher is better" },
                    Some(false) => { span aria-hidden="true" { "↓ " } "lower is better" },
                    None => { "count" },
                }
            }
        }
    }
}

fn model(table: &Table, rows: &Rows, name: &str, is_shown: bool) -> Markup {
    let ours = rows.get(name);
    let paper = table.paper.iter().find(|row| row.0 == name).map(|row| row.1);
    html! {
        @if let Some(row) = ours {
            tr.ours {
                th scope="row" { @if is_shown { (viewer::link(Some(name), None, html! { (name) })) } @else { (name) } }
                @for metric in table.columns(rows) { (cell(metric, row.all.get(metric.key), is_best(metric, rows, name))) }
            }
        }
        @if let Some(figures) = paper {
            tr.paper.alone[ours.is_none()] {
                th scope="row" { @if ours.is_none() { (name) " " } span.source { "paper" } }
                @for metric in table.columns(rows) { (paper_cell(metric, figures)) }
            }
        }
    }
}

fn cell(metric: &Metric, figure: Option<&Estimate>, best: bool) -> Markup {
    let Some(figure) = figure else { return html! { td { span.muted { "–" } } } };
    html! {
        td.best[best] {
            b { (metric.unit.write(figure.value)) }
            @if let (Some(ends), Some(_)) = (interval::ends(figure, metric.unit.writer()), metric.higher) { small { (ends) } }
            @if best { span.hidden { " best of the trained models" } }
        }
    }
}

fn paper_cell(metric: &Metric, figures: &[(&str, f64)]) -> Markup {
    let figure = figures.iter().find(|(key, _)| *key == metric.key);
    html! {
        td {
            @if let Some((_, value)) = figure {
                (metric.unit.write(*value))
            } @else { span.hidden { "paper: not reported" } }
        }
    }
}

/// Whether this is the best of the LAMs in a column; the expert and the endpoints are references.
fn is_best(metric: &Metric, rows: &Rows, name: &str) -> bool {
    let (Some(higher), true) = (metric.higher, name.starts_with("LAM")) else { return false };
    let value = |name: &str| rows.get(name)?.all.get(metric.key).map(|figure| figure.value);
    let Some(own) = value(name) else { return false };
    let others: Vec<f64> =
        rows.keys().filter(|other| other.starts_with("LAM") && *other != name).filter_map(|n| value(n)).collect();
    !others.is_empty() && others.iter().all(|other| if higher { own > *other } else { own < *other })
}
