//! The paper's Tables 2, 3 and 4 beside ours.

use std::collections::BTreeSet;

use lam_types::Estimate;
use maud::{Markup, html};

use super::{absent, scroll, viewer};
use crate::columns::{DECISION_MAKING, Metric, ONLINE, PLANNING, Table, Unit};
use crate::conditions;
use crate::paper;
use crate::run::Run;
use crate::seeds::are_apart;
use crate::tables::{CHAIN, MATCHER, Rows, is_of, models_in_order};

/// Table 2.
pub fn planning(run: &Run) -> Markup {
    table((&PLANNING, &compared(&run.tables.planning)), &run.tables.planning, &BTreeSet::new())
}

/// Who compares plans with the reference; of several judges each row names its own.
fn compared(rows: &Rows) -> String {
    let judges = conditions::judges(rows);
    let by_matcher = "Steps are matched one to one with the reference plan by a deterministic matcher";
    let models: Vec<&str> = judges.keys().copied().filter(|judge| *judge != MATCHER).collect();
    match (models.is_empty(), judges.contains_key(MATCHER)) {
        (true, true) => format!("{by_matcher}."),
        (true, false) => String::new(),
        (false, false) => {
            format!(
                "Plans are compared with the reference plan by {}, asked as the paper asks GPT-4o.",
                models.join(", ")
            )
        }
        (false, true) => format!("{by_matcher}, or by {} where a row names it.", models.join(", ")),
    }
}

/// Table 3.
pub fn decision_making(run: &Run) -> Markup {
    table((&DECISION_MAKING, ""), &run.tables.decision_making, &BTreeSet::new())
}

/// Table 4.
pub fn online(run: &Run) -> Markup {
    let decided = format!("Success is decided by {}.", conditions::deciders(&conditions::acted_in(run)));
    table((&ONLINE, &decided), &run.tables.online, &viewer::models(run))
}

/// A table, with a sentence on how it was measured here; the models in `shown` lead to their trajectories.
fn table((table, measured): (&Table, &str), rows: &Rows, shown: &BTreeSet<&str>) -> Markup {
    html! {
        h2 { (table.title) }
        p { (table.intro) " " (measured) }
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
    names.sort_by_key(|name| !CHAIN.iter().chain(&["expert"]).any(|own| is_of(name, own)));
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
                th scope="row" { @if is_shown { (viewer::link(Some(name), None, html! { (name) })) } @else { (name) } @if let Some(judge) = row.model_judge() { small { "compared by " (judge) } } @if row.is_free { small { "decoded freely" } } }
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
            @if let (Some(ends), Some(_)) = (metric.unit.ends(figure), metric.higher) { small { (ends) } }
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

/// Whether this is the best of the LAMs in a column; the expert and the endpoints are references. Being quick and
/// making few mistakes counts only among those that succeed: who fails at once is quick, too.
fn is_best(metric: &Metric, rows: &Rows, name: &str) -> bool {
    let Some(higher) = metric.higher else { return false };
    let is_in = |name: &str| name.starts_with("LAM") && (higher || succeeds(rows, name));
    let value = |name: &str| rows.get(name)?.all.get(metric.key).map(|figure| figure.value);
    let Some(own) = value(name).filter(|_| is_in(name)) else { return false };
    let others: Vec<f64> =
        rows.keys().filter(|other| is_in(other) && *other != name).filter_map(|other| value(other)).collect();
    !others.is_empty() && others.iter().all(|other| if higher { own > *other } else { own < *other })
}

/// Whether a LAM succeeds about as often as the best of them: at all, and not less by intervals that are apart.
fn succeeds(rows: &Rows, name: &str) -> bool {
    let success = |name: &str| rows.get(name)?.all.get("tsr").copied();
    let lams = rows.keys().filter(|other| other.starts_with("LAM")).filter_map(|other| success(other));
    let best = lams.max_by(|one, other| one.value.total_cmp(&other.value));
    let (Some(own), Some(best)) = (success(name), best) else { return false };
    own.value > 0.0 && (own.value >= best.value || are_apart(&own, &best) == Some(false))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::tables::parse_rows;

    #[test]
    fn who_fails_at_once_is_not_the_best_for_being_quick() {
        let row = |tsr: f64, steps: f64| {
            let ci95 = [tsr - 3.0, tsr + 3.0];
            json!({ "tsr": { "value": tsr, "ci95": ci95, "n": 300 }, "completion_steps": steps })
        };
        let best = |rows: serde_json::Value, key: &str| -> Vec<String> {
            let rows = parse_rows(&rows);
            let metric = ONLINE.metrics.iter().find(|metric| metric.key == key).unwrap();
            rows.keys().filter(|name| is_best(metric, &rows, name)).cloned().collect()
        };
        let rows = json!({ "LAM1": row(0.7, 1.0), "LAM2": row(70.0, 3.6), "LAM3": row(84.0, 3.5),
            "LAM4": row(85.0, 3.4), "expert": row(90.0, 2.0) });
        assert_eq!(best(rows.clone(), "completion_steps"), ["LAM4"]);
        assert_eq!(best(rows, "tsr"), ["LAM4"]);
        let alone = json!({ "LAM1": row(0.7, 1.0), "LAM2": row(70.0, 3.6) });
        assert!(best(alone, "completion_steps").is_empty(), "nobody to be better than");
        let failing = json!({ "LAM1": row(0.0, 1.0), "LAM2": row(0.0, 2.0) });
        assert!(best(failing, "completion_steps").is_empty());
    }
}
