//! The same models under two conditions: wording seen or unseen in training, decoding with or without constraint.

use lam_types::Estimate;
use maud::{Markup, html};

use super::absent;
use super::interval::{self, Mark};
use crate::format;
use crate::run::Run;
use crate::tables::{Rows, models_in_order};

/// One metric of each model under two conditions.
struct Comparison<'a> {
    title: &'a str,
    metric: &'a str,
    rows: &'a Rows,
    /// Slice and name of each condition; an empty slice is the table's own row.
    conditions: [(&'a str, &'a str); 2],
}

/// Both comparisons, each on the metrics where it matters.
pub fn section(run: &Run) -> Markup {
    let phrasing = [("seen", "seen wording"), ("unseen", "unseen wording")];
    let constraint = [("", "constrained"), ("unconstrained", "free")];
    let (online, decisions) = (&run.tables.online, &run.tables.decision_making);
    html! {
        h2 { "Under other conditions" }
        h3 { "Wording that no phase trained on" }
        (pair("Every test task has new parameters and new texts. Part of them is also worded in ways kept out of all training.", [
            Comparison { title: "Online task success, %", metric: "tsr", rows: online, conditions: phrasing },
            Comparison { title: "Step success, %", metric: "ssr", rows: decisions, conditions: phrasing },
        ], "evaluation by wording"))
        h3 { "With and without constrained decoding" }
        (pair("Constrained decoding only lets through answers that can be executed: a control that is on the screen, a function that exists. What is left without it shows how much the model itself has learned.", [
            Comparison { title: "Step success, %", metric: "ssr", rows: decisions, conditions: constraint },
            Comparison { title: "Object accuracy, %", metric: "object_acc", rows: decisions, conditions: constraint },
        ], "evaluation without the constraint"))
    }
}

/// Two figures with what is to be known of them, where there is one at all.
fn pair(about: &str, comparisons: [Comparison<'_>; 2], what: &str) -> Markup {
    let figures: Vec<Markup> = comparisons.iter().filter_map(figure).collect();
    html! {
        @if figures.is_empty() { (absent(what, "The evaluation stage writes it as slices of its rows.")) }
        @else { p { (about) } div.pair { @for figure in figures { (figure) } } }
    }
}

fn figure(comparison: &Comparison<'_>) -> Option<Markup> {
    let models = models_in_order(comparison.rows.keys().map(String::as_str));
    let both = |name: &str| Some([value(comparison, name, 0)?, value(comparison, name, 1)?]);
    let rows: Vec<_> = models.into_iter().filter_map(|name| Some((name, both(name)?))).collect();
    let names = comparison.conditions.map(|(_, name)| name);
    (!rows.is_empty()).then(|| {
        html! {
            figure.compare {
                figcaption { strong { (comparison.title) } span.legend { i.dot.one {} (names[0]) " " i.dot.two {} (names[1]) } }
                div.rungs {
                    @for (name, figures) in &rows { (rung(name, names, *figures)) }
                    div.rung.axis { span {} (interval::scale()) span {} }
                }
            }
        }
    })
}

fn rung(name: &str, names: [&str; 2], [first, second]: [Estimate; 2]) -> Markup {
    let marks =
        [Mark { class: "one", name: names[0], figure: first }, Mark { class: "two", name: names[1], figure: second }];
    html! {
        div.rung {
            span.name { (name) }
            (interval::track(&marks))
            span.value {
                span.one-text { span.hidden { (names[0]) " " } (format::percent(first.value)) }
                " "
                span.two-text { span.hidden { (names[1]) " " } (format::percent(second.value)) }
            }
        }
    }
}

fn value(comparison: &Comparison<'_>, model: &str, condition: usize) -> Option<Estimate> {
    let row = comparison.rows.get(model)?;
    let figures = match comparison.conditions[condition].0 {
        "" => &row.all,
        slice => row.slices.get(slice)?,
    };
    figures.get(comparison.metric).copied()
}
