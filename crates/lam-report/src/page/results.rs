//! The paper's Tables 2, 3 and 4 beside ours. Knows the metrics and which direction is better.

use std::collections::BTreeSet;

use lam_types::Estimate;
use maud::{Markup, html};

use super::{absent, interval, scroll, viewer};
use crate::format;
use crate::paper::{self, PaperRow};
use crate::run::Run;
use crate::tables::{Rows, models_in_order};

/// How a metric is written.
#[derive(Clone, Copy)]
enum Unit {
    Percent,
    Seconds,
    Count,
}

/// One column.
struct Metric {
    key: &'static str,
    name: &'static str,
    unit: Unit,
    /// Whether a larger value is better; `None` where neither is.
    higher: Option<bool>,
    /// Whether the column is there only where some row was measured by it.
    is_extra: bool,
}

/// One table: its words, its columns and the paper's rows.
struct Table {
    title: &'static str,
    intro: &'static str,
    metrics: &'static [Metric],
    paper: &'static [PaperRow],
}

const fn metric(key: &'static str, name: &'static str, unit: Unit, higher: Option<bool>) -> Metric {
    Metric { key, name, unit, higher, is_extra: false }
}

impl Table {
    /// The columns: all but those that are extra and that no row of ours has.
    fn columns(&self, rows: &Rows) -> Vec<&'static Metric> {
        let is_measured = |metric: &Metric| rows.values().any(|row| row.all.contains_key(metric.key));
        self.metrics.iter().filter(|metric| !metric.is_extra || is_measured(metric)).collect()
    }
}

const PLANNING: Table = Table {
    title: "Planning (Table 2)",
    intro: "From the task alone to a plan. Steps are matched one to one with the reference plan; precision and recall are micro-averaged over steps.",
    metrics: &[
        metric("tsr", "Task success", Unit::Percent, Some(true)),
        metric("step_precision", "Step precision", Unit::Percent, Some(true)),
        metric("step_recall", "Step recall", Unit::Percent, Some(true)),
        metric("tasks", "Tasks", Unit::Count, None),
    ],
    paper: paper::PLANNING,
};

const DECISION_MAKING: Table = Table {
    title: "Decision making (Table 3)",
    intro: "One step at a time, with the reference history. A step counts only if object, operation and status are all right; a task only if every step is.",
    metrics: &[
        metric("object_acc", "Object", Unit::Percent, Some(true)),
        metric("operation_acc", "Operation", Unit::Percent, Some(true)),
        metric("status_acc", "Status", Unit::Percent, Some(true)),
        metric("argument_acc", "Arguments", Unit::Percent, Some(true)),
        metric("text_argument_acc", "Text arguments", Unit::Percent, Some(true)),
        metric("ssr", "Step success", Unit::Percent, Some(true)),
        metric("tsr", "Task success", Unit::Percent, Some(true)),
        metric("tasks", "Tasks", Unit::Count, None),
        metric("steps", "Steps", Unit::Count, None),
    ],
    paper: paper::DECISION_MAKING,
};

const ONLINE: Table = Table {
    title: "Acting online (Table 4)",
    intro: "The model acts in the application until it says FINISH; the final document decides.",
    metrics: &[
        metric("tsr", "Task success", Unit::Percent, Some(true)),
        Metric { is_extra: true, ..metric("sampled_tsr", "Sampled at temperature 1", Unit::Percent, Some(true)) },
        metric("completion_time_s", "Completion time", Unit::Seconds, Some(false)),
        metric("completion_steps", "Completion steps", Unit::Count, Some(false)),
        metric("step_latency_s", "Step latency", Unit::Seconds, Some(false)),
        metric("invalid_action_rate", "Invalid actions", Unit::Percent, Some(false)),
        metric("environment_errors", "Environment errors", Unit::Count, Some(false)),
        metric("tasks", "Tasks", Unit::Count, None),
    ],
    paper: paper::ONLINE,
};

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
            b { (write(metric.unit, figure.value)) }
            @if let (Some(ends), Some(_)) = (interval::ends(figure, writer(metric.unit)), metric.higher) { small { (ends) } }
            @if best { span.hidden { " best of the trained models" } }
        }
    }
}

fn paper_cell(metric: &Metric, figures: &[(&str, f64)]) -> Markup {
    let figure = figures.iter().find(|(key, _)| *key == metric.key);
    html! {
        td {
            @if let Some((_, value)) = figure {
                (write(metric.unit, *value))
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

fn write(unit: Unit, value: f64) -> String {
    writer(unit)(value)
}

fn writer(unit: Unit) -> fn(f64) -> String {
    match unit {
        Unit::Percent => format::percent,
        Unit::Seconds => format::seconds,
        Unit::Count => format::number,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::tables::parse_rows;

    #[test]
    fn a_column_that_is_extra_comes_with_its_first_figure() {
        let keys = |row: serde_json::Value| {
            let rows = parse_rows(&json!({ "LAM4": row }));
            ONLINE.columns(&rows).iter().map(|metric| metric.key).take(2).collect::<Vec<_>>()
        };
        assert_eq!(keys(json!({ "tsr": 80.0 })), ["tsr", "completion_time_s"]);
        assert_eq!(keys(json!({ "tsr": 80.0, "sampled_tsr": 70.0 })), ["tsr", "sampled_tsr"]);
    }
}
