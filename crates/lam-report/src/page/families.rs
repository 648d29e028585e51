//! How each family of tasks went online, model by model, the hardest first. Each figure leads to its trajectories.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::{absent, scroll, viewer};
use crate::families::{Count, Families};
use crate::format;
use crate::run::Run;
use crate::tables::models_in_order;

/// The table of families.
pub fn section(run: &Run) -> Markup {
    let models = columns(&run.families);
    let shown = viewer::models(run);
    html! {
        h2 { "Families" }
        @match models.first() {
            None => (absent("online evaluation by family", "Stages of kind eval.online keep their episodes, from which this is counted.")),
            Some(first) => {
                p {
                    "Tasks solved online of each family, in percent, those first at which " (first) " does worst. A few tasks say little: the counts stand beside."
                    @if run.is_repeated() { " Counted over all seeds." }
                }
                (scroll("Families", html! {
                    table.results.families {
                        thead { tr { th scope="col" { "Family" } @for model in &models { th scope="col" { (model) } } } }
                        tbody { @for family in run.families.hardest_first(first) { (row(run, family, &models, &shown)) } }
                    }
                }))
            }
        }
    }
}

/// The last model first, those that are not ours last.
fn columns(families: &Families) -> Vec<&str> {
    let mut models = models_in_order(families.models().into_iter());
    let ours = models.iter().filter(|model| model.starts_with("LAM")).count();
    models.sort_by_key(|model| !model.starts_with("LAM"));
    models[..ours].reverse();
    models
}

fn row(run: &Run, family: &str, models: &[&str], shown: &BTreeSet<&str>) -> Markup {
    html! {
        tr.ours {
            th scope="row" { (viewer::link(None, Some(family), html! { (family) })) }
            @for model in models { (cell(run.families.count(family, model), family, model, shown.contains(model))) }
        }
    }
}

fn cell(count: Count, family: &str, model: &str, is_shown: bool) -> Markup {
    let Some(percent) = count.percent() else { return html! { td { span.muted { "–" } } } };
    let figures = html! { b { (format::number(percent.round())) } small { (count.solved) "/" (count.tasks) } };
    html! {
        td style={ "--share:" (format!("{percent:.0}")) "%" } {
            @if is_shown { (viewer::link(Some(model), Some(family), figures)) } @else { (figures) }
        }
    }
}
